//! What the engine knows of an execution.

use temporalio_protos::temporal::api::common::v1::{Payload, WorkflowExecution};
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse,
};

use super::StatusName;
use crate::api::Api;
use crate::clock::Moment;
use crate::error::{Code, Error, Result};

/// One run of an execution.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub execution_id: String,
    pub run_id: String,
    pub workflow_name: String,
    pub status: Option<StatusName>,
    pub start_time: Moment,
    pub end_time: Option<Moment>,
    pub task_queue: String,
    /// The execution at the top of its tree; itself where it is the top.
    pub root: String,
    pub parent: Option<String>,
    pub first_run_id: Option<String>,
    /// The identifier of its trace.
    pub trace_id: Option<String>,
    /// Whether it stands at the top of its tree.
    pub is_root: bool,
}

impl Described {
    pub(crate) fn of(info: &WorkflowExecutionInfo) -> Self {
        let execution = info.execution.clone().unwrap_or_default();
        let root = info.root_execution.as_ref().map(|root| root.workflow_id.clone()).filter(|root| !root.is_empty());
        let parent = info.parent_execution.as_ref().map(|parent| parent.workflow_id.clone());
        let root = root.unwrap_or_else(|| execution.workflow_id.clone());
        let status = WorkflowExecutionStatus::try_from(info.status).unwrap_or_default();
        let start = info.start_time.as_ref().and_then(Moment::of);
        Self {
            is_root: root == execution.workflow_id,
            root,
            parent: parent.filter(|parent| !parent.is_empty()),
            workflow_name: info.r#type.clone().unwrap_or_default().name,
            status: StatusName::of(status),
            start_time: start.unwrap_or(Moment(jiff::Timestamp::UNIX_EPOCH)),
            end_time: info.close_time.as_ref().and_then(Moment::of),
            task_queue: info.task_queue.clone(),
            first_run_id: Some(info.first_run_id.clone()).filter(|first| !first.is_empty()),
            trace_id: info.search_attributes.as_ref().and_then(|all| text(all.indexed_fields.get("OtelTraceId")?)),
            execution_id: execution.workflow_id,
            run_id: execution.run_id,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.status == Some(StatusName::Running)
    }
}

fn text(payload: &Payload) -> Option<String> {
    serde_json::from_slice(&payload.data).ok()
}

/// Asks the engine for an execution: its latest run, or the one named.
pub(crate) async fn describe(api: &Api, namespace: &str, execution: &str, run: Option<&str>) -> Result<Described> {
    let answer = describe_in_full(api, namespace, execution, run).await?;
    Ok(Described::of(&answer.workflow_execution_info.unwrap_or_default()))
}

/// The same with all that the engine says.
pub(super) async fn describe_in_full(
    api: &Api,
    namespace: &str,
    execution: &str,
    run: Option<&str>,
) -> Result<DescribeWorkflowExecutionResponse> {
    let request = DescribeWorkflowExecutionRequest {
        namespace: namespace.to_owned(),
        execution: Some(WorkflowExecution {
            workflow_id: execution.to_owned(),
            run_id: run.unwrap_or_default().to_owned(),
        }),
    };
    api.engine
        .ask(&request)
        .await
        .map_err(|status| Error::of_engine(&status, &format!("execution {execution}"), Code::ExecutionNotFound))
}

/// Refuses an execution that the engine does not have, and tells where it stands.
pub(crate) async fn must_exist(api: &Api, namespace: &str, execution: &str) -> Result<Described> {
    describe(api, namespace, execution, None).await
}
