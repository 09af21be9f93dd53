//! What an execution looks like to those who ask.

use std::collections::HashMap;

use temporalio_protos::temporal::api::{
    common::v1::{WorkflowExecution, WorkflowType},
    enums::v1::{EventType, PendingActivityState, PendingWorkflowTaskState},
    workflow::v1::{
        PendingActivityInfo, PendingChildExecutionInfo, PendingWorkflowTaskInfo, RequestIdInfo,
        WorkflowExecutionConfig, WorkflowExecutionExtendedInfo, WorkflowExecutionInfo,
    },
    workflowservice::v1::DescribeWorkflowExecutionResponse,
};

use super::Execution;
use crate::base::time::{Time, duration, timestamp};
use crate::stored::execution::{Activity, Child, NexusOperation, WorkflowTask};

impl Execution {
    /// The whole description; `namespace` is the UUID of the parent's namespace.
    pub(crate) fn describe(&self, namespace: &str) -> DescribeWorkflowExecutionResponse {
        let started = self.started();
        DescribeWorkflowExecutionResponse {
            execution_config: Some(WorkflowExecutionConfig {
                task_queue: Some(self.normal_queue()),
                workflow_execution_timeout: started.workflow_execution_timeout,
                workflow_run_timeout: started.workflow_run_timeout,
                default_workflow_task_timeout: started.workflow_task_timeout,
                user_metadata: self.core.user_metadata.clone(),
            }),
            workflow_execution_info: Some(self.info(namespace)),
            pending_activities: self.activities.values().map(pending_activity).collect(),
            pending_children: self.children.values().map(pending_child).collect(),
            pending_workflow_task: self
                .core
                .workflow_task
                .as_ref()
                .filter(|_| self.is_open())
                .map(pending_workflow_task),
            workflow_extended_info: Some(self.extended_info()),
            callbacks: self.callbacks.values().filter_map(|state| state.info.clone()).collect(),
            pending_nexus_operations: self.nexus.values().map(NexusOperation::describe).collect(),
        }
    }

    fn info(&self, namespace: &str) -> WorkflowExecutionInfo {
        let core = &self.core;
        let started = self.started();
        let parent = started.parent_workflow_execution.clone();
        let closed = core.close_time() != Time::UNSET;
        WorkflowExecutionInfo {
            execution: Some(WorkflowExecution { workflow_id: core.workflow_id.clone(), run_id: core.run_id.clone() }),
            r#type: Some(WorkflowType { name: core.workflow_type.clone() }),
            start_time: timestamp(core.start_time()),
            close_time: timestamp(core.close_time()),
            status: core.status,
            history_length: core.next_event_id - 1,
            parent_namespace_id: if parent.is_some() { namespace.to_owned() } else { String::new() },
            parent_execution: parent,
            execution_time: timestamp(core.execution_time()),
            memo: Some(self.properties.memo.clone().unwrap_or_default()),
            search_attributes: Some(self.properties.search_attributes.clone().unwrap_or_default()),
            auto_reset_points: Some(Default::default()),
            task_queue: core.task_queue.clone(),
            state_transition_count: core.transitions,
            history_size_bytes: core.history_bytes,
            execution_duration: if closed { duration(core.close_time() - core.execution_time()) } else { None },
            root_execution: Some(self.root()),
            first_run_id: core.first_run_id.clone(),
            versioning_info: core.versioning.as_ref().map(super::versioning::with_older_forms),
            worker_deployment_name: core.deployment_name.clone(),
            priority: core.priority.clone(),
            ..Default::default()
        }
    }

    /// The requests that have left an event, with it.
    fn request_id_infos(&self) -> HashMap<String, RequestIdInfo> {
        let signaled = EventType::WorkflowExecutionSignaled as i32;
        let info = |event_id: i64| RequestIdInfo { event_type: signaled, event_id, buffered: event_id == 0 };
        let signals = self.signal_requests.iter().map(|(request, event_id)| (request.clone(), info(*event_id)));
        signals.chain(self.core.request_ids.clone()).collect()
    }

    fn extended_info(&self) -> WorkflowExecutionExtendedInfo {
        let core = &self.core;
        WorkflowExecutionExtendedInfo {
            execution_expiration_time: timestamp(core.execution_expiration()),
            run_expiration_time: timestamp(core.run_expiration()),
            cancel_requested: core.cancel_requested,
            last_reset_time: timestamp(core.last_reset_time()),
            original_start_time: timestamp(core.original_start_time()),
            reset_run_id: core.reset_run_id.clone(),
            request_id_infos: self.request_id_infos(),
            pause_info: core.pause.clone(),
            ..Default::default()
        }
    }
}

impl Activity {
    pub(super) fn run_state(&self) -> PendingActivityState {
        match (self.is_started(), self.cancel_requested, self.paused) {
            (true, true, _) => PendingActivityState::CancelRequested,
            (true, _, true) => PendingActivityState::PauseRequested,
            (true, _, _) => PendingActivityState::Started,
            (false, _, true) => PendingActivityState::Paused,
            (false, _, _) => PendingActivityState::Scheduled,
        }
    }
}

fn pending_activity(activity: &Activity) -> PendingActivityInfo {
    let a = activity.attributes();
    PendingActivityInfo {
        activity_id: a.activity_id.clone(),
        activity_type: a.activity_type.clone(),
        state: activity.run_state() as i32,
        heartbeat_details: activity.heartbeat_details.clone(),
        last_heartbeat_time: timestamp(activity.last_heartbeat_time()),
        last_started_time: timestamp(activity.started_time()),
        attempt: activity.attempt,
        maximum_attempts: a.retry_policy.as_ref().map_or(0, |p| p.maximum_attempts),
        scheduled_time: timestamp(activity.attempt_scheduled_time()),
        expiration_time: timestamp(activity.expiration()),
        last_failure: activity.last_failure.clone(),
        last_worker_identity: activity.last_worker_identity.clone(),
        current_retry_interval: if activity.backoff_due() != Time::UNSET {
            duration(activity.current_retry_interval())
        } else {
            None
        },
        last_attempt_complete_time: timestamp(activity.last_attempt_complete_time()),
        next_attempt_schedule_time: timestamp(activity.backoff_due()),
        paused: activity.paused,
        pause_info: activity.pause_info.clone(),
        priority: a.priority.clone(),
        activity_options: Some(activity.described_options()),
        ..Default::default()
    }
}

fn pending_child(child: &Child) -> PendingChildExecutionInfo {
    let initiated = child.initiated.clone().unwrap_or_default();
    PendingChildExecutionInfo {
        parent_close_policy: initiated.parent_close_policy,
        workflow_id: initiated.workflow_id,
        run_id: child.run_id.clone(),
        workflow_type_name: initiated.workflow_type.map(|t| t.name).unwrap_or_default(),
        initiated_id: child.initiated_event_id,
    }
}

fn pending_workflow_task(task: &WorkflowTask) -> PendingWorkflowTaskInfo {
    let state = if task.is_started() { PendingWorkflowTaskState::Started } else { PendingWorkflowTaskState::Scheduled };
    PendingWorkflowTaskInfo {
        state: state as i32,
        scheduled_time: timestamp(task.scheduled_time()),
        original_scheduled_time: timestamp(task.original_scheduled_time()),
        started_time: timestamp(task.started_time()),
        attempt: task.attempt,
    }
}
