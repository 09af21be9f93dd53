//! `ostro workflow start` and `execute`.

use serde_json::json;
use temporalio_protos::temporal::api::common::v1::{Memo, SearchAttributes, WorkflowType};
use temporalio_protos::temporal::api::enums::v1::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy};
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflowservice::v1::{
    StartWorkflowExecutionRequest, StartWorkflowExecutionResponse,
};
use uuid::Uuid;

use super::{input_payloads, result};
use crate::arguments::{StartArguments, Target};
use crate::duration::to_proto;
use crate::failure::Failure;
use crate::payload;
use crate::session::Session;

/// Starts an execution and prints its ids.
pub async fn start(session: &Session, arguments: StartArguments) -> Result<(), Failure> {
    let (started, answer) = begin(session, arguments).await?;
    let Target { workflow_id, run_id } = &started;
    let json = json!({ "workflowId": workflow_id, "runId": run_id, "started": answer.started });
    let verb = if answer.started { "Started" } else { "Already running:" };
    session.format.print(|| json, || format!("{verb} {workflow_id} (run {run_id})"));
    Ok(())
}

/// Starts an execution, waits for it and prints its result.
pub async fn execute(session: &Session, arguments: StartArguments) -> Result<(), Failure> {
    let (started, _) = begin(session, arguments).await?;
    result::result(session, started).await
}

async fn begin(
    session: &Session,
    arguments: StartArguments,
) -> Result<(Target, StartWorkflowExecutionResponse), Failure> {
    let request = request(session, arguments)?;
    let answer = session.ask(&request).await?;
    let started = Target { workflow_id: request.workflow_id, run_id: answer.run_id.clone() };
    Ok((started, answer))
}

fn request(session: &Session, arguments: StartArguments) -> Result<StartWorkflowExecutionRequest, Failure> {
    let memo = payload::fields(&arguments.memo);
    let search_attributes = payload::fields(&arguments.search_attribute);
    Ok(StartWorkflowExecutionRequest {
        namespace: session.namespace.clone(),
        identity: session.identity.clone(),
        request_id: Uuid::new_v4().to_string(),
        workflow_id: arguments.id.unwrap_or_else(|| Uuid::new_v4().to_string()),
        workflow_type: Some(WorkflowType { name: arguments.workflow_type }),
        task_queue: Some(TaskQueue { name: arguments.task_queue, ..Default::default() }),
        input: input_payloads(arguments.input)?,
        workflow_id_reuse_policy: arguments
            .id_reuse_policy
            .map_or(0, |policy| WorkflowIdReusePolicy::from(policy).into()),
        workflow_id_conflict_policy: arguments
            .id_conflict_policy
            .map_or(0, |policy| WorkflowIdConflictPolicy::from(policy).into()),
        workflow_execution_timeout: arguments.execution_timeout.map(to_proto),
        workflow_run_timeout: arguments.run_timeout.map(to_proto),
        workflow_task_timeout: arguments.task_timeout.map(to_proto),
        workflow_start_delay: arguments.start_delay.map(to_proto),
        cron_schedule: arguments.cron,
        memo: (!memo.is_empty()).then_some(Memo { fields: memo }),
        search_attributes: (!search_attributes.is_empty())
            .then_some(SearchAttributes { indexed_fields: search_attributes }),
        ..Default::default()
    })
}
