//! What workflow code can ask and do.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::{Either, FusedFuture, LocalBoxFuture, select};
use serde::de::DeserializeOwned;
use temporalio_workflow::{TimerOptions, TimerResult, WorkflowRandomValue};

use crate::client::search::{self, SearchAttribute};
use crate::error::{Error, ErrorKind, Result, TimeoutKind};
use crate::payload;
use crate::workflow::operations::CancelOnDrop;
use crate::workflow::scope::{self, Scope};

/// The time of the workflow: that of its last event, the same in every replay.
///
/// # Panics
/// Outside of a workflow, as do the other functions here that give a plain value.
#[track_caller]
pub fn now() -> SystemTime {
    here("workflow::now()").run.sdk.workflow_time().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A random number that is the same in every replay. Not for secrets.
#[track_caller]
pub fn random<T: WorkflowRandomValue>() -> T {
    here("workflow::random()").run.sdk.random()
}

/// A random UUID that is the same in every replay.
#[track_caller]
pub fn uuid4() -> String {
    here("workflow::uuid4()").run.sdk.uuid4()
}

/// Whether the code runs to rebuild a state that was there already: for what must not be said twice, such as logs.
pub fn is_replaying() -> bool {
    crate::context::scope().is_some_and(|scope| scope.run.sdk.is_replaying())
}

/// Whether the changed code of `id` is to run: true in workflows that come here for the first time with it, false in those that came by with
/// the code before.
///
/// ```
/// # use ostro::prelude::*;
/// # #[activity] async fn charge(order: String) -> Result<()> { Ok(()) }
/// # #[activity] async fn charge_twice(order: String) -> Result<()> { Ok(()) }
/// #[workflow]
/// async fn order(id: String) -> Result<()> {
///     if workflow::patched("charge-once") {
///         charge(id).await
///     } else {
///         charge_twice(id).await
///     }
/// }
/// ```
#[track_caller]
pub fn patched(id: &str) -> bool {
    here("workflow::patched()").run.sdk.patched(id)
}

/// Says that no workflow is left which runs the code before `id`, so that [`patched`] with it can go.
#[track_caller]
pub fn deprecate_patch(id: &str) {
    here("workflow::deprecate_patch()").run.sdk.deprecate_patch(id);
}

#[track_caller]
fn here(what: &str) -> Scope {
    match scope::required(what) {
        Ok(scope) => scope,
        Err(error) => panic!("{error}"),
    }
}

/// About the workflow that runs here.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WorkflowInfo {
    /// The registered name.
    pub name: String,
    /// Its id.
    pub workflow_id: String,
    /// Its run.
    pub run_id: String,
    /// Its namespace.
    pub namespace: String,
    /// Its task queue.
    pub task_queue: String,
    /// From 1; more when its retry policy has run it again.
    pub attempt: u32,
    /// The run it goes on from.
    pub continued_from_run_id: Option<String>,
    /// The workflow that started it: its id.
    pub parent_id: Option<String>,
    /// When this run started.
    pub start_time: Option<SystemTime>,
    /// Events in the history so far.
    pub history_length: u32,
}

/// About the workflow that runs here.
#[track_caller]
pub fn info() -> WorkflowInfo {
    let run = here("workflow::info()").run;
    let view = run.sdk.info();
    WorkflowInfo {
        name: run.entry.name.to_owned(),
        workflow_id: run.sdk.workflow_id().to_owned(),
        run_id: run.sdk.run_id().to_owned(),
        namespace: run.sdk.namespace().to_owned(),
        task_queue: run.sdk.task_queue().to_owned(),
        attempt: view.attempt(),
        continued_from_run_id: view.continued_from_run_id().map(str::to_owned),
        parent_id: view.parent().map(|parent| parent.workflow_id().to_owned()),
        start_time: view.start_time(),
        history_length: run.sdk.history_length(),
    }
}

/// Whether the engine suggests to continue as new, because the history is getting long.
pub fn continue_as_new_suggested() -> bool {
    crate::context::scope().is_some_and(|scope| scope.run.sdk.continue_as_new_suggested())
}

/// Whether no handler of a signal or an update is still running: good to wait for before the end.
pub fn all_handlers_finished() -> bool {
    crate::context::scope().is_none_or(|scope| scope.run.handlers.get() == 0)
}

