//! Errors of the engine, one step away from gRPC: a kind, a sentence, and the details that SDKs read.

use prost::Message;
use prost_wkt_types::Any;
use temporalio_protos::temporal::api::enums::v1::{ResourceExhaustedCause, ResourceExhaustedScope};
use temporalio_protos::temporal::api::errordetails::v1 as details;
use temporalio_protos::temporal::api::errordetails::v1::multi_operation_execution_failure::OperationStatus;
use temporalio_protos::temporal::api::failure::v1::{Failure, MultiOperationExecutionAborted};

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
    /// What was stored cannot be read any more.
    DataLoss,
}

impl ErrorKind {
    /// The number of the gRPC code of the same name.
    pub fn code(self) -> i32 {
        match self {
            Self::Cancelled => 1,
            Self::InvalidArgument => 3,
            Self::DeadlineExceeded => 4,
            Self::NotFound => 5,
            Self::AlreadyExists => 6,
            Self::PermissionDenied => 7,
            Self::ResourceExhausted => 8,
            Self::FailedPrecondition => 9,
            Self::Aborted => 10,
            Self::Unimplemented => 12,
            Self::Internal => 13,
            Self::Unavailable => 14,
            Self::DataLoss => 15,
        }
    }
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

    /// DATA_LOSS: `what` (an execution, a schedule...) is set aside, for the reason `why`.
    pub fn set_aside(what: &str, why: &str) -> Self {
        let message = format!(
            "{what} is set aside, as its stored form is damaged: {why}. Everything else is served. Stop the server and run \
             \"ostro doctor --repair\", or restore a backup"
        );
        Self::new(ErrorKind::DataLoss, message)
    }

    pub fn failed_precondition(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::FailedPrecondition, message)
    }

    pub(crate) fn namespace_not_found(name: &str) -> Self {
        Self::new(ErrorKind::NotFound, format!("Namespace {name} is not found.")).with(
            "temporal.api.errordetails.v1.NamespaceNotFoundFailure",
            &details::NamespaceNotFoundFailure { namespace: name.to_owned() },
        )
    }

    /// What a call is told that waited until its client's deadline, in the words of gRPC.
    pub fn deadline_exceeded() -> Self {
        Self::new(ErrorKind::DeadlineExceeded, "context deadline exceeded")
    }

    /// FAILED_PRECONDITION with `WorkflowNotReadyFailure`, on which SDKs wait and ask again.
    pub(crate) fn workflow_not_ready(message: impl Into<String>) -> Self {
        Self::failed_precondition(message)
            .with("temporal.api.errordetails.v1.WorkflowNotReadyFailure", &details::WorkflowNotReadyFailure {})
    }

    /// RESOURCE_EXHAUSTED since the workflow is busy: SDKs try again.
    pub(crate) fn workflow_busy(message: impl Into<String>) -> Self {
        let detail = details::ResourceExhaustedFailure {
            cause: ResourceExhaustedCause::BusyWorkflow as i32,
            scope: ResourceExhaustedScope::Namespace as i32,
        };
        Self::new(ErrorKind::ResourceExhausted, message)
            .with("temporal.api.errordetails.v1.ResourceExhaustedFailure", &detail)
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
    pub(crate) fn query_failed(message: impl Into<String>, failure: Option<Failure>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
            .with("temporal.api.errordetails.v1.QueryFailedFailure", &details::QueryFailedFailure { failure })
    }

    /// What an operation is told that was not tried, or undone, since another one of the same request failed.
    pub fn operation_aborted() -> Self {
        Self::new(ErrorKind::Aborted, "Operation was aborted.")
            .with("temporal.api.failure.v1.MultiOperationExecutionAborted", &MultiOperationExecutionAborted {})
    }

    /// The failure of an update-with-start: what became of the start and of the update, `None` where it succeeded.
    pub fn update_with_start(operations: [Option<Self>; 2]) -> Self {
        let failed = operations.iter().flatten().find(|error| error.kind != ErrorKind::Aborted);
        let kind = failed.map_or(ErrorKind::Aborted, |error| error.kind);
        let statuses = operations.into_iter().map(operation_status).collect();
        Self::new(kind, "Update-with-Start could not be executed.").with(
            "temporal.api.errordetails.v1.MultiOperationExecutionFailure",
            &details::MultiOperationExecutionFailure { statuses },
        )
    }

    pub fn with(mut self, type_name: &'static str, detail: &impl Message) -> Self {
        self.detail = Some(Detail { type_name, value: detail.encode_to_vec() });
        self
    }
}

fn operation_status(error: Option<Error>) -> OperationStatus {
    let Some(error) = error else { return OperationStatus::default() };
    let detail = error
        .detail
        .map(|detail| Any { type_url: format!("type.googleapis.com/{}", detail.type_name), value: detail.value });
    OperationStatus { code: error.kind.code(), message: error.message, details: detail.into_iter().collect() }
}

pub type Result<T> = std::result::Result<T, Error>;
