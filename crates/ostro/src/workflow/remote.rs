//! Calls of activities in a workflow: where they go, and what is sent.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::time::Duration;

use futures_util::FutureExt;
use temporalio_common::data_converters::RawValue;
use temporalio_common::{ActivityCloseTimeouts, UntypedActivity};
use temporalio_workflow::workflow_interceptors::{
    CancellableWorkflowOutboundFuture, ScheduleActivityInput, ScheduleActivityResult, WorkflowInterceptor,
    WorkflowInterceptorContext, WorkflowNext,
};
use temporalio_workflow::{ActivityExecutionError, ActivityOptions as SdkOptions, LocalActivityOptions};

use crate::activity::ActivityOptions;
use crate::activity::entry::ActivityEntry;
use crate::error::{Error, ErrorKind, Result, TimeoutKind};
use crate::payload::Payload;
use crate::rate_limit;
use crate::workflow::operations::CancelOnDrop;
use crate::workflow::scope::Scope;
use crate::workflow::session;

/// The most that all attempts of a local activity take, where nothing else is said. (The SDK's own default is 100 s.)
const LOCAL_SCHEDULE_TO_CLOSE: Duration = Duration::from_secs(24 * 3600);
/// How long a call waits for a worker to ask for its tenant's tasks before it is scheduled once more.
const TENANT_SCHEDULE_TO_START: Duration = Duration::from_secs(300);

pub(crate) async fn call(
    scope: Scope,
    entry: &'static ActivityEntry,
    options: ActivityOptions,
    payloads: Vec<Payload>,
) -> Result<Payload> {
    if scope.local {
        return local(&scope, entry.name, &options, payloads).await;
    }
    if options.sticky_to_worker {
        let Some(session) = scope.session.clone() else {
            return Err(Error::misuse(
                "NoSession",
                format_args!(
                    "activity `{0}` is sticky_to_worker and there is no session here: call it in \
                     run_sticky_worker_session(async {{ {0}(..).await }})",
                    entry.name
                ),
            ));
        };
        return session::call(&scope, &session, entry.name, &options, payloads).await;
    }
    match options.rate_limit.clone() {
        Some(limit) if options.task_queue.is_none() => limited(&scope, entry.name, options, &limit, payloads).await,
        _ => regular(&scope, entry.name, &options, payloads, None, HashMap::new()).await,
    }
}

/// On the queue of its rate limit.
async fn limited(
    scope: &Scope,
    name: &str,
    options: ActivityOptions,
    limit: &rate_limit::RateLimit,
    payloads: Vec<Payload>,
) -> Result<Payload> {
    let tenant = options.rate_key.as_deref();
    let queue = rate_limit::queue(scope.run.sdk.task_queue(), limit.key_or(name), tenant);
    if tenant.is_none() {
        return regular(scope, name, &options, payloads, Some(queue), HashMap::new()).await;
    }
    let waits = options.schedule_to_start_timeout;
    let sent =
        ActivityOptions { schedule_to_start_timeout: waits.or(Some(TENANT_SCHEDULE_TO_START)), ..options.clone() };
    loop {
        // Whoever runs the workflow asks for its tenants' tasks. Should it die, the time-out brings the workflow to another worker.
        let _waiting = scope.run.shared.rate_queues.call(&queue, limit.per_second_rate());
        let result = regular(scope, name, &sent, payloads.clone(), Some(queue.clone()), HashMap::new()).await;
        match result {
            Err(error) if waits.is_none() && waited_too_long(&error) => continue,
            result => return result,
        }
    }
}

pub(crate) fn waited_too_long(error: &Error) -> bool {
    error.kind() == ErrorKind::Timeout(TimeoutKind::ScheduleToStart)
}

/// Schedules an activity and waits for it.
pub(crate) async fn regular(
    scope: &Scope,
    name: &str,
    options: &ActivityOptions,
    payloads: Vec<Payload>,
    queue: Option<String>,
    headers: HashMap<String, Payload>,
) -> Result<Payload> {
    let timeouts = match options.schedule_to_close_timeout {
        None => ActivityCloseTimeouts::StartToClose(options.start_to_close_timeout),
        Some(schedule_to_close) => {
            let start_to_close = options.start_to_close_timeout.min(schedule_to_close);
            ActivityCloseTimeouts::ScheduleAndStartToClose { schedule_to_close, start_to_close }
        }
    };
    let priority = options.priority.map(|key| temporalio_common::Priority::builder().priority_key(key).build());
    let sdk_options = SdkOptions::with_close_timeouts(timeouts)
        .maybe_activity_id(options.activity_id.clone())
        .maybe_task_queue(queue.or_else(|| options.task_queue.clone()))
        .maybe_schedule_to_start_timeout(options.schedule_to_start_timeout)
        .maybe_heartbeat_timeout(options.heartbeat_timeout)
        .cancellation_token(scope.token.clone())
        .retry_policy(options.retry_policy())
        .maybe_summary(options.summary.clone())
        .maybe_priority(priority)
        .build();
    let run = &scope.run;
    HEADERS.set(headers);
    let scheduled = run.sdk.execute_activity(UntypedActivity::new(name), RawValue::new(payloads), sdk_options);
    let result = CancelOnDrop::new(run.number, scheduled).await;
    result.map_err(|error| from_sdk(name, error)).map(first)
}

async fn local(scope: &Scope, name: &str, options: &ActivityOptions, payloads: Vec<Payload>) -> Result<Payload> {
    let sdk_options = LocalActivityOptions::builder()
        .maybe_activity_id(options.activity_id.clone())
        .retry_policy(options.retry_policy())
        .cancellation_token(scope.token.clone())
        .schedule_to_close_timeout(options.schedule_to_close_timeout.unwrap_or(LOCAL_SCHEDULE_TO_CLOSE))
        .start_to_close_timeout(options.start_to_close_timeout)
        .maybe_summary(options.summary.clone())
        .build();
    let run = &scope.run;
    let scheduled = run.sdk.execute_local_activity(UntypedActivity::new(name), RawValue::new(payloads), sdk_options);
    let mut scheduled = CancelOnDrop::new(run.number, scheduled);
    // After a backoff the SDK's future returns without having polled what comes next, and nothing would wake it.
    let twice = poll_fn(move |cx| match scheduled.poll_unpin(cx) {
        std::task::Poll::Pending => scheduled.poll_unpin(cx),
        ready => ready,
    });
    twice.await.map_err(|error| from_sdk(name, error)).map(first)
}

fn first(raw: RawValue) -> Payload {
    raw.payloads.into_iter().next().unwrap_or_default()
}

fn from_sdk(name: &str, error: ActivityExecutionError) -> Error {
    let mut error = match error.failure() {
        Some(failure) => Error::from_failure(failure.clone()),
        None => Error::new(error),
    };
    error.inner_mut().activity.get_or_insert_with(|| name.to_owned());
    error
}

thread_local! {
    /// Headers of the activity that is being scheduled: the SDK takes them from interceptors only.
    static HEADERS: RefCell<HashMap<String, Payload>> = RefCell::default();
}

/// Puts the headers on.
pub(crate) struct HeaderInterceptor;

impl WorkflowInterceptor for HeaderInterceptor {
    fn schedule_activity(
        &self,
        _: WorkflowInterceptorContext,
        mut input: ScheduleActivityInput,
        next: WorkflowNext<'static, ScheduleActivityInput, CancellableWorkflowOutboundFuture<ScheduleActivityResult>>,
    ) -> CancellableWorkflowOutboundFuture<ScheduleActivityResult> {
        input.headers_mut().extend(HEADERS.take());
        next.run(input)
    }
}
