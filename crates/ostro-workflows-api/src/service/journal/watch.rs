//! Waiting for the end of an execution.

use std::time::Duration;

use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;

use crate::model::error::{Code, Error, Result};
use crate::service::api::Api;
use crate::service::engine::close_event;
use crate::service::journal::closing::conclude;

/// Pause after a long poll that failed.
const PAUSE: Duration = Duration::from_millis(500);

/// Waits until the execution, continued as new as often as it is, is closed, and its last event is in the journal.
pub(crate) async fn wait_closed(api: &Api, namespace: &str, execution: &str) -> Result<()> {
    loop {
        let described = crate::service::engine::describe(api, namespace, execution, None).await?;
        let run = WorkflowExecution { workflow_id: execution.to_owned(), run_id: described.run_id };
        let closed = match close_event(api, namespace, &run, true).await {
            Ok(closed) => closed,
            // The engine may be on its way back.
            Err(Error::Refused { code: Code::EngineUnavailable, .. }) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(event) = closed else { continue };
        conclude(api, namespace, &run, &event).await?;
        let next = match &event.attributes {
            Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(_)) => true,
            Some(Attributes::WorkflowExecutionCompletedEventAttributes(closed)) => {
                !closed.new_execution_run_id.is_empty()
            }
            Some(Attributes::WorkflowExecutionFailedEventAttributes(closed)) => !closed.new_execution_run_id.is_empty(),
            Some(Attributes::WorkflowExecutionTimedOutEventAttributes(closed)) => {
                !closed.new_execution_run_id.is_empty()
            }
            _ => false,
        };
        if !next {
            return Ok(());
        }
    }
}
