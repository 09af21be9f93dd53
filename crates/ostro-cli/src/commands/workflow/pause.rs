//! `ostro workflow pause` and `unpause`.

use temporalio_protos::temporal::api::workflowservice::v1::{
    PauseWorkflowExecutionRequest, UnpauseWorkflowExecutionRequest,
};
use uuid::Uuid;

use super::stop::report;
use crate::arguments::Target;
use crate::failure::Failure;
use crate::session::Session;

/// Lets nothing of the execution leave for a worker.
pub async fn pause(session: &Session, target: Target, reason: String) -> Result<(), Failure> {
    let request = PauseWorkflowExecutionRequest {
        namespace: session.namespace.clone(),
        workflow_id: target.workflow_id.clone(),
        run_id: target.run_id.clone(),
        identity: session.identity.clone(),
        reason,
        request_id: Uuid::new_v4().to_string(),
    };
    session.ask(&request).await?;
    report(session, &target, "paused", "Paused");
    Ok(())
}

/// Lets it go on.
pub async fn unpause(session: &Session, target: Target, reason: String) -> Result<(), Failure> {
    let request = UnpauseWorkflowExecutionRequest {
        namespace: session.namespace.clone(),
        workflow_id: target.workflow_id.clone(),
        run_id: target.run_id.clone(),
        identity: session.identity.clone(),
        reason,
        request_id: Uuid::new_v4().to_string(),
    };
    session.ask(&request).await?;
    report(session, &target, "unpaused", "Unpaused");
    Ok(())
}
