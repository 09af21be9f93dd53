//! Sticky worker sessions.
//!
//! A session is held by a lease: a built-in activity on the queue of one worker that heartbeats for as long as the session
//! lasts. When it ends otherwise, the worker is lost, and the next call takes a new lease wherever a worker is alive. All of it is
//! plain Temporal protocol.
//!
//! `Unbound --first call--> Binding --worker named--> Bound --lease ended, or nobody takes the task--> Unbound (moves + 1)`

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, FusedFuture, select};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::activity::tasks::SESSION_HEADER;
use crate::activity::{ActivityOptions, SessionInfo};
use crate::context::{self, Ambient};
use crate::error::{Error, Result};
use crate::payload::{self, Payload};
use crate::worker::builtin;
use crate::workflow::remote::{regular, waited_too_long};
use crate::workflow::scope::{self, Scope};

/// After this long without a heartbeat of its lease a worker counts as lost.
pub(crate) const LEASE_HEARTBEAT: Duration = Duration::from_secs(5);
/// The lease begins at once where a worker is alive.
const LEASE_SCHEDULE_TO_START: Duration = Duration::from_secs(10);
/// The longest a session lasts on one worker before its lease is taken anew.
const LEASE_LENGTH: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a sticky call waits for its worker before it is scheduled once more.
const CALL_SCHEDULE_TO_START: Duration = Duration::from_secs(30);

/// A sticky session: the same worker for every sticky activity called in it.
///
/// Clones are the same session. It can be stored and passed on (to children, through continue-as-new): what holds it then takes
/// a lease of its own on the same worker, as long as that one is alive.
#[derive(Clone)]
pub struct StickyWorkerSession {
    shared: Arc<Shared>,
}

struct Shared {
    id: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The worker's queue, while bound.
    queue: Option<String>,
    /// Where to look first: the worker it had when it was passed on.
    remembered: Option<String>,
    binding: bool,
    moves: u32,
    /// No call has succeeded since the last move.
    cold: bool,
    /// Why no worker could be found, for those who wait for one.
    failed: Option<String>,
    wakers: Vec<Waker>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    id: String,
    task_queue: String,
}

impl State {
    fn wait(&mut self, waker: &Waker) {
        if !self.wakers.iter().any(|known| known.will_wake(waker)) {
            self.wakers.push(waker.clone());
        }
    }
}

impl Serialize for StickyWorkerSession {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let state = self.state();
        let task_queue = state.queue.clone().or_else(|| state.remembered.clone()).unwrap_or_default();
        drop(state);
        Stored { id: self.shared.id.clone(), task_queue }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StickyWorkerSession {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { id, task_queue } = Stored::deserialize(deserializer)?;
        let remembered = (!task_queue.is_empty()).then_some(task_queue);
        let state = State { remembered, ..State::default() };
        Ok(Self { shared: Arc::new(Shared { id, state: Mutex::new(state) }) })
    }
}

