//! Back to an earlier point.

use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::ResetReapplyExcludeType;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::ResetWorkflowExecutionRequest;
use uuid::Uuid;

use super::start::IDENTITY;
use crate::model::error::{Code, Error, Result};
use crate::service::api::Api;
use crate::service::engine::{describe, history};

/// Where to go back to.
pub(crate) struct Reset {
    /// An event of the latest run; it goes back to the workflow task that ended at it, or at the next one before.
    pub event_id: i64,
    pub reason: Option<String>,
    pub exclude_signals: bool,
    pub exclude_updates: bool,
}

/// Starts the execution anew from an earlier point: a new run takes the history up to there, the old one is terminated.
pub(crate) async fn reset(api: &Api, namespace: String, id: String, reset: Reset) -> Result<()> {
    let described = describe(api, &namespace, &id, None).await?;
    let run = WorkflowExecution { workflow_id: id.clone(), run_id: described.run_id };
    let history = history(api, &namespace, run.clone()).await?;
    let Some(workflow_task_finish_event_id) = task_end(&history.events, reset.event_id) else {
        let message = "there is no workflow task at or before this event to go back to";
        return Err(Error::at(&["body", "event_id"], message, "value_error"));
    };
    let exclude = [
        (reset.exclude_signals, ResetReapplyExcludeType::Signal),
        (reset.exclude_updates, ResetReapplyExcludeType::Update),
    ];
    let request = ResetWorkflowExecutionRequest {
        namespace,
        workflow_execution: Some(run),
        reason: reset.reason.unwrap_or_else(|| "Requested over the Workflows API".to_owned()),
        workflow_task_finish_event_id,
        request_id: Uuid::new_v4().to_string(),
        reset_reapply_exclude_types: exclude
            .iter()
            .filter(|(wanted, _)| *wanted)
            .map(|(_, kind)| (*kind).into())
            .collect(),
        identity: IDENTITY.to_owned(),
        ..Default::default()
    };
    api.engine
        .ask(&request)
        .await
        .map_err(|status| Error::of_engine(&status, &format!("execution {id}"), Code::ExecutionNotFound))?;
    Ok(())
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
