//! Calls of the engine, and their errors in this crate's words.

use std::fmt::Display;
use std::time::{Duration, SystemTime};

use ostro_wire::Rpc;
use temporalio_common::protos::temporal::api::common::v1::{Payloads as ProtoPayloads, WorkflowExecution};
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use tonic::{Code, Status};

use crate::error::{Error, Result};
use crate::ostro_handle::Ostro;
use crate::payload::Payload;

/// More than the minute after which servers answer what waits.
const LONG_POLL_TIMEOUT: Duration = Duration::from_secs(70);

/// Makes a request count once, however often it arrives.
pub(crate) fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The answer, or the engine's refusal as an error about `what`.
pub(crate) async fn ask<R: Rpc>(ostro: &Ostro, what: impl Display, request: &R) -> Result<R::Answer> {
    ostro.caller().ask(request).await.map_err(|status| refused(what, &status))
}

/// The same where the engine answers only once something has happened, or a minute has passed.
pub(crate) async fn wait<R: Rpc>(ostro: &Ostro, what: impl Display, request: &R) -> Result<R::Answer> {
    ostro.caller().ask_within(request, LONG_POLL_TIMEOUT).await.map_err(|status| refused(what, &status))
}

pub(crate) fn refused(what: impl Display, status: &Status) -> Error {
    let message = status.message();
    let type_name = match status.code() {
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyStarted",
        Code::InvalidArgument => "InvalidArgument",
        Code::PermissionDenied | Code::Unauthenticated => "PermissionDenied",
        Code::Unavailable => "Unavailable",
        Code::DeadlineExceeded | Code::Cancelled => "DeadlineExceeded",
        Code::Unimplemented => "Unimplemented",
        _ => "EngineError",
    };
    Error::engine(format_args!("{what}: {message}")).with_type(type_name)
}

pub(crate) fn payloads(payloads: Vec<Payload>) -> Option<ProtoPayloads> {
    (!payloads.is_empty()).then_some(ProtoPayloads { payloads })
}

pub(crate) fn task_queue(name: String) -> Option<TaskQueue> {
    Some(TaskQueue { name, ..Default::default() })
}

pub(crate) fn execution(workflow_id: &str, run_id: &str) -> Option<WorkflowExecution> {
    Some(WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: run_id.to_owned() })
}

pub(crate) fn duration(duration: Option<Duration>) -> Option<prost_wkt_types::Duration> {
    duration.and_then(|duration| duration.try_into().ok())
}

pub(crate) fn time(time: Option<prost_wkt_types::Timestamp>) -> Option<SystemTime> {
    time.and_then(|time| time.try_into().ok())
}
