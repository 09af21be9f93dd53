//! Answers: typed, and each for one call that the shell keeps open until the commit.

use bytes::Bytes;
use temporalio_protos::temporal::api::{
    history::v1::HistoryEvent,
    workflowservice::v1::{
        DescribeTaskQueueResponse, PollWorkflowTaskQueueResponse, RespondWorkflowTaskCompletedResponse,
        StartWorkflowExecutionResponse,
    },
};

use crate::base::error::Result;
use crate::call::Answer;
use crate::stored::persistence::{ExecutionId, HistoryBatch};

/// One open call; the shell gives the number.
pub type ReplyId = u64;

/// An answer to an open call.
#[derive(Debug)]
pub struct Reply {
    pub id: ReplyId,
    pub answer: Result<Answer>,
}

/// Events of one execution, to be put together by the shell after the commit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistorySlice {
    pub execution: ExecutionId,
    /// First event id.
    pub from: i64,
    /// One more than the last.
    pub to: i64,
    /// The encoded events, where the engine still has them; otherwise they are read from the store.
    pub encoded: Option<Vec<Bytes>>,
    /// Events that follow and are in no history: of a transient or speculative workflow task.
    pub extra: Vec<HistoryEvent>,
}

/// A workflow task, or a query, for a worker.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkflowTaskAnswer {
    pub response: PollWorkflowTaskQueueResponse,
    pub history: HistorySlice,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct StartAnswer {
    pub response: StartWorkflowExecutionResponse,
    /// Present when the client asked for an eager start and got it.
    pub workflow_task: Option<Box<WorkflowTaskAnswer>>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkflowTaskCompletedAnswer {
    pub response: RespondWorkflowTaskCompletedResponse,
    pub workflow_task: Option<Box<WorkflowTaskAnswer>>,
}

/// A task queue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DescribedQueue {
    pub response: DescribeTaskQueueResponse,
    /// Of its pollers, the identities that have gone: they said goodbye, or their connection is closed.
    pub left: Vec<String>,
}

/// Where an execution's history stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistoryPosition {
    pub execution: ExecutionId,
    pub run_id: String,
    /// One more than the newest event that may be shown.
    pub next_event_id: i64,
    pub open: bool,
    /// The batch with the newest stored event, where it is in memory: who waits for the end of a run asks for no other.
    pub newest: Option<HistoryBatch>,
    /// Events that are not stored yet but are shown to those who do not wait for more: of a transient or speculative
    /// workflow task.
    pub extra: Vec<HistoryEvent>,
}
