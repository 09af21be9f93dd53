//! Errors of the engine, one step away from gRPC: a kind, a sentence, and the details that SDKs read.

use prost::Message;
use temporalio_protos::temporal::api::errordetails::v1 as details;
use temporalio_protos::temporal::api::failure::v1::Failure;

/// What sort of error it is; the frontend maps it to the gRPC code of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    InvalidArgument,
    NotFound,
    AlreadyExists,
    FailedPrecondition,
    ResourceExhausted,
    PermissionDenied,
    Cancelled,
    DeadlineExceeded,
    Aborted,
    Unavailable,
    Unimplemented,
    Internal,
}

/// A typed detail as it goes into `google.rpc.Status.details`.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// Full protobuf name, e.g. `temporal.api.errordetails.v1.NotFoundFailure`.
    pub type_name: &'static str,
    pub value: Vec<u8>,
}

/// An error that a client sees. Nothing was changed when it is returned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub kind: ErrorKind,
    pub message: String,
    pub detail: Option<Detail>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), detail: None }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// NOT_FOUND with `NotFoundFailure`, as SDKs expect of missing executions.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
            .with("temporal.api.errordetails.v1.NotFoundFailure", &details::NotFoundFailure::default())
    }

    pub fn failed_precondition(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::FailedPrecondition, message)
    }

    pub fn namespace_not_found(name: &str) -> Self {
        Self::new(ErrorKind::NotFound, format!("Namespace {name} is not found.")).with(
            "temporal.api.errordetails.v1.NamespaceNotFoundFailure",
            &details::NamespaceNotFoundFailure { namespace: name.to_owned() },
        )
    }

    /// ALREADY_EXISTS with the run that is in the way, as SDKs expect.
    pub fn already_started(message: impl Into<String>, request_id: &str, run_id: &str, first_run_id: &str) -> Self {
        Self::new(ErrorKind::AlreadyExists, message).with(
            "temporal.api.errordetails.v1.WorkflowExecutionAlreadyStartedFailure",
            &details::WorkflowExecutionAlreadyStartedFailure {
                start_request_id: request_id.to_owned(),
                run_id: run_id.to_owned(),
                first_execution_run_id: first_run_id.to_owned(),
            },
        )
    }

    /// INVALID_ARGUMENT with the worker's failure, as SDKs expect of a failed query.
    pub fn query_failed(message: impl Into<String>, failure: Option<Failure>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
            .with("temporal.api.errordetails.v1.QueryFailedFailure", &details::QueryFailedFailure { failure })
    }

    pub fn with(mut self, type_name: &'static str, detail: &impl Message) -> Self {
        self.detail = Some(Detail { type_name, value: detail.encode_to_vec() });
        self
    }
}

pub type Result<T> = std::result::Result<T, Error>;
