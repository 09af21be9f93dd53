//! Start, stop, start again.

use std::time::{Duration, Instant};

use ostro_wire::{CallContext, Caller, Client};
use temporalio_protos::grpc::health::v1::HealthCheckRequest;
use temporalio_protos::temporal::api::enums::v1::CommandType;
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use tonic::Code;

use crate::fixture::{Fixture, history_request, ids, poll_request, run};

const WORKFLOW_SERVICE: &str = ostro_wire::workflow_service::SERVICE;

/// Calls over the network.
async fn caller(fixture: &Fixture) -> Caller {
    Caller::new(Client::connect(fixture.server.grpc_address().unwrap().to_string().as_str()).await.unwrap())
}

async fn describe(fixture: &Fixture, id: &str) -> Result<service::DescribeWorkflowExecutionResponse, tonic::Status> {
    let request = service::DescribeWorkflowExecutionRequest { namespace: "default".into(), execution: run(id) };
    fixture.workflow.describe_workflow_execution(&CallContext::in_process(), request).await?.into_message()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let fixture = Fixture::start().await;
    let run_id = fixture.start_workflow("w").await;
    fixture.signal("w").await;
    let fixture = fixture.restart().await;
    let info = describe(&fixture, "w").await.unwrap().workflow_execution_info.unwrap();
    assert_eq!(info.execution.unwrap().run_id, run_id);
    let task = fixture.poll("queue").await;
    assert_eq!(ids(&task.history.unwrap().events), [1, 2, 3, 4]);
    fixture.complete(task.task_token, Some(CommandType::CompleteWorkflowExecution)).await;
    let fixture = fixture.restart().await;
    let (events, _) = fixture.history(history_request("w")).await;
    assert_eq!(ids(&events), [1, 2, 3, 4, 5, 6]);
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_answers_polls_at_once() {
    let fixture = Fixture::start().await;
    let client = caller(&fixture).await;
    let polls: Vec<_> = (0..3)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.ask(&poll_request("queue")).await })
        })
        .collect();
    while fixture.server.metrics().workflow_pollers.get() < 3 {
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    fixture.server.shutdown().await;
    assert!(started.elapsed() < Duration::from_secs(3), "shutdown took {:?}", started.elapsed());
    for poll in polls {
        assert!(poll.await.unwrap().unwrap().task_token.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_metrics_and_missing_methods_over_the_network() {
    let fixture = Fixture::start().await;
    let client = caller(&fixture).await;
    let check = HealthCheckRequest { service: WORKFLOW_SERVICE.into() };
    assert_eq!(client.ask(&check).await.unwrap().status, 1);
    let missing = client.ask(&service::ListWorkflowRulesRequest::default()).await.unwrap_err();
    assert_eq!(missing.code(), Code::Unimplemented);
    assert!(missing.message().contains("ListWorkflowRules"), "{}", missing.message());
    let metrics = fixture.http("/metrics").await;
    for line in [
        r#"ostro_requests_total{service="WorkflowService",method="ListWorkflowRules",code="UNIMPLEMENTED"} 1"#,
        "ostro_engine_queue_depth 0",
        "# TYPE ostro_store_commits_total counter",
        "ostro_workflow_tasks_blocked 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    assert!(fixture.http("/healthz").await.ends_with("ok\n"));
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_data_says_who_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let config = crate::fixture::config(&directory);
    let fixture = Fixture::start_in(directory).await;
    let error = ostro_server::Server::start(config).await.err().expect("the data is in use").to_string();
    assert!(error.contains("is served by another process"), "{error}");
    fixture.server.shutdown().await;
}
