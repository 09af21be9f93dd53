//! What is being worked on. While nothing is, a clock that skips may jump to the next thing that is due.

use std::collections::HashMap;

use crate::base::time::{Span, Time};
use crate::engine::Engine;
use crate::execution::Execution;
use crate::stored::persistence::{ExecutionId, Loader};

/// Pieces of work with workers, or on their way to one. Counted only where somebody asks: it costs a look at every
/// part of an execution at each of its steps.
#[derive(Debug, Default)]
pub(crate) struct Busy {
    counted: bool,
    pieces: HashMap<ExecutionId, usize>,
    total: usize,
}

impl Busy {
    /// Notes how much work there is in an execution now.
    pub(crate) fn note(&mut self, execution: &Execution) {
        if self.counted {
            self.set(execution.id, execution.work_under_way());
        }
    }

    /// The execution is gone.
    pub(crate) fn forget(&mut self, id: ExecutionId) {
        self.set(id, 0);
    }

    fn set(&mut self, id: ExecutionId, pieces: usize) {
        let before = if pieces == 0 { self.pieces.remove(&id) } else { self.pieces.insert(id, pieces) };
        self.total = self.total - before.unwrap_or(0) + pieces;
    }
}

impl Execution {
    /// Workflow tasks, attempts of activities and requests to Nexus handlers that wait for a worker or are with one, and
    /// callbacks on their way.
    fn work_under_way(&self) -> usize {
        let callbacks = self.callbacks.values().filter(|callback| callback.is_under_way()).count();
        if !self.is_open() {
            return callbacks;
        }
        let activities = self.activities.values().filter(|activity| activity.is_started() || activity.is_waiting());
        let nexus = self.nexus.values().flat_map(|operation| [operation.start_request(), operation.cancel_request()]);
        usize::from(self.has_workflow_task())
            + activities.count()
            + nexus.filter(|request| request.is_under_way()).count()
            + callbacks
    }
}

impl<L: Loader> Engine<L> {
    /// Counts work from now on, for [`work_under_way`](Self::work_under_way). The store must be empty: what it holds is
    /// not counted.
    pub fn count_work(&mut self) {
        self.busy.counted = true;
    }

    /// Workflow tasks, activities, queries and Nexus requests that wait for a worker or are with one.
    pub fn work_under_way(&self) -> usize {
        self.busy.total + self.waits.work()
    }

    /// When a workflow or a schedule goes on by itself next; polls and waiting clients do not count.
    pub fn next_event_due(&self) -> Option<Time> {
        self.timers.next().into_iter().chain(self.schedules.next_due()).min()
    }

    /// Time is about to jump by `span`, which nobody who waits for an answer has waited: their deadlines move along.
    pub fn skip(&mut self, span: Span) {
        self.queues.skip(span);
        self.waits.skip(span);
    }
}
