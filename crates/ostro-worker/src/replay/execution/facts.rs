//! What events say of the run and of its tasks, apart from operations.

use std::collections::HashMap;
use std::time::Duration;

use temporalio_protos::temporal::api::{
    common::v1::{Memo, Payload, RetryPolicy},
    history::v1::{
        WorkflowExecutionStartedEventAttributes, WorkflowTaskCompletedEventAttributes,
        WorkflowTaskStartedEventAttributes,
    },
};

use crate::replay::settings::DeploymentVersion;
use crate::replay::times;

/// What the next run takes over, and how long tasks may take.
#[derive(Debug, Default)]
pub(super) struct Started {
    pub task_timeout: Option<Duration>,
    pub memo: Option<Memo>,
    pub retry_policy: Option<RetryPolicy>,
    /// As at the start, with what the code has set since.
    pub search_attributes: HashMap<String, Payload>,
}

impl Started {
    pub fn of(attributes: &WorkflowExecutionStartedEventAttributes) -> Self {
        Self {
            task_timeout: attributes.workflow_task_timeout.as_ref().and_then(times::from_duration),
            memo: attributes.memo.clone(),
            retry_policy: attributes.retry_policy.clone(),
            search_attributes: attributes
                .search_attributes
                .as_ref()
                .map(|attributes| attributes.indexed_fields.clone())
                .unwrap_or_default(),
        }
    }
}

/// What the last task that began says.
#[derive(Debug, Default)]
pub(super) struct TaskFacts {
    pub history_bytes: u64,
    pub continue_as_new_suggested: bool,
    pub continue_as_new_reasons: Vec<i32>,
    pub target_version_changed: bool,
    /// The version that worked on the task, or works on it.
    pub version: Option<DeploymentVersion>,
}

impl TaskFacts {
    pub fn saw_start(&mut self, started: &WorkflowTaskStartedEventAttributes) {
        self.history_bytes = u64::try_from(started.history_size_bytes).unwrap_or_default();
        self.continue_as_new_suggested = started.suggest_continue_as_new;
        self.continue_as_new_reasons.clone_from(&started.suggest_continue_as_new_reasons);
        self.target_version_changed = started.target_worker_deployment_version_changed;
    }

    /// The newest way to name a version that the event uses goes before older ones.
    pub fn saw_completion(&mut self, completed: &WorkflowTaskCompletedEventAttributes) {
        let named = completed.deployment_version.as_ref();
        let version = named.map(|version| (version.deployment_name.as_str(), version.build_id.as_str()));
        let build_id = completed.worker_version.as_ref().map_or("", |version| &version.build_id);
        let version = version
            .or_else(|| completed.worker_deployment_version.split_once('.'))
            .unwrap_or((&completed.worker_deployment_name, build_id));
        if version != ("", "") {
            self.version = Some(DeploymentVersion { deployment_name: version.0.into(), build_id: version.1.into() });
        }
    }
}
