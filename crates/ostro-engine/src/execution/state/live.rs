//! The part of an execution that lives in memory only: who waits for what, and work that no history holds yet.

use std::collections::{BTreeMap, HashMap};

use temporalio_protos::temporal::api::{query::v1::WorkflowQuery, update::v1 as update};

use crate::call::ReplyId;
use crate::execution::Counted;
use crate::execution::history::BUFFERED;
use crate::stored::execution::AdmittedUpdate;

#[derive(Debug, Default)]
pub(crate) struct Live {
    /// Started events of activities and children that have not ended; see `history`.
    pub(crate) started: HashMap<i64, i64>,
    /// Updates on their way, in order of arrival.
    pub updates: Vec<LiveUpdate>,
    /// Queries that wait, by number.
    pub queries: BTreeMap<u64, LiveQuery>,
    pub history_waiters: Vec<HistoryWaiter>,
    /// As what it counts for the quota of its namespace.
    pub counted: Counted,
}

/// How far an update has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum UpdateStage {
    Admitted,
    /// Handed to a worker with the workflow task in flight.
    Sent,
    Accepted,
}

#[derive(Debug)]
pub(crate) struct LiveUpdate {
    pub request: update::Request,
    pub stage: UpdateStage,
    pub waiters: Vec<UpdateWaiter>,
    /// An event of history brings it to the worker, rather than a message.
    pub in_history: bool,
    /// The started event of the workflow task that took it to a worker; 0 before.
    pub sent_with: i64,
}

impl LiveUpdate {
    /// An update that somebody asks for.
    pub(crate) fn new(request: update::Request, stage: UpdateStage, waiters: Vec<UpdateWaiter>) -> Self {
        Self { request, stage, waiters, in_history: false, sent_with: 0 }
    }

    /// An update that an event of history brought.
    pub(crate) fn of_history(admitted: &AdmittedUpdate) -> Self {
        let request = admitted.request.clone().unwrap_or_default();
        Self { request, stage: UpdateStage::Admitted, waiters: Vec::new(), in_history: true, sent_with: 0 }
    }

    pub(crate) fn id(&self) -> &str {
        self.request.meta.as_ref().map_or("", |meta| &meta.update_id)
    }
}

/// A client that waits for an update.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UpdateWaiter {
    pub reply: ReplyId,
    /// `UpdateWorkflowExecutionLifecycleStage` that it waits for.
    pub stage: i32,
}

/// A query that waits for a worker.
#[derive(Debug)]
pub struct LiveQuery {
    pub reply: ReplyId,
    pub query: WorkflowQuery,
    /// Rides on the workflow task in flight or scheduled, rather than by itself.
    pub with_workflow_task: bool,
    /// Handed out with the workflow task in flight.
    pub sent: bool,
    /// The sticky queue that it was offered on by itself; `None` for the normal one.
    pub sticky: Option<String>,
}

/// A client that waits for events.
#[derive(Debug, Clone, Copy)]
pub struct HistoryWaiter {
    pub reply: ReplyId,
    /// The first event that the client has not seen.
    pub from: i64,
    /// Wait for the close of the run, not for just any event.
    pub close_only: bool,
}

impl Live {
    /// Puts the started event's id where a buffered event could not name it yet.
    pub(crate) fn link(&mut self, part: i64, started_event_id: &mut i64) -> Option<i64> {
        // Taken out in any case: the part has ended.
        let started = self.started.remove(&part);
        if *started_event_id == BUFFERED {
            *started_event_id = started.unwrap_or(0);
        }
        None
    }

    /// The query of that call leaves the sticky queue that it was offered on: its number and that queue.
    pub(crate) fn unstick_query(&mut self, reply: ReplyId) -> Option<(u64, String)> {
        let (number, query) = self.queries.iter_mut().find(|(_, query)| query.reply == reply)?;
        Some((*number, query.sticky.take()?))
    }

    pub(crate) fn wait_for_history(&mut self, reply: ReplyId, from: i64, close_only: bool) {
        self.history_waiters.push(HistoryWaiter { reply, from, close_only });
    }

    pub(crate) fn update(&mut self, update_id: &str) -> Option<&mut LiveUpdate> {
        self.updates.iter_mut().find(|u| u.id() == update_id)
    }

    /// Whether anybody waits, so that the execution must stay in memory.
    pub(crate) fn is_idle(&self) -> bool {
        self.updates.iter().all(|update| update.in_history && update.waiters.is_empty())
            && self.queries.is_empty()
            && self.history_waiters.is_empty()
    }
}
