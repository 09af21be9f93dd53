//! `Started --fail--> Scheduled(attempt + 1)`.

use temporalio_protos::temporal::api::{
    enums::v1::WorkflowTaskFailedCause, failure::v1::Failure, history::v1::WorkflowTaskFailedEventAttributes,
};

use crate::execution::Transition;
use crate::execution::command::camel_case;
use crate::search::SystemValues;

/// The attribute by which such runs are found.
const PROBLEMS: &str = "TemporalReportedProblems";
/// As on the reference server.
const REPORTED_AFTER: i32 = 5;
/// Attempts that a worker may give up in a row before it must wait for the next. SDKs report the first failure only, and
/// leave the later ones to the time-out.
const GIVEN_UP_MAX: i32 = 10;

impl Transition<'_> {
    /// The worker says that it could not do the task. Where it has said so again and again, the next attempt waits for the
    /// time-out of this one.
    pub(crate) fn give_up_workflow_task(
        &mut self,
        cause: WorkflowTaskFailedCause,
        failure: Option<Failure>,
        identity: &str,
    ) {
        let attempt = self.exec.core.workflow_task.as_ref().map_or(0, |task| task.attempt);
        if attempt > GIVEN_UP_MAX && self.exec.buffered.is_empty() {
            self.note_workflow_task_failure(cause, failure);
        } else {
            self.fail_workflow_task(cause, failure, identity);
        }
    }

    /// The worker, or the server on its behalf, gives the task up; another attempt follows at once.
    pub(crate) fn fail_workflow_task(
        &mut self,
        cause: WorkflowTaskFailedCause,
        failure: Option<Failure>,
        identity: &str,
    ) {
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
        self.retry_workflow_task(task.attempt.saturating_add(1));
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
        self.report_problems();
        self.schedule_workflow_task();
    }

    /// Says in lists that the run does not get on, once enough tasks failed in a row.
    fn report_problems(&mut self) {
        let core = &self.exec.core;
        if core.workflow_task_attempt <= REPORTED_AFTER || !self.exec.is_open() {
            return;
        }
        let words = match WorkflowTaskFailedCause::try_from(core.workflow_task_failed_cause) {
            Ok(WorkflowTaskFailedCause::Unspecified) | Err(_) => {
                ["category=WorkflowTaskTimedOut".to_owned(), "cause=WorkflowTaskTimedOutCauseStartToClose".to_owned()]
            }
            Ok(cause) => {
                let name = camel_case(cause.as_str_name().trim_start_matches("WORKFLOW_TASK_FAILED_CAUSE_"));
                ["category=WorkflowTaskFailed".to_owned(), format!("cause=WorkflowTaskFailedCause{name}")]
            }
        };
        self.set_problems(&words);
    }

    /// A task has been completed.
    pub(super) fn forget_problems(&mut self) {
        let attributes = self.exec.properties.search_attributes.as_ref();
        if attributes.is_some_and(|attributes| attributes.indexed_fields.contains_key(PROBLEMS)) {
            self.set_problems(&[]);
        }
    }

    fn set_problems(&mut self, words: &[String]) {
        let mut values = SystemValues::default();
        values.set_list(PROBLEMS, words);
        self.exec.set_system_values(values);
    }

    /// Whether nothing has changed since the attempt before, which failed as well.
    pub(super) fn is_retry_in_vain(&self) -> bool {
        self.exec.core.workflow_task.as_ref().is_some_and(|task| task.is_transient()) && self.exec.buffered.is_empty()
    }

    pub(super) fn note_workflow_task_failure(&mut self, cause: WorkflowTaskFailedCause, failure: Option<Failure>) {
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
