//! `QueryWorkflow`.

use std::time::Duration;

use ostro_wire::{Answer, CallContext};
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use tonic::Status;

use crate::frontend::Frontend;

/// How long before the end of a call this answers in its place, at most: to say more than that time is over.
const MARGIN_MAX: Duration = Duration::from_millis(5);

/// Asks a worker, for as long as the client waits.
pub(crate) async fn ask(
    frontend: &Frontend,
    context: &CallContext,
    request: service::QueryWorkflowRequest,
) -> Answer<service::QueryWorkflowResponse> {
    let answer = frontend.forward(request);
    let Some(left) = context.remaining() else { return answer.await };
    let patience = left - MARGIN_MAX.min(left / 10);
    let timed_out = |_| Err(Status::deadline_exceeded("query timed out before a worker could process it"));
    tokio::time::timeout(patience, answer).await.unwrap_or_else(timed_out)
}
