//! The one mapping of engine errors to gRPC.

use ostro_engine::error::{Detail, Error};
use ostro_store::Refused;
use prost::Message;
use prost_wkt_types::Any;
use temporalio_protos::google::rpc;
use tonic::{Code, Status};

/// The status that a client sees.
pub(crate) fn status(error: Error) -> Status {
    let code = Code::from_i32(error.kind.code());
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

/// A read that found no place, or that was ended.
pub(crate) fn not_read(refused: Refused) -> Status {
    let code = match refused {
        Refused::TooMany { .. } | Refused::LogTooLarge(_) => Code::ResourceExhausted,
        Refused::TooLong(_) => Code::DeadlineExceeded,
        Refused::Closed => Code::Unavailable,
    };
    Status::new(code, refused.to_string())
}

/// A read of the store that failed. Damage is named; any other cause is for the operator, in the log.
pub(crate) fn store_failed(error: &(dyn std::error::Error + 'static)) -> Status {
    tracing::error!(%error, "a read of the store failed");
    if let Some(damaged @ ostro_store::Error::Damaged { .. }) = error.downcast_ref() {
        return Status::data_loss(damaged.to_string());
    }
    Status::internal("the server could not read its store: its log has the cause")
}

#[cfg(test)]
mod tests {
    use super::*;
    use temporalio_protos::temporal::api::errordetails::v1 as details;

    #[test]
    fn codes_have_the_names_of_kinds() {
        use ostro_engine::error::ErrorKind::*;
        let kinds = [
            (InvalidArgument, Code::InvalidArgument),
            (NotFound, Code::NotFound),
            (AlreadyExists, Code::AlreadyExists),
            (FailedPrecondition, Code::FailedPrecondition),
            (ResourceExhausted, Code::ResourceExhausted),
            (PermissionDenied, Code::PermissionDenied),
            (Cancelled, Code::Cancelled),
            (DeadlineExceeded, Code::DeadlineExceeded),
            (Aborted, Code::Aborted),
            (Unavailable, Code::Unavailable),
            (Unimplemented, Code::Unimplemented),
            (Internal, Code::Internal),
            (DataLoss, Code::DataLoss),
        ];
        for (kind, code) in kinds {
            assert_eq!(Code::from_i32(kind.code()), code);
        }
    }

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
