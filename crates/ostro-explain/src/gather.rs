//! Asks a server for what an explanation is made of.

use std::time::{Duration, SystemTime};

use ostro_wire::{Caller, EncodedCall, QueueExtension, Rpc};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeTaskQueueRequest, DescribeTaskQueueResponse, DescribeWorkflowExecutionResponse,
    GetWorkflowExecutionHistoryRequest, QueryWorkflowRequest,
};
use tonic::Status;

use crate::evidence::Evidence;
use crate::execution::{is_open, reasons};
use crate::input::{self, Input};
use crate::outstanding::Outstanding;
use crate::reason::{Kind, Reason};
use crate::task_queue::QueueView;

/// How long a worker may take to say what its workflow waits for.
const QUERY_PATIENCE: Duration = Duration::from_secs(1);
/// Events asked for at once.
const PAGE_SIZE: i32 = 1_000;

/// Why a described execution waits: asks for its history and for the queues of its tasks. The whole history of an open
/// run is read, a page at a time, and none of a closed one.
pub async fn explain(
    server: &Caller,
    namespace: &str,
    described: &DescribeWorkflowExecutionResponse,
    now: SystemTime,
) -> Result<Vec<Reason>, Status> {
    let info = described.workflow_execution_info.clone().unwrap_or_default();
    let outstanding = match is_open(info.status()) {
        true => self::outstanding(server, namespace, info.execution.unwrap_or_default()).await?,
        false => Outstanding::default(),
    };
    explain_read(server, namespace, described, &outstanding, now).await
}

/// The same for those that have read the history: `outstanding` has been given all of it.
pub async fn explain_read(
    server: &Caller,
    namespace: &str,
    described: &DescribeWorkflowExecutionResponse,
    outstanding: &Outstanding,
    now: SystemTime,
) -> Result<Vec<Reason>, Status> {
    let info = described.workflow_execution_info.clone().unwrap_or_default();
    let execution = info.execution.clone().unwrap_or_default();
    let mut queues = Vec::new();
    if is_open(info.status()) {
        let evidence = Evidence { described, outstanding, queues: &[], now };
        for (name, kind) in queues_of(&evidence) {
            queues.push(queue(server, namespace, name, kind).await?);
        }
    }
    let evidence = Evidence { described, outstanding, queues: &queues, now };
    let reasons = reasons(&evidence);
    // Only code that has nothing under way may wait for a person, and only a worker can tell.
    if !reasons.iter().all(|reason| matches!(reason.kind, Kind::Message | Kind::Timer)) {
        return Ok(reasons);
    }
    let worker = queue(server, namespace, evidence.task_queue(), TaskQueueType::Workflow).await?;
    match worker.has_pollers() {
        true => Ok(input::instead(reasons, pending_inputs(server, namespace, execution).await)),
        false => Ok(reasons),
    }
}

/// The inputs that the workflow's code waits for, as its worker tells; none where it does not know that question, or does not
/// answer soon.
async fn pending_inputs(server: &Caller, namespace: &str, execution: WorkflowExecution) -> Vec<Input> {
    let request = QueryWorkflowRequest {
        namespace: namespace.to_owned(),
        execution: Some(execution),
        query: Some(WorkflowQuery { query_type: input::QUERY.to_owned(), ..Default::default() }),
        ..Default::default()
    };
    match server.ask_within(&request, QUERY_PATIENCE).await {
        Ok(answer) => input::read(answer.query_result.as_ref()),
        Err(_) => Vec::new(),
    }
}

/// Asks for a queue of one kind.
pub async fn queue(server: &Caller, namespace: &str, name: &str, kind: TaskQueueType) -> Result<QueueView, Status> {
    let request = DescribeTaskQueueRequest {
        namespace: namespace.to_owned(),
        task_queue: Some(TaskQueue { name: name.to_owned(), ..Default::default() }),
        task_queue_type: kind.into(),
        report_stats: true,
        ..Default::default()
    };
    let call = EncodedCall {
        service: DescribeTaskQueueRequest::SERVICE,
        method: DescribeTaskQueueRequest::METHOD,
        namespace,
        request: request.encoded(),
        timeout: None,
    };
    let answer = server.call(call).await?;
    // Other servers say nothing of those that have gone.
    let left = QueueExtension::decode(answer.clone()).unwrap_or_default().left;
    let described = DescribeTaskQueueResponse::decode(answer)
        .map_err(|error| Status::internal(format!("DescribeTaskQueue answered bytes that do not decode: {error}")))?;
    Ok(QueueView::new(name, kind, described, &left))
}

/// The queues in which a task of the execution may wait, each once.
fn queues_of<'a>(evidence: &Evidence<'a>) -> Vec<(&'a str, TaskQueueType)> {
    let described = evidence.described;
    let task = described.pending_workflow_task.iter().map(|_| (evidence.task_queue(), TaskQueueType::Workflow));
    let activities = described.pending_activities.iter();
    let activities = activities.map(|activity| (evidence.activity_queue(activity), TaskQueueType::Activity));
    let mut queues: Vec<_> = task.chain(activities).filter(|(name, _)| !name.is_empty()).collect();
    queues.sort_by_key(|(name, kind)| (*name, *kind as i32));
    queues.dedup();
    queues
}

async fn outstanding(server: &Caller, namespace: &str, execution: WorkflowExecution) -> Result<Outstanding, Status> {
    let mut outstanding = Outstanding::default();
    let mut request = GetWorkflowExecutionHistoryRequest {
        namespace: namespace.to_owned(),
        execution: Some(execution),
        maximum_page_size: PAGE_SIZE,
        ..Default::default()
    };
    loop {
        let page = server.ask(&request).await?;
        page.history.iter().flat_map(|history| &history.events).for_each(|event| outstanding.push(event));
        if page.next_page_token.is_empty() {
            return Ok(outstanding);
        }
        request.next_page_token = page.next_page_token;
    }
}
