//! A whole server against what a Temporal server 1.32 answered to the same requests.

use bytes::Bytes;
use ostro_wire::CallContext;
use prost::Message;
use serde::Deserialize;
use serde_json::{Value, json};
use temporalio_protos::google::rpc;
use temporalio_protos::temporal::api::{operatorservice::v1 as operator, workflowservice::v1 as service};
use tonic::Status;

use crate::fixture::Fixture;

const RECORDED: &str = include_str!("refusals.jsonl");

/// Where we answer otherwise, on purpose.
const OTHERWISE: &[(&str, &str)] = &[
    ("Completed: unknown namespace", "a wrong token is refused before the namespace is looked up"),
    ("Failed: unknown namespace", "the same"),
    ("Canceled: unknown namespace", "the same"),
    ("Heartbeat: unknown namespace", "the same"),
    ("update: args too large", "refused before the workflow is looked up"),
    ("terminate: details too large", "refused: history would grow by them without a limit"),
    ("start: completion callback bad", "callbacks are not served"),
    ("ListArchivedWorkflowExecutions: large page", "there is no archive, whatever the page"),
    ("list namespaces: bad token", "a token that is none is refused"),
    (": bad query", "the same code in other words"),
];

#[derive(Deserialize)]
struct Recorded {
    name: String,
    method: String,
    request: Value,
    code: String,
    message: String,
    #[serde(default)]
    details: Vec<String>,
}

macro_rules! encoders {
    ($($module:ident: $($method:ident)*;)*) => {
        fn encode(method: &str, request: Value) -> Bytes {
            $($(if format!("{method}Request") == stringify!($method) {
                let request: $module::$method = ostro_wire::json::from_json(request).expect("a recorded request");
                return request.encode_to_vec().into();
            })*)*
            panic!("{method} is not in the list")
        }
    };
}

encoders! {
    service: StartWorkflowExecutionRequest SignalWithStartWorkflowExecutionRequest SignalWorkflowExecutionRequest
        RequestCancelWorkflowExecutionRequest TerminateWorkflowExecutionRequest DeleteWorkflowExecutionRequest
        QueryWorkflowRequest UpdateWorkflowExecutionRequest PollWorkflowExecutionUpdateRequest
        DescribeWorkflowExecutionRequest GetWorkflowExecutionHistoryRequest GetWorkflowExecutionHistoryReverseRequest
        ListWorkflowExecutionsRequest ScanWorkflowExecutionsRequest CountWorkflowExecutionsRequest
        ListArchivedWorkflowExecutionsRequest ListOpenWorkflowExecutionsRequest ListClosedWorkflowExecutionsRequest
        ResetStickyTaskQueueRequest PollWorkflowTaskQueueRequest PollActivityTaskQueueRequest
        RespondWorkflowTaskCompletedRequest RespondWorkflowTaskFailedRequest RespondActivityTaskCompletedRequest
        RespondActivityTaskFailedRequest RespondActivityTaskCanceledRequest RecordActivityTaskHeartbeatRequest
        RespondQueryTaskCompletedRequest RespondActivityTaskCompletedByIdRequest RespondActivityTaskFailedByIdRequest
        RespondActivityTaskCanceledByIdRequest RecordActivityTaskHeartbeatByIdRequest ShutdownWorkerRequest
        DescribeTaskQueueRequest RegisterNamespaceRequest DescribeNamespaceRequest ListNamespacesRequest
        UpdateNamespaceRequest DeprecateNamespaceRequest;
    operator: DeleteNamespaceRequest AddSearchAttributesRequest RemoveSearchAttributesRequest ListSearchAttributesRequest;
}

/// `{"$text": n}` and `{"$bytes": n}` stand for long values, `%` for a word of its own in each request.
fn expanded(value: Value, word: &str) -> Value {
    use base64::Engine;
    match value {
        Value::Object(map) => {
            if let Some(length) = map.get("$text").and_then(Value::as_u64) {
                return json!("x".repeat(length as usize));
            }
            if let Some(length) = map.get("$bytes").and_then(Value::as_u64) {
                return json!(base64::engine::general_purpose::STANDARD.encode(vec![b'x'; length as usize]));
            }
            map.into_iter().map(|(key, value)| (key, expanded(value, word))).collect()
        }
        Value::Array(values) => values.into_iter().map(|value| expanded(value, word)).collect(),
        Value::String(text) => json!(text.replace('%', word)),
        other => other,
    }
}

fn details(status: &Status) -> Vec<String> {
    let details = rpc::Status::decode(status.details()).unwrap_or_default().details;
    let short = |name: &str| name.rsplit(['/', '.']).next().unwrap_or_default().to_owned();
    details.iter().map(|any| short(&any.type_url)).collect()
}

/// `INVALID_ARGUMENT` of `InvalidArgument`.
fn code_name(status: &Status) -> String {
    let name = format!("{:?}", status.code());
    let words = name.chars().flat_map(|c| [c.is_uppercase().then_some('_'), Some(c.to_ascii_uppercase())]);
    words.flatten().collect::<String>().trim_start_matches('_').to_owned()
}

async fn answer(fixture: &Fixture, index: usize, case: &Recorded) -> Result<Bytes, Status> {
    let (service, method) = match case.method.strip_prefix("operator:") {
        Some(method) => (ostro_wire::operator_service::SERVICE, method),
        None => (ostro_wire::workflow_service::SERVICE, case.method.as_str()),
    };
    let request = encode(method, expanded(case.request.clone(), &format!("case{index}")));
    let context = CallContext::in_process().with_timeout(std::time::Duration::from_millis(700));
    fixture.server.services().call(service, method, context, request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_answered_as_by_the_reference_server() {
    let fixture = Fixture::start().await;
    let mut wrong = Vec::new();
    for (index, line) in RECORDED.lines().enumerate() {
        let case: Recorded = serde_json::from_str(line).expect("a recorded line");
        if OTHERWISE.iter().any(|(name, _)| case.name.ends_with(name)) {
            continue;
        }
        let problem = match answer(&fixture, index, &case).await {
            Ok(_) if case.code == "OK" => continue,
            Ok(_) => "OK".to_owned(),
            Err(status) => {
                let words = case.message.trim_end_matches('.');
                let same = code_name(&status) == case.code
                    && status.message().starts_with(words)
                    && details(&status) == case.details;
                if same {
                    continue;
                }
                format!("{} {} {:?}", code_name(&status), status.message(), details(&status))
            }
        };
        wrong.push(format!("{}: {problem} instead of {} {} {:?}", case.name, case.code, case.message, case.details));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    fixture.server.shutdown().await;
}
