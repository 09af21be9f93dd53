//! Between [`Error`] and the failures of the protocol.

use temporalio_common::data_converters::{
    DataConverter, DefaultFailureConverter, DefaultPayloadCodec, FailureConverter, PayloadConversionError,
    PayloadConverter, SerializationContextData,
};
use temporalio_common::error::{IncomingError, OutgoingActivityError, OutgoingError, OutgoingWorkflowError};
use temporalio_common::protos::temporal::api::common::v1::Payloads;
use temporalio_common::protos::temporal::api::enums::v1::TimeoutType;
use temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_common::protos::temporal::api::failure::v1::{
    ApplicationFailureInfo, CanceledFailureInfo, Failure, TimeoutFailureInfo,
};

use crate::error::{Error, ErrorKind, Inner, Standard, TimeoutKind};
use crate::payload::{self, Payload};

/// Where a failure says it comes from.
const SOURCE: &str = "OstroRust";
/// Of one message, in characters.
const MESSAGE_CHARS_MAX: usize = 16 * 1024;
/// Of the details of one failure: larger ones would keep it from being stored.
const DETAILS_BYTES_MAX: usize = 1024 * 1024;

impl Error {
    /// An activity's or a child's failure is unwrapped: kind, message, type and details are those of what went wrong in it.
    pub(crate) fn from_failure(failure: Failure) -> Self {
        let cause = failure.cause.as_deref().cloned().map(Error::from_failure);
        let mut inner = Inner { message: failure.message.clone(), ..Inner::default() };
        let unwrap = |inner: &mut Inner, cause: Option<Error>| match cause {
            Some(mut cause) => *inner = std::mem::take(cause.inner_mut()),
            None => inner.message = failure.message.clone(),
        };
        match failure.failure_info.clone() {
            Some(FailureInfo::ApplicationFailureInfo(info)) => {
                inner.type_name = (!info.r#type.is_empty()).then_some(info.r#type);
                inner.non_retryable = info.non_retryable;
                inner.details = info.details.map(|details| details.payloads).unwrap_or_default();
                inner.cause = cause;
            }
            Some(FailureInfo::TimeoutFailureInfo(info)) => {
                inner.kind = Some(ErrorKind::Timeout(timeout_kind(info.timeout_type())));
                inner.details = info.last_heartbeat_details.map(|details| details.payloads).unwrap_or_default();
                inner.cause = cause;
            }
            Some(FailureInfo::CanceledFailureInfo(info)) => {
                inner.kind = Some(ErrorKind::Cancelled);
                inner.details = info.details.map(|details| details.payloads).unwrap_or_default();
                inner.cause = cause;
            }
            Some(FailureInfo::TerminatedFailureInfo(_)) => inner.kind = Some(ErrorKind::Terminated),
            Some(FailureInfo::ActivityFailureInfo(info)) => {
                unwrap(&mut inner, cause);
                inner.activity = info.activity_type.map(|activity| activity.name);
            }
            Some(FailureInfo::ChildWorkflowExecutionFailureInfo(info)) => {
                unwrap(&mut inner, cause);
                inner.workflow = info.workflow_type.map(|workflow| workflow.name);
            }
            _ => inner.cause = cause,
        }
        inner.failure = Some(failure);
        Error::from_inner(inner)
    }

    /// The same error, no larger than what can be stored.
    pub(crate) fn bounded(mut self) -> Self {
        let inner = self.inner_mut();
        inner.message = cut(&inner.message);
        inner.details = details(&inner.details);
        inner.cause = inner.cause.take().map(Error::bounded);
        self
    }

    pub(crate) fn to_failure(&self) -> Failure {
        let inner = self.inner();
        if let Some(failure) = &inner.failure {
            return failure.clone();
        }
        let details = (!inner.details.is_empty()).then(|| Payloads { payloads: details(&inner.details) });
        let info = match self.kind() {
            ErrorKind::Cancelled => {
                FailureInfo::CanceledFailureInfo(CanceledFailureInfo { details, ..Default::default() })
            }
            ErrorKind::Timeout(kind) if kind != TimeoutKind::Future => {
                FailureInfo::TimeoutFailureInfo(TimeoutFailureInfo {
                    timeout_type: timeout_type(kind).into(),
                    last_heartbeat_details: details,
                })
            }
            _ => FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
                r#type: inner.type_name.clone().unwrap_or_else(|| "Error".to_owned()),
                non_retryable: inner.non_retryable,
                details,
                next_retry_delay: inner.next_retry_delay.and_then(|delay| delay.try_into().ok()),
                ..Default::default()
            }),
        };
        Failure {
            message: cut(&inner.message),
            source: SOURCE.to_owned(),
            cause: inner.cause.as_ref().map(|cause| Box::new(cause.to_failure())),
            failure_info: Some(info),
            ..Default::default()
        }
    }
}

