//! Workflow tasks. Those of transient and speculative tasks that came to nothing are in no history.

use temporalio_protos::temporal::api::{
    enums::v1::{EventType, TimeoutType, WorkflowTaskFailedCause},
    history::v1::{
        WorkflowTaskCompletedEventAttributes, WorkflowTaskFailedEventAttributes, WorkflowTaskScheduledEventAttributes,
        WorkflowTaskStartedEventAttributes, WorkflowTaskTimedOutEventAttributes,
    },
};

use super::Rebuild;
use crate::base::time::{Time, from_duration};
use crate::stored::execution::WorkflowTask;

impl Rebuild<'_> {
    pub(super) fn workflow_task_scheduled(&mut self, id: i64, time: Time, a: &WorkflowTaskScheduledEventAttributes) {
        let core = &mut self.exec.core;
        core.first_task_due = 0;
        core.workflow_task_attempt = a.attempt.max(1);
        core.workflow_task = Some(WorkflowTask {
            scheduled_event_id: id,
            attempt: a.attempt.max(1),
            scheduled_time: time.nanos(),
            original_scheduled_time: time.nanos(),
            timeout: from_duration(&a.start_to_close_timeout).nanos(),
            queue: core.task_queue.clone(),
            ..Default::default()
        });
    }

    pub(super) fn workflow_task_started(&mut self, id: i64, time: Time, a: &WorkflowTaskStartedEventAttributes) {
        let Some(task) = self.exec.core.workflow_task.as_mut() else { return };
        task.started_event_id = id;
        task.started_time = time.nanos();
        task.request_id.clone_from(&a.request_id);
        task.identity.clone_from(&a.identity);
        task.suggest_continue_as_new = a.suggest_continue_as_new;
        task.suggest_reasons.clone_from(&a.suggest_continue_as_new_reasons);
        task.history_bytes = a.history_size_bytes;
        task.target_changed = a.target_worker_deployment_version_changed;
    }

    pub(super) fn workflow_task_completed(&mut self, a: &WorkflowTaskCompletedEventAttributes) {
        let core = &mut self.exec.core;
        core.workflow_task = None;
        // What is imported may say anything.
        core.previous_started_event_id = a.started_event_id.clamp(0, core.next_event_id);
        core.workflow_task_attempt = 1;
        core.workflow_task_failure = None;
        core.workflow_task_failed_cause = 0;
        self.exec.complete_versioning(a);
    }

    pub(super) fn workflow_task_failed(&mut self, a: &WorkflowTaskFailedEventAttributes) {
        let core = &mut self.exec.core;
        let attempt = core.workflow_task.take().map_or(1, |task| task.attempt);
        // A reset begins anew: what failed was of the run before.
        let by_reset = a.cause == WorkflowTaskFailedCause::ResetWorkflow as i32;
        core.workflow_task_attempt = if by_reset { 1 } else { attempt.saturating_add(1) };
        if !by_reset {
            core.workflow_task_failure = a.failure.clone();
            core.workflow_task_failed_cause = a.cause;
        }
    }

    pub(super) fn workflow_task_timed_out(&mut self, a: &WorkflowTaskTimedOutEventAttributes) {
        debug_assert_ne!(self.before, EventType::Unspecified, "a history begins with its start");
        let core = &mut self.exec.core;
        let attempt = core.workflow_task.take().map_or(1, |task| task.attempt);
        let on_sticky_queue = a.timeout_type == TimeoutType::ScheduleToStart as i32;
        core.workflow_task_attempt = if on_sticky_queue { attempt } else { attempt.saturating_add(1) };
    }
}
