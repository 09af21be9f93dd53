//! Commands that end the run: complete, fail, cancel, continue as new.

use prost::Message;
use temporalio_protos::temporal::api::{
    command::v1::{
        CancelWorkflowExecutionCommandAttributes, CompleteWorkflowExecutionCommandAttributes,
        ContinueAsNewWorkflowExecutionCommandAttributes, FailWorkflowExecutionCommandAttributes,
    },
    enums::v1::{RetryState, TaskQueueKind, WorkflowExecutionStatus as Status, WorkflowTaskFailedCause as Cause},
    history::v1::{
        WorkflowExecutionCanceledEventAttributes, WorkflowExecutionCompletedEventAttributes,
        WorkflowExecutionContinuedAsNewEventAttributes, WorkflowExecutionFailedEventAttributes,
    },
    taskqueue::v1::TaskQueue,
};

use super::{Checker, Refusal};
use crate::base::time::{Span, duration, from_duration};
use crate::execution::Transition;
use crate::execution::history::Extras;
use crate::execution::workflow::backoff;
use crate::execution::workflow::new_run::Next;

impl Checker<'_> {
    pub(super) fn complete(&self, a: &CompleteWorkflowExecutionCommandAttributes) -> Result<(), Refusal> {
        self.payloads(
            Cause::BadCompleteWorkflowExecutionAttributes,
            "CompleteWorkflowExecutionCommandAttributes.Result",
            &a.result,
        )
    }

    pub(super) fn fail(&self, a: &FailWorkflowExecutionCommandAttributes) -> Result<(), Refusal> {
        let cause = Cause::BadFailWorkflowExecutionAttributes;
        let Some(failure) = &a.failure else {
            return Err(Refusal::new(cause, "Failure is not set on FailWorkflowExecutionCommand."));
        };
        self.bytes(cause, "FailWorkflowExecutionCommandAttributes.Failure", failure.encoded_len())
    }

    pub(super) fn cancel(&self, a: &CancelWorkflowExecutionCommandAttributes) -> Result<(), Refusal> {
        self.payloads(
            Cause::BadCancelWorkflowExecutionAttributes,
            "CancelWorkflowExecutionCommandAttributes.Details",
            &a.details,
        )
    }

    pub(super) fn continue_as_new(&self, a: &ContinueAsNewWorkflowExecutionCommandAttributes) -> Result<(), Refusal> {
        let cause = Cause::BadContinueAsNewAttributes;
        self.length(cause, "WorkflowType", a.workflow_type.as_ref().map_or("", |t| &t.name))?;
        self.length(cause, "TaskQueue", a.task_queue.as_ref().map_or("", |q| &q.name))?;
        for (timeout, name) in [
            (&a.workflow_run_timeout, "WorkflowRunTimeout"),
            (&a.workflow_task_timeout, "WorkflowTaskTimeout"),
            (&a.backoff_start_interval, "BackoffStartInterval"),
        ] {
            if from_duration(timeout) < Span::ZERO {
                return Err(Refusal::new(cause, format!("Invalid {name}: it must not be negative.")));
            }
        }
        self.retry_policy(cause, &a.retry_policy)?;
        self.payloads(cause, "ContinueAsNewWorkflowExecutionCommandAttributes.Input", &a.input)?;
        self.bytes(
            cause,
            "ContinueAsNewWorkflowExecutionCommandAttributes.Memo",
            a.memo.as_ref().map_or(0, |m| m.encoded_len()),
        )?;
        match &a.search_attributes {
            Some(attributes) => self
                .namespace
                .check_attributes(attributes)
                .map(drop)
                .map_err(|e| Refusal::new(Cause::BadSearchAttributes, e.message)),
            None => Ok(()),
        }
    }
}

