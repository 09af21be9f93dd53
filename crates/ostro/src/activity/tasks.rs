//! The activity tasks of one queue: taken, run and completed.
//!
//! `polled --started--> running --body ended--> completed`; a cancellation is told to what is running.
//!
//! The SDK has a loop of its own for this, which keeps every task's token for ever; here a token goes with its task.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use temporalio_common::protos::coresdk::ActivityTaskCompletion;
use temporalio_common::protos::coresdk::activity_result::ActivityExecutionResult;
use temporalio_common::protos::coresdk::activity_task::{Start, activity_task::Variant};
use temporalio_sdk_core::{PollError, Worker as Core};
use tokio::runtime::Handle;

use crate::activity::attempt::{Attempt, panicked};
use crate::activity::entry::ActivityEntry;
use crate::activity::functions::{SessionInfo, cancelled_error};
use crate::activity::options::ActivityOptions;
use crate::activity::task::{self, Task};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::{self, Payload};
use crate::rate_limit;
use crate::worker::Shared;

/// The header that tells a sticky call about its session.
pub(crate) const SESSION_HEADER: &str = "ostro-session";
/// A local activity that once took this long without waiting gets a thread of the program's from then on.
const LONG: Duration = Duration::from_micros(500);

/// An activity with what it needs at each run.
struct Registered {
    entry: &'static ActivityEntry,
    options: ActivityOptions,
    /// Its body computes for long before it waits.
    is_long: AtomicBool,
}

pub(crate) struct Tasks {
    core: Arc<Core>,
    task_queue: String,
    activities: HashMap<&'static str, Registered>,
    shared: Arc<Shared>,
    /// Where bodies run that wait.
    program: Handle,
    running: Mutex<HashMap<Vec<u8>, Arc<Task>>>,
}

type Running = BoxFuture<'static, Result<Payload>>;

