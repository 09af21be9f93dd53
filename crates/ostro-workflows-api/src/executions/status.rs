//! The state of an execution as clients name it.

use serde::{Deserialize, Serialize};
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use utoipa::ToSchema;

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
