//! What workers call for workflow tasks, queries and activity tasks.

pub(crate) mod activity;
pub(crate) mod heartbeat;
pub(crate) mod task;
pub(crate) mod watch;

use ostro_engine::call::DescribedQueue;
use ostro_engine::call::WithDeadline;
use ostro_wire::{Answer, CallContext, QueueExtension, Reply};
use prost::Message;
use temporalio_protos::temporal::api::enums::v1::QueryResultType;
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueuePartitionMetadata;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use super::Frontend;
use super::status::status;
use super::validate::Check;
use crate::frontend::history::splice;
use crate::frontend::worker::watch::Task;

/// `PollWorkflowTaskQueue`.
pub(super) async fn poll_workflow_task(
    frontend: &Frontend,
    context: &CallContext,
    mut request: service::PollWorkflowTaskQueueRequest,
) -> Answer<service::PollWorkflowTaskQueueResponse> {
    request.check(&frontend.limits).map_err(status)?;
    let namespace = request.namespace.clone();
    let task = {
        let _open = frontend.metrics.workflow_pollers.open();
        frontend.ask(WithDeadline { request, deadline: frontend.deadline(context) }).await?
    };
    frontend.watch(context, Task::Workflow(&task.response.task_token));
    Ok(Reply::Encoded(frontend.encode_task(&namespace, task).await?))
}

/// `PollActivityTaskQueue`.
pub(super) async fn poll_activity_task(
    frontend: &Frontend,
    context: &CallContext,
    request: service::PollActivityTaskQueueRequest,
) -> Answer<service::PollActivityTaskQueueResponse> {
    let answer = {
        let _open = frontend.metrics.activity_pollers.open();
        frontend.forward_waiting(context, request).await?
    };
    if let Reply::Message(task) = &answer {
        frontend.watch(context, Task::Activity(&task.task_token));
    }
    Ok(answer)
}

/// `PollNexusTaskQueue`.
pub(super) async fn poll_nexus_task(
    frontend: &Frontend,
    context: &CallContext,
    request: service::PollNexusTaskQueueRequest,
) -> Answer<service::PollNexusTaskQueueResponse> {
    let answer = {
        let _open = frontend.metrics.nexus_pollers.open();
        frontend.forward_waiting(context, request).await?
    };
    if let Reply::Message(task) = &answer {
        frontend.watch(context, Task::Nexus(&task.task_token));
    }
    Ok(answer)
}

/// `RespondWorkflowTaskCompleted`, with the next task where the worker asked for it and there is one.
pub(super) async fn complete_workflow_task(
    frontend: &Frontend,
    context: &CallContext,
    mut request: service::RespondWorkflowTaskCompletedRequest,
) -> Answer<service::RespondWorkflowTaskCompletedResponse> {
    request.check(&frontend.limits).map_err(status)?;
    let namespace = request.namespace.clone();
    let answer = frontend.ask(request).await?;
    frontend.watch(context, Task::Completed(&answer));
    let Some(task) = answer.workflow_task else { return Ok(answer.response.into()) };
    let task = frontend.encode_task(&namespace, *task).await?;
    Ok(Reply::Encoded(splice::with_field(&answer.response, splice::COMPLETED_WORKFLOW_TASK, &[task])))
}

/// `RespondQueryTaskCompleted`. A result over the limit fails the query: its caller must not wait for an answer that
/// never comes.
pub(super) async fn complete_query(
    frontend: &Frontend,
    _context: &CallContext,
    mut request: service::RespondQueryTaskCompletedRequest,
) -> Answer<service::RespondQueryTaskCompletedResponse> {
    let size = request.query_result.as_ref().map_or(0, Message::encoded_len);
    if let Err(error) = super::validate::blob(size, "query result", &frontend.limits) {
        request.query_result = None;
        request.completed_type = QueryResultType::Failed as i32;
        request.error_message = error.message;
    }
    frontend.forward(request).await
}

/// `DescribeTaskQueue`, with the pollers that have gone for those who read that.
pub(super) async fn describe_queue(
    frontend: &Frontend,
    _context: &CallContext,
    mut request: service::DescribeTaskQueueRequest,
) -> Answer<service::DescribeTaskQueueResponse> {
    request.check(&frontend.limits).map_err(status)?;
    let DescribedQueue { response, left } = frontend.ask(request).await?;
    if left.is_empty() {
        return Ok(response.into());
    }
    let mut encoded = response.encode_to_vec();
    encoded.extend(QueueExtension { left }.encode_to_vec());
    Ok(Reply::Encoded(encoded.into()))
}

/// `ListTaskQueuePartitions`: a queue is in one piece.
pub(super) async fn list_partitions(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::ListTaskQueuePartitionsRequest,
) -> Answer<service::ListTaskQueuePartitionsResponse> {
    frontend.known_namespace(&request.namespace).await?;
    let key = request.task_queue.unwrap_or_default().name;
    let whole = vec![TaskQueuePartitionMetadata { key, owner_host_name: String::new() }];
    Ok(service::ListTaskQueuePartitionsResponse {
        activity_task_queue_partitions: whole.clone(),
        workflow_task_queue_partitions: whole,
    }
    .into())
}
