//! Failures that the core makes for the code, worded as every SDK on the official core shows them.

use temporalio_protos::temporal::api::{
    common::v1::{ActivityType, Payloads},
    enums::v1::RetryState,
    failure::v1::{ActivityFailureInfo, ApplicationFailureInfo, CanceledFailureInfo, Failure, failure::FailureInfo},
};

/// A failure with a text, a cause and what it is about.
pub(super) fn failure(message: &str, cause: Option<Failure>, info: FailureInfo) -> Box<Failure> {
    Box::new(Failure {
        message: message.to_owned(),
        cause: cause.map(Box::new),
        failure_info: Some(info),
        ..Failure::default()
    })
}

/// The cause of failures that say that something was cancelled.
pub(super) fn cancelled(details: Option<Payloads>) -> Failure {
    let info = CanceledFailureInfo { details, identity: String::new() };
    Failure { failure_info: Some(FailureInfo::CanceledFailureInfo(info)), ..Failure::default() }
}

/// What a local activity that was cancelled before it could say anything ends with.
pub(crate) fn empty_cancellation() -> Failure {
    Failure { message: "Activity cancelled".to_owned(), ..cancelled(None) }
}

/// Where an activity failed.
pub(super) fn activity_info(
    activity_type: &str,
    activity_id: &str,
    identity: String,
    state: RetryState,
    events: (i64, i64),
) -> FailureInfo {
    let (started_event_id, scheduled_event_id) = events;
    FailureInfo::ActivityFailureInfo(ActivityFailureInfo {
        identity,
        activity_type: Some(ActivityType { name: activity_type.to_owned() }),
        activity_id: activity_id.to_owned(),
        retry_state: state as i32,
        started_event_id,
        scheduled_event_id,
    })
}

/// A failure with a type of its own.
pub(super) fn application(message: String, kind: &str) -> Box<Failure> {
    let info = ApplicationFailureInfo { r#type: kind.to_owned(), ..ApplicationFailureInfo::default() };
    failure(&message, None, FailureInfo::ApplicationFailureInfo(info))
}
