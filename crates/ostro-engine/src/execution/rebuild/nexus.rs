//! Operations called through Nexus.

use temporalio_protos::temporal::api::history::v1::{
    NexusOperationScheduledEventAttributes, NexusOperationStartedEventAttributes,
};

use super::Rebuild;
use crate::base::time::Time;
use crate::execution::nexus::What;
use crate::stored::execution::NexusOperation;
use crate::stored::execution::RequestState;

impl Rebuild<'_> {
    pub(super) fn nexus_scheduled(&mut self, id: i64, time: Time, a: &NexusOperationScheduledEventAttributes) {
        self.exec.insert_nexus_operation(NexusOperation::new(id, a.clone(), time));
    }

    pub(super) fn nexus_started(&mut self, time: Time, a: &NexusOperationStartedEventAttributes) {
        if let Some(operation) = self.exec.nexus_operation_mut(a.scheduled_event_id) {
            operation.set_started(a.operation_token.clone(), time);
        }
    }

    pub(super) fn nexus_cancel_requested(&mut self, id: i64, time: Time, scheduled_event_id: i64) {
        if let Some(operation) = self.exec.nexus_operation_mut(scheduled_event_id) {
            operation.request_cancel(id, time);
        }
    }

    pub(super) fn nexus_cancel_ended(&mut self, scheduled_event_id: i64, state: RequestState) {
        if let Some(operation) = self.exec.nexus_operation_mut(scheduled_event_id) {
            operation.request_mut(What::Cancel).set_state(state);
        }
    }

    pub(super) fn nexus_ended(&mut self, scheduled_event_id: i64) {
        self.exec.remove_nexus_operation(scheduled_event_id);
    }
}
