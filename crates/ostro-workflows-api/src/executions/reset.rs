//! Back to an earlier point.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::ResetReapplyExcludeType;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::ResetWorkflowExecutionRequest;
use utoipa::ToSchema;
use uuid::Uuid;

use super::execute::IDENTITY;
use crate::api::Api;
use crate::auth::Operator;
use crate::error::{Code, Error, Result};
use crate::extract::{Json as Body, Path};
use crate::openapi::Refusals;

/// Where to go back to.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ResetInvocationBody {
    /// An event of the latest run; it goes back to the workflow task that ended at it, or at the next one before.
    event_id: i64,
    #[serde(default)]
    reason: Option<String>,
    /// Forgets signals after the point.
    #[serde(default)]
    exclude_signals: Option<bool>,
    /// Forgets updates after the point.
    #[serde(default)]
    exclude_updates: Option<bool>,
}

/// Starts the execution anew from an earlier point: a new run takes the history up to there, the old one is terminated.
#[utoipa::path(post, path = "/v1/workflows/executions/{execution_id}/reset", tag = "executions",
    params(("execution_id" = String, Path)), request_body = ResetInvocationBody,
    responses((status = 204), Refusals))]
pub(crate) async fn reset_workflow(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
    Body(body): Body<ResetInvocationBody>,
) -> Result<StatusCode> {
    let described = super::describe(&api, &caller.namespace, &id, None).await?;
    let run = WorkflowExecution { workflow_id: id.clone(), run_id: described.run_id };
    let history = super::history::load(&api, &caller.namespace, run.clone()).await?;
    let Some(workflow_task_finish_event_id) = task_end(&history.events, body.event_id) else {
        let message = "there is no workflow task at or before this event to go back to";
        return Err(Error::at(&["body", "event_id"], message, "value_error"));
    };
    let exclude = [
        (body.exclude_signals, ResetReapplyExcludeType::Signal),
        (body.exclude_updates, ResetReapplyExcludeType::Update),
    ];
    let exclude = exclude.into_iter().filter(|(wanted, _)| wanted.unwrap_or(false)).map(|(_, kind)| kind.into());
    let request = ResetWorkflowExecutionRequest {
        namespace: caller.namespace,
        workflow_execution: Some(run),
        reason: body.reason.unwrap_or_else(|| "Requested over the Workflows API".to_owned()),
        workflow_task_finish_event_id,
        request_id: Uuid::new_v4().to_string(),
        reset_reapply_exclude_types: exclude.collect(),
        identity: IDENTITY.to_owned(),
        ..Default::default()
    };
    api.engine
        .ask(&request)
        .await
        .map_err(|status| Error::of_engine(&status, &format!("execution {id}"), Code::ExecutionNotFound))?;
    Ok(StatusCode::NO_CONTENT)
}

/// The last end of a workflow task up to this event.
fn task_end(events: &[HistoryEvent], event_id: i64) -> Option<i64> {
    use Attributes::{
        WorkflowTaskCompletedEventAttributes as Completed, WorkflowTaskFailedEventAttributes as Failed,
        WorkflowTaskTimedOutEventAttributes as TimedOut,
    };
    let ends = |event: &&HistoryEvent| matches!(event.attributes, Some(Completed(_) | Failed(_) | TimedOut(_)));
    events.iter().filter(|event| event.event_id <= event_id).filter(ends).map(|event| event.event_id).next_back()
}
