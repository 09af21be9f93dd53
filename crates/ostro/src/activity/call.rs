//! A call of an activity, which becomes what its place makes of it when it is awaited.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, FusedFuture};
use serde::de::DeserializeOwned;

use crate::activity::attempt::Attempt;
use crate::activity::entry::ActivityEntry;
use crate::activity::options::ActivityOptions;
use crate::activity::standalone;
use crate::context::{self, Ambient};
use crate::error::{Error, Result};
use crate::payload::{self, Arguments, Payload};
use crate::rate_limit;
use crate::workflow::operations::OperationId;
use crate::workflow::remote;

/// What `#[activity]` makes of a function: a type of the same name, for whatever asks which activity is meant
/// ([`testing`](crate::testing), [`WorkerBuilder::activity`](crate::WorkerBuilder::activity)).
pub trait ActivityFn: Copy + 'static {
    /// What a call gives.
    type Output;
    #[doc(hidden)]
    const ENTRY: &'static ActivityEntry;
    /// The registered name.
    const NAME: &'static str = Self::ENTRY.name;
}

/// A call of an activity. Nothing happens until it is awaited.
///
/// In a workflow it is then scheduled, and the workflow waits for its result; in an activity its body runs inline; elsewhere it runs here, with
/// its retries. The methods set options for this call, over those of the definition.
///
/// Dropped before its end in a workflow (by a `select!` or a [`timeout`](crate::workflow::timeout)), it is cancelled.
#[must_use = "an activity runs when it is awaited"]
pub struct ActivityCall<T> {
    entry: &'static ActivityEntry,
    arguments: Option<Arguments>,
    options: Option<Box<ActivityOptions>>,
    state: State,
    output: PhantomData<fn() -> T>,
}

enum State {
    Called,
    Scheduled(OperationId),
    Running(BoxFuture<'static, Result<Payload>>),
    Done,
}

impl<T> ActivityCall<T> {
    #[doc(hidden)]
    pub fn new(entry: &'static ActivityEntry, arguments: Arguments) -> Self {
        Self { entry, arguments: Some(arguments), options: None, state: State::Called, output: PhantomData }
    }

    fn set(mut self, change: impl FnOnce(&mut ActivityOptions)) -> Self {
        change(self.options.get_or_insert_with(|| Box::new((self.entry.options)())));
        self
    }

    /// The most that one attempt may take.
    pub fn start_to_close_timeout(self, timeout: Duration) -> Self {
        self.set(|options| options.start_to_close_timeout = timeout)
    }

    /// The most that all attempts may take together.
    pub fn schedule_to_close_timeout(self, timeout: Duration) -> Self {
        self.set(|options| options.schedule_to_close_timeout = Some(timeout))
    }

    /// The most that it may wait for a worker.
    pub fn schedule_to_start_timeout(self, timeout: Duration) -> Self {
        self.set(|options| options.schedule_to_start_timeout = Some(timeout))
    }

    /// The most between two heartbeats.
    pub fn heartbeat_timeout(self, timeout: Duration) -> Self {
        self.set(|options| options.heartbeat_timeout = Some(timeout))
    }

    /// How often it is tried; 0 is without end.
    pub fn max_attempts(self, attempts: u32) -> Self {
        self.set(|options| options.retry_policy_max_attempts = attempts)
    }

    /// By what the wait between attempts grows.
    pub fn backoff_coefficient(self, coefficient: f64) -> Self {
        self.set(|options| options.retry_policy_backoff_coefficient = coefficient)
    }

    /// The wait before the second attempt.
    pub fn initial_interval(self, interval: Duration) -> Self {
        self.set(|options| options.retry_policy_initial_interval = interval)
    }

    /// The longest wait between attempts.
    pub fn max_interval(self, interval: Duration) -> Self {
        self.set(|options| options.retry_policy_max_interval = Some(interval))
    }

    /// The task queue to run on, instead of the workflow's.
    pub fn task_queue(self, task_queue: impl Into<String>) -> Self {
        self.set(|options| options.task_queue = Some(task_queue.into()))
    }

    /// Limits each value of `key` on its own (a tenant, an API key), at the rate of the activity's `rate_limit`.
    ///
    /// A worker that runs a workflow which makes such a call asks for tasks of that key as well, until none came for five minutes
    /// ([`WorkerBuilder::tenant_queue_idle`](crate::WorkerBuilder::tenant_queue_idle)).
    pub fn rate_key(self, key: impl Into<String>) -> Self {
        self.set(|options| options.rate_key = Some(key.into()))
    }

    /// The activity's id in the history, instead of a number. Unique among those that are open in its workflow.
    pub fn activity_id(self, id: impl Into<String>) -> Self {
        self.set(|options| options.activity_id = Some(id.into()))
    }

    /// What user interfaces show of this call.
    pub fn summary(self, summary: impl Into<String>) -> Self {
        self.set(|options| options.summary = Some(summary.into()))
    }

    /// 1 is handed out first, 5 last; the engine's default is 3.
    pub fn priority(self, priority: u32) -> Self {
        self.set(|options| options.priority = Some(priority))
    }

    /// Whether it runs where its session is.
    pub fn sticky_to_worker(self, sticky: bool) -> Self {
        self.set(|options| options.sticky_to_worker = sticky)
    }

    /// Decides by its place what the call is.
    fn begin(&mut self) -> Result<State> {
        let payloads = self.arguments.take().map_or_else(|| Ok(Vec::new()), Arguments::into_payloads)?;
        let options = match self.options.take() {
            Some(options) => *options,
            None => (self.entry.options)(),
        };
        let entry = self.entry;
        Ok(match context::current() {
            Some(Ambient::Workflow(scope)) => {
                payload::check(&payloads, format_args!("the input of activity `{}`", entry.name))?;
                State::Scheduled(scope.clone().begin(remote::call(scope, entry, options, payloads)))
            }
            Some(Ambient::Activity(outer)) => State::Running(inline(outer, entry, options, payloads).boxed()),
            Some(Ambient::ReadOnly) => {
                return Err(Error::misuse(
                    "NotAllowed",
                    format_args!(
                        "activity `{}` cannot be called in a query or a validator: these only look",
                        entry.name
                    ),
                ));
            }
            None => State::Running(standalone::run(entry, options, payloads).boxed()),
        })
    }
}

async fn inline(
    outer: Arc<Attempt>,
    entry: &'static ActivityEntry,
    options: ActivityOptions,
    payloads: Vec<Payload>,
) -> Result<Payload> {
    if let Some(limit) = &options.rate_limit {
        rate_limit::wait_in_process(limit.key_or(entry.name), limit).await;
    }
    outer.run(entry, &options, payloads).await
}

impl<T: DeserializeOwned> FusedFuture for ActivityCall<T> {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Done)
    }
}

impl<T: DeserializeOwned> Future for ActivityCall<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if matches!(self.state, State::Called) {
            match self.begin() {
                Ok(state) => self.state = state,
                Err(error) => {
                    self.state = State::Done;
                    return Poll::Ready(Err(error));
                }
            }
        }
        let polled = match &mut self.state {
            State::Scheduled(operation) => operation.poll(cx),
            State::Running(future) => future.as_mut().poll(cx),
            State::Called | State::Done => panic!("an activity call was polled after its end"),
        };
        let Poll::Ready(result) = polled else { return Poll::Pending };
        self.state = State::Done;
        let name = self.entry.name;
        Poll::Ready(result.and_then(|payload| {
            payload::decode(&payload).map_err(|error| {
                Error::misuse("InvalidPayload", format_args!("the result of activity `{name}`: {}", error.message()))
            })
        }))
    }
}
