//! The shell: one thread owns the engine; everything else talks to it through an [`EngineHandle`].
//!
//! ```text
//!  EngineHandle::call --Message--> engine thread --Batch{writes, replies}--> store's writer --commit--> the caller's answer
//! ```
//!
//! No answer leaves before what it rests on is durable: every output goes through the store's writer, in order, also
//! those that write nothing.

mod delivery;
mod pending;
mod skipper;
mod thread;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use ostro_engine::call::{Answer, ReplyId};
use ostro_engine::call::{Call, Request};
use ostro_engine::config::Config;
use ostro_engine::engine::Secrets;
use ostro_engine::error::{Error, ErrorKind, Result};
use ostro_engine::persistence::{Damaged, ExecutionId, Loader, Recovery};
use ostro_store::Writer;
use tokio::sync::oneshot;

use crate::clock::{Clock, SkippingClock};
use crate::metrics::Metrics;

pub(crate) use delivery::carries_task;
use pending::Pending;
pub(crate) use skipper::{ClockCall, Wake};

/// Where the answer to one call goes.
type Responder = oneshot::Sender<Result<Answer>>;

/// What the engine thread is told.
enum Message {
    Call {
        id: ReplyId,
        call: Call,
        responder: Responder,
    },
    /// The caller is gone.
    Abandon(ReplyId),
    /// An answer with a task in it reached nobody.
    Undelivered(Answer),
    /// What was read of an execution is damaged.
    SetAside {
        execution: ExecutionId,
        why: Damaged,
    },
    /// For a clock that skips.
    Clock {
        call: ClockCall,
        waker: oneshot::Sender<()>,
    },
    /// The clock has jumped: look again.
    Wake,
    /// Answer all that wait, refuse new polls.
    Drain,
    Stop,
}

/// What the engine thread works with.
pub struct Parts<L> {
    pub config: Config,
    pub loader: L,
    pub recovery: Recovery,
    /// What nobody outside may guess.
    pub secrets: Secrets,
    pub writer: Arc<Writer>,
    pub clock: Arc<dyn Clock>,
    /// The same clock where it is one that skips.
    pub skipping: Option<Arc<SkippingClock>>,
    /// Workers of an earlier process are gone: see [`ostro_engine::engine::Engine::lose_workers`].
    pub workers_in_process: bool,
    pub metrics: Arc<Metrics>,
}

/// The way to the engine. Cheap to clone.
#[derive(Clone)]
pub struct EngineHandle {
    sender: Sender<Message>,
    next_id: Arc<AtomicU64>,
    metrics: Arc<Metrics>,
}

/// The running engine thread.
pub struct EngineThread {
    handle: EngineHandle,
    thread: JoinHandle<()>,
}

/// Starts the engine thread.
pub fn start<L: Loader + Send + 'static>(parts: Parts<L>) -> std::io::Result<EngineThread> {
    let (sender, receiver) = mpsc::channel();
    let handle =
        EngineHandle { sender: sender.clone(), next_id: Arc::new(AtomicU64::new(1)), metrics: parts.metrics.clone() };
    let thread = std::thread::Builder::new()
        .name("ostro-engine".to_owned())
        .spawn(move || thread::run(parts, sender, receiver))?;
    Ok(EngineThread { handle, thread })
}

impl EngineThread {
    /// A handle to the engine.
    pub fn handle(&self) -> &EngineHandle {
        &self.handle
    }

    /// Answers every waiting call now: polls with nothing, the rest with UNAVAILABLE. Polls that come later are refused.
    pub fn drain(&self) {
        self.handle.send(Message::Drain);
    }

    /// Ends the thread after what it was told before. Blocks; what the engine wrote is with the store's writer then.
    pub fn stop(self) {
        self.handle.send(Message::Stop);
        // A panic in the thread has aborted the process already.
        drop(self.thread.join());
    }
}

impl EngineHandle {
    /// Asks the engine and waits for the answer, which is durable. Dropping the future abandons the call: a task in an
    /// answer on its way is offered to another worker.
    pub async fn call<R: Request>(&self, request: R) -> Result<R::Answer> {
        let call = request.into_call();
        let name = call.name();
        let answer = self.submit(call).await?;
        R::from_answer(answer).ok_or_else(|| {
            Error::new(ErrorKind::Internal, format!("the engine answered {name} with another call's answer"))
        })
    }

    /// Looks at the clock and does what is due: after a clock that is not the system's has jumped.
    pub fn wake(&self) {
        self.send(Message::Wake);
    }

    /// Asks the clock of a server that skips time, and waits until it is done.
    pub(crate) async fn clock(&self, call: ClockCall) -> Result<()> {
        let (waker, woken) = oneshot::channel();
        self.send(Message::Clock { call, waker });
        woken.await.map_err(|_| stopped())
    }

    /// Hands back an answer that carried a task and could not be delivered.
    pub(crate) fn undelivered(&self, answer: Answer) {
        self.send(Message::Undelivered(answer));
    }

    /// Says that an execution cannot be served, since its history is damaged.
    pub(crate) fn set_aside(&self, execution: ExecutionId, why: &str) {
        self.send(Message::SetAside { execution, why: Damaged(why.to_owned()) });
    }

    async fn submit(&self, call: Call) -> Result<Answer> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (responder, receiver) = oneshot::channel();
        let pending = Pending::new(self, id, receiver);
        self.send(Message::Call { id, call, responder });
        pending.await.unwrap_or_else(|| Err(stopped()))
    }

    fn send(&self, message: Message) {
        self.metrics.engine_queue.add(1);
        if self.sender.send(message).is_err() {
            self.metrics.engine_queue.add(-1);
        }
    }
}

/// What callers are told whose calls the end of the server cuts short.
fn stopped() -> Error {
    Error::new(ErrorKind::Unavailable, "the server is shutting down: the call may be retried once it is back")
}
