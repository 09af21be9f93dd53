//! The one mapping of engine errors to gRPC.

use ostro_engine::error::{Detail, Error, ErrorKind};
use prost::Message;
use prost_wkt_types::Any;
use temporalio_protos::google::rpc;
use tonic::{Code, Status};

/// The status that a client sees.
pub(crate) fn status(error: Error) -> Status {
    let code = code(error.kind);
    match error.detail {
        None => Status::new(code, error.message),
        Some(detail) => with_detail(code, error.message, detail),
    }
}

fn with_detail(code: Code, message: String, detail: Detail) -> Status {
    let any = Any { type_url: format!("type.googleapis.com/{}", detail.type_name), value: detail.value };
    let details = rpc::Status { code: code as i32, message: message.clone(), details: vec![any] };
    Status::with_details(code, message, details.encode_to_vec().into())
}

fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::InvalidArgument => Code::InvalidArgument,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::AlreadyExists => Code::AlreadyExists,
        ErrorKind::FailedPrecondition => Code::FailedPrecondition,
        ErrorKind::ResourceExhausted => Code::ResourceExhausted,
        ErrorKind::PermissionDenied => Code::PermissionDenied,
        ErrorKind::Cancelled => Code::Cancelled,
        ErrorKind::DeadlineExceeded => Code::DeadlineExceeded,
        ErrorKind::Aborted => Code::Aborted,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::Unimplemented => Code::Unimplemented,
        ErrorKind::Internal => Code::Internal,
    }
}

/// A read of the store that failed. The cause is for the operator, in the log.
pub(crate) fn store_failed(error: &dyn std::error::Error) -> Status {
    tracing::error!(%error, "a read of the store failed");
    Status::internal("the server could not read its store: its log has the cause")
}

#[cfg(test)]
mod tests {
    use super::*;
    use temporalio_protos::temporal::api::errordetails::v1 as details;

    #[test]
    fn details_reach_the_client() {
        let status = status(Error::already_started("running", "request", "run", "first"));
        assert_eq!(status.code(), Code::AlreadyExists);
        let failure: details::WorkflowExecutionAlreadyStartedFailure =
            ostro_wire::status::detail(&status).expect("the detail is there");
        assert_eq!((failure.start_request_id.as_str(), failure.run_id.as_str()), ("request", "run"));
        assert!(super::status(Error::invalid("no")).details().is_empty());
    }
}
