//! The engine thread: reads the clock, applies messages one by one, hands outputs to the store's writer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;

use ostro_engine::call::Call;
use ostro_engine::call::{Answer, Reply, ReplyId};
use ostro_engine::engine::{Engine, Output};
use ostro_engine::error::Result;
use ostro_engine::persistence::Loader;
use ostro_engine::time::Time;
use ostro_store::{Batch, Writer};

use super::delivery::Delivery;
use super::skipper::Skipper;
use super::{Message, Parts, Responder, stopped};
use crate::clock::Clock;
use crate::metrics::Metrics;

/// Messages applied before time is looked at again.
const BURST: usize = 256;
/// Ticks before messages are looked at again.
const TICKS: usize = 64;
/// Outputs that wait for the end of a burst before the writer gets them.
const OUTBOX_MAX: usize = 32;
/// Sleep where nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// The body of the thread. A panic ends the process: what is in memory may be half changed, what is on disk is whole.
pub(super) fn run<L: Loader>(parts: Parts<L>, sender: Sender<Message>, receiver: Receiver<Message>) {
    let _guard = AbortOnPanic;
    let now = parts.clock.now();
    let mut engine = Engine::new(parts.config, parts.loader, parts.recovery, parts.secrets, now);
    if parts.workers_in_process {
        engine.lose_workers();
    }
    let skipper = parts.skipping.map(Skipper::new);
    if skipper.is_some() {
        engine.count_work();
    }
    let shell = Shell {
        engine,
        clock: parts.clock,
        skipper,
        writer: parts.writer,
        metrics: parts.metrics,
        sender,
        open: HashMap::new(),
        durable: Arc::new(AtomicU64::new(0)),
        outbox: Vec::new(),
        draining: false,
    };
    shell.run(&receiver);
}

struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the engine broke one of its own rules; the process stops so that nothing wrong is stored");
            std::process::abort();
        }
    }
}

/// A call that waits for its answer.
struct Open {
    responder: Responder,
    waits: Waits,
}

/// What a call is answered where the server ends before it.
#[derive(Clone, Copy)]
enum Waits {
    WorkflowTask,
    ActivityTask,
    NexusTask,
    Outgoing,
    Other,
}

impl Waits {
    fn of(call: &Call) -> Self {
        match call {
            Call::PollWorkflowTask(_) => Self::WorkflowTask,
            Call::PollActivityTask(_) => Self::ActivityTask,
            Call::PollNexusTask(_) => Self::NexusTask,
            Call::TakeOutgoing(_) => Self::Outgoing,
            _ => Self::Other,
        }
    }

    fn nothing(self) -> Result<Answer> {
        match self {
            Self::WorkflowTask => Ok(Answer::PollWorkflowTask(Box::default())),
            Self::ActivityTask => Ok(Answer::PollActivityTask(Box::default())),
            Self::NexusTask => Ok(Answer::PollNexusTask(Box::default())),
            Self::Outgoing => Ok(Answer::TakeOutgoing(Box::default())),
            Self::Other => Err(stopped()),
        }
    }
}

struct Shell<L> {
    engine: Engine<L>,
    clock: Arc<dyn Clock>,
    skipper: Option<Skipper>,
    writer: Arc<Writer>,
    metrics: Arc<Metrics>,
    /// For answers that come back.
    sender: Sender<Message>,
    open: HashMap<ReplyId, Open>,
    /// The newest output that is on disk.
    durable: Arc<AtomicU64>,
    /// Outputs of the burst in progress.
    outbox: Vec<Batch>,
    draining: bool,
}

/// What is left after a burst of messages.
#[derive(PartialEq)]
enum Left {
    Nothing,
    More,
    Stop,
}

impl<L: Loader> Shell<L> {
    fn run(mut self, receiver: &Receiver<Message>) {
        loop {
            let left = self.apply_waiting(receiver);
            if left == Left::Stop {
                break;
            }
            self.tick();
            self.hand_over(&left);
            if left == Left::More || self.skip() {
                continue;
            }
            self.metrics.held.set(self.engine.gauges());
            let goes_on = match receiver.recv_timeout(self.until_wake_up()) {
                Ok(message) => self.apply(message),
                Err(error) => error == RecvTimeoutError::Timeout,
            };
            if !goes_on {
                break;
            }
        }
        self.hand_over(&Left::Stop);
    }

    /// Applies what waits, within bounds.
    fn apply_waiting(&mut self, receiver: &Receiver<Message>) -> Left {
        for _ in 0..BURST {
            let goes_on = match receiver.try_recv() {
                Ok(message) => self.apply(message),
                Err(TryRecvError::Empty) => return Left::Nothing,
                Err(TryRecvError::Disconnected) => false,
            };
            if !goes_on {
                return Left::Stop;
            }
            if self.outbox.len() >= OUTBOX_MAX {
                self.hand_over(&Left::More);
            }
        }
        Left::More
    }

