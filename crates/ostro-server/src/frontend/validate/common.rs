//! Checks that many requests share.

use ostro_engine::config::Config;
use ostro_engine::error::{Error, Result};
use ostro_engine::ids::is_uuid;
use ostro_engine::stored::execution::STANDALONE_MARK;
use ostro_engine::token::TaskToken;
use prost_wkt_types::Duration;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::failure::v1::{Failure, failure::FailureInfo};
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;

/// Task queues with this prefix are the server's own.
const RESERVED_QUEUES: &str = "/_sys/";

/// INVALID_ARGUMENT with `message`.
pub(super) fn invalid<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::invalid(message))
}

/// Refuses a request without a namespace.
pub(in crate::frontend) fn namespace(name: &str) -> Result<()> {
    if name.is_empty() {
        return invalid("Namespace is empty.");
    }
    Ok(())
}

/// Refuses payloads of more than the limit; `what` they are is for the message.
pub(in crate::frontend) fn blob(size: usize, what: &str, limits: &Config) -> Result<()> {
    let limit = limits.blob_bytes_max;
    if size <= limit {
        return Ok(());
    }
    invalid(format!(
        "Blob data size exceeds limit. The {what} has {size} bytes, {limit} are allowed: store large data elsewhere and \
         pass a reference, or raise blob_bytes_max."
    ))
}

/// The run that a request is about: a workflow id, and a run id where it has one.
pub(super) fn execution(run: &Option<WorkflowExecution>) -> Result<()> {
    let Some(run) = run else { return invalid("Execution is not set on request.") };
    if run.workflow_id.is_empty() {
        return invalid("WorkflowId is not set on request.");
    }
    workflow_id(&run.workflow_id)?;
    if !run.run_id.is_empty() && !is_uuid(&run.run_id) {
        return invalid(format!("Invalid RunId. \"{}\" is no UUID.", run.run_id));
    }
    Ok(())
}

/// Refuses the ids under which activities and Nexus operations without a workflow are kept.
pub(super) fn workflow_id(id: &str) -> Result<()> {
    if id.starts_with(STANDALONE_MARK) {
        return invalid("WorkflowId begins with a character that is kept for the server: leave it out");
    }
    Ok(())
}

/// Refuses a run id, where one is given, that cannot be one.
pub(super) fn run_id(run_id: &str) -> Result<()> {
    if !run_id.is_empty() && !is_uuid(run_id) {
        return invalid("RunId is not valid UUID.");
    }
    Ok(())
}

/// Refuses text longer than ids may be; `what` is the field's name in the protocol.
pub(super) fn length(text: &str, what: &str, limits: &Config) -> Result<()> {
    let limit = limits.id_length_max;
    if text.len() <= limit {
        return Ok(());
    }
    invalid(format!("{what} length exceeds limit. It has {} bytes, {limit} are allowed.", text.len()))
}

/// Like [`length`], in the words of newer methods.
pub(super) fn allowed_length(text: &str, what: &str, limits: &Config) -> Result<()> {
    let limit = limits.id_length_max;
    if text.len() <= limit {
        return Ok(());
    }
    invalid(format!("{what} exceeds maximum allowed length ({}/{limit})", text.len()))
}

/// Refuses a field that must be there.
pub(super) fn present(text: &str, message: &str) -> Result<()> {
    if text.is_empty() { invalid(message) } else { Ok(()) }
}

/// A task queue that exists only in the mind of the request: named, not too long, not the server's own.
pub(super) fn task_queue(queue: &Option<TaskQueue>, limits: &Config) -> Result<()> {
    let Some(queue) = queue else { return invalid("taskQueue is not set") };
    present(&queue.name, "missing task queue name")?;
    if queue.name.len() > limits.id_length_max {
        let (size, limit) = (queue.name.len(), limits.id_length_max);
        return invalid(format!("taskQueue length exceeds limit: it has {size} bytes, {limit} are allowed"));
    }
    if queue.name.starts_with(RESERVED_QUEUES) {
        return invalid(format!("task queue name cannot start with reserved prefix {RESERVED_QUEUES}"));
    }
    Ok(())
}

/// Refuses negative time-outs; `field` is the field's name in the protocol.
pub(super) fn timeout(span: &Option<Duration>, field: &str) -> Result<()> {
    match duration_fault(span) {
        Some(fault) => invalid(format!("An invalid {field} is set on request. cause: {fault}")),
        None => Ok(()),
    }
}

/// What is wrong with a duration.
pub(super) fn duration_fault(span: &Option<Duration>) -> Option<&'static str> {
    let span = span.as_ref()?;
    if span.seconds < 0 || span.nanos < 0 {
        return Some("negative duration");
    }
    (span.nanos > 999_999_999).then_some("nanos out of range")
}

/// The token that a worker hands back. The namespace is in it: a request need not repeat it. Whether it is genuine the
/// engine says.
pub(super) fn task_token(token: &[u8]) -> Result<()> {
    TaskToken::peek(token).map(drop)
}

/// A worker's failure of an activity is an application's: other kinds are the server's to make.
pub(super) fn application_failure(failure: &Option<Failure>) -> Result<()> {
    let application = |failure: &Failure| matches!(failure.failure_info, Some(FailureInfo::ApplicationFailureInfo(_)));
    if failure.as_ref().is_some_and(|failure| !application(failure)) {
        return invalid("Failure must have ApplicationFailureInfo.");
    }
    Ok(())
}
