//! `ostro workflow cancel`, `terminate` and `delete`.

use serde_json::json;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DeleteWorkflowExecutionRequest, RequestCancelWorkflowExecutionRequest, TerminateWorkflowExecutionRequest,
};
use uuid::Uuid;

use crate::arguments::Target;
use crate::failure::Failure;
use crate::session::Session;

/// Asks the workflow to cancel itself.
pub async fn cancel(session: &Session, target: Target, reason: String) -> Result<(), Failure> {
    let request = RequestCancelWorkflowExecutionRequest {
        namespace: session.namespace.clone(),
        workflow_execution: Some(target.clone().into()),
        identity: session.identity.clone(),
        request_id: Uuid::new_v4().to_string(),
        reason,
        ..Default::default()
    };
    session.ask(&request).await?;
    report(session, &target, "cancelRequested", "Asked to cancel:");
    Ok(())
}

/// Ends the execution at once.
pub async fn terminate(session: &Session, target: Target, reason: String) -> Result<(), Failure> {
    let request = TerminateWorkflowExecutionRequest {
        namespace: session.namespace.clone(),
        workflow_execution: Some(target.clone().into()),
        identity: session.identity.clone(),
        reason,
        ..Default::default()
    };
    session.ask(&request).await?;
    report(session, &target, "terminated", "Terminated");
    Ok(())
}

/// Deletes the execution and its history.
pub async fn delete(session: &Session, target: Target) -> Result<(), Failure> {
    let request = DeleteWorkflowExecutionRequest {
        namespace: session.namespace.clone(),
        workflow_execution: Some(target.clone().into()),
    };
    session.ask(&request).await?;
    report(session, &target, "deleted", "Deleted");
    Ok(())
}

pub(super) fn report(session: &Session, target: &Target, done: &str, words: &str) {
    let json = json!({ "workflowId": target.workflow_id, done: true });
    session.format.print(|| json, || format!("{words} {}", target.workflow_id));
}