impl Transition<'_> {
    pub(super) fn complete_by_command(
        &mut self,
        a: CompleteWorkflowExecutionCommandAttributes,
        completed: i64,
        extras: Extras,
    ) {
        let next = self.next_cron_run(a.result.clone(), None);
        let attributes = WorkflowExecutionCompletedEventAttributes {
            result: a.result,
            workflow_task_completed_event_id: completed,
            new_execution_run_id: next.as_ref().map(|n| n.run_id.clone()).unwrap_or_default(),
        };
        self.close(Status::Completed, attributes, extras, next);
    }

    pub(super) fn fail_by_command(
        &mut self,
        a: FailWorkflowExecutionCommandAttributes,
        completed: i64,
        extras: Extras,
    ) {
        let failure = a.failure.unwrap_or_default();
        let (next, retry_state) = self.next_retry_run(&failure);
        let next = match next {
            Some(next) => Some(next),
            None => self.next_cron_run(None, Some(failure.clone())),
        };
        let attributes = WorkflowExecutionFailedEventAttributes {
            failure: Some(failure),
            retry_state: retry_state as i32,
            workflow_task_completed_event_id: completed,
            new_execution_run_id: next.as_ref().map(|n| n.run_id.clone()).unwrap_or_default(),
        };
        self.close(Status::Failed, attributes, extras, next);
    }

    pub(super) fn cancel_by_command(
        &mut self,
        a: CancelWorkflowExecutionCommandAttributes,
        completed: i64,
        extras: Extras,
    ) {
        let attributes = WorkflowExecutionCanceledEventAttributes {
            workflow_task_completed_event_id: completed,
            details: a.details,
        };
        self.close(Status::Canceled, attributes, extras, None);
    }

    pub(super) fn continue_by_command(
        &mut self,
        mut a: ContinueAsNewWorkflowExecutionCommandAttributes,
        completed: i64,
        extras: Extras,
    ) {
        self.fill_in_continuation(&mut a);
        let next = self.next_continued_run(&a);
        let attributes = WorkflowExecutionContinuedAsNewEventAttributes {
            new_execution_run_id: next.run_id.clone(),
            workflow_type: a.workflow_type,
            task_queue: a.task_queue,
            input: a.input,
            workflow_run_timeout: a.workflow_run_timeout,
            workflow_task_timeout: a.workflow_task_timeout,
            workflow_task_completed_event_id: completed,
            backoff_start_interval: duration(next.backoff),
            initiator: a.initiator,
            last_completion_result: a.last_completion_result,
            header: a.header,
            memo: a.memo,
            search_attributes: a.search_attributes,
            ..Default::default()
        };
        self.close(Status::ContinuedAsNew, attributes, extras, Some(next));
    }

    /// What the command leaves open is as in the run that ends.
    fn fill_in_continuation(&mut self, a: &mut ContinueAsNewWorkflowExecutionCommandAttributes) {
        let started = self.exec.started();
        if a.workflow_type.as_ref().is_none_or(|t| t.name.is_empty()) {
            a.workflow_type = started.workflow_type.clone();
        }
        if a.task_queue.as_ref().is_none_or(|q| q.name.is_empty()) {
            a.task_queue = Some(self.exec.normal_queue());
        }
        if let Some(queue) = a.task_queue.as_mut() {
            *queue = TaskQueue { name: queue.name.clone(), kind: TaskQueueKind::Normal as i32, ..Default::default() };
        }
        if from_duration(&a.workflow_run_timeout) == Span::ZERO {
            a.workflow_run_timeout = started.workflow_run_timeout;
        }
        if from_duration(&a.workflow_task_timeout) == Span::ZERO {
            a.workflow_task_timeout = started.workflow_task_timeout;
        }
        if let Some(attributes) = a.search_attributes.as_mut()
            && let Ok(typed) = self.namespace.check_attributes(attributes)
        {
            *attributes = typed;
        }
    }

    /// The run that a retry policy grants after a failure, or why there is none.
    pub(in crate::execution) fn next_retry_run(
        &mut self,
        failure: &temporalio_protos::temporal::api::failure::v1::Failure,
    ) -> (Option<Next>, RetryState) {
        let policy = self.exec.started().retry_policy.clone();
        let attempt = self.exec.started().attempt;
        match backoff::next_attempt(policy.as_ref(), attempt, self.now, self.exec.core.execution_expiration(), failure)
        {
            Ok(wait) => (Some(self.retried_run(wait, failure.clone())), RetryState::InProgress),
            Err(state) => (None, state),
        }
    }
}
