//! Closed executions go when their retention is over.

use std::sync::Arc;

use ostro_engine::time::DAY;
use ostro_wire::CallContext;
use temporalio_protos::temporal::api::enums::v1::CommandType;
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use tonic::Code;

use crate::fixture::{Fixture, Moved, history_request};

#[tokio::test(flavor = "multi_thread")]
async fn closed_executions_are_deleted_and_open_ones_stay() {
    let clock = Arc::new(Moved::default());
    let fixture = Fixture::start_with(tempfile::tempdir().unwrap(), clock.clone()).await;
    fixture.start_workflow("closed").await;
    let task = fixture.poll("queue").await;
    fixture.complete(task.task_token, Some(CommandType::CompleteWorkflowExecution)).await;
    fixture.start_workflow("open").await;
    clock.forward((4 * DAY).nanos());
    fixture.server.engine().wake();
    while fixture.server.metrics().executions_expired.get() == 0 {
        tokio::task::yield_now().await;
    }
    let gone =
        fixture.workflow.get_workflow_execution_history(&CallContext::in_process(), history_request("closed")).await;
    assert_eq!(gone.unwrap_err().code(), Code::NotFound);
    let list = service::ListWorkflowExecutionsRequest { namespace: "default".into(), ..Default::default() };
    let listed = fixture.workflow.list_workflow_executions(&CallContext::in_process(), list).await.unwrap();
    let executions = listed.into_message().unwrap().executions;
    let ids: Vec<_> = executions.into_iter().filter_map(|info| info.execution).map(|run| run.workflow_id).collect();
    assert_eq!(ids, ["open"]);
    fixture.server.shutdown().await;
}
