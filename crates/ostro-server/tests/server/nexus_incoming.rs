//! Nexus requests by HTTP over real sockets: to a worker that polls, to nobody, by somebody who may not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use bytes::Bytes;
use ostro_server::{Extension, Server};
use ostro_wire::{BoxFuture, CallContext, Guard, Leave};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::Payload;
use temporalio_protos::temporal::api::nexus::v1::{
    EndpointSpec, EndpointTarget, Link, Response, StartOperationResponse, endpoint_target, request::Variant,
    response::Variant as Answered, start_operation_response as start,
};
use temporalio_protos::temporal::api::operatorservice::v1::CreateNexusEndpointRequest;
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Status;

use crate::fixture::{self, Fixture};

const BY_QUEUE: &str = "/namespaces/default/task-queues/my%20desk/nexus-services";
const QUEUE: &str = "my desk";

/// The status, the headers in small letters, and the body.
struct Told {
    status: u16,
    headers: String,
    body: String,
}

async fn ask(fixture: &Fixture, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Told {
    let mut socket = tokio::net::TcpStream::connect(fixture.server.http_address().unwrap()).await.unwrap();
    let headers: String = headers.iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let (first, headers) = head.split_once("\r\n").unwrap();
    let status = first.split(' ').nth(1).unwrap().parse().unwrap();
    Told { status, headers: headers.to_ascii_lowercase(), body: body.to_owned() }
}

async fn poll(fixture: &Fixture) -> service::PollNexusTaskQueueResponse {
    let task_queue = Some(TaskQueue { name: QUEUE.into(), ..Default::default() });
    let request = service::PollNexusTaskQueueRequest { namespace: "default".into(), task_queue, ..Default::default() };
    let poll = fixture.workflow.poll_nexus_task_queue(&CallContext::in_process(), request).await.unwrap();
    poll.into_message().unwrap()
}

async fn complete(fixture: &Fixture, task_token: Vec<u8>, variant: start::Variant) {
    let answer = Answered::StartOperation(StartOperationResponse { variant: Some(variant) });
    let request = service::RespondNexusTaskCompletedRequest {
        namespace: "default".into(),
        task_token,
        response: Some(Response { variant: Some(answer) }),
        ..Default::default()
    };
    fixture.workflow.respond_nexus_task_completed(&CallContext::in_process(), request).await.unwrap();
}

/// The id of an endpoint that the workers of the queue serve.
async fn create_endpoint(fixture: &Fixture) -> String {
    let worker = endpoint_target::Worker { namespace: "default".into(), task_queue: QUEUE.into() };
    let target = Some(EndpointTarget { variant: Some(endpoint_target::Variant::Worker(worker)) });
    let spec = Some(EndpointSpec { name: "desk".into(), target, ..Default::default() });
    let (services, context) = (fixture.server.services(), CallContext::in_process());
    let made = services.operator().create_nexus_endpoint(&context, CreateNexusEndpointRequest { spec }).await.unwrap();
    made.into_message().unwrap().endpoint.unwrap().id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_answers_whoever_asks_by_http() {
    let fixture = Fixture::start().await;
    let endpoint = create_endpoint(&fixture).await;
    let path = format!("/nexus/endpoints/{endpoint}/services/My%20Shop/a%2Fb?callback=http%3A%2F%2Fx%2Fy");
    let headers = [
        ("content-type", "application/json"),
        ("nexus-request-id", "once"),
        ("nexus-callback-token", "secret"),
        ("nexus-link", "<http://a>; type=\"b\""),
        ("authorization", "Bearer of the handler"),
    ];
    let worker = async {
        let task = poll(&fixture).await;
        let request = task.request.unwrap();
        assert_eq!(
            (request.endpoint.as_str(), request.header["authorization"].as_str()),
            ("desk", "Bearer of the handler")
        );
        assert!(!request.header.contains_key("content-type") && !request.header.contains_key("nexus-callback-token"));
        let Some(Variant::StartOperation(asked)) = request.variant else { panic!("{:?}", request.variant) };
        assert_eq!((asked.service.as_str(), asked.operation.as_str()), ("My Shop", "a/b"));
        assert_eq!((asked.callback.as_str(), asked.callback_header["token"].as_str()), ("http://x/y", "secret"));
        assert_eq!((asked.request_id.as_str(), asked.links[0].url.as_str()), ("once", "http://a"));
        assert_eq!(asked.payload.unwrap().data, b"\"in\"");
        let metadata = [("encoding".to_owned(), b"json/plain".to_vec())].into();
        let payload = Some(Payload { metadata, data: b"\"out\"".to_vec(), ..Default::default() });
        let links = vec![Link { url: "http://c".into(), r#type: "d".into() }];
        complete(&fixture, task.task_token, start::Variant::SyncSuccess(start::Sync { payload, links })).await;
    };
    let (told, ()) = tokio::join!(ask(&fixture, "POST", &path, &headers, "\"in\""), worker);
    assert_eq!((told.status, told.body.as_str()), (200, "\"out\""));
    assert!(told.headers.contains("content-type: application/json"), "{}", told.headers);
    assert!(told.headers.contains("nexus-link: <http://c>; type=\"d\""), "{}", told.headers);
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_answers_is_told_in_time() {
    let fixture = Fixture::start().await;
    let asked = Instant::now();
    let told = ask(&fixture, "POST", &format!("{BY_QUEUE}/s/o"), &[("request-timeout", "1200ms")], "").await;
    assert_eq!(told.status, 520, "{}", told.body);
    assert!(told.headers.contains("temporal-nexus-failure-source: worker"), "{}", told.headers);
    assert!(told.body.contains("UPSTREAM_TIMEOUT"), "{}", told.body);
    // Before the caller itself stops to wait.
    assert!(asked.elapsed() < Duration::from_millis(1200));
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_refused() {
    let fixture = Fixture::start().await;
    let start = format!("{BY_QUEUE}/s/o");
    let large = "1".repeat((2 << 20) + 1);
    let unknown = "/nexus/endpoints/00000000-0000-4000-8000-000000000000/services/s/o";
    for (method, path, headers, body, status) in [
        ("POST", unknown, &[][..], "", 404),
        ("POST", "/nexus/endpoints/%zz/services/s/o", &[], "", 400),
        ("POST", "/namespaces/nowhere/task-queues/q/nexus-services/s/o", &[], "", 404),
        ("POST", BY_QUEUE, &[], "", 404),
        ("POST", &format!("{BY_QUEUE}/"), &[], "", 404),
        ("GET", &start, &[], "", 400),
        ("POST", &start, &[("request-timeout", "soon")], "", 400),
        ("POST", &start, &[("nexus-link", "nowhere")], "", 400),
        ("POST", &start, &[], &large, 400),
        ("POST", &format!("{start}/cancel"), &[], "", 400),
    ] {
        let told = ask(&fixture, method, path, headers, body).await;
        assert_eq!(told.status, status, "{method} {path}: {}", told.body);
    }
    fixture.server.shutdown().await;
}

/// Knows one key, which may start operations of `default` and do nothing else.
struct OneKey;

impl Guard for OneKey {
    fn greet(&self, _service: &str, _method: &str, _headers: &HeaderMap) -> BoxFuture<Result<(), Status>> {
        unreachable!("HTTP has no calls of gRPC")
    }

    fn admit(
        &self,
        _service: &str,
        method: &str,
        headers: &HeaderMap,
        request: &Bytes,
    ) -> BoxFuture<Result<Leave, Status>> {
        let place = service::StartNexusOperationExecutionRequest::decode(request.clone()).unwrap();
        let admitted = match headers.get("authorization").map(|value| value.to_str().unwrap()) {
            None => Err(Status::unauthenticated("who are you?")),
            Some("Bearer ostro_key") if method == "StartNexusOperationExecution" && place.namespace == "default" => {
                Ok(Leave::default())
            }
            Some(_) => Err(Status::permission_denied("not you")),
        };
        Box::pin(std::future::ready(admitted))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_call_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let guarded = |_| async { Ok(Extension { guard: Some(Arc::new(OneKey)), ..Default::default() }) };
    let server = Server::start_with(fixture::config(&directory), guarded).await.unwrap();
    let fixture = Fixture::of(server, directory);
    let start = format!("{BY_QUEUE}/s/o");
    let own = ("authorization", "Bearer ostro_key");
    for (path, headers, status, word) in [
        (start.as_str(), &[][..], 401, "who are you?"),
        (&start, &[("authorization", "Bearer other")], 403, "not you"),
        (&format!("{start}/cancel?token=t"), &[own], 403, "not you"),
        (&start.replace("default", "mistral-workflows"), &[own], 403, "not you"),
    ] {
        let told = ask(&fixture, "POST", path, headers, "").await;
        assert_eq!(told.status, status, "{path}: {}", told.body);
        assert!(told.body.contains(word), "{}", told.body);
    }
    let worker = async {
        let task = poll(&fixture).await;
        // The key was for this server, not for the handler.
        assert!(!task.request.unwrap().header.contains_key("authorization"));
        let later = start::Async { operation_token: "t".into(), ..Default::default() };
        complete(&fixture, task.task_token, start::Variant::AsyncSuccess(later)).await;
    };
    let headers = [own];
    let (told, ()) = tokio::join!(ask(&fixture, "POST", &start, &headers, ""), worker);
    assert_eq!((told.status, told.body.as_str()), (201, r#"{"token":"t","state":"running"}"#));
    fixture.server.shutdown().await;
}