impl StickyWorkerSession {
    fn new(id: String) -> Self {
        Self { shared: Arc::new(Shared { id, state: Mutex::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn wake(&self) {
        for waker in std::mem::take(&mut self.state().wakers) {
            waker.wake();
        }
    }

    /// The session's id: the same wherever it moves.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// The task queue of the worker that has it now.
    pub fn task_queue(&self) -> Option<String> {
        self.state().queue.clone()
    }

    /// Runs sticky activities that are awaited inside on this session's worker.
    pub fn run<F: Future>(&self, future: F) -> SessionScope<F> {
        SessionScope { session: Some(self.clone()), future: Box::pin(future), done: false }
    }

    /// Gives the worker up, if it is still the one of `moves`.
    fn lose(&self, moves: u32) {
        let mut state = self.state();
        if state.moves == moves && state.queue.take().is_some() {
            state.moves += 1;
            state.cold = true;
        }
        drop(state);
        self.wake();
    }

    fn succeeded(&self, moves: u32) {
        let mut state = self.state();
        if state.moves == moves {
            state.cold = false;
        }
    }

    /// The worker's queue, what a call is told; binds the session first where it has no worker.
    async fn bound(&self, scope: &Scope) -> Result<(String, SessionInfo)> {
        poll_fn(|cx| {
            let mut state = self.state();
            if let Some(message) = state.failed.take() {
                return Poll::Ready(Err(Error::new(message)));
            }
            if let Some(queue) = &state.queue {
                let info = SessionInfo { id: self.shared.id.clone(), moves: state.moves, cold_start: state.cold };
                return Poll::Ready(Ok((queue.clone(), info)));
            }
            state.wait(cx.waker());
            if !state.binding {
                state.binding = true;
                drop(state);
                let lease = hold(self.clone(), Scope { local: false, session: None, ..scope.clone() });
                scope.run.background.borrow_mut().push(lease.boxed_local());
                scope.run.progress();
            }
            Poll::Pending
        })
        .await
    }

    /// Ends when the worker of `moves` is no longer this session's.
    async fn lost(&self, moves: u32) {
        poll_fn(|cx| {
            let mut state = self.state();
            if state.moves != moves {
                return Poll::Ready(());
            }
            state.wait(cx.waker());
            Poll::Pending
        })
        .await
    }

    /// Ends when nobody but the lease has the session.
    async fn given_up(&self, scope: &Scope) {
        poll_fn(|cx| {
            if Arc::strong_count(&self.shared) <= 1 {
                return Poll::Ready(());
            }
            scope.run.wait_for_change(cx.waker());
            Poll::Pending
        })
        .await
    }
}

/// Finds a worker and holds the lease on it until the session is given up, or the worker is lost.
async fn hold(session: StickyWorkerSession, scope: Scope) {
    let remembered = session.state().remembered.take();
    let found = match remembered {
        Some(queue) => Ok(queue),
        None => find_worker(&scope).await,
    };
    let queue = match found {
        Ok(queue) => queue,
        Err(error) => {
            let mut state = session.state();
            state.binding = false;
            state.failed = Some(format!("no worker could be found for a sticky session: {error}"));
            drop(state);
            return session.wake();
        }
    };
    let moves = {
        let mut state = session.state();
        state.binding = false;
        state.queue = Some(queue.clone());
        state.moves
    };
    session.wake();
    let options = ActivityOptions {
        start_to_close_timeout: LEASE_LENGTH,
        schedule_to_start_timeout: Some(LEASE_SCHEDULE_TO_START),
        heartbeat_timeout: Some(LEASE_HEARTBEAT),
        retry_policy_max_attempts: 1,
        summary: Some(format!("lease of sticky session {}", session.id())),
        ..ActivityOptions::default()
    };
    let arguments = payload::encode(session.id()).map(|id| vec![id]).unwrap_or_default();
    let lease = Box::pin(regular(&scope, builtin::SESSION_LEASE, &options, arguments, Some(queue), HashMap::new()));
    let given_up = Box::pin(session.given_up(&scope));
    match select(lease, given_up).await {
        Either::Left(_) => session.lose(moves),
        // Dropped, and so cancelled.
        Either::Right(((), lease)) => drop(lease),
    }
}

async fn find_worker(scope: &Scope) -> Result<String> {
    let options = ActivityOptions {
        start_to_close_timeout: Duration::from_secs(10),
        retry_policy_max_attempts: 0,
        summary: Some("finds the worker of a sticky session".to_owned()),
        ..ActivityOptions::default()
    };
    let queue = regular(scope, builtin::SESSION_QUEUE, &options, Vec::new(), None, HashMap::new()).await?;
    payload::decode(&queue)
}

/// A sticky call: on the session's worker, and when that is lost, on the next.
pub(crate) async fn call(
    scope: &Scope,
    session: &StickyWorkerSession,
    name: &str,
    options: &ActivityOptions,
    payloads: Vec<Payload>,
) -> Result<Payload> {
    let waits = options.schedule_to_start_timeout;
    let sent = ActivityOptions { schedule_to_start_timeout: waits.or(Some(CALL_SCHEDULE_TO_START)), ..options.clone() };
    loop {
        let (queue, info) = session.bound(scope).await?;
        let moves = info.moves;
        let headers = HashMap::from([(SESSION_HEADER.to_owned(), payload::encode(&info)?)]);
        let call = Box::pin(regular(scope, name, &sent, payloads.clone(), Some(queue), headers));
        let lost = Box::pin(session.lost(moves));
        match select(call, lost).await {
            Either::Left((Ok(payload), _)) => {
                session.succeeded(moves);
                return Ok(payload);
            }
            // Its worker is alive and busy, or dead: the lease knows.
            Either::Left((Err(error), _)) if waits.is_none() && waited_too_long(&error) => {}
            Either::Left((Err(error), _)) => return Err(error),
            // The call is dropped, and so cancelled.
            Either::Right(_) => {}
        }
    }
}

/// Runs the sticky activities that are awaited inside on one worker.
///
/// For what is expensive to have and cheap to use: a loaded model, a connection, a cache in memory. The worker is chosen by the first sticky
/// call, and held by a lease until the block ends. When the worker dies, calls move to a living one within seconds and are told so:
/// [`activity::cold_start`](crate::activity::cold_start). A call that was running there runs again. Activities that are not
/// `sticky_to_worker` run anywhere. A session inside of another one is its own.
///
/// ```
/// use ostro::prelude::*;
///
/// #[activity(sticky_to_worker)]
/// async fn load_model() -> Result<()> {
///     Ok(())
/// }
///
/// #[activity(sticky_to_worker)]
/// async fn predict(input: String) -> Result<String> {
///     Ok(input)
/// }
///
/// #[workflow(name = "ml-inference")]
/// async fn inference(batch: Vec<String>) -> Result<Vec<String>> {
///     run_sticky_worker_session(async {
///         load_model().await?;
///         let mut results = Vec::new();
///         for input in batch {
///             results.push(predict(input).await?);
///         }
///         Ok(results)
///     })
///     .await
/// }
/// ```
pub fn run_sticky_worker_session<F: Future>(future: F) -> SessionScope<F> {
    SessionScope { session: None, future: Box::pin(future), done: false }
}

/// A session to use in several scopes with [`StickyWorkerSession::run`]. Chooses the worker now; keeps it until the last clone is
/// dropped.
///
/// ```
/// # use ostro::prelude::*;
/// # #[activity(sticky_to_worker)] async fn predict(input: String) -> Result<String> { Ok(input) }
/// #[workflow]
/// async fn batches(batches: Vec<Vec<String>>) -> Result<usize> {
///     let session = get_sticky_worker_session().await?;
///     let mut done = 0;
///     for batch in batches {
///         session
///             .run(async {
///                 for input in batch {
///                     predict(input).await?;
///                     done += 1;
///                 }
///                 Ok::<_, Error>(())
///             })
///             .await?;
///     }
///     Ok(done)
/// }
/// ```
pub async fn get_sticky_worker_session() -> Result<StickyWorkerSession> {
    let scope = scope::required("get_sticky_worker_session()")?;
    let session = open(&scope);
    session.bound(&scope).await?;
    Ok(session)
}

fn open(scope: &Scope) -> StickyWorkerSession {
    let number = scope.run.next_number();
    StickyWorkerSession::new(format!("{}/{number}", scope.run.sdk.run_id()))
}

/// The future of [`run_sticky_worker_session`] and [`StickyWorkerSession::run`].
#[must_use = "futures do nothing unless awaited"]
pub struct SessionScope<F> {
    session: Option<StickyWorkerSession>,
    future: Pin<Box<F>>,
    done: bool,
}

impl<F: Future> FusedFuture for SessionScope<F> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<F: Future> Future for SessionScope<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(scope) = context::scope() else {
            let polled = self.future.as_mut().poll(cx);
            self.done = polled.is_ready();
            return polled;
        };
        let session = self.session.get_or_insert_with(|| open(&scope)).clone();
        let run = scope.run.clone();
        let entered = context::enter(Ambient::Workflow(Scope { session: Some(session), ..scope }));
        let polled = self.future.as_mut().poll(cx);
        drop(entered);
        if polled.is_ready() {
            // The lease looks whether anybody still has the session.
            self.session = None;
            self.done = true;
            run.changed();
        }
        polled
    }
}
