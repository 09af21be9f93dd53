//! What the engine asks of a store: rows to write, and reads to load an execution again.
//!
//! One [`Write`] list is one commit. Rows are addressed by [`ExecutionId`], an integer that the engine gives each run once
//! and never again.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::base::time::Time;

/// A run, as an integer: dense, growing in order of creation, never reused.
pub type ExecutionId = i64;

/// A namespace, as an integer; its UUID is in the row.
pub type NamespaceId = i64;

/// A value of a search attribute as it is indexed and compared.
#[derive(Debug, Clone, PartialEq)]
pub enum SearchValue {
    Bool(bool),
    Int(i64),
    Double(f64),
    /// Keyword and Text.
    String(String),
    /// Datetime.
    Time(Time),
    KeywordList(Vec<String>),
}

/// A namespace: `blob` is the engine's own encoding of everything that it knows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct NamespaceRow {
    pub id: NamespaceId,
    pub name: String,
    pub blob: Bytes,
}

/// The row by which executions are found and listed. Written at start, when search attributes or memo change, and at
/// close: not at each transition.
#[derive(Debug, Clone, PartialEq)]
pub struct VisibilityRow {
    pub id: ExecutionId,
    pub namespace: NamespaceId,
    pub workflow_id: String,
    pub run_id: String,
    pub workflow_type: String,
    /// `temporal.api.enums.v1.WorkflowExecutionStatus`.
    pub status: i32,
    pub task_queue: String,
    pub start_time: Time,
    /// When the first workflow task may run (start delay, cron, retry back-off); equals `start_time` mostly.
    pub execution_time: Time,
    /// 0 while open.
    pub close_time: Time,
    /// Known at close; 0 before.
    pub history_length: i64,
    pub history_size_bytes: i64,
    pub state_transition_count: i64,
    pub parent_workflow_id: String,
    pub parent_run_id: String,
    pub root_workflow_id: String,
    pub root_run_id: String,
    pub first_run_id: String,
    /// An encoded `temporal.api.common.v1.Memo`.
    pub memo: Bytes,
    /// An encoded `temporal.api.common.v1.SearchAttributes`, handed back as it came.
    pub search_attributes: Bytes,
    /// The same attributes, typed, custom and system ones by name, for filters and order.
    pub search_values: BTreeMap<String, SearchValue>,
    /// When retention deletes the row; 0 while open.
    pub delete_time: Time,
}

/// What kind of part of an execution an item row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ItemKind {
    /// The attributes of the first event: written once, read by retry, cron and continue-as-new.
    Start = 0,
    Activity = 1,
    Timer = 2,
    Child = 3,
    SignalExternal = 4,
    CancelExternal = 5,
    Update = 6,
    /// An event that waits for the end of the workflow task in flight.
    BufferedEvent = 7,
    /// A signal's request id, for idempotency.
    SignalRequest = 8,
    NexusOperation = 9,
    Callback = 10,
    /// An update that an event of history brought and that waits for the workflow's word.
    AdmittedUpdate = 11,
}

impl ItemKind {
    pub fn from_u8(kind: u8) -> Option<Self> {
        use ItemKind::*;
        [
            Start,
            Activity,
            Timer,
            Child,
            SignalExternal,
            CancelExternal,
            Update,
            BufferedEvent,
            SignalRequest,
            NexusOperation,
            Callback,
            AdmittedUpdate,
        ]
        .into_iter()
        .find(|k| *k as u8 == kind)
    }
}

/// The key of an item within its execution: an event id, or a name such as an update id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKey {
    Id(i64),
    Name(String),
}

/// A task queue, by its name and type, within a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum QueueKind {
    Workflow = 1,
    Activity = 2,
    Nexus = 3,
}

/// A task queue on which a task waits, and the task's place there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waiting {
    pub queue: String,
    /// Its order and whose it is, in the engine's own encoding; mostly empty.
    pub place: Bytes,
}

impl From<&str> for Waiting {
    fn from(queue: &str) -> Self {
        Self { queue: queue.to_owned(), place: Bytes::new() }
    }
}

/// One write of a commit, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    PutNamespace(NamespaceRow),
    DeleteNamespace(NamespaceId),
    /// Inserts or replaces.
    PutVisibility(Box<VisibilityRow>),
    /// Inserts or replaces the execution's core state.
    PutState {
        execution: ExecutionId,
        state: Bytes,
        /// The earliest moment at which the engine must look at the execution by itself.
        next_due: Option<Time>,
        /// The queue on which a workflow task waits for a worker, if one does.
        waiting: Option<Waiting>,
    },
    /// Inserts or replaces one part of the execution.
    PutItem {
        execution: ExecutionId,
        kind: ItemKind,
        key: ItemKey,
        value: Bytes,
        /// The queue on which an activity task waits for a worker, if one does.
        waiting: Option<Waiting>,
    },
    DeleteItem {
        execution: ExecutionId,
        kind: ItemKind,
        key: ItemKey,
    },
    /// Appends encoded events (`temporal.api.history.v1.History`); `first` is the id of the first of them,
    /// `next` one more than that of the last.
    AppendHistory {
        execution: ExecutionId,
        first: i64,
        next: i64,
        events: Bytes,
    },
    /// Deletes every row of the execution.
    DeleteExecution(ExecutionId),
    /// A named record of the engine beside executions (schedules, endpoints, task queue settings...).
    PutRecord {
        kind: String,
        key: String,
        value: Bytes,
    },
    DeleteRecord {
        kind: String,
        key: String,
    },
}

