//! Failures that the server itself makes.

use temporalio_protos::temporal::api::{
    common::v1::{Payload, Payloads},
    enums::v1::TimeoutType,
    failure::v1::{ApplicationFailureInfo, Failure, TimeoutFailureInfo, failure::FailureInfo},
};

use crate::base::time::{Span, duration};

const SOURCE: &str = "Server";

pub(crate) fn timeout_name(kind: TimeoutType) -> &'static str {
    match kind {
        TimeoutType::Unspecified => "Unspecified",
        TimeoutType::StartToClose => "StartToClose",
        TimeoutType::ScheduleToStart => "ScheduleToStart",
        TimeoutType::ScheduleToClose => "ScheduleToClose",
        TimeoutType::Heartbeat => "Heartbeat",
    }
}

pub(crate) fn timeout(
    message: impl Into<String>,
    kind: TimeoutType,
    last_heartbeat_details: Option<Payloads>,
) -> Failure {
    Failure {
        message: message.into(),
        source: SOURCE.into(),
        failure_info: Some(FailureInfo::TimeoutFailureInfo(TimeoutFailureInfo {
            timeout_type: kind as i32,
            last_heartbeat_details,
        })),
        ..Default::default()
    }
}

/// A non-retryable application failure of a named type.
pub(crate) fn application(kind: &str, message: impl Into<String>) -> Failure {
    Failure {
        message: message.into(),
        source: SOURCE.into(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
            r#type: kind.into(),
            non_retryable: true,
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// The process that ran an attempt is gone. Retryable, and at once: a policy's waits are for what may be broken for a while.
pub(crate) fn process_lost() -> Failure {
    Failure {
        message: "the process that ran it ended".into(),
        source: SOURCE.into(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
            r#type: "ProcessLost".into(),
            next_retry_delay: duration(Span::ZERO),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// A string as SDKs encode it by default.
pub(crate) fn json_string(text: &str) -> Payloads {
    let payload = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: serde_json::to_vec(text).expect("a string is always valid JSON"),
        ..Default::default()
    };
    Payloads { payloads: vec![payload] }
}
