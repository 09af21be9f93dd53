//! Asks a server for what an explanation is made of.

use std::time::SystemTime;

use ostro_wire::Caller;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeTaskQueueRequest, DescribeWorkflowExecutionResponse, GetWorkflowExecutionHistoryRequest,
};
use tonic::Status;

use crate::execution::{Evidence, is_open, reasons};
use crate::outstanding::Outstanding;
use crate::reason::Reason;
use crate::task_queue::QueueView;

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
    let mut outstanding = Outstanding::default();
    let mut queues = Vec::new();
    if is_open(info.status()) {
        outstanding = self::outstanding(server, namespace, info.execution.unwrap_or_default()).await?;
        let evidence = Evidence { described, outstanding: &outstanding, queues: &[], now };
        for (name, kind) in queues_of(&evidence) {
            queues.push(queue(server, namespace, name, kind).await?);
        }
    }
    Ok(reasons(&Evidence { described, outstanding: &outstanding, queues: &queues, now }))
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
    let described = server.ask(&request).await?;
    Ok(QueueView { name: name.to_owned(), kind, described })
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
