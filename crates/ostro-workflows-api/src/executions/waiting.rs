//! Why an execution waits, in sentences.

use std::time::SystemTime;

use ostro_explain::{Reason, gather};
use serde::Serialize;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse,
};
use utoipa::ToSchema;

use crate::api::Api;

/// Events of a history that is read without being asked to: an explanation reads all of it.
const EVENTS_UNASKED_MAX: i64 = 1000;

/// One thing that an execution waits for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct WaitingFor {
    /// What it is, such as `activity`, `timer`, `workflow-task` or `message`.
    kind: &'static str,
    /// The identifier of the activity, timer, child or update, where there is one.
    subject: String,
    /// Whether it will not end without someone's doing: no worker polls, or the workflow's code fails again and again.
    blocked: bool,
    /// The same for people: what is waited for, since when, and what to do.
    sentence: String,
}

impl From<Reason> for WaitingFor {
    fn from(reason: Reason) -> Self {
        let Reason { kind, subject, blocked, sentence } = reason;
        Self { kind: kind.name(), subject, blocked, sentence }
    }
}

/// What an execution waits for: nothing once it is closed. `None` where that was not looked for or could not be found out.
pub(super) async fn waiting(
    api: &Api,
    namespace: &str,
    described: &DescribeWorkflowExecutionResponse,
    asked: Option<bool>,
) -> Option<Vec<WaitingFor>> {
    let info = described.workflow_execution_info.as_ref()?;
    if !asked.unwrap_or(info.history_length <= EVENTS_UNASKED_MAX) {
        return None;
    }
    if info.close_time.is_some() {
        return Some(Vec::new());
    }
    match gather::explain(&api.engine, namespace, described, SystemTime::now()).await {
        Ok(reasons) => Some(reasons.into_iter().map(WaitingFor::from).collect()),
        Err(status) => {
            tracing::debug!(%status, "could not find out why an execution waits");
            None
        }
    }
}

/// What an execution waits for first, in a sentence; `None` where that could not be found out.
pub(super) async fn first(api: &Api, namespace: &str, execution: WorkflowExecution) -> Option<String> {
    let request = DescribeWorkflowExecutionRequest { namespace: namespace.to_owned(), execution: Some(execution) };
    let described = api.engine.ask(&request).await.ok()?;
    let reasons = gather::explain(&api.engine, namespace, &described, SystemTime::now()).await.ok()?;
    reasons.into_iter().next().map(|reason| reason.sentence)
}