impl Tasks {
    /// Those of the core's queue, for these activities. Bodies run on `program`.
    pub fn new(
        core: Arc<Core>,
        activities: impl IntoIterator<Item = &'static ActivityEntry>,
        shared: Arc<Shared>,
        program: Handle,
    ) -> Arc<Self> {
        let registered = |entry: &'static ActivityEntry| {
            (entry.name, Registered { entry, options: (entry.options)(), is_long: AtomicBool::new(false) })
        };
        Arc::new(Self {
            task_queue: core.get_config().task_queue.clone(),
            core,
            activities: activities.into_iter().map(registered).collect(),
            shared,
            program,
            running: Mutex::default(),
        })
    }

    /// Until the core is shut down and the last task has ended.
    ///
    /// # Errors
    /// The engine went away for good.
    pub async fn run(self: Arc<Self>) -> Result<()> {
        loop {
            let task = match self.core.poll_activity_task().await {
                Ok(task) => task,
                Err(PollError::ShutDown) => return Ok(()),
                Err(error) => return Err(Error::engine(format_args!("activities cannot be polled: {error}"))),
            };
            match task.variant {
                Some(Variant::Start(start)) => self.start(task.task_token, start).await,
                Some(Variant::Cancel(_)) => {
                    if let Some(task) = self.running().get(&task.task_token) {
                        task.cancel();
                    }
                }
                None => {}
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Arc<Task>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn any_running(&self) -> bool {
        !self.running().is_empty()
    }

    async fn start(self: &Arc<Self>, token: Vec<u8>, mut start: Start) {
        self.shared.rate_queues.used(&self.task_queue);
        let task = Arc::new(Task::new(self.core.clone(), token.clone(), start.is_local));
        let Some(registered) = self.activities.get(start.activity_type.as_str()) else {
            let error = not_registered(&start.activity_type, &self.task_queue, self.activities.keys());
            let this = self.clone();
            self.program.spawn(async move { this.complete(&task, Err(error)).await });
            return;
        };
        self.running().insert(token, task.clone());
        let payloads = std::mem::take(&mut start.input);
        let attempt = self.attempt(&task, registered.entry.name, start);
        let options = registered.options.clone();
        let running = execute(registered.entry, options, attempt, task.clone(), payloads);
        // Also what panics when it is dropped is answered.
        let caught = AssertUnwindSafe(running).catch_unwind();
        let mut running: Running = Box::pin(caught.map(|result| result.unwrap_or_else(|panic| Err(panicked(panic)))));
        if task.is_local && !registered.is_long.load(Ordering::Relaxed) {
            // A local activity that need not wait is done here: handing it to another thread takes longer.
            let begun = Instant::now();
            let polled = self.poll_once(&mut running).await;
            registered.is_long.store(begun.elapsed() > LONG, Ordering::Relaxed);
            if let Poll::Ready(result) = polled {
                return self.complete(&task, result).await;
            }
        }
        let this = self.clone();
        self.program.spawn(async move {
            let result = running.await;
            this.complete(&task, result).await;
        });
    }

    /// Polls it here, with the program's runtime around it: what it starts outlives the worker.
    async fn poll_once(&self, running: &mut Running) -> Poll<Result<Payload>> {
        poll_fn(|cx| {
            let _entered = self.program.enter();
            Poll::Ready(Pin::new(&mut *running).poll(cx))
        })
        .await
    }

    fn attempt(&self, task: &Arc<Task>, name: &'static str, mut start: Start) -> Arc<Attempt> {
        let session: Option<SessionInfo> =
            start.header_fields.get(SESSION_HEADER).and_then(|header| payload::decode(header).ok());
        let last_details = start.heartbeat_details.drain(..).next();
        Arc::new(Attempt {
            token: (!task.is_local).then(|| task.token.clone()),
            info: task::info(&mut start, name, &self.task_queue),
            task: Some(task.clone()),
            session,
            dependencies: self.shared.dependencies.clone(),
            mocks: self.shared.mocks.clone(),
            shared: Some(self.shared.clone()),
            relay: None,
            last_details: Mutex::new(last_details),
        })
    }

    async fn complete(&self, task: &Task, result: Result<Payload>) {
        let name = &self.task_queue;
        let later = !task.is_local && result.as_ref().is_err_and(|error| error.kind() == ErrorKind::CompletesLater);
        if let (true, Some(ostro)) = (later, &self.shared.ostro) {
            // Before the core forgets it: an engine in this process must not take it for lost at its next start.
            ostro.detach_attempt(task.token.clone()).await;
        }
        // Errors are the program's: to drop one may panic.
        let result = catch_unwind(AssertUnwindSafe(|| outcome(task, result)))
            .unwrap_or_else(|panic| ActivityExecutionResult::fail(panicked(panic).to_failure()));
        let completion = ActivityTaskCompletion { task_token: task.token.clone(), result: Some(result) };
        self.running().remove(&task.token);
        self.shared.rate_queues.used(name);
        if let Err(error) = self.core.complete_activity_task(completion).await {
            tracing::error!(task_queue = name, %error, "the result of an activity is lost; its time-out will tell the engine");
        }
    }
}

async fn execute(
    entry: &'static ActivityEntry,
    options: ActivityOptions,
    attempt: Arc<Attempt>,
    task: Arc<Task>,
    payloads: Vec<Payload>,
) -> Result<Payload> {
    let name = entry.name;
    if let (true, Some(limit)) = (task.is_local, &options.rate_limit) {
        rate_limit::wait_in_process(limit.key_or(name), limit).await;
    }
    let running = attempt.run(entry, &options, payloads);
    let result = if options.drop_on_cancel {
        tokio::select! {
            biased;
            result = running => result,
            () = task.cancelled() => Err(cancelled_error(name)),
        }
    } else {
        running.await
    };
    result.and_then(|payload| {
        payload::check(std::slice::from_ref(&payload), format_args!("the result of activity `{name}`"))?;
        Ok(payload)
    })
}

/// What the engine is told.
fn outcome(task: &Task, result: Result<Payload>) -> ActivityExecutionResult {
    let error = match result {
        Ok(payload) => return ActivityExecutionResult::ok(payload),
        Err(error) => error,
    };
    match error.kind() {
        // The engine takes a cancellation only where it asked for one.
        ErrorKind::Cancelled if task.is_cancelled() => ActivityExecutionResult::cancel_from_details(None),
        ErrorKind::Cancelled => {
            let error = Error::new(error.message()).with_type("Cancelled");
            ActivityExecutionResult::fail(error.to_failure())
        }
        ErrorKind::CompletesLater if !task.is_local => ActivityExecutionResult::will_complete_async(),
        ErrorKind::CompletesLater => {
            let message = "a local activity cannot be completed later: call it outside of run_activities_locally";
            ActivityExecutionResult::fail(Error::misuse("NotAllowed", message).to_failure())
        }
        _ => ActivityExecutionResult::fail(error.to_failure()),
    }
}

fn not_registered<'a>(name: &str, task_queue: &str, known: impl Iterator<Item = &'a &'static str>) -> Error {
    let mut known: Vec<&str> = known.copied().filter(|name| !name.starts_with("ostro:")).collect();
    known.sort_unstable();
    let known = known.join(", ");
    Error::new(format_args!(
        "the worker of queue {task_queue:?} has no activity `{name}`; it has: {known}. Is the crate with it linked into the worker?"
    ))
    .with_type("NotFound")
}
