//! The marker of a local activity, as the official core writes it: number, id, type, attempt and times as JSON, the result beside.

use temporalio_protos::constants::LOCAL_ACTIVITY_MARKER_NAME;
use temporalio_protos::coresdk::common::{build_local_activity_marker_details, extract_local_activity_marker_data};
use temporalio_protos::temporal::api::{
    command::v1::{Command, RecordMarkerCommandAttributes, command::Attributes as Command_},
    common::v1::Payloads,
    history::v1::{MarkerRecordedEventAttributes, history_event::Attributes},
};

use super::*;
use crate::replay::times;

/// What a marker says.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub data: LocalActivityMarkerData,
    pub failed: bool,
    pub resolution: Resolution,
}

pub(super) fn command(request: &LocalActivity, end: Resolution, annotations: &Annotations) -> Command {
    let (result, failure) = match end.result {
        LocalResult::Completed(result) => (result, None),
        LocalResult::Failed(failure) | LocalResult::TimedOut(failure) | LocalResult::Cancelled(failure) => {
            (None, Some(failure))
        }
    };
    let data = LocalActivityMarkerData {
        seq: request.seq,
        attempt: end.attempt,
        activity_id: request.activity_id.clone(),
        activity_type: request.activity_type.clone(),
        complete_time: end.complete_time.map(times::timestamp),
        backoff: end.backoff.map(times::duration),
        original_schedule_time: end.original_schedule_time.map(times::timestamp),
        activation_index: end.activation,
    };
    let mut details = build_local_activity_marker_details(data, result);
    if request.include_arguments_in_marker {
        details.insert("input".to_owned(), Payloads { payloads: request.arguments.clone() });
    }
    let marker_name = LOCAL_ACTIVITY_MARKER_NAME.to_owned();
    let attributes = RecordMarkerCommandAttributes { marker_name, details, header: None, failure };
    annotations.on(Command_::RecordMarkerCommandAttributes(attributes))
}

/// What the marker says, if the event is one of a local activity; an error if it cannot be read.
pub(crate) fn recorded(event: &HistoryEvent) -> Option<Result<Recorded>> {
    let Some(Attributes::MarkerRecordedEventAttributes(marker)) = &event.attributes else { return None };
    (marker.marker_name == LOCAL_ACTIVITY_MARKER_NAME).then(|| {
        read(marker).ok_or_else(|| {
            Error::fatal(format!("event {} is the marker of a local activity and cannot be read", event.event_id))
        })
    })
}

fn read(marker: &MarkerRecordedEventAttributes) -> Option<Recorded> {
    let data = extract_local_activity_marker_data(&marker.details)?;
    let result = match &marker.failure {
        None => {
            let found = marker.details.get("result").and_then(|payloads| payloads.payloads.last());
            LocalResult::Completed(Some(found.cloned().unwrap_or_default()))
        }
        Some(failure) => failed(failure),
    };
    let resolution = Resolution {
        result,
        complete_time: data.complete_time.as_ref().and_then(times::from_timestamp),
        attempt: data.attempt,
        backoff: data.backoff.as_ref().and_then(times::from_duration),
        original_schedule_time: data.original_schedule_time.as_ref().and_then(times::from_timestamp),
        activation: data.activation_index,
    };
    Some(Recorded { failed: marker.failure.is_some(), data, resolution })
}

fn failed(failure: &Failure) -> LocalResult {
    let cause = failure.cause.as_deref().and_then(|cause| cause.failure_info.as_ref());
    match (&failure.failure_info, cause) {
        (Some(FailureInfo::CanceledFailureInfo(_)), _) | (_, Some(FailureInfo::CanceledFailureInfo(_))) => {
            LocalResult::Cancelled(failure.clone())
        }
        // The code saw it as a time-out when it happened.
        (Some(FailureInfo::TimeoutFailureInfo(_)), _) => LocalResult::TimedOut(failure.clone()),
        _ => LocalResult::Failed(failure.clone()),
    }
}
