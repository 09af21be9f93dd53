//! Signals and cancellations sent to other executions, as their sender sees them.
//!
//! ```text
//! (none) --initiate--> Initiated --delivered | failed--> (none)
//! ```

use temporalio_protos::temporal::api::{
    enums::v1::{CancelExternalWorkflowExecutionFailedCause, SignalExternalWorkflowExecutionFailedCause},
    history::v1::{
        ExternalWorkflowExecutionCancelRequestedEventAttributes, ExternalWorkflowExecutionSignaledEventAttributes,
        RequestCancelExternalWorkflowExecutionFailedEventAttributes,
        SignalExternalWorkflowExecutionFailedEventAttributes,
    },
};

use crate::execution::Transition;

impl Transition<'_> {
    pub(crate) fn external_signal_delivered(&mut self, initiated_event_id: i64) {
        let Some(signal) = self.exec.remove_signal(initiated_event_id) else { return };
        let initiated = signal.initiated.unwrap_or_default();
        self.record(ExternalWorkflowExecutionSignaledEventAttributes {
            initiated_event_id,
            namespace: self.named_or_own(initiated.namespace),
            namespace_id: initiated.namespace_id,
            workflow_execution: initiated.workflow_execution,
            control: initiated.control,
        });
        self.schedule_workflow_task();
    }

    pub(crate) fn external_signal_failed(
        &mut self,
        initiated_event_id: i64,
        cause: SignalExternalWorkflowExecutionFailedCause,
    ) {
        let Some(signal) = self.exec.remove_signal(initiated_event_id) else { return };
        let initiated = signal.initiated.unwrap_or_default();
        self.record(SignalExternalWorkflowExecutionFailedEventAttributes {
            cause: cause as i32,
            workflow_task_completed_event_id: 0,
            namespace: self.named_or_own(initiated.namespace),
            namespace_id: initiated.namespace_id,
            workflow_execution: initiated.workflow_execution,
            initiated_event_id,
            control: initiated.control,
        });
        self.schedule_workflow_task();
    }

    pub(crate) fn external_cancel_delivered(&mut self, initiated_event_id: i64) {
        let Some(cancel) = self.exec.remove_cancel(initiated_event_id) else { return };
        let initiated = cancel.initiated.unwrap_or_default();
        self.record(ExternalWorkflowExecutionCancelRequestedEventAttributes {
            initiated_event_id,
            namespace: self.named_or_own(initiated.namespace),
            namespace_id: initiated.namespace_id,
            workflow_execution: initiated.workflow_execution,
        });
        self.schedule_workflow_task();
    }

    pub(crate) fn external_cancel_failed(
        &mut self,
        initiated_event_id: i64,
        cause: CancelExternalWorkflowExecutionFailedCause,
    ) {
        let Some(cancel) = self.exec.remove_cancel(initiated_event_id) else { return };
        let initiated = cancel.initiated.unwrap_or_default();
        self.record(RequestCancelExternalWorkflowExecutionFailedEventAttributes {
            cause: cause as i32,
            workflow_task_completed_event_id: 0,
            namespace: self.named_or_own(initiated.namespace),
            namespace_id: initiated.namespace_id,
            workflow_execution: initiated.workflow_execution,
            initiated_event_id,
            control: initiated.control,
        });
        self.schedule_workflow_task();
    }
    /// A namespace as an initiated event has it, which may leave out the sender's own.
    fn named_or_own(&self, namespace: String) -> String {
        if namespace.is_empty() { self.namespace.name.clone() } else { namespace }
    }
}
