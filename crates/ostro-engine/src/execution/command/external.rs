//! SignalExternalWorkflowExecution and RequestCancelExternalWorkflowExecution.

use temporalio_protos::temporal::api::{
    command::v1::{
        RequestCancelExternalWorkflowExecutionCommandAttributes, SignalExternalWorkflowExecutionCommandAttributes,
    },
    common::v1::WorkflowExecution,
    enums::v1::WorkflowTaskFailedCause as Cause,
    history::v1::{
        RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
        SignalExternalWorkflowExecutionInitiatedEventAttributes,
    },
};

use super::{Checker, Refusal};
use crate::base::ids::is_uuid;
use crate::execution::history::Extras;
use crate::execution::{Effect, Transition};
use crate::stored::execution::{CancelExternal, SignalExternal};

impl Checker<'_> {
    pub(super) fn signal_external(
        &mut self,
        a: &SignalExternalWorkflowExecutionCommandAttributes,
    ) -> Result<(), Refusal> {
        let cause = Cause::BadSignalWorkflowExecutionAttributes;
        let Some(execution) = &a.execution else {
            return Err(Refusal::new(cause, "Execution is not set on SignalExternalWorkflowExecutionCommand."));
        };
        self.name(cause, "WorkflowId", &execution.workflow_id)?;
        self.run_id(cause, &execution.run_id)?;
        self.name(cause, "SignalName", &a.signal_name)?;
        self.payloads(cause, "SignalExternalWorkflowExecutionCommandAttributes.Input", &a.input)?;
        self.signals += 1;
        self.pending(Cause::PendingSignalsLimitExceeded, "signals to other workflows", self.signals)
    }

    pub(super) fn cancel_external(
        &mut self,
        a: &RequestCancelExternalWorkflowExecutionCommandAttributes,
    ) -> Result<(), Refusal> {
        let cause = Cause::BadRequestCancelExternalWorkflowExecutionAttributes;
        self.name(cause, "WorkflowId", &a.workflow_id)?;
        self.run_id(cause, &a.run_id)?;
        self.cancels += 1;
        self.pending(Cause::PendingRequestCancelLimitExceeded, "cancellations of other workflows", self.cancels)
    }

    fn run_id(&self, cause: Cause, run_id: &str) -> Result<(), Refusal> {
        if run_id.is_empty() || is_uuid(run_id) {
            return Ok(());
        }
        Err(Refusal::new(cause, format!("Invalid RunId set on command: {run_id} is not a UUID.")))
    }

    fn pending(&self, cause: Cause, what: &str, count: usize) -> Result<(), Refusal> {
        let limit = self.config.pending_max;
        if count <= limit {
            return Ok(());
        }
        Err(Refusal::new(
            cause,
            format!(
                "the number of pending {what}, {count}, would exceed the limit of {limit}: wait for some to end first"
            ),
        ))
    }
}

impl Transition<'_> {
    pub(super) fn initiate_signal(
        &mut self,
        a: SignalExternalWorkflowExecutionCommandAttributes,
        completed: i64,
        extras: Extras,
    ) {
        let initiated = SignalExternalWorkflowExecutionInitiatedEventAttributes {
            workflow_task_completed_event_id: completed,
            // As the command names it: nothing is the sender's own.
            namespace: a.namespace,
            namespace_id: self.namespace.uuid.clone(),
            workflow_execution: a.execution,
            signal_name: a.signal_name,
            input: a.input,
            control: a.control,
            child_workflow_only: a.child_workflow_only,
            header: a.header,
        };
        let initiated_event_id = self.record_with(initiated.clone(), extras);
        let request_id = self.ids.uuid();
        self.exec.insert_signal(SignalExternal { initiated_event_id, initiated: Some(initiated), request_id });
        self.effect(Effect::SignalExternal(self.exec.id, initiated_event_id));
    }

    pub(super) fn initiate_cancel(
        &mut self,
        a: RequestCancelExternalWorkflowExecutionCommandAttributes,
        completed: i64,
        extras: Extras,
    ) {
        let initiated = RequestCancelExternalWorkflowExecutionInitiatedEventAttributes {
            workflow_task_completed_event_id: completed,
            // As the command names it: nothing is the sender's own.
            namespace: a.namespace,
            namespace_id: self.namespace.uuid.clone(),
            workflow_execution: Some(WorkflowExecution { workflow_id: a.workflow_id, run_id: a.run_id }),
            control: a.control,
            child_workflow_only: a.child_workflow_only,
            reason: a.reason,
        };
        let initiated_event_id = self.record_with(initiated.clone(), extras);
        let request_id = self.ids.uuid();
        self.exec.insert_cancel(CancelExternal { initiated_event_id, initiated: Some(initiated), request_id });
        self.effect(Effect::CancelExternal(self.exec.id, initiated_event_id));
    }
}
