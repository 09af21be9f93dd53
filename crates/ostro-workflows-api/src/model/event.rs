//! An event of an execution.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::model::error::{Error, Result};
use crate::model::record::{Change, Entry, Journal};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum EventType {
    WorkflowExecutionStarted,
    WorkflowExecutionCompleted,
    WorkflowExecutionFailed,
    WorkflowExecutionCanceled,
    WorkflowExecutionContinuedAsNew,
    WorkflowTaskTimedOut,
    WorkflowTaskFailed,
    CustomTaskStarted,
    CustomTaskInProgress,
    CustomTaskCompleted,
    CustomTaskFailed,
    CustomTaskTimedOut,
    CustomTaskCanceled,
    ActivityTaskStarted,
    ActivityTaskCompleted,
    ActivityTaskRetrying,
    ActivityTaskFailed,
}

impl EventType {
    /// Its name on the wire and in the journal, and what its attributes must have for clients to read it.
    pub(crate) const fn parts(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::WorkflowExecutionStarted => ("WORKFLOW_EXECUTION_STARTED", &["task_id", "workflow_name", "input"]),
            Self::WorkflowExecutionCompleted => ("WORKFLOW_EXECUTION_COMPLETED", &["task_id", "result"]),
            Self::WorkflowExecutionFailed => ("WORKFLOW_EXECUTION_FAILED", &["task_id", "failure"]),
            Self::WorkflowExecutionCanceled => ("WORKFLOW_EXECUTION_CANCELED", &["task_id"]),
            Self::WorkflowExecutionContinuedAsNew => {
                ("WORKFLOW_EXECUTION_CONTINUED_AS_NEW", &["task_id", "new_execution_run_id", "workflow_name", "input"])
            }
            Self::WorkflowTaskTimedOut => ("WORKFLOW_TASK_TIMED_OUT", &["task_id"]),
            Self::WorkflowTaskFailed => ("WORKFLOW_TASK_FAILED", &["task_id", "failure"]),
            Self::CustomTaskStarted => ("CUSTOM_TASK_STARTED", &["custom_task_id", "custom_task_type"]),
            Self::CustomTaskInProgress => {
                ("CUSTOM_TASK_IN_PROGRESS", &["custom_task_id", "custom_task_type", "payload"])
            }
            Self::CustomTaskCompleted => ("CUSTOM_TASK_COMPLETED", &["custom_task_id", "custom_task_type", "payload"]),
            Self::CustomTaskFailed => ("CUSTOM_TASK_FAILED", &["custom_task_id", "custom_task_type", "failure"]),
            Self::CustomTaskTimedOut => ("CUSTOM_TASK_TIMED_OUT", &["custom_task_id", "custom_task_type"]),
            Self::CustomTaskCanceled => ("CUSTOM_TASK_CANCELED", &["custom_task_id", "custom_task_type"]),
            Self::ActivityTaskStarted => ("ACTIVITY_TASK_STARTED", &["task_id", "activity_name", "input"]),
            Self::ActivityTaskCompleted => ("ACTIVITY_TASK_COMPLETED", &["task_id", "activity_name", "result"]),
            Self::ActivityTaskRetrying => {
                ("ACTIVITY_TASK_RETRYING", &["task_id", "activity_name", "attempt", "failure"])
            }
            Self::ActivityTaskFailed => ("ACTIVITY_TASK_FAILED", &["task_id", "activity_name", "attempt", "failure"]),
        }
    }

    /// Its name on the wire and in the journal.
    pub(crate) const fn name(self) -> &'static str {
        self.parts().0
    }

    /// Whether it is of an activity, rather than of the workflow.
    pub(crate) const fn is_activity(self) -> bool {
        matches!(
            self,
            Self::ActivityTaskStarted
                | Self::ActivityTaskCompleted
                | Self::ActivityTaskRetrying
                | Self::ActivityTaskFailed
        )
    }
}

/// Something that happened in an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct WorkflowEvent {
    /// Unique; the same again is taken and dropped.
    pub event_id: String,
    /// Unix nanoseconds.
    pub event_timestamp: i64,
    pub root_workflow_exec_id: String,
    #[serde(default)]
    pub parent_workflow_exec_id: Option<String>,
    pub workflow_exec_id: String,
    pub workflow_run_id: String,
    pub workflow_name: String,
    #[serde(default)]
    pub continued_run_id: Option<String>,
    #[serde(default)]
    pub first_execution_run_id: Option<String>,
    #[serde(default)]
    pub chain_run_id: Option<String>,
    #[serde(default)]
    pub schedule_id: Option<String>,
    pub event_type: EventType,
    /// What belongs to its type, payloads as they were sent.
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
}

impl WorkflowEvent {
    /// Refuses an event that clients could not read.
    pub(crate) fn check(&self, place: &[&str]) -> Result<()> {
        let fault = |key: &str, message: &str| {
            let path: Vec<&str> = place.iter().copied().chain(key.split('.')).collect();
            Err(Error::at(&path, message, "value_error"))
        };
        for (key, value) in [
            ("event_id", &self.event_id),
            ("root_workflow_exec_id", &self.root_workflow_exec_id),
            ("workflow_exec_id", &self.workflow_exec_id),
            ("workflow_run_id", &self.workflow_run_id),
        ] {
            if value.is_empty() {
                return fault(key, "must not be empty");
            }
        }
        for key in self.event_type.parts().1 {
            if !self.attributes.contains_key(*key) {
                return fault(&format!("attributes.{key}"), "this type of event has it");
            }
        }
        Ok(())
    }

    /// Whether it is of the SDK's own machinery.
    pub(crate) fn is_internal(&self) -> bool {
        let name = self.attributes.get("activity_name").and_then(Value::as_str);
        self.event_type.is_activity() && name.is_some_and(|name| name.starts_with("__"))
    }

    /// The change that keeps it. What is internal is kept apart: traces can show it, streams do not.
    pub(crate) fn append(&self, namespace: &str) -> Result<Change> {
        let body = serde_json::to_string(self).map_err(|error| Error::internal("write an event", &error))?;
        Ok(Change::Append(Entry {
            sequence: 0,
            journal: if self.is_internal() { Journal::InternalEvent } else { Journal::Event },
            namespace: namespace.to_owned(),
            id: self.event_id.clone(),
            at: self.event_timestamp,
            root: self.root_workflow_exec_id.clone(),
            execution: self.workflow_exec_id.clone(),
            run: self.workflow_run_id.clone(),
            kind: self.event_type.name().to_owned(),
            source: self.workflow_name.clone(),
            body,
        }))
    }
}
