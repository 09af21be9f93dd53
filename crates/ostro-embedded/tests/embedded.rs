//! A program with its engine inside: through the official client, without a socket.

#![allow(clippy::unwrap_used)]

use ostro_embedded::{Embedded, Error};
use temporalio_client::{Connection, ConnectionOptions, grpc::WorkflowService};
use temporalio_protos::temporal::api::common::v1::WorkflowType;
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, GetClusterInfoRequest, StartWorkflowExecutionRequest,
};
use tonic::IntoRequest;

async fn connect(engine: &Embedded) -> Connection {
    let options = ConnectionOptions::new("http://embedded".parse::<url::Url>().unwrap())
        .service_override(engine.service_override())
        .dns_load_balancing(None)
        .build();
    Connection::connect(options).await.unwrap()
}

async fn start(client: &mut Connection, id: &str) {
    let request = StartWorkflowExecutionRequest {
        namespace: "default".into(),
        workflow_id: id.into(),
        workflow_type: Some(WorkflowType { name: "Any".into() }),
        task_queue: Some(TaskQueue { name: "queue".into(), ..Default::default() }),
        request_id: id.into(),
        ..Default::default()
    };
    client.start_workflow_execution(request.into_request()).await.unwrap();
}

async fn count(client: &mut Connection) -> i64 {
    let request = CountWorkflowExecutionsRequest { namespace: "default".into(), ..Default::default() };
    client.count_workflow_executions(request.into_request()).await.unwrap().into_inner().count
}

async fn cluster_id(client: &mut Connection) -> String {
    client.get_cluster_info(GetClusterInfoRequest {}.into_request()).await.unwrap().into_inner().cluster_id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_holds_everything_and_opens_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app.db");
    let engine = Embedded::open(&file).await.unwrap();
    let mut client = connect(&engine).await;
    start(&mut client, "kept").await;
    let id = cluster_id(&mut client).await;
    engine.shutdown().await;
    assert!(file.is_file());

    let engine = Embedded::open(&file).await.unwrap();
    let mut client = connect(&engine).await;
    assert_eq!((count(&mut client).await, cluster_id(&mut client).await), (1, id));
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_engine_has_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let first = Embedded::open(directory.path()).await.unwrap();
    let error = Embedded::open(directory.path()).await.err().unwrap();
    assert!(matches!(error, Error::Server { .. }));
    let message = error.to_string();
    assert!(message.contains("OSTRO_ADDRESS") && message.contains(&std::process::id().to_string()), "{message}");
    first.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ephemeral_engine_keeps_nothing() {
    for _ in 0..2 {
        let engine = Embedded::builder().ephemeral().namespace("other").open().await.unwrap();
        let mut client = connect(&engine).await;
        assert_eq!(count(&mut client).await, 0);
        start(&mut client, "gone").await;
        engine.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_makes_time_skip() {
    use temporalio_client::grpc::TestService;
    use temporalio_protos::temporal::api::testservice::v1::SleepRequest;
    const YEAR_SECONDS: i64 = 365 * 86_400;

    let engine = Embedded::builder().time_skipping(true).open().await.unwrap();
    let mut client = connect(&engine).await;
    let before = client.get_current_time(().into_request()).await.unwrap().into_inner().time.unwrap().seconds;
    let duration = Some(prost_wkt_types::Duration { seconds: YEAR_SECONDS, nanos: 0 });
    client.unlock_time_skipping_with_sleep(SleepRequest { duration }.into_request()).await.unwrap();
    let after = client.get_current_time(().into_request()).await.unwrap().into_inner().time.unwrap().seconds;
    assert!((YEAR_SECONDS..YEAR_SECONDS + 60).contains(&(after - before)), "{before} {after}");
    engine.shutdown().await;
}
