//! Waiting for the result of an execution.

use std::time::Duration;

use serde_json::Value;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;

use crate::model::error::{Code, Error, Result};
use crate::model::failure::failure_message;
use crate::model::payload;
use crate::service::api::Api;
use crate::service::engine::close_event;

/// The result of the execution that began with this run, through continue-as-new; 408 when it takes longer than
/// `patience`, 409 with its reason when it does not complete.
pub(crate) async fn result_of(
    api: &Api,
    namespace: &str,
    execution: &str,
    run: &str,
    patience: Option<Duration>,
) -> Result<Value> {
    let waiting = wait(api, namespace, execution, run);
    let Some(patience) = patience else { return waiting.await };
    tokio::time::timeout(patience, waiting).await.unwrap_or_else(|_| {
        let message = format!(
            "execution {execution} is not closed after {} s: it goes on; look at GET /v1/workflows/executions/{execution}",
            patience.as_secs_f64()
        );
        Err(Error::new(Code::WaitTimedOut, message))
    })
}

async fn wait(api: &Api, namespace: &str, execution: &str, run: &str) -> Result<Value> {
    let mut run = WorkflowExecution { workflow_id: execution.to_owned(), run_id: run.to_owned() };
    loop {
        let Some(event) = close_event(api, namespace, &run, true).await? else { continue };
        match event.attributes {
            Some(Attributes::WorkflowExecutionCompletedEventAttributes(end)) => {
                return Ok(payload::decode_result(end.result.as_ref()));
            }
            Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(end)) => {
                run.run_id = end.new_execution_run_id;
            }
            Some(Attributes::WorkflowExecutionFailedEventAttributes(end)) => {
                let why = end.failure.as_ref().map(failure_message).unwrap_or_default();
                return Err(not_completed(execution, &format!("failed: {why}")));
            }
            Some(Attributes::WorkflowExecutionTerminatedEventAttributes(end)) => {
                return Err(not_completed(execution, &format!("was terminated: {}", end.reason)));
            }
            Some(Attributes::WorkflowExecutionTimedOutEventAttributes(_)) => {
                return Err(not_completed(execution, "timed out"));
            }
            _ => return Err(not_completed(execution, "was cancelled")),
        }
    }
}

fn not_completed(execution: &str, how: &str) -> Error {
    Error::new(Code::ExecutionFailed, format!("execution {execution} {how}"))
}
