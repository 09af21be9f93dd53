//! What calls answer, over TCP and in process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ostro_wire::{CallContext, Caller, Client, Services, ServingStatus, WorkflowService, workflow_service};
use prost::Message;
use temporalio_protos::grpc::health::v1::HealthCheckRequest;
use temporalio_protos::temporal::api::workflowservice::v1::*;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::fixture::{HEADER, Toy, client, observer};

const WORKFLOW: &str = workflow_service::SERVICE;

async fn describe(client: &Client, name: &str) -> Result<DescribeNamespaceResponse, Status> {
    let request = DescribeNamespaceRequest { namespace: name.into(), ..Default::default() };
    Caller::new(client.clone().with_name("test", "1")).ask(&request).await
}

#[tokio::test]
async fn the_default_of_a_method_names_it() {
    let toy = Toy::default();
    let context = CallContext::in_process();
    let refusal = toy.get_system_info(&context, Default::default()).await.expect_err("not implemented");
    assert_eq!(refusal.code(), Code::Unimplemented);
    assert!(refusal.message().starts_with("GetSystemInfo is not implemented by this Ostro server"), "{refusal}");
}

#[tokio::test]
async fn plain_and_compressed_requests_reach_the_method() {
    let client = client(Services::new(Arc::new(Toy::default()))).await;
    let name = "long ".repeat(1000);
    assert_eq!(describe(&client, &name).await.expect("plain").failover_version, 5000);
    assert_eq!(describe(&client.with_gzip(), &name).await.expect("gzip").failover_version, 5000);
}

#[tokio::test]
async fn in_process_and_network_answer_the_same_bytes() {
    let services = Services::new(Arc::new(Toy::default()));
    let request: Bytes = GetWorkflowExecutionHistoryRequest::default().encode_to_vec().into();
    let method = "GetWorkflowExecutionHistory";
    let local = services.call(WORKFLOW, method, CallContext::in_process(), request.clone()).await.expect("in process");
    let remote =
        client(services).await.call(WORKFLOW, method, request, MetadataMap::new(), None).await.expect("over TCP");
    assert_eq!(local, remote);
    let page = GetWorkflowExecutionHistoryResponse::decode(local).expect("spliced pages are a page");
    let ids: Vec<i64> = page.history.expect("a history").events.iter().map(|event| event.event_id).collect();
    assert_eq!(ids, [1, 2]);
}

#[tokio::test]
async fn one_caller_asks_in_process_and_over_the_network() {
    let services = Services::new(Arc::new(Toy::default()));
    let remote = Caller::new(client(services.clone()).await.with_name("test", "1"));
    for caller in [Caller::new(services), remote] {
        let request = DescribeNamespaceRequest { namespace: "four".into(), ..Default::default() };
        assert_eq!(caller.ask(&request).await.expect("an answer").failover_version, 4);
        let refusal = caller.ask(&GetSystemInfoRequest::default()).await.expect_err("not implemented");
        assert_eq!(refusal.code(), Code::Unimplemented);
        let poll = PollWorkflowTaskQueueRequest::default();
        let short = Duration::from_millis(30);
        let refusal = caller.ask_within(&poll, short).await.expect_err("the poll never answers");
        assert_eq!(refusal.code(), Code::DeadlineExceeded);
        let refusal = caller.clone().with_timeout(short).ask(&poll).await.expect_err("the poll never answers");
        assert_eq!(refusal.code(), Code::DeadlineExceeded);
        let over = caller.with_deadline(Instant::now()).with_timeout(Duration::from_secs(60));
        assert_eq!(over.ask(&poll).await.expect_err("it is late").code(), Code::DeadlineExceeded);
    }
}

#[tokio::test]
async fn a_call_over_the_network_names_its_namespace_in_a_header() {
    let services = Services::new(Arc::new(Toy::default()));
    let client = Caller::new(client(services).await.with_name("test", "1"));
    // The toy's answer is how many letters the header has, where the request says so.
    for (namespace, letters) in [("four", 4), ("with a space", 12), ("größe", 0)] {
        let request = DescribeNamespaceRequest { namespace: namespace.into(), id: HEADER.into(), ..Default::default() };
        assert_eq!(client.ask(&request).await.expect("an answer").failover_version, letters, "{namespace}");
    }
}

