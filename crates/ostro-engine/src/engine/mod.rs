//! The whole engine: namespaces, executions, task queues and time, moved by one caller at a time.

use crate::command::Command;
use crate::config::Config;
use crate::persistence::{Loader, Recovery, Write};
use crate::reply::{Answer, Reply, ReplyId};
use crate::time::Time;

/// What one call produced: commit all `writes` as one unit, then send the `replies`.
#[derive(Debug, Default)]
pub struct Output {
    /// Grows by one with each output that has writes.
    pub sequence: u64,
    pub writes: Vec<Write>,
    pub replies: Vec<Reply>,
}

/// See the module.
pub struct Engine<L> {
    loader: L,
}

impl<L: Loader> Engine<L> {
    /// An engine over what the store holds. `seed` is entropy from the shell: identifiers are drawn from it.
    pub fn new(config: Config, loader: L, recovery: Recovery, seed: u64, now: Time) -> Self {
        let _ = (config, recovery, seed, now);
        Self { loader }
    }

    /// Applies a command. The answer to `id` is in this output or, for calls that wait, in a later one.
    pub fn handle(&mut self, now: Time, id: ReplyId, command: Command) -> Output {
        let _ = (now, id, command, &self.loader);
        Output::default()
    }

    /// The client of `id` is gone: whatever waits for it is dropped.
    pub fn abandon(&mut self, now: Time, id: ReplyId) -> Output {
        let _ = (now, id);
        Output::default()
    }

    /// An answer that carried a task could not be delivered: the task is offered again.
    pub fn undelivered(&mut self, now: Time, answer: Answer) -> Output {
        let _ = (now, answer);
        Output::default()
    }

    /// Does what is due at `now`. Bounded work: call again while [`next_wake_up`](Self::next_wake_up) is in the past.
    pub fn tick(&mut self, now: Time) -> Output {
        let _ = now;
        Output::default()
    }

    /// When [`tick`](Self::tick) must be called next.
    pub fn next_wake_up(&self) -> Option<Time> {
        None
    }

    /// Outputs up to `sequence` are durable: executions touched by them may leave memory.
    pub fn committed(&mut self, sequence: u64) {
        let _ = sequence;
    }
}
