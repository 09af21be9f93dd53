//! Deadlines, cancellation and sizes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use ostro_wire::{CallContext, REQUEST_BYTES_MAX_DEFAULT, Services, workflow_service};
use prost::Message;
use temporalio_protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request};

use crate::fixture::{Toy, client, observer};

const WORKFLOW: &str = workflow_service::SERVICE;
const POLL: &str = "PollWorkflowTaskQueue";

fn header(name: &'static str, value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, value.parse().expect("a header value"));
    headers
}

#[tokio::test]
async fn the_server_keeps_grpc_timeout_on_the_network() {
    let toy = Arc::new(Toy::default());
    let client = client(Services::new(Arc::clone(&toy) as _)).await;
    // The header alone, without the client's own clock, so that it is the server that answers.
    let metadata = MetadataMap::from_headers(header("grpc-timeout", "100m"));
    let poll = client.call(WORKFLOW, POLL, Bytes::new(), metadata, None);
    let refusal = poll.await.expect_err("the poll never answers");
    assert!(matches!(refusal.code(), Code::DeadlineExceeded | Code::Cancelled), "{refusal}");
    toy.poll_dropped.notified().await;
}

#[tokio::test]
async fn the_client_calls_the_end_of_its_patience_a_deadline() {
    let client = client(Services::new(Arc::new(Toy::default()))).await;
    let patience = Some(Duration::from_millis(80));
    let poll = client.call(WORKFLOW, POLL, Bytes::new(), MetadataMap::new(), patience);
    assert_eq!(poll.await.expect_err("the poll never answers").code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn in_process_calls_keep_grpc_timeout_and_are_observed() {
    let toy = Arc::new(Toy::default());
    let (calls, received) = observer();
    let services = Services::new(Arc::clone(&toy) as _).with_observer(calls);
    let context = CallContext::in_process_with(header("grpc-timeout", "20m"));
    let refusal = services.call(WORKFLOW, POLL, context, Bytes::new()).await.expect_err("the poll never answers");
    assert_eq!((refusal.code(), refusal.message()), (Code::DeadlineExceeded, "context deadline exceeded"));
    toy.poll_dropped.notified().await;
    let call = received.into_inner().expect("one owner").recv().await.expect("a call");
    assert_eq!((call.code, call.from_network), (Code::DeadlineExceeded, false));
}

#[tokio::test]
async fn a_client_that_goes_away_drops_the_poll() {
    let toy = Arc::new(Toy::default());
    let (calls, received) = observer();
    let client = client(Services::new(Arc::clone(&toy) as _).with_observer(calls)).await;
    let poll = tokio::spawn(async move {
        client.call(WORKFLOW, POLL, Bytes::new(), MetadataMap::new(), Some(Duration::from_secs(60))).await
    });
    toy.poll_began.notified().await;
    poll.abort();
    toy.poll_dropped.notified().await;
    let call = received.into_inner().expect("one owner").recv().await.expect("a call");
    assert_eq!((call.method, call.code), (POLL, Code::Cancelled));
}

fn request_of(bytes: usize) -> Bytes {
    let request = DescribeNamespaceRequest { id: "x".repeat(bytes), ..Default::default() };
    request.encode_to_vec().into()
}

#[tokio::test]
async fn a_request_above_the_limit_is_refused_in_the_words_of_temporal() {
    let services = Services::new(Arc::new(Toy::default()));
    let client = client(services.clone()).await;
    let fits = request_of(REQUEST_BYTES_MAX_DEFAULT - 100);
    let describe = async |client: &ostro_wire::Client, request: Bytes| {
        client.call(WORKFLOW, "DescribeNamespace", request, MetadataMap::new(), None).await
    };
    describe(&client, fits.clone()).await.expect("just below the limit");
    let above = request_of(5_000_000);
    let words = format!("grpc: received message larger than max ({} vs. 4194304)", above.len());
    let refusal = describe(&client, above.clone()).await.expect_err("above the limit");
    assert_eq!((refusal.code(), refusal.message()), (Code::ResourceExhausted, words.as_str()));
    let local = services.call(WORKFLOW, "DescribeNamespace", CallContext::in_process(), above.clone()).await;
    assert_eq!(local.expect_err("above the limit").message(), words);

    let gzip = client.with_gzip();
    describe(&gzip, fits).await.expect("just below the limit");
    let refusal = describe(&gzip, above).await.expect_err("above the limit");
    assert_eq!(refusal.code(), Code::ResourceExhausted);
    assert_eq!(refusal.message(), "grpc: received message after decompression larger than max 4194304");
}

#[tokio::test]
async fn the_limit_is_configurable() {
    let client = client(Services::new(Arc::new(Toy::default())).with_request_bytes_max(6_000_000)).await;
    let request = request_of(5_000_000);
    client
        .call(WORKFLOW, "DescribeNamespace", request, MetadataMap::new(), None)
        .await
        .expect("below the raised limit");
}

#[test]
fn a_timeout_only_shortens_a_deadline() {
    let context = CallContext::in_process().with_timeout(Duration::from_secs(10));
    let shorter = context.clone().with_timeout(Duration::from_secs(1));
    assert!(shorter.deadline < context.deadline);
    assert_eq!(shorter.clone().with_timeout(Duration::from_secs(10)).deadline, shorter.deadline);
    let mut request = Request::new(());
    request.set_timeout(Duration::from_secs(70));
    let network = CallContext::from_network(request.into_parts().0.into_headers());
    let remaining = network.remaining().expect("a deadline");
    assert!(remaining > Duration::from_secs(69) && remaining < Duration::from_secs(70), "{remaining:?}");
}
