//! Open calls that wait for an execution to move, or for a worker: history polls, updates, queries, Nexus requests by HTTP.

use std::collections::{BTreeSet, HashMap};

use temporalio_protos::temporal::api::workflowservice::v1::StartWorkflowExecutionResponse;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::time::{Span, Time};
use crate::call::{Answer, UpdateWithStart};
use crate::call::{HistoryPosition, ReplyId};
use crate::engine::Engine;
use crate::execution::update::poll_response;
use crate::queue::Work;
use crate::stored::persistence::{ExecutionId, Loader, QueueKind};

/// What an open call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitKind {
    History,
    /// Until its client's deadline; the wait's own may be earlier, and is then answered with the stage reached so far.
    Update {
        until: Time,
        /// Answered in the form of a poll.
        polled: bool,
    },
    /// Until then at the longest; the wait's deadline is earlier while a sticky queue has the query.
    Query {
        until: Time,
    },
    /// For a worker's answer to a Nexus request that came in by HTTP.
    NexusWorker,
}

/// Where a wait, or a task, is no execution's.
pub(crate) const NO_EXECUTION: ExecutionId = 0;

#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// Or [`NO_EXECUTION`].
    pub execution: ExecutionId,
    pub kind: WaitKind,
    pub deadline: Time,
}

/// The start that belongs to an update which is waited for.
#[derive(Debug)]
pub(crate) struct WithStart {
    pub request: UpdateWithStart,
    /// What the client will be told of the start.
    pub start: StartWorkflowExecutionResponse,
    pub deadline: Time,
    /// It was tried before, on a run that closed.
    pub retried: bool,
}

#[derive(Debug, Default)]
pub struct Waits {
    calls: HashMap<ReplyId, Wait>,
    starts: HashMap<ReplyId, Box<WithStart>>,
    order: BTreeSet<(Time, ReplyId)>,
}

impl Waits {
    pub fn add(&mut self, id: ReplyId, wait: Wait) {
        self.order.insert((wait.deadline, id));
        self.calls.insert(id, wait);
    }

    /// Looks at the call at `deadline`, not when it said before.
    pub(crate) fn move_deadline(&mut self, id: ReplyId, deadline: Time) {
        if let Some(wait) = self.calls.get_mut(&id) {
            self.order.remove(&(wait.deadline, id));
            wait.deadline = deadline;
            self.order.insert((deadline, id));
        }
    }

    /// Keeps what an update-with-start is to be answered with, beside its wait for the update.
    pub(crate) fn keep_start(&mut self, id: ReplyId, start: WithStart) {
        self.starts.insert(id, Box::new(start));
    }

    pub(crate) fn take_start(&mut self, id: ReplyId) -> Option<WithStart> {
        self.starts.remove(&id).map(|start| *start)
    }

    pub fn remove(&mut self, id: ReplyId) -> Option<Wait> {
        self.starts.remove(&id);
        let wait = self.calls.remove(&id)?;
        self.order.remove(&(wait.deadline, id));
        Some(wait)
    }

    pub fn next(&self) -> Option<Time> {
        self.order.first().map(|(time, _)| *time)
    }

    pub fn deadline(&self, id: ReplyId) -> Option<Time> {
        self.calls.get(&id).map(|wait| wait.deadline)
    }

    /// Those for which workers work: queries, and Nexus requests by HTTP.
    pub fn work(&self) -> usize {
        let works = |wait: &&Wait| matches!(wait.kind, WaitKind::Query { .. } | WaitKind::NexusWorker);
        self.calls.values().filter(works).count()
    }

    /// Calls that wait on an execution.
    pub(crate) fn of_execution(&self, execution: ExecutionId) -> impl Iterator<Item = ReplyId> {
        let mut of: Vec<ReplyId> =
            self.calls.iter().filter(|(_, wait)| wait.execution == execution).map(|(id, _)| *id).collect();
        of.sort_unstable();
        of.into_iter()
    }

    /// Moves every deadline.
    pub fn skip(&mut self, span: Span) {
        for wait in self.calls.values_mut() {
            wait.deadline += span;
            if let WaitKind::Query { until } | WaitKind::Update { until, .. } = &mut wait.kind {
                *until += span;
            }
        }
        self.order = self.calls.iter().map(|(id, wait)| (wait.deadline, *id)).collect();
    }

