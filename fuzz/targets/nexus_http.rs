//! Nexus over HTTP: requests that come in through the socket, and what a stranger answers to ours.

#![no_main]

use std::net::SocketAddr;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ostro_fuzz::source::Source;
use ostro_fuzz::world::{World, run};
use ostro_wire::{CallContext, operator_service, workflow_service};
use ostro_workflows_api::auth::Access;
use prost::Message;
use temporalio_protos::temporal::api::nexus::v1::{EndpointSpec, EndpointTarget, endpoint_target};
use temporalio_protos::temporal::api::operatorservice::v1::CreateNexusEndpointRequest;
use temporalio_protos::temporal::api::workflowservice::v1::StartNexusOperationExecutionRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long anybody waits for the other side.
const PATIENCE: Duration = Duration::from_millis(150);

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    run(async {
        let world = World::start(Access::Open, true).await;
        match kind % 2 {
            0 => comes_in(world.http_address(), &mut Source::new(rest)).await,
            _ => goes_out(&world, rest).await,
        }
        world.end().await;
    });
});

async fn comes_in(address: SocketAddr, source: &mut Source<'_>) {
    let path = source.pick(&[
        "/namespaces/default/task-queues/q/nexus-services/s/o",
        "/namespaces/default/task-queues/q/nexus-services/s/o/cancel",
        "/nexus/endpoints/00000000-0000-0000-0000-000000000001/services/s/o",
        "/nexus/callback",
        "/namespaces/default/nexus/callback",
        "/namespaces/%ff/task-queues/%00/nexus-services/",
    ]);
    let mut said = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nrequest-timeout: 1ms\r\nconnection: close\r\n").into_bytes();
    while !source.is_empty() && !source.rarely(4) {
        let name = source.pick(&[
            "content-type", "content-length", "transfer-encoding", "nexus-link", "nexus-request-id", "nexus-operation-token",
            "nexus-operation-state", "nexus-operation-start-time", "nexus-callback-token", "temporal-callback-token",
            "nexus-callback-x", "request-timeout", "operation-timeout", "x",
        ]);
        said.extend_from_slice(name.as_bytes());
        said.extend_from_slice(b": ");
        said.extend_from_slice(source.raw(80));
        said.extend_from_slice(b"\r\n");
    }
    let body = source.raw(2000);
    said.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    said.extend_from_slice(body);
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(&said).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    if let Ok(Ok(answer)) = tokio::time::timeout(PATIENCE, exchange).await {
        assert!(!answer.starts_with(b"HTTP/1.1 500"), "{}", String::from_utf8_lossy(&answer));
    }
}

/// A stranger's server answers one request with these bytes, then it is gone.
async fn goes_out(world: &World, answer: &[u8]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("a bound listener"));
    let external = endpoint_target::External { url };
    let target = EndpointTarget { variant: Some(endpoint_target::Variant::External(external)) };
    let spec = EndpointSpec { name: "e".to_owned(), target: Some(target), ..Default::default() };
    let endpoint = CreateNexusEndpointRequest { spec: Some(spec) }.encode_to_vec();
    call(world, operator_service::SERVICE, "CreateNexusEndpoint", endpoint).await;
    let operation = StartNexusOperationExecutionRequest {
        namespace: "default".to_owned(),
        operation_id: "o".to_owned(),
        endpoint: "e".to_owned(),
        service: "s".to_owned(),
        operation: "o".to_owned(),
        request_id: "r".to_owned(),
        ..Default::default()
    };
    call(world, workflow_service::SERVICE, "StartNexusOperationExecution", operation.encode_to_vec()).await;
    let stranger = async {
        let (mut stream, _) = listener.accept().await?;
        let mut request = [0; 4096];
        let _read = stream.read(&mut request).await?;
        if answer.starts_with(b"HTTP/") {
            return stream.write_all(answer).await;
        }
        // Mostly the head is one, so that what is behind it is reached.
        let (status, body) = answer.split_first().unwrap_or((&0, &[]));
        let status = [200, 201, 400, 409, 424, 429, 500, 502, 503, 520][usize::from(*status) % 10];
        let state = ["successful", "failed", "canceled", "x"][body.len() % 4];
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nnexus-operation-state: {state}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await
    };
    drop(tokio::time::timeout(PATIENCE, stranger).await);
    // What was answered is dealt with before the end is looked at.
    tokio::time::sleep(Duration::from_millis(10)).await;
}

async fn call(world: &World, service: &str, method: &str, request: Vec<u8>) {
    drop(world.services().call(service, method, CallContext::in_process(), request.into()).await);
}