#[tokio::test]
async fn unknown_names_and_malformed_bytes() {
    let client = client(Services::new(Arc::new(Toy::default()))).await;
    let table = [
        (WORKFLOW, "Nothing", "", Code::Unimplemented, "unknown method Nothing for service temporal"),
        ("no.Such", "Nothing", "", Code::Unimplemented, "unknown service no.Such"),
        (WORKFLOW, "GetSystemInfo", "", Code::Unimplemented, "GetSystemInfo is not implemented"),
        (WORKFLOW, "DescribeNamespace", "\u{7}", Code::Internal, "grpc: error unmarshalling request: "),
    ];
    for (service, method, request, code, message) in table {
        let refusal =
            client.call(service, method, request.into(), MetadataMap::new(), None).await.expect_err("a refusal");
        assert_eq!(refusal.code(), code, "{refusal}");
        assert!(refusal.message().starts_with(message), "{refusal}");
    }
}

#[tokio::test]
async fn health_is_settable_by_service() {
    let health = Arc::new(ServingStatus::default());
    let client =
        Caller::new(client(Services::new(Arc::new(Toy::default())).with_health(Arc::clone(&health) as _)).await);
    let check = async |service: &str| {
        let request = HealthCheckRequest { service: service.into() };
        let answer = client.ask(&request).await;
        answer.map(|response| response.status).map_err(|refusal| (refusal.code(), refusal.message().to_owned()))
    };
    assert_eq!(check("").await, Ok(1));
    assert_eq!(check(WORKFLOW).await, Ok(1));
    assert_eq!(check("other").await, Err((Code::NotFound, "unknown service".into())));
    health.set(WORKFLOW, false);
    assert_eq!(check(WORKFLOW).await, Ok(2));
    health.set_all(false);
    assert_eq!(check("").await, Ok(2));
}

#[tokio::test]
async fn the_observer_sees_known_methods_with_their_codes() {
    let (calls, received) = observer();
    let client = client(Services::new(Arc::new(Toy::default())).with_observer(calls)).await;
    describe(&client, "x").await.expect("an answer");
    let _ = client.call(WORKFLOW, "Nothing", Bytes::new(), MetadataMap::new(), None).await;
    let _ = client.call(WORKFLOW, "GetSystemInfo", Bytes::new(), MetadataMap::new(), None).await;
    let mut received = received.into_inner().expect("one owner");
    let first = received.recv().await.expect("a call");
    assert_eq!((first.service, first.method, first.code), (WORKFLOW, "DescribeNamespace", Code::Ok));
    assert!(first.from_network && first.duration > Duration::ZERO);
    let second = received.recv().await.expect("a call");
    assert_eq!((second.method, second.code), ("GetSystemInfo", Code::Unimplemented));
}

#[tokio::test]
async fn a_refused_connection_says_where() {
    let refusal = Client::connect("127.0.0.1:1").await.err().expect("nobody listens on port 1");
    assert_eq!(refusal.code(), Code::Unavailable);
    assert!(refusal.message().starts_with("cannot connect to 127.0.0.1:1: Connection refused"), "{refusal}");
    let lazy = Client::connect_lazy("127.0.0.1:1").expect("a valid address");
    let refusal = describe(&lazy, "x").await.expect_err("nobody listens");
    assert_eq!(refusal.code(), Code::Unavailable);
    assert_eq!(Client::connect("ftp://a:1").await.err().map(|status| status.code()), Some(Code::InvalidArgument));
}

#[tokio::test]
async fn who_accepts_and_says_nothing_is_not_waited_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // It says nothing at all, so that the TLS handshake never ends.
    let address = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let refusal = Client::connect(address.as_str()).await.err().expect("nothing answers");
    assert_eq!(refusal.code(), Code::Unavailable);
    assert!(refusal.message().contains("no answer within 5 s"), "{refusal}");
}
