//! Nexus over real sockets: a handler outside, its callbacks, callbacks to it; and what a restart in between costs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use ostro_engine::config::CallbackAddress;
use ostro_server::{Config, Server};
use ostro_wire::CallContext;
use temporalio_protos::temporal::api::common::v1::{Callback, Payload, callback};
use temporalio_protos::temporal::api::enums::v1::{CallbackState, NexusOperationExecutionStatus as Status};
use temporalio_protos::temporal::api::nexus::v1::{EndpointSpec, EndpointTarget, endpoint_target};
use temporalio_protos::temporal::api::operatorservice::v1::CreateNexusEndpointRequest;
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::fixture::{self, Fixture, start_request};
use ostro_engine::time::Span;

/// What came to the handler outside.
#[derive(Clone)]
struct Asked {
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// The path of the URL that the handler calls back, and its token.
    fn callback(&self) -> (String, String) {
        let url = url::form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == "callback").unwrap().1;
        let path = url.splitn(4, '/').nth(3).unwrap().to_owned();
        (format!("/{path}"), self.header("nexus-callback-temporal-callback-token").to_owned())
    }
}

/// A Nexus service outside: answers by the last part of the path.
struct Outside {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    came: Arc<Notify>,
}

impl Outside {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, came) = (Arc::<Mutex<Vec<Asked>>>::default(), Arc::<Notify>::default());
        let service = Self { address, asked: asked.clone(), came: came.clone() };
        let answer = move |request: Request| {
            let (asked, came) = (asked.clone(), came.clone());
            async move {
                assert_eq!(request.method(), Method::POST);
                let (parts, body) = request.into_parts();
                let path = parts.uri.path().to_owned();
                let before = asked.lock().unwrap().iter().filter(|asked| asked.path == path).count();
                let query = parts.uri.query().unwrap_or_default().to_owned();
                let body = to_bytes(body, 1 << 20).await.unwrap();
                asked.lock().unwrap().push(Asked { path: path.clone(), query, headers: parts.headers, body });
                came.notify_waiters();
                respond(path.rsplit('/').next().unwrap(), before).await
            }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        service
    }

    /// The request number `number` to this path, once it has come.
    async fn request(&self, path: &str, number: usize) -> Asked {
        loop {
            let came = self.came.notified();
            let found = self.asked.lock().unwrap().iter().filter(|asked| asked.path == path).nth(number - 1).cloned();
            match found {
                Some(asked) => return asked,
                None => tokio::time::timeout(Duration::from_secs(30), came).await.expect("the request comes"),
            }
        }
    }
}

