//! Starting workflows: the one client call whose answer may hold a task.

pub(crate) mod import;
pub(crate) mod multi_operation;
pub(crate) mod query;

use ostro_wire::{Answer, CallContext, Reply};
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use super::Frontend;
use super::status::status;
use super::validate::Check;
use crate::frontend::history::splice;
use crate::frontend::worker::watch::Task;

/// `StartWorkflowExecution`, with the first task where the client asked for it and got it.
pub(super) async fn start(
    frontend: &Frontend,
    context: &CallContext,
    mut request: service::StartWorkflowExecutionRequest,
) -> Answer<service::StartWorkflowExecutionResponse> {
    request.check(&frontend.limits).map_err(status)?;
    let namespace = request.namespace.clone();
    let answer = frontend.ask(request).await?;
    let Some(task) = answer.workflow_task else { return Ok(answer.response.into()) };
    frontend.watch(context, Task::Workflow(&task.response.task_token));
    let task = frontend.encode_task(&namespace, *task).await?;
    Ok(Reply::Encoded(splice::with_field(&answer.response, splice::STARTED_WORKFLOW_TASK, &[task])))
}