    /// Hands the outputs to the writer. While nobody waits for this thread it may do the writer's work itself.
    fn hand_over(&mut self, left: &Left) {
        if self.outbox.is_empty() {
            return;
        }
        let batches = std::mem::take(&mut self.outbox);
        match left {
            Left::Nothing => self.writer.commit_or_submit(batches),
            Left::More | Left::Stop => batches.into_iter().for_each(|batch| self.writer.submit(batch)),
        }
    }

    fn apply(&mut self, message: Message) -> bool {
        self.metrics.engine_queue.add(-1);
        let now = self.now();
        match message {
            Message::Call { id, call, responder } => self.call(now, id, call, responder),
            Message::Abandon(id) => self.abandon(now, id),
            Message::Undelivered(answer) => {
                let output = self.engine.undelivered(now, answer);
                self.submit(output);
            }
            Message::SetAside { execution, why } => {
                let output = self.engine.set_aside(now, execution, why);
                self.submit(output);
            }
            Message::Clock { call, waker } => {
                if let Some(skipper) = &mut self.skipper {
                    skipper.call(call, waker);
                }
            }
            Message::Wake => {}
            Message::Drain => self.drain(now),
            Message::Stop => return false,
        }
        true
    }

    /// The time, after the engine has heard which of its outputs are durable.
    fn now(&mut self) -> Time {
        self.engine.committed(self.durable.load(Ordering::Acquire));
        self.clock.now()
    }

    fn call(&mut self, now: Time, id: ReplyId, call: Call, responder: Responder) {
        let waits = Waits::of(&call);
        if self.draining && !matches!(waits, Waits::Other) {
            drop(responder.send(Err(stopped())));
            return;
        }
        self.open.insert(id, Open { responder, waits });
        let output = self.engine.handle(now, id, call);
        self.submit(output);
    }

    fn abandon(&mut self, now: Time, id: ReplyId) {
        // A call that is answered already has nothing to abandon: its answer comes back as undelivered.
        if self.open.remove(&id).is_some() {
            let output = self.engine.abandon(now, id);
            self.submit(output);
        }
    }

    fn drain(&mut self, now: Time) {
        self.draining = true;
        self.skipper.iter_mut().for_each(Skipper::drain);
        let waiting: Vec<(ReplyId, Waits)> = self.open.iter().map(|(id, open)| (*id, open.waits)).collect();
        for (id, waits) in waiting {
            let mut output = self.engine.abandon(now, id);
            output.replies.push(Reply { id, answer: waits.nothing() });
            self.submit(output);
        }
    }

    fn tick(&mut self) {
        for _ in 0..TICKS {
            let now = self.now();
            if self.engine.next_wake_up().is_none_or(|due| due > now) {
                return;
            }
            let output = self.engine.tick(now);
            self.submit(output);
        }
    }

    /// Jumps to what is due next, where time may skip. One jump a turn: calls that wait may lock it.
    fn skip(&mut self) -> bool {
        let Some(skipper) = &mut self.skipper else { return false };
        skipper.wake();
        let Some(span) = skipper.span(self.engine.next_event_due(), self.engine.work_under_way()) else { return false };
        self.engine.skip(span);
        skipper.jump(span);
        true
    }

    fn until_wake_up(&self) -> Duration {
        let sleeper = self.skipper.as_ref().and_then(Skipper::next);
        let Some(due) = self.engine.next_wake_up().into_iter().chain(sleeper).min() else { return IDLE };
        let left = due - self.clock.now();
        left.to_std().min(IDLE)
    }

    /// One output is one batch of the store, handed over at the end of the burst: its answers leave when it is durable, and in order.
    fn submit(&mut self, output: Output) {
        for what in &output.set_aside {
            tracing::error!("set aside: {what}; everything else is served; \"ostro doctor --repair\" mends it");
        }
        if output.writes.is_empty() && output.replies.is_empty() {
            return;
        }
        let committed = (!output.writes.is_empty()).then_some(output.sequence);
        let deliveries: Vec<Delivery> = output.replies.into_iter().map(|reply| self.delivery(reply)).collect();
        let (durable, sender, metrics) = (self.durable.clone(), self.sender.clone(), self.metrics.clone());
        let done = Box::new(move || {
            if let Some(sequence) = committed {
                durable.store(sequence, Ordering::Release);
            }
            deliveries.into_iter().for_each(|delivery| delivery.deliver(&sender, &metrics));
        });
        self.outbox.push(Batch { writes: output.writes, done });
    }

    fn delivery(&mut self, reply: Reply) -> Delivery {
        let responder = self.open.remove(&reply.id).map(|open| open.responder);
        Delivery { responder, answer: reply.answer }
    }
}