/// A message that can be stored: what is too long is cut from its middle, and says so.
fn cut(message: &str) -> String {
    let length = message.chars().count();
    if length <= MESSAGE_CHARS_MAX {
        return message.to_owned();
    }
    let kept = MESSAGE_CHARS_MAX * 3 / 4;
    let first: String = message.chars().take(kept).collect();
    let last: String = message.chars().skip(length - (MESSAGE_CHARS_MAX - kept)).collect();
    format!("{first} [... {} characters left out ...] {last}", length - MESSAGE_CHARS_MAX)
}

/// Details that can be stored; a text in place of what is too large.
fn details(given: &[Payload]) -> Vec<Payload> {
    let mut left = DETAILS_BYTES_MAX;
    let mut kept = |payload: &Payload| {
        let size = payload.data.len();
        if let Some(rest) = left.checked_sub(size) {
            left = rest;
            return Some(payload.clone());
        }
        payload::encode(&format!("<left out: {size} bytes, the details of an error may have {DETAILS_BYTES_MAX}>")).ok()
    };
    given.iter().filter_map(&mut kept).collect()
}

fn timeout_kind(kind: TimeoutType) -> TimeoutKind {
    match kind {
        TimeoutType::ScheduleToStart => TimeoutKind::ScheduleToStart,
        TimeoutType::ScheduleToClose => TimeoutKind::ScheduleToClose,
        TimeoutType::Heartbeat => TimeoutKind::Heartbeat,
        TimeoutType::StartToClose | TimeoutType::Unspecified => TimeoutKind::StartToClose,
    }
}

fn timeout_type(kind: TimeoutKind) -> TimeoutType {
    match kind {
        TimeoutKind::ScheduleToStart => TimeoutType::ScheduleToStart,
        TimeoutKind::ScheduleToClose => TimeoutType::ScheduleToClose,
        TimeoutKind::Heartbeat => TimeoutType::Heartbeat,
        TimeoutKind::StartToClose | TimeoutKind::Workflow | TimeoutKind::Future => TimeoutType::StartToClose,
    }
}

/// JSON as every SDK writes it, and failures made from our [`Error`] where one is behind what the SDK hands over.
pub(crate) fn data_converter() -> DataConverter {
    DataConverter::new(PayloadConverter::default(), Failures(DefaultFailureConverter::default()), DefaultPayloadCodec)
}

struct Failures(DefaultFailureConverter);

impl FailureConverter for Failures {
    fn to_failure(
        &self,
        error: OutgoingError,
        payloads: &PayloadConverter,
        context: &SerializationContextData,
    ) -> Failure {
        let application = match &error {
            OutgoingError::Activity(OutgoingActivityError::Application(application))
            | OutgoingError::Workflow(OutgoingWorkflowError::Application(application)) => Some(application),
            _ => None,
        };
        match application.and_then(|application| application.source_error().downcast_ref::<Standard>()) {
            Some(Standard(error)) => error.to_failure(),
            None => self.0.to_failure(error, payloads, context),
        }
    }

    fn to_error(
        &self,
        failure: Failure,
        payloads: &PayloadConverter,
        context: &SerializationContextData,
    ) -> Result<IncomingError, PayloadConversionError> {
        self.0.to_error(failure, payloads, context)
    }
}
