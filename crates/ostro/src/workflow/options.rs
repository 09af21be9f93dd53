//! Options of workflows.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use temporalio_workflow::RetryPolicy;

use crate::client::search::SearchAttribute;

/// What happens when a workflow of this id is open, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IdPolicy {
    /// A closed one may be followed by another; an open one makes the start an error.
    #[default]
    AllowDuplicate,
    /// One that failed, was cancelled, terminated or timed out may be followed by another.
    AllowDuplicateFailedOnly,
    /// There is never another one.
    RejectDuplicate,
    /// An open one is used instead of a new one.
    UseExisting,
    /// An open one is terminated first.
    TerminateExisting,
}

/// What happens to a child when its parent closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ParentClosePolicy {
    /// It is terminated.
    #[default]
    Terminate,
    /// It goes on.
    Abandon,
    /// It is asked to cancel.
    RequestCancel,
}

/// How a workflow is run.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct WorkflowOptions {
    pub id: Option<String>,
    pub task_queue: Option<String>,
    /// The most that it may take with all its runs, retries and schedules. Default: none.
    pub execution_timeout: Option<Duration>,
    /// The most that one run may take. Default: none.
    pub run_timeout: Option<Duration>,
    /// The most that a worker may take to answer one workflow task. Default: the engine's, 10 s.
    pub task_timeout: Option<Duration>,
    pub id_policy: IdPolicy,
    pub parent_close_policy: ParentClosePolicy,
    pub retry_policy: Option<RetryPolicy>,
    pub memo: BTreeMap<String, Value>,
    pub search_attributes: Vec<(String, SearchAttribute)>,
    /// Wait this long before the first workflow task.
    pub start_delay: Option<Duration>,
    /// Cron expressions: [`run_worker`](crate::run_worker) makes a schedule of each.
    pub schedules: Vec<String>,
}
