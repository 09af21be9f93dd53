//! When each execution must be looked at next.

use std::collections::{BTreeSet, HashMap};

use crate::base::time::Time;
use crate::stored::persistence::ExecutionId;

#[derive(Debug, Default)]
pub(crate) struct Timers {
    order: BTreeSet<(Time, ExecutionId)>,
    times: HashMap<ExecutionId, Time>,
}

impl Timers {
    pub(crate) fn set(&mut self, execution: ExecutionId, time: Option<Time>) {
        if self.times.get(&execution).copied() == time {
            return;
        }
        if let Some(old) = self.times.remove(&execution) {
            self.order.remove(&(old, execution));
        }
        if let Some(time) = time {
            self.times.insert(execution, time);
            self.order.insert((time, execution));
        }
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.order.first().map(|(time, _)| *time)
    }

    /// The first execution that is due at `now`.
    pub(crate) fn due(&self, now: Time) -> Option<ExecutionId> {
        self.order.first().filter(|(time, _)| *time <= now).map(|(_, execution)| *execution)
    }

    /// Everything that has a time, the earliest first.
    pub(crate) fn executions(&self) -> impl Iterator<Item = ExecutionId> {
        self.order.iter().map(|(_, execution)| *execution)
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }
}