/// An execution as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredExecution {
    pub id: ExecutionId,
    pub namespace: NamespaceId,
    pub state: Bytes,
    pub items: Vec<StoredItem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct StoredItem {
    pub kind: ItemKind,
    pub key: ItemKey,
    pub value: Bytes,
}

/// A named record as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecord {
    pub kind: String,
    pub key: String,
    pub value: Bytes,
}

impl StoredRecord {
    /// The record as something that is set aside.
    pub fn damaged(&self, what: impl ToString) -> DamagedRow {
        let of = DamagedPart::Record { kind: self.kind.clone(), key: self.key.clone() };
        DamagedRow { of, what: Damaged(what.to_string()) }
    }
}

/// One committed batch of history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryBatch {
    pub first: i64,
    pub next: i64,
    /// Encoded events; concatenated batches are a valid `History`.
    pub events: Bytes,
}

/// Rows that are not what the engine wrote: what is wrong with them, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damaged(pub String);

/// Something that cannot be read, found before the engine serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedRow {
    pub of: DamagedPart,
    pub what: Damaged,
}

/// What a damaged row belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DamagedPart {
    /// `name` may be damaged itself.
    Namespace {
        id: NamespaceId,
        name: String,
    },
    Record {
        kind: String,
        key: String,
    },
    Execution(ExecutionId),
    /// Events of the execution only: it is served until somebody needs them.
    History(ExecutionId),
}

/// What lists know of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub namespace: NamespaceId,
    pub workflow_id: String,
    pub run_id: String,
    /// `temporal.api.enums.v1.WorkflowExecutionStatus`.
    pub status: i32,
}

/// What the engine must know of the store before it serves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovery {
    pub namespaces: Vec<NamespaceRow>,
    pub records: Vec<StoredRecord>,
    /// One more than the greatest execution id ever given.
    pub next_execution: ExecutionId,
    /// Open executions that must be looked at by themselves, with the time.
    pub due: Vec<(ExecutionId, Time)>,
    /// Workflow tasks that wait for a worker.
    pub workflow_tasks: Vec<WaitingTask>,
    /// Activity tasks that wait for a worker.
    pub activity_tasks: Vec<WaitingTask>,
    /// What each namespace has; empty where no quota asks.
    pub usage: Vec<NamespaceUsage>,
    /// Executions of which it is not known what they wait for: their own rows say it.
    pub unsure: Vec<ExecutionId>,
    /// What is set aside from the start.
    pub damaged: Vec<DamagedRow>,
}

/// What a namespace has of what a quota may limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamespaceUsage {
    pub namespace: NamespaceId,
    pub executions_open: i64,
    /// Of open and closed runs.
    pub history_bytes: i64,
}

/// A task that waits for a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingTask {
    pub execution: ExecutionId,
    pub namespace: NamespaceId,
    pub workflow_id: String,
    pub waiting: Waiting,
    /// The activity's scheduled event id; 0 for a workflow task.
    pub event_id: i64,
}

/// Reads that the engine makes while it applies a command. They see all that is committed; the engine keeps in memory
/// whatever is not committed yet, so it never asks for it.
///
/// Each may find damage: the engine sets aside whatever that belongs to, and goes on with the rest.
pub trait Loader {
    /// The newest run of a workflow id, open or closed.
    ///
    /// # Errors
    /// Where the rows that say so are damaged; the same for all others.
    fn newest_run(&self, namespace: NamespaceId, workflow_id: &str) -> Result<Option<ExecutionId>, Damaged>;
    /// A run by its run id.
    fn run(&self, namespace: NamespaceId, workflow_id: &str, run_id: &str) -> Result<Option<ExecutionId>, Damaged>;
    /// Everything of an execution except its history.
    fn load(&self, execution: ExecutionId) -> Result<Option<StoredExecution>, Damaged>;
    /// What lists know of an execution, also where it cannot be loaded.
    fn listed(&self, execution: ExecutionId) -> Result<Option<Listed>, Damaged>;
    /// Batches that overlap event ids `from..to`, in order and without a gap.
    fn history(&self, execution: ExecutionId, from: i64, to: i64) -> Result<Vec<HistoryBatch>, Damaged>;
    /// Whether an open execution of the namespace is pinned to the version of that name (`deployment:build`), as its search
    /// attributes tell.
    fn is_pinned(&self, namespace: NamespaceId, version: &str) -> Result<bool, Damaged>;
}
