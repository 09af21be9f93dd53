//! Pausing, unpausing, cancelling, terminating and deleting a run.

use temporalio_protos::temporal::api::workflowservice::v1::{
    DeleteWorkflowExecutionRequest, PauseWorkflowExecutionRequest, RequestCancelWorkflowExecutionRequest,
    TerminateWorkflowExecutionRequest, UnpauseWorkflowExecutionRequest,
};
use uuid::Uuid;

use super::{Action, Done, Target, Undone};
use crate::form::{Field, Form, Kind, Sent};

/// The forms of this file.
pub(super) fn form(action: Action) -> Form {
    let (title, explains) = match action {
        Action::Pause => (
            "Pause the workflow",
            "None of its tasks leaves for a worker until it is unpaused. Signals, updates and timers are kept; activities that run go on.",
        ),
        Action::Unpause => ("Unpause the workflow", "It goes on with what arrived meanwhile."),
        Action::Cancel => (
            "Cancel the workflow",
            "Its code is asked to end: it can clean up first, and decides itself how it ends. It cannot be taken back.",
        ),
        Action::Terminate => {
            ("Terminate the workflow", "It ends at once, and its code does not learn of it: nothing is cleaned up.")
        }
        _ => (
            "Delete the run",
            "It and its history leave the server for good. Runs of the same workflow id before and after it stay.",
        ),
    };
    let reason =
        Field::new(Kind::Line, "reason", "Reason").help("For its history, and for those who look at it later.");
    Form {
        title: title.to_owned(),
        explains: explains.to_owned(),
        verb: action.verb(),
        destroys: action.destroys(),
        fields: if action == Action::Delete { Vec::new() } else { vec![reason] },
    }
}

pub(super) async fn pause(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    let request = PauseWorkflowExecutionRequest {
        namespace: target.place.namespace.clone(),
        workflow_id: target.place.id.clone(),
        run_id: target.place.run.clone(),
        identity: target.visitor.identity(),
        reason: sent.text("reason").to_owned(),
        request_id: Uuid::new_v4().to_string(),
    };
    target.visitor.caller.ask(&request).await?;
    Ok(Done::Said)
}

pub(super) async fn unpause(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    let request = UnpauseWorkflowExecutionRequest {
        namespace: target.place.namespace.clone(),
        workflow_id: target.place.id.clone(),
        run_id: target.place.run.clone(),
        identity: target.visitor.identity(),
        reason: sent.text("reason").to_owned(),
        request_id: Uuid::new_v4().to_string(),
    };
    target.visitor.caller.ask(&request).await?;
    Ok(Done::Said)
}

pub(super) async fn cancel(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    let request = RequestCancelWorkflowExecutionRequest {
        namespace: target.place.namespace.clone(),
        workflow_execution: Some(target.place.execution()),
        identity: target.visitor.identity(),
        reason: sent.text("reason").to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    target.visitor.caller.ask(&request).await?;
    Ok(Done::Said)
}

pub(super) async fn terminate(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    let request = TerminateWorkflowExecutionRequest {
        namespace: target.place.namespace.clone(),
        workflow_execution: Some(target.place.execution()),
        identity: target.visitor.identity(),
        reason: sent.text("reason").to_owned(),
        ..Default::default()
    };
    target.visitor.caller.ask(&request).await?;
    Ok(Done::Said)
}

pub(super) async fn delete(target: &Target<'_>) -> Result<Done, Undone> {
    let request = DeleteWorkflowExecutionRequest {
        namespace: target.place.namespace.clone(),
        workflow_execution: Some(target.place.execution()),
    };
    target.visitor.caller.ask(&request).await?;
    Ok(Done::Gone)
}
