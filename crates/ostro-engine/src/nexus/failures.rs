//! Failures of handlers, in their newer form (a Temporal failure) and in the one before it.

use temporalio_protos::temporal::api::{
    common::v1::{Payload, Payloads},
    enums::v1::NexusHandlerErrorRetryBehavior as Retry,
    failure::v1::{
        ApplicationFailureInfo, CanceledFailureInfo, Failure, NexusHandlerFailureInfo, ServerFailureInfo,
        failure::FailureInfo,
    },
    nexus::v1 as nexus,
};

/// The type of failures whose meaning Temporal does not know; SDKs look for it.
pub const NEXUS_FAILURE: &str = "NexusFailure";
/// The type of failures of a request that its handler had no part in, as the reference server names it.
const CALL_ERROR: &str = "CallError";

/// Whether the handler may be asked again after this failure.
pub fn is_retryable(failure: &Failure) -> bool {
    let Some(FailureInfo::NexusHandlerFailureInfo(info)) = &failure.failure_info else { return true };
    match info.retry_behavior() {
        Retry::Retryable => true,
        Retry::NonRetryable => false,
        Retry::Unspecified => !matches!(
            info.r#type.as_str(),
            "BAD_REQUEST" | "UNAUTHENTICATED" | "UNAUTHORIZED" | "NOT_FOUND" | "CONFLICT" | "NOT_IMPLEMENTED"
        ),
    }
}

/// The server itself could not do it.
pub fn server(message: &str, non_retryable: bool) -> Failure {
    Failure {
        message: message.to_owned(),
        failure_info: Some(FailureInfo::ServerFailureInfo(ServerFailureInfo { non_retryable })),
        ..Default::default()
    }
}

/// A handler's error that the server makes.
pub fn handler(kind: &str, message: &str) -> Failure {
    Failure {
        message: message.to_owned(),
        failure_info: Some(FailureInfo::NexusHandlerFailureInfo(NexusHandlerFailureInfo {
            r#type: kind.to_owned(),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// What came back was no answer of a Nexus handler, or nothing came back.
pub fn call(message: &str, non_retryable: bool) -> Failure {
    let info = ApplicationFailureInfo { r#type: CALL_ERROR.to_owned(), non_retryable, ..Default::default() };
    Failure {
        message: message.to_owned(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(info)),
        ..Default::default()
    }
}

/// The end of an operation without success: cancelled, whatever its failure says, where that is its state.
pub fn of_state(canceled: bool, failure: Failure) -> Failure {
    match &failure.failure_info {
        info if canceled && !matches!(info, Some(FailureInfo::CanceledFailureInfo(_))) => {
            Failure { failure_info: Some(FailureInfo::CanceledFailureInfo(CanceledFailureInfo::default())), ..failure }
        }
        _ => failure,
    }
}

/// An error of a handler in its older form.
pub(crate) fn of_handler_error(error: nexus::HandlerError) -> Failure {
    let cause = error.failure.map(of_nexus);
    Failure {
        failure_info: Some(FailureInfo::NexusHandlerFailureInfo(NexusHandlerFailureInfo {
            r#type: error.error_type,
            retry_behavior: error.retry_behavior,
        })),
        cause: cause.map(Box::new),
        ..Default::default()
    }
}

/// The end of an operation without success, in its older form.
pub(crate) fn of_operation_error(error: nexus::UnsuccessfulOperationError) -> Failure {
    of_state(error.operation_state == "canceled", of_nexus(error.failure.unwrap_or_default()))
}

fn of_nexus(failure: nexus::Failure) -> Failure {
    let data = serde_json::json!({
        "metadata": failure.metadata,
        "details": serde_json::from_slice::<serde_json::Value>(&failure.details).unwrap_or_default(),
    });
    let payload = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: data.to_string().into_bytes(),
        ..Default::default()
    };
    let bare = failure.metadata.is_empty() && failure.details.is_empty();
    Failure {
        message: failure.message,
        stack_trace: failure.stack_trace,
        failure_info: (!bare).then(|| {
            FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
                r#type: NEXUS_FAILURE.to_owned(),
                details: Some(Payloads { payloads: vec![payload] }),
                ..Default::default()
            })
        }),
        cause: failure.cause.map(|cause| Box::new(of_nexus(*cause))),
        ..Default::default()
    }
}
