//! What handlers said after the point to which a run was reset holds for the run in its place too, as on the reference
//! server: an operation that was scheduled before it is not asked for twice, and whoever has ended it will not say so again.

use temporalio_protos::temporal::api::history::v1::{HistoryEvent, history_event::Attributes};

use crate::base::time::from_timestamp;
use crate::execution::Transition;
use crate::execution::history::Extras;

impl Transition<'_> {
    /// Takes over an event of the old run, where it tells of an operation that waits for it.
    pub(in crate::execution) fn reapply_nexus(&mut self, event: &HistoryEvent, attributes: &Attributes) {
        use Attributes::*;
        let (scheduled, request_id) = match attributes {
            NexusOperationStartedEventAttributes(a) => (a.scheduled_event_id, &a.request_id),
            NexusOperationCompletedEventAttributes(a) => (a.scheduled_event_id, &a.request_id),
            NexusOperationFailedEventAttributes(a) => (a.scheduled_event_id, &a.request_id),
            NexusOperationCanceledEventAttributes(a) => (a.scheduled_event_id, &a.request_id),
            NexusOperationTimedOutEventAttributes(a) => (a.scheduled_event_id, &a.request_id),
            _ => return,
        };
        let Some(operation) = self.exec.nexus_operation_mut(scheduled) else { return };
        // A run that the old one continued as has operations of the same numbers.
        if operation.attributes().request_id != *request_id {
            return;
        }
        match attributes {
            NexusOperationStartedEventAttributes(_) if operation.is_started() => return,
            NexusOperationStartedEventAttributes(a) => {
                operation.set_started(a.operation_token.clone(), from_timestamp(&event.event_time));
            }
            _ => drop(self.end_nexus_operation(scheduled)),
        }
        self.record_with(attributes.clone(), Extras { links: event.links.clone(), ..Default::default() });
    }
}
