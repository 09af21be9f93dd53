//! Signals and cancellations sent to other executions.

use temporalio_protos::temporal::api::history::v1::{
    RequestCancelExternalWorkflowExecutionInitiatedEventAttributes as CancelInitiated,
    SignalExternalWorkflowExecutionInitiatedEventAttributes as SignalInitiated,
};

use super::Rebuild;
use crate::stored::execution::{CancelExternal, SignalExternal};

impl Rebuild<'_> {
    pub(super) fn signal_initiated(&mut self, id: i64, initiated: &SignalInitiated) {
        let request_id = self.ids.uuid();
        let initiated = Some(initiated.clone());
        self.exec.insert_signal(SignalExternal { initiated_event_id: id, initiated, request_id });
    }

    pub(super) fn signal_ended(&mut self, initiated_event_id: i64) {
        self.exec.remove_signal(initiated_event_id);
    }

    pub(super) fn cancel_initiated(&mut self, id: i64, initiated: &CancelInitiated) {
        let request_id = self.ids.uuid();
        let initiated = Some(initiated.clone());
        self.exec.insert_cancel(CancelExternal { initiated_event_id: id, initiated, request_id });
    }

    pub(super) fn cancel_ended(&mut self, initiated_event_id: i64) {
        self.exec.remove_cancel(initiated_event_id);
    }
}
