//! What the workers of an earlier process left under way, where workers live in the engine's own process.

use std::collections::VecDeque;

use crate::base::time::Time;
use crate::engine::Engine;
use crate::stored::persistence::{ExecutionId, Loader};

/// Executions looked at in one tick, so that other calls get their turn.
const EXECUTIONS_PER_TICK: usize = 16;

/// Executions that are yet to be looked at.
#[derive(Debug, Default)]
pub struct Lost {
    executions: VecDeque<ExecutionId>,
    /// What began before is lost.
    before: Time,
}

impl<L: Loader> Engine<L> {
    /// Says that every worker from before is gone for good: what such workers had begun is taken from them at once, not after
    /// its time-outs. Ticks do it, a few executions at a time. Call it before the first command.
    pub fn lose_workers(&mut self) {
        // Whatever a worker has begun has a time-out, and so does a task on a worker's own queue.
        self.lost = Lost { executions: self.timers.executions().collect(), before: self.now };
    }

    pub(crate) fn lost_wake_up(&self) -> Option<Time> {
        (!self.lost.executions.is_empty()).then_some(self.lost.before)
    }

    pub(crate) fn run_lost(&mut self) {
        let before = self.lost.before;
        for _ in 0..EXECUTIONS_PER_TICK {
            let Some(id) = self.lost.executions.pop_front() else { return };
            if self.load(id) && self.execution(id).has_lost(before) {
                self.step(id, |t| t.lose_workers(before));
                self.settle();
            }
        }
    }
}
