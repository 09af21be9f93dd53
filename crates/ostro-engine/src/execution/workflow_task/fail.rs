//! `Started --fail--> Scheduled(attempt + 1)`.

use temporalio_protos::temporal::api::{
    enums::v1::WorkflowTaskFailedCause, failure::v1::Failure, history::v1::WorkflowTaskFailedEventAttributes,
};

use crate::execution::Transition;

impl Transition<'_> {
    /// The worker, or the server on its behalf, gives the task up; another attempt follows at once.
    pub fn fail_workflow_task(&mut self, cause: WorkflowTaskFailedCause, failure: Option<Failure>, identity: &str) {
        self.note_workflow_task_failure(cause, failure.clone());
        self.materialise_speculative();
        let task = self.exec.core.workflow_task.take().expect("the caller saw a started task");
        if !task.is_transient() {
            self.record(WorkflowTaskFailedEventAttributes {
                scheduled_event_id: task.scheduled_event_id,
                started_event_id: task.started_event_id,
                cause: cause as i32,
                failure,
                identity: identity.to_owned(),
                ..Default::default()
            });
        }
        self.retry_workflow_task(task.attempt + 1);
    }

    /// After a failed or timed-out task: the worker's cache is not trusted, waiting work is handed out again.
    pub(super) fn retry_workflow_task(&mut self, attempt: i32) {
        self.exec.core.sticky = None;
        self.exec.core.workflow_task_attempt = attempt;
        self.resend_updates();
        if self.flush_buffered() {
            self.exec.core.workflow_task_attempt = 1;
        }
        self.unsend_queries();
        self.schedule_workflow_task();
    }

    fn note_workflow_task_failure(&mut self, cause: WorkflowTaskFailedCause, failure: Option<Failure>) {
        if self.exec.core.workflow_task_failure.is_none() {
            self.exec.core.workflow_task_failure = Some(failure.unwrap_or_default());
            self.exec.core.workflow_task_failed_cause = cause as i32;
        }
    }

    /// Gives a speculative task the events that it would have had: from now on it is a plain one.
    pub(in crate::execution) fn materialise_speculative(&mut self) {
        if !self.exec.core.workflow_task.as_ref().is_some_and(|task| task.speculative) {
            return;
        }
        self.write_workflow_task_events();
        if let Some(task) = self.exec.core.workflow_task.as_mut() {
            task.speculative = false;
        }
    }
}