async fn respond(name: &str, before: usize) -> Response {
    let json = [("content-type", "application/json")];
    match (name, before) {
        ("later", _) => (StatusCode::CREATED, json, r#"{"token": "token", "state": "running"}"#).into_response(),
        ("cancel", _) => StatusCode::ACCEPTED.into_response(),
        // Never answers: whoever asked must ask again.
        ("hangs", 0) => std::future::pending().await,
        ("busy", 0) => (StatusCode::SERVICE_UNAVAILABLE, json, r#"{"message": "later"}"#).into_response(),
        ("never", _) => (StatusCode::BAD_REQUEST, json, r#"{"message": "not like this"}"#).into_response(),
        _ => (json, r#""done""#).into_response(),
    }
}

/// A server that may call back anyone on this machine, and gives requests little time.
fn config(directory: &tempfile::TempDir) -> Config {
    let mut config = fixture::config(directory);
    config.limits.callback_addresses = vec![CallbackAddress::parse("http://127.0.0.1:*").unwrap()];
    config.limits.nexus_request_timeout = Span::from_nanos(1_000_000_000);
    config
}

async fn start(directory: tempfile::TempDir) -> Fixture {
    Fixture::of(Server::start(config(&directory)).await.unwrap(), directory)
}

/// An endpoint `shop` at the service.
async fn create_endpoint(fixture: &Fixture, outside: &Outside) {
    let url = format!("http://{}/base", outside.address);
    let variant = endpoint_target::Variant::External(endpoint_target::External { url });
    let target = Some(EndpointTarget { variant: Some(variant) });
    let spec = Some(EndpointSpec { name: "shop".into(), target, ..Default::default() });
    let services = fixture.server.services();
    let operator = services.operator();
    operator.create_nexus_endpoint(&CallContext::in_process(), CreateNexusEndpointRequest { spec }).await.unwrap();
}

async fn call(fixture: &Fixture, operation: &str) {
    let input = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: b"\"in\"".to_vec(),
        ..Default::default()
    };
    let request = service::StartNexusOperationExecutionRequest {
        namespace: "default".into(),
        operation_id: operation.into(),
        endpoint: "shop".into(),
        service: "orders".into(),
        operation: operation.into(),
        input: Some(input),
        nexus_header: [("trace".to_owned(), "1".to_owned())].into(),
        ..Default::default()
    };
    fixture.workflow.start_nexus_operation_execution(&CallContext::in_process(), request).await.unwrap();
}

/// The status of an operation once it has ended, and what it ended with.
async fn end(
    fixture: &Fixture,
    operation: &str,
) -> (Status, Option<service::describe_nexus_operation_execution_response::Outcome>) {
    loop {
        let request = service::DescribeNexusOperationExecutionRequest {
            namespace: "default".into(),
            operation_id: operation.into(),
            include_outcome: true,
            ..Default::default()
        };
        let context = CallContext::in_process();
        let answer = fixture.workflow.describe_nexus_operation_execution(&context, request).await.unwrap();
        let answer = answer.into_message().unwrap();
        let status = answer.info.unwrap().status();
        if status != Status::Running {
            return (status, answer.outcome);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn callback_state(fixture: &Fixture, wanted: CallbackState) -> i32 {
    loop {
        let execution = fixture::run("w");
        let request = service::DescribeWorkflowExecutionRequest { namespace: "default".into(), execution };
        let context = CallContext::in_process();
        let answer = fixture.workflow.describe_workflow_execution(&context, request).await.unwrap();
        let callback = answer.into_message().unwrap().callbacks.remove(0);
        if callback.state() == wanted {
            return callback.attempt;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Sends the end of an operation; the status line that comes back.
async fn post(fixture: &Fixture, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut socket = tokio::net::TcpStream::connect(fixture.server.http_address().unwrap()).await.unwrap();
    let headers: String = headers.iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_called_by_http() {
    let (outside, fixture) = (Outside::start().await, start(tempfile::tempdir().unwrap()).await);
    create_endpoint(&fixture, &outside).await;
    for operation in ["simple", "busy", "never"] {
        call(&fixture, operation).await;
    }
    let asked = outside.request("/base/orders/simple", 1).await;
    assert_eq!((asked.header("content-type"), &asked.body[..]), ("application/json", &b"\"in\""[..]));
    assert_eq!(asked.header("trace"), "1");
    assert!(asked.header("request-timeout").ends_with("ms") && !asked.header("nexus-request-id").is_empty());
    assert!(asked.header("nexus-link").contains("temporal.api.common.v1.Link.NexusOperation"));
    use service::describe_nexus_operation_execution_response::Outcome;
    for operation in ["simple", "busy"] {
        let (status, outcome) = end(&fixture, operation).await;
        let Some(Outcome::Result(result)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((status, &result.data[..]), (Status::Completed, &b"\"done\""[..]));
    }
    outside.request("/base/orders/busy", 2).await;
    let (status, outcome) = end(&fixture, "never").await;
    let Some(Outcome::Failure(failure)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((status, failure.cause.unwrap().message.as_str()), (Status::Failed, "not like this"));
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_a_restart_has_cut_off_is_sent_again() {
    let (outside, fixture) = (Outside::start().await, start(tempfile::tempdir().unwrap()).await);
    create_endpoint(&fixture, &outside).await;
    call(&fixture, "hangs").await;
    let first = outside.request("/base/orders/hangs", 1).await;
    let fixture = start(fixture.stop().await).await;
    let second = outside.request("/base/orders/hangs", 2).await;
    assert_eq!(first.header("nexus-request-id"), second.header("nexus-request-id"));
    assert_eq!(end(&fixture, "hangs").await.0, Status::Completed);
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_calls_back_whichever_process_listens() {
    let (outside, fixture) = (Outside::start().await, start(tempfile::tempdir().unwrap()).await);
    create_endpoint(&fixture, &outside).await;
    call(&fixture, "later").await;
    let (path, token) = outside.request("/base/orders/later", 1).await.callback();
    assert_eq!(path, "/namespaces/default/nexus/callback");
    let fixture = start(fixture.stop().await).await;
    let succeeded = ("nexus-operation-state", "succeeded");
    let json = ("content-type", "application/json");
    let nobody = post(&fixture, &path, &[succeeded, json], "1").await;
    assert!(nobody.starts_with("HTTP/1.1 400"), "{nobody}");
    let token = ("temporal-callback-token", token.as_str());
    let elsewhere = post(&fixture, "/namespaces/other/nexus/callback", &[succeeded, json, token], "1").await;
    assert!(elsewhere.starts_with("HTTP/1.1 400"), "{elsewhere}");
    let large = post(&fixture, &path, &[succeeded, json, token], &"1".repeat((2 << 20) + 1)).await;
    assert!(large.starts_with("HTTP/1.1 400"), "{large}");
    assert!(post(&fixture, "/nexus/callback", &[succeeded, json, token], "1").await.starts_with("HTTP/1.1 200"));
    assert_eq!(end(&fixture, "later").await.0, Status::Completed);
    assert!(post(&fixture, &path, &[succeeded, json, token], "1").await.starts_with("HTTP/1.1 404"));
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_is_told_to_the_handler() {
    let (outside, fixture) = (Outside::start().await, start(tempfile::tempdir().unwrap()).await);
    create_endpoint(&fixture, &outside).await;
    call(&fixture, "later").await;
    let (path, token) = outside.request("/base/orders/later", 1).await.callback();
    let request = service::RequestCancelNexusOperationExecutionRequest {
        namespace: "default".into(),
        operation_id: "later".into(),
        ..Default::default()
    };
    let context = CallContext::in_process();
    fixture.workflow.request_cancel_nexus_operation_execution(&context, request).await.unwrap();
    let asked = outside.request("/base/orders/later/cancel", 1).await;
    assert_eq!((asked.header("nexus-operation-token"), asked.header("content-length")), ("token", "0"));
    let headers = [
        ("nexus-operation-state", "canceled"),
        ("content-type", "application/json"),
        ("temporal-callback-token", &token),
    ];
    assert!(post(&fixture, &path, &headers, r#"{"message": "gone"}"#).await.starts_with("HTTP/1.1 200"));
    assert_eq!(end(&fixture, "later").await.0, Status::Canceled);
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_workflow_is_told_outside_over_a_restart() {
    let (outside, fixture) = (Outside::start().await, start(tempfile::tempdir().unwrap()).await);
    let callback = |path: &str| {
        let header = [("Key".to_owned(), "value".to_owned())].into();
        let nexus = callback::Nexus { url: format!("http://{}/{path}", outside.address), header };
        Callback { variant: Some(callback::Variant::Nexus(nexus)), ..Default::default() }
    };
    let request =
        service::StartWorkflowExecutionRequest { completion_callbacks: vec![callback("hangs")], ..start_request("w") };
    fixture.workflow.start_workflow_execution(&CallContext::in_process(), request).await.unwrap();
    callback_state(&fixture, CallbackState::Standby).await;
    let terminate = service::TerminateWorkflowExecutionRequest {
        namespace: "default".into(),
        workflow_execution: fixture::run("w"),
        ..Default::default()
    };
    fixture.workflow.terminate_workflow_execution(&CallContext::in_process(), terminate).await.unwrap();
    let asked = outside.request("/hangs", 1).await;
    assert_eq!((asked.header("key"), asked.header("nexus-operation-state")), ("value", "failed"));
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(body["message"], "operation terminated");
    assert!(asked.header("nexus-operation-start-time").ends_with("GMT"));
    let fixture = start(fixture.stop().await).await;
    outside.request("/hangs", 2).await;
    assert_eq!(callback_state(&fixture, CallbackState::Succeeded).await, 2);
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_go_only_where_they_may() {
    let fixture = Fixture::start().await;
    let nexus = callback::Nexus { url: "http://127.0.0.1:1/".into(), ..Default::default() };
    let callback = Callback { variant: Some(callback::Variant::Nexus(nexus)), ..Default::default() };
    let request = service::StartWorkflowExecutionRequest { completion_callbacks: vec![callback], ..start_request("w") };
    let refused = fixture.workflow.start_workflow_execution(&CallContext::in_process(), request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert!(refused.message().contains("does not match any configured callback address"), "{refused}");
    fixture.server.shutdown().await;
}
