//! `Scheduled | Started --time out--> Scheduled`.

use temporalio_protos::temporal::api::{
    enums::v1::{TimeoutType, WorkflowTaskFailedCause},
    history::v1::WorkflowTaskTimedOutEventAttributes,
};

use crate::execution::{Effect, Transition, failures};

impl Transition<'_> {
    /// The workflow task's deadline has passed.
    pub(crate) fn time_out_workflow_task(&mut self) {
        match self.exec.core.workflow_task.as_ref().map(|task| task.is_started()) {
            Some(true) => self.time_out_started(),
            Some(false) => self.time_out_on_sticky_queue(),
            None => {}
        }
    }

    fn time_out_started(&mut self) {
        self.materialise_speculative();
        let task = self.exec.core.workflow_task.take().expect("checked by the caller");
        if !task.is_transient() {
            self.record(WorkflowTaskTimedOutEventAttributes {
                scheduled_event_id: task.scheduled_event_id,
                started_event_id: task.started_event_id,
                timeout_type: TimeoutType::StartToClose as i32,
            });
        }
        if self.exec.core.workflow_task_failure.is_none() {
            let message = format!("worker {} did not complete the workflow task in time", task.identity);
            self.exec.core.workflow_task_failure = Some(failures::timeout(message, TimeoutType::StartToClose, None));
            self.exec.core.workflow_task_failed_cause = WorkflowTaskFailedCause::Unspecified as i32;
        }
        self.retry_workflow_task(task.attempt.saturating_add(1));
    }

    fn time_out_on_sticky_queue(&mut self) {
        let task = self.exec.core.workflow_task.take().expect("checked by the caller");
        self.effect(Effect::WithdrawWorkflowTask(self.exec.id, task.queue.clone()));
        self.exec.core.sticky = None;
        if task.speculative {
            self.exec.core.workflow_task_attempt = task.attempt;
            self.schedule_speculative_workflow_task();
            return;
        }
        self.record(WorkflowTaskTimedOutEventAttributes {
            scheduled_event_id: task.scheduled_event_id,
            started_event_id: 0,
            timeout_type: TimeoutType::ScheduleToStart as i32,
        });
        self.schedule_workflow_task();
    }
}