/// What user interfaces show of the workflow while it runs.
pub fn set_current_details(details: impl Into<String>) {
    if let Some(scope) = crate::context::scope() {
        scope.run.sdk.set_current_details(details);
    }
}

/// A value of the memo.
pub fn memo<T: DeserializeOwned + 'static>(key: &str) -> Option<T> {
    let memo = crate::context::scope()?.run.sdk.memo();
    memo.raw_value(key).and_then(|payload| payload::decode(payload).ok())
}

/// Sets values of the memo; `null` takes one away.
pub fn upsert_memo(values: impl IntoIterator<Item = (impl Into<String>, serde_json::Value)>) -> Result<()> {
    let scope = scope::required("workflow::upsert_memo()")?;
    let values = values.into_iter().map(|(key, value)| {
        let value = (!value.is_null()).then(|| temporalio_workflow::MemoValue::new(value));
        (key.into(), value)
    });
    scope.run.sdk.upsert_memo(values).map_err(Error::from)
}

/// The workflow's search attributes, as JSON.
pub fn search_attributes() -> Vec<(String, serde_json::Value)> {
    let Some(scope) = crate::context::scope() else { return Vec::new() };
    search::to_json(&scope.run.sdk.search_attributes().into_proto())
}

/// Sets search attributes; the namespace must know them.
pub fn upsert_search_attributes(values: impl IntoIterator<Item = (impl Into<String>, SearchAttribute)>) -> Result<()> {
    let scope = scope::required("workflow::upsert_search_attributes()")?;
    let updates: Vec<_> = values.into_iter().map(|(key, value)| value.update(key.into())).collect();
    scope.run.sdk.upsert_search_attributes(updates);
    Ok(())
}

/// Waits on the workflow's clock: seconds or years, through restarts.
///
/// # Errors
/// Cancelled, or outside of a workflow.
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { duration, timer: None, done: false }
}

/// The future of [`sleep`].
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    duration: Duration,
    timer: Option<LocalBoxFuture<'static, Result<()>>>,
    done: bool,
}

impl FusedFuture for Sleep {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl Future for Sleep {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.timer.is_none() {
            let scope = match scope::required("workflow::sleep()") {
                Ok(scope) => scope,
                Err(error) => {
                    self.done = true;
                    return Poll::Ready(Err(error));
                }
            };
            self.timer = Some(timer(scope, self.duration).boxed_local());
        }
        let polled = self.timer.as_mut().map_or(Poll::Pending, |timer| timer.as_mut().poll(cx));
        self.done = polled.is_ready();
        polled
    }
}

async fn timer(scope: Scope, duration: Duration) -> Result<()> {
    let run = &scope.run;
    let options = TimerOptions::builder(duration).cancellation_token(scope.token.clone()).build();
    match CancelOnDrop::new(run.number, run.sdk.timer(options)).await {
        TimerResult::Fired => Ok(()),
        TimerResult::Cancelled => Err(Error::cancelled("a timer was cancelled")),
    }
}

/// Waits for a future at most this long, on the workflow's clock. What it was waiting for is cancelled then.
///
/// # Errors
/// Of kind [`Timeout`](ErrorKind::Timeout) when it took longer; the future's own otherwise.
pub async fn timeout<F, T>(duration: Duration, future: F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let future = Box::pin(future);
    match select(future, sleep(duration)).await {
        Either::Left((result, _)) => result,
        Either::Right((slept, _)) => {
            slept?;
            Err(Error::of(ErrorKind::Timeout(TimeoutKind::Future), format_args!("it took longer than {duration:?}")))
        }
    }
}

/// Waits until the condition holds. It is looked at after everything that happens to the workflow, and must change nothing.
///
/// # Errors
/// Cancelled, or outside of a workflow.
pub async fn wait_condition(mut condition: impl FnMut() -> bool) -> Result<()> {
    let what = "workflow::wait_condition()";
    let scope = scope::required(what)?;
    poll_fn(move |cx| {
        if condition() {
            return Poll::Ready(Ok(()));
        }
        if scope.token.is_cancelled() {
            return Poll::Ready(Err(Error::cancelled("the wait for a condition was cancelled")));
        }
        scope.run.wait_for_change(cx.waker());
        Poll::Pending
    })
    .await
}
