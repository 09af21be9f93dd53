//! RecordMarker: side effects, versions and local activities.

use prost::Message;
use temporalio_protos::temporal::api::{
    command::v1::RecordMarkerCommandAttributes, enums::v1::WorkflowTaskFailedCause as Cause, history::v1::MarkerRecordedEventAttributes,
};

use super::{Checker, Refusal};
use crate::execution::Transition;
use crate::execution::history::Extras;

impl Checker<'_> {
    pub(super) fn record_marker(&self, a: &RecordMarkerCommandAttributes) -> Result<(), Refusal> {
        let cause = Cause::BadRecordMarkerAttributes;
        self.name(cause, "MarkerName", &a.marker_name)?;
        let bytes = a.details.values().map(|p| p.encoded_len()).sum();
        self.bytes(cause, "RecordMarkerCommandAttributes.Details", bytes)
    }
}

impl Transition<'_> {
    pub(super) fn record_marker(&mut self, a: RecordMarkerCommandAttributes, completed: i64, extras: Extras) {
        self.record_with(
            MarkerRecordedEventAttributes {
                marker_name: a.marker_name,
                details: a.details,
                workflow_task_completed_event_id: completed,
                header: a.header,
                failure: a.failure,
            },
            extras,
        );
    }
}
