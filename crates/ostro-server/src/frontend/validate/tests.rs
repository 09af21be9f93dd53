//! The checks against what a Temporal server 1.32 answered to the same requests (`tests/server/refusals.jsonl`).

use ostro_engine::config::Config;
use ostro_engine::error::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::{operatorservice::v1 as operator, workflowservice::v1 as service};

use super::Check;

const RECORDED: &str = include_str!("../../../tests/server/refusals.jsonl");

/// Where we answer otherwise, on purpose.
const OTHERWISE: &[(&str, &str)] = &[
    (": unknown namespace", "a wrong token is refused before the namespace is looked up"),
    ("update: args too large", "refused before the workflow is looked up"),
    ("terminate: details too large", "refused: history would grow by them without a limit"),
];

#[derive(Deserialize)]
struct Recorded {
    name: String,
    method: String,
    request: Value,
    code: String,
    message: String,
}

macro_rules! check_methods {
    ($($module:ident: $($method:ident)*;)*) => {
        /// Checks a request given as JSON; `None` for a method without a check of its own.
        fn check(method: &str, request: Value) -> Option<Result<(), Error>> {
            let method = method.trim_start_matches("operator:");
            $($(if format!("{method}Request") == stringify!($method) {
                let mut request: $module::$method = ostro_wire::json::from_json(request).expect("a recorded request");
                return Some(request.check(&Config::default()));
            })*)*
            None
        }
    };
}

check_methods! {
    service: StartWorkflowExecutionRequest SignalWithStartWorkflowExecutionRequest SignalWorkflowExecutionRequest
        RequestCancelWorkflowExecutionRequest TerminateWorkflowExecutionRequest DeleteWorkflowExecutionRequest
        QueryWorkflowRequest UpdateWorkflowExecutionRequest PollWorkflowExecutionUpdateRequest
        DescribeWorkflowExecutionRequest GetWorkflowExecutionHistoryRequest GetWorkflowExecutionHistoryReverseRequest
        ResetStickyTaskQueueRequest PollWorkflowTaskQueueRequest PollActivityTaskQueueRequest
        RespondWorkflowTaskCompletedRequest RespondWorkflowTaskFailedRequest RespondActivityTaskCompletedRequest
        RespondActivityTaskFailedRequest RespondActivityTaskCanceledRequest RecordActivityTaskHeartbeatRequest
        RespondQueryTaskCompletedRequest RespondActivityTaskCompletedByIdRequest RespondActivityTaskFailedByIdRequest
        RespondActivityTaskCanceledByIdRequest RecordActivityTaskHeartbeatByIdRequest ShutdownWorkerRequest
        DescribeTaskQueueRequest RegisterNamespaceRequest DescribeNamespaceRequest ListNamespacesRequest
        UpdateNamespaceRequest DeprecateNamespaceRequest;
    operator: DeleteNamespaceRequest AddSearchAttributesRequest RemoveSearchAttributesRequest ListSearchAttributesRequest;
}

/// `{"$text": n}` and `{"$bytes": n}` stand for long values.
fn expanded(value: Value) -> Value {
    use base64::Engine;
    match value {
        Value::Object(map) => {
            if let Some(length) = map.get("$text").and_then(Value::as_u64) {
                return json!("x".repeat(length as usize));
            }
            if let Some(length) = map.get("$bytes").and_then(Value::as_u64) {
                return json!(base64::engine::general_purpose::STANDARD.encode(vec![b'x'; length as usize]));
            }
            map.into_iter().map(|(key, value)| (key, expanded(value))).collect()
        }
        Value::Array(values) => values.into_iter().map(expanded).collect(),
        other => other,
    }
}

fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidArgument => "INVALID_ARGUMENT",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::PermissionDenied => "PERMISSION_DENIED",
        ErrorKind::Unimplemented => "UNIMPLEMENTED",
        _ => "another code",
    }
}

fn recorded() -> impl Iterator<Item = Recorded> {
    RECORDED.lines().map(|line| serde_json::from_str(line).expect("a recorded line"))
}

#[test]
fn what_is_refused_is_refused_as_the_reference_server_does() {
    let mut refused = 0;
    for case in recorded() {
        if OTHERWISE.iter().any(|(name, _)| case.name.ends_with(name)) {
            continue;
        }
        let Some(Err(error)) = check(&case.method, expanded(case.request)) else { continue };
        refused += 1;
        assert_eq!(name(error.kind), case.code, "{}: {}", case.name, error.message);
        let words = case.message.trim_end_matches('.');
        assert!(error.message.starts_with(words), "{}: {:?} does not begin with {words:?}", case.name, error.message);
    }
    assert!(refused > 130, "only {refused} of the recorded requests were refused");
}

/// What only the engine knows: a check that lets one of these pass is right.
const OF_THE_ENGINE: &[&str] = &[
    "search attribute",
    "unknown namespace",
    "absent",
    "id too long",
    "first run id",
    "reason too long",
    "request id too long",
    "unknown",
    "short retention",
    "existing",
    "system",
    "no update id",
    "admitted wait",
    "no wait policy",
    "name too long",
    "type too long",
    "bad token",
    "negative page",
    "completion callback",
    "args too large",
    "identity too long",
    // The activity may stand alone.
    "ById: no workflow id",
];

#[test]
fn what_can_be_refused_at_once_is() {
    for case in recorded() {
        let of_engine = OF_THE_ENGINE.iter().any(|part| case.name.contains(part));
        if case.code == "OK" || of_engine {
            continue;
        }
        let checked = check(&case.method, expanded(case.request));
        assert!(!matches!(checked, Some(Ok(()))), "{} was let through: {}", case.name, case.message);
    }
}