    pub fn len(&self) -> usize {
        self.calls.len()
    }

    fn due(&self, now: Time) -> Option<ReplyId> {
        self.order.first().filter(|(time, _)| *time <= now).map(|(_, id)| *id)
    }

    /// Ends the wait of `id` and gives its answer the form that the call expects.
    pub fn shape(&mut self, id: ReplyId, answer: Result<Answer>) -> Result<Answer> {
        let wait = self.remove(id);
        match (wait.map(|w| w.kind), answer) {
            (Some(WaitKind::Update { polled: true, .. }), Ok(Answer::UpdateWorkflow(response))) => {
                Ok(Answer::PollUpdate(Box::new(poll_response(*response))))
            }
            (_, answer) => answer,
        }
    }
}

impl<L: Loader> Engine<L> {
    /// Answers calls whose deadline has come with what there is.
    pub(crate) fn expire_waits(&mut self) {
        while let Some(id) = self.waits.due(self.now) {
            let Some(wait) = self.waits.calls.get(&id).copied() else { return };
            match wait.kind {
                WaitKind::History => self.expire_history_wait(id, wait.execution),
                WaitKind::Update { until, .. } if until <= self.now => {
                    self.forget_update_wait(id, wait.execution);
                    self.reply(id, Err(Error::deadline_exceeded()));
                }
                WaitKind::Update { .. } => self.expire_update_wait(id, wait.execution),
                WaitKind::NexusWorker => self.time_out_incoming(id),
                WaitKind::Query { until } if self.now < until => self.unstick_query(id, wait.execution, until),
                WaitKind::Query { .. } => {
                    self.forget_query(id, wait.execution);
                    let message = "no worker answered the query in time: is one running on the workflow's task queue?";
                    self.reply(id, Err(Error::new(ErrorKind::DeadlineExceeded, message)));
                }
            }
        }
    }

    fn expire_update_wait(&mut self, id: ReplyId, execution: ExecutionId) {
        let found = self.load(execution) && self.view(execution, |t| t.expire_update_waiter(id));
        self.settle();
        if !found {
            self.reply(id, Err(Error::not_found("the execution that the update waited for is gone")));
        }
    }

    fn forget_update_wait(&mut self, id: ReplyId, execution: ExecutionId) {
        if let Some(execution) = self.cache.get_mut(execution) {
            execution.drop_update_waiter(id);
        }
    }

    fn expire_history_wait(&mut self, id: ReplyId, execution: ExecutionId) {
        self.forget_history_wait(id, execution);
        let position = self.load(execution).then(|| self.cache.get(execution).map(|e| e.history_position())).flatten();
        let position: HistoryPosition = position.unwrap_or_default();
        self.reply(id, Ok(Answer::ReadHistory(Box::new(position))));
    }

    fn forget_history_wait(&mut self, id: ReplyId, execution: ExecutionId) {
        if let Some(execution) = self.cache.get_mut(execution) {
            execution.live.history_waiters.retain(|w| w.reply != id);
        }
    }

    /// The worker of the sticky queue does not answer: any other may.
    fn unstick_query(&mut self, id: ReplyId, execution: ExecutionId, until: Time) {
        self.waits.move_deadline(id, until);
        let found = self.cache.get_mut(execution).and_then(|execution| execution.live.unstick_query(id));
        if let Some((number, queue)) = found {
            self.withdraw(execution, QueueKind::Workflow, queue, Work::Query(number));
            self.offer_query_to_any(execution, number);
        }
    }

    fn forget_query(&mut self, id: ReplyId, execution: ExecutionId) {
        if let Some(execution) = self.cache.get_mut(execution) {
            execution.live.queries.retain(|_, q| q.reply != id);
        }
    }

    /// The client of a waiting call is gone.
    pub(crate) fn drop_wait(&mut self, id: ReplyId) {
        let Some(wait) = self.waits.remove(id) else { return };
        match wait.kind {
            WaitKind::History => self.forget_history_wait(id, wait.execution),
            WaitKind::Query { .. } => self.forget_query(id, wait.execution),
            WaitKind::NexusWorker => self.forget_incoming(id),
            WaitKind::Update { .. } => self.forget_update_wait(id, wait.execution),
        }
    }
}
