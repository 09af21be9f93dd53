//! Statuses of the frontend itself, in the codes and words that a Temporal server (grpc-go) uses where a client reads them.

use prost::{DecodeError, Message, Name};
use prost_wkt_types::Any;
use temporalio_protos::google::rpc;
use tonic::{Code, Status};

use crate::{BoxFuture, EncodedAnswer};

/// What prost says of messages that nest deeper than 100 levels; it has no other way to tell.
const RECURSION_LIMIT: &str = "recursion limit reached";

/// A status that carries a typed detail in `grpc-status-details-bin`, as the SDKs read it.
///
/// For example ALREADY_EXISTS with a `WorkflowExecutionAlreadyStartedFailure`. The detail's type URL is
/// `type.googleapis.com/<full name of D>`.
pub fn status_with_details<D: Message + Name>(code: Code, message: impl Into<String>, detail: &D) -> Status {
    let message = message.into();
    let any = Any { type_url: format!("type.googleapis.com/{}", D::full_name()), value: detail.encode_to_vec() };
    let details = rpc::Status { code: code as i32, message: message.clone(), details: vec![any] };
    Status::with_details(code, message, details.encode_to_vec().into())
}

/// The first detail of type `D` that `status` carries; `None` when there is none.
pub fn detail<D: Message + Name + Default>(status: &Status) -> Option<D> {
    let details = rpc::Status::decode(status.details()).ok()?.details;
    let suffix = format!("/{}", D::full_name());
    let any = details.into_iter().find(|any| any.type_url.ends_with(&suffix))?;
    D::decode(any.value.as_slice()).ok()
}

/// The answer of a trait method that the server does not override.
pub(crate) fn method_not_implemented(service: &str, method: &str) -> Status {
    Status::unimplemented(format!(
        "{method} is not implemented by this Ostro server: {service} knows the method, this version does not serve it; \
         run the call against a Temporal cluster, or see docs/reference for what Ostro serves"
    ))
}

/// The answer to a method name that the service's protocol does not have.
pub(crate) fn unknown_method(service: &str, method: &str) -> BoxFuture<EncodedAnswer> {
    let status = Status::unimplemented(format!("unknown method {method} for service {service}"));
    Box::pin(std::future::ready(Err(status)))
}

/// The answer to a service name that is not served here.
pub(crate) fn unknown_service(service: &str) -> Status {
    Status::unimplemented(format!("unknown service {service}"))
}

/// The answer to request bytes that do not decode. grpc-go answers INTERNAL, and so do we; but to what nests too deep to be read,
/// INVALID_ARGUMENT: to send it again is no use.
pub(crate) fn malformed_request(method: &str, error: &DecodeError) -> Status {
    if error.to_string().contains(RECURSION_LIMIT) {
        return Status::invalid_argument(format!(
            "the request of {method} nests too deep: a message may hold others up to 100 levels deep"
        ));
    }
    Status::internal(format!("grpc: error unmarshalling request: {error}; send a {method}Request encoded as protobuf"))
}

/// The answer to a request larger than `limit` bytes. The SDKs recognise the beginning of the message and fail the
/// workflow task with "gRPC message too large" instead of retrying it.
pub(crate) fn request_too_large(size: usize, limit: usize) -> Status {
    Status::resource_exhausted(format!("grpc: received message larger than max ({size} vs. {limit})"))
}

/// The answer to a compressed request that grows beyond `limit` bytes; recognised by the SDKs as well.
pub(crate) fn decompressed_too_large(limit: usize) -> Status {
    Status::resource_exhausted(format!("grpc: received message after decompression larger than max {limit}"))
}

/// The answer when the caller's `grpc-timeout` is over.
pub(crate) fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("context deadline exceeded")
}

#[cfg(test)]
mod tests {
    use super::*;
    use temporalio_protos::temporal::api::errordetails::v1::{
        NamespaceNotFoundFailure, WorkflowExecutionAlreadyStartedFailure,
    };

    #[test]
    fn a_detail_comes_back_by_its_type() {
        let failure = WorkflowExecutionAlreadyStartedFailure {
            start_request_id: "request".into(),
            run_id: "run".into(),
            ..Default::default()
        };
        let status = status_with_details(Code::AlreadyExists, "already running", &failure);
        assert_eq!(detail::<WorkflowExecutionAlreadyStartedFailure>(&status), Some(failure));
        assert_eq!(detail::<NamespaceNotFoundFailure>(&status), None);
        let decoded = rpc::Status::decode(status.details()).expect("the details are a google.rpc.Status");
        assert_eq!(decoded.code, 6);
        assert_eq!(
            decoded.details[0].type_url,
            "type.googleapis.com/temporal.api.errordetails.v1.WorkflowExecutionAlreadyStartedFailure"
        );
    }
}
