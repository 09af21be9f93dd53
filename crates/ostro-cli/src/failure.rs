//! What went wrong, in words that name the next step.

use ostro_wire::status::detail;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::errordetails::v1::{
    NamespaceAlreadyExistsFailure, NamespaceNotFoundFailure, WorkflowExecutionAlreadyStartedFailure,
};
use tonic::{Code, Status};

use crate::printable::line;

/// A command that failed. Printed on standard error; the exit code is 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// For programs: a gRPC code in lower snake case, or a word of ours such as `workflow_failed`.
    pub code: &'static str,
    /// For people: what happened, on what, and what to do.
    pub message: String,
}

/// The call that failed.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The server's address.
    pub address: &'a str,
    /// The namespace of the call.
    pub namespace: &'a str,
    /// The gRPC method.
    pub method: &'a str,
}

impl Failure {
    /// A failure of the command itself.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A refused or failed call.
    pub fn of_call(attempt: Attempt<'_>, status: &Status) -> Self {
        Self { code: code_name(status.code()), message: message(attempt, status) }
    }

    /// `{"error": {"code": ..., "message": ...}}`.
    pub fn to_json(&self) -> Value {
        json!({ "error": { "code": self.code, "message": self.message } })
    }
}

fn message(attempt: Attempt<'_>, status: &Status) -> String {
    let Attempt { address, namespace, method } = attempt;
    let words = &*line(status.message());
    match status.code() {
        Code::Unavailable if is_of_tls(words) => {
            format!("no TLS with {address}: {words}; see --tls, --tls-ca and --tls-server-name")
        }
        Code::Unavailable if unreachable(words) => format!(
            "cannot reach an Ostro server at {address}: start one with `ostro dev`, or name it with --address or OSTRO_ADDRESS"
        ),
        Code::DeadlineExceeded => deadline_message(attempt),
        Code::NotFound => not_found_message(attempt, status, words),
        Code::AlreadyExists => already_exists_message(status, words),
        Code::Unimplemented => format!("the server at {address} does not know {method}: {words}"),
        Code::InvalidArgument if words.starts_with("invalid query") => {
            format!("{words}; a query looks like: WorkflowType = 'Order' AND ExecutionStatus = 'Running'")
        }
        Code::InvalidArgument => words.to_owned(),
        Code::Unauthenticated => format!("{words}; here with --api-key or OSTRO_API_KEY"),
        code => format!("{words} ({method} in namespace \"{namespace}\": {})", code_name(code)),
    }
}

/// A handshake that failed, told by rustls or by a connection that was cut.
fn is_of_tls(words: &str) -> bool {
    ["certificate", "corrupt message", "received fatal alert"].iter().any(|sign| words.contains(sign))
}

/// tonic and the operating system say it in several ways.
fn unreachable(words: &str) -> bool {
    [
        "cannot connect",
        "tcp connect error",
        "Connection refused",
        "transport error",
        "dns error",
        "error trying to connect",
    ]
    .iter()
    .any(|sign| words.contains(sign))
}

fn deadline_message(Attempt { address, method, .. }: Attempt<'_>) -> String {
    let hint = match method {
        "QueryWorkflow" | "UpdateWorkflowExecution" => {
            "is a worker polling the workflow's task queue? `ostro task-queue describe` tells; or raise --timeout"
        }
        "GetWorkflowExecutionHistory" | "PollWorkflowExecutionUpdate" => {
            "raise --timeout; `ostro workflow describe` tells what the workflow waits for"
        }
        _ => "raise --timeout, or look at the server's log",
    };
    format!("no answer from {address} to {method} in time: {hint}")
}

fn not_found_message(Attempt { namespace, method, .. }: Attempt<'_>, status: &Status, words: &str) -> String {
    let named = detail::<NamespaceNotFoundFailure>(status).map(|failure| failure.namespace);
    if named.is_some() || words.starts_with("Namespace ") {
        let name = named.filter(|name| !name.is_empty()).unwrap_or_else(|| namespace.to_owned());
        return format!(
            "namespace \"{name}\" does not exist: create it with `ostro namespace create {name}`, or name another with --namespace"
        );
    }
    if method.contains("Schedule") {
        return format!("{words}: list them with `ostro schedule list`");
    }
    if method.contains("SearchAttribute") {
        return format!("{words}: list them with `ostro search-attribute list`");
    }
    format!("{words}: list executions with `ostro workflow list`")
}

fn already_exists_message(status: &Status, words: &str) -> String {
    if detail::<WorkflowExecutionAlreadyStartedFailure>(status).is_some() {
        let words = words.trim_end_matches('.');
        return format!("{words}: choose another --id, or see --id-conflict-policy and --id-reuse-policy");
    }
    if detail::<NamespaceAlreadyExistsFailure>(status).is_some() {
        return format!("{words}: change it with `ostro namespace update`");
    }
    words.to_owned()
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostro_wire::status_with_details;

    fn text(method: &str, status: Status) -> String {
        Failure::of_call(Attempt { address: "127.0.0.1:7233", namespace: "shop", method }, &status).to_string()
    }

    #[test]
    fn every_common_failure_names_the_next_step() {
        let started = WorkflowExecutionAlreadyStartedFailure { run_id: "r1".into(), ..Default::default() };
        let missing = NamespaceNotFoundFailure { namespace: "shop".into() };
        let table = [
            (
                text(
                    "StartWorkflowExecution",
                    Status::unavailable("cannot connect to x: Connection refused (os error 111)"),
                ),
                "cannot reach an Ostro server at 127.0.0.1:7233: start one with `ostro dev`, or name it with --address or OSTRO_ADDRESS",
            ),
            (
                text("DescribeWorkflowExecution", Status::not_found("workflow not found for ID: order-1")),
                "workflow not found for ID: order-1: list executions with `ostro workflow list`",
            ),
            (
                text(
                    "ListWorkflowExecutions",
                    status_with_details(Code::NotFound, "Namespace shop is not found.", &missing),
                ),
                "namespace \"shop\" does not exist: create it with `ostro namespace create shop`, or name another with --namespace",
            ),
            (
                text(
                    "StartWorkflowExecution",
                    status_with_details(
                        Code::AlreadyExists,
                        "Workflow execution is already running. RunId: r1.",
                        &started,
                    ),
                ),
                "Workflow execution is already running. RunId: r1: choose another --id, or see --id-conflict-policy and --id-reuse-policy",
            ),
            (
                text("QueryWorkflow", Status::deadline_exceeded("context deadline exceeded")),
                "no answer from 127.0.0.1:7233 to QueryWorkflow in time: is a worker polling the workflow's task queue? \
                 `ostro task-queue describe` tells; or raise --timeout",
            ),
            (
                text("RegisterNamespace", Status::permission_denied("no")),
                "no (RegisterNamespace in namespace \"shop\": permission_denied)",
            ),
        ];
        for (message, expected) in table {
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn programs_read_the_code() {
        let failure = Failure::new("workflow_failed", "boom");
        assert_eq!(failure.to_json().to_string(), r#"{"error":{"code":"workflow_failed","message":"boom"}}"#);
    }
}
