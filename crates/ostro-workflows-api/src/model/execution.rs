//! Executions: what is kept of them, and what the engine says of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use temporalio_protos::temporal::api::common::v1::Payload;
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use utoipa::ToSchema;

use crate::model::error::Result;
use crate::model::moment::Moment;
use crate::model::record::{Kind, put as put_record};
use crate::model::search_keys;

/// What is kept of an execution.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ExecutionRecord {
    pub workflow_name: String,
    pub task_queue: String,
    pub root: Option<String>,
    pub parent: Option<String>,
    /// The API key that started it.
    pub user_id: Option<String>,
    pub search_keys: BTreeMap<String, Option<String>>,
    /// The run that was registered last.
    #[serde(default)]
    pub run_id: Option<String>,
    /// When that was, or when it was started.
    #[serde(default)]
    pub registered_at: Option<Moment>,
}

/// What is kept of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    pub execution_id: String,
    pub registered_at: Moment,
    pub execution_token_hash: String,
}

/// The term by which a run is found by its token.
pub(crate) fn token_term(hash: &str) -> String {
    format!("token:{hash}")
}

/// The change that keeps an execution, found by its search keys and its user.
pub(crate) fn execution_change(
    namespace: &str,
    id: &str,
    record: &ExecutionRecord,
) -> Result<crate::model::record::Change> {
    let keys = record.search_keys.iter();
    let mut terms: Vec<String> =
        keys.map(|(key, value)| search_keys::term(key, value.as_deref().unwrap_or_default())).collect();
    terms.extend(record.user_id.as_ref().map(|user| format!("user:{user}")));
    put_record(Kind::Execution, namespace, id.to_owned(), terms, record)
}

/// The state of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StatusName {
    Running,
    Completed,
    Failed,
    Canceled,
    Terminated,
    ContinuedAsNew,
    TimedOut,
    /// Running, but its workflow task fails and is tried again. Only a filter: an execution then reads `RUNNING`.
    RetryingAfterError,
}

impl StatusName {
    /// The engine's state; `None` for one that it does not have.
    pub(crate) const fn of(status: WorkflowExecutionStatus) -> Option<Self> {
        match status {
            WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Paused => Some(Self::Running),
            WorkflowExecutionStatus::Completed => Some(Self::Completed),
            WorkflowExecutionStatus::Failed => Some(Self::Failed),
            WorkflowExecutionStatus::Canceled => Some(Self::Canceled),
            WorkflowExecutionStatus::Terminated => Some(Self::Terminated),
            WorkflowExecutionStatus::ContinuedAsNew => Some(Self::ContinuedAsNew),
            WorkflowExecutionStatus::TimedOut => Some(Self::TimedOut),
            WorkflowExecutionStatus::Unspecified => None,
        }
    }

    /// Its condition in a list filter.
    pub(crate) const fn condition(self) -> &'static str {
        match self {
            Self::Running => "ExecutionStatus = 'Running'",
            Self::Completed => "ExecutionStatus = 'Completed'",
            Self::Failed => "ExecutionStatus = 'Failed'",
            Self::Canceled => "ExecutionStatus = 'Canceled'",
            Self::Terminated => "ExecutionStatus = 'Terminated'",
            Self::ContinuedAsNew => "ExecutionStatus = 'ContinuedAsNew'",
            Self::TimedOut => "ExecutionStatus = 'TimedOut'",
            Self::RetryingAfterError => "(ExecutionStatus = 'Running' AND TemporalReportedProblems IS NOT NULL)",
        }
    }
}

/// One run of an execution.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub execution_id: String,
    pub run_id: String,
    pub workflow_name: String,
    pub status: Option<StatusName>,
    pub start_time: Moment,
    pub end_time: Option<Moment>,
    pub task_queue: String,
    /// The execution at the top of its tree; itself where it is the top.
    pub root: String,
    pub parent: Option<String>,
    pub first_run_id: Option<String>,
    /// The identifier of its trace.
    pub trace_id: Option<String>,
    /// Whether it stands at the top of its tree.
    pub is_root: bool,
}

impl Described {
    pub(crate) fn of(info: &WorkflowExecutionInfo) -> Self {
        let execution = info.execution.clone().unwrap_or_default();
        let root = info.root_execution.as_ref().map(|root| root.workflow_id.clone()).filter(|root| !root.is_empty());
        let parent = info.parent_execution.as_ref().map(|parent| parent.workflow_id.clone());
        let root = root.unwrap_or_else(|| execution.workflow_id.clone());
        let status = WorkflowExecutionStatus::try_from(info.status).unwrap_or_default();
        let start = info.start_time.as_ref().and_then(Moment::of);
        Self {
            is_root: root == execution.workflow_id,
            root,
            parent: parent.filter(|parent| !parent.is_empty()),
            workflow_name: info.r#type.clone().unwrap_or_default().name,
            status: StatusName::of(status),
            start_time: start.unwrap_or(Moment(jiff::Timestamp::UNIX_EPOCH)),
            end_time: info.close_time.as_ref().and_then(Moment::of),
            task_queue: info.task_queue.clone(),
            first_run_id: Some(info.first_run_id.clone()).filter(|first| !first.is_empty()),
            trace_id: info.search_attributes.as_ref().and_then(|all| text(all.indexed_fields.get("OtelTraceId")?)),
            execution_id: execution.workflow_id,
            run_id: execution.run_id,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.status == Some(StatusName::Running)
    }
}

fn text(payload: &Payload) -> Option<String> {
    serde_json::from_slice(&payload.data).ok()
}
