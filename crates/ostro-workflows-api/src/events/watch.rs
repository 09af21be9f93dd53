//! Waiting for the end of an execution.

use std::time::Duration;

use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::GetWorkflowExecutionHistoryRequest;
use tonic::Code as GrpcCode;

use super::closing::conclude;
use crate::api::Api;
use crate::error::{Code, Error, Result};

/// Length of one long poll; servers answer them within a minute.
const POLL: Duration = Duration::from_secs(65);
/// Pause after a long poll that failed.
const PAUSE: Duration = Duration::from_millis(500);

/// The last event of a run, when it is closed.
pub(crate) async fn close_event(
    api: &Api,
    namespace: &str,
    execution: &WorkflowExecution,
    wait: bool,
) -> Result<Option<HistoryEvent>> {
    let request = GetWorkflowExecutionHistoryRequest {
        namespace: namespace.to_owned(),
        execution: Some(execution.clone()),
        wait_new_event: wait,
        history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
        ..Default::default()
    };
    let timeout = if wait { POLL } else { crate::api::CALL_TIMEOUT };
    let answer = api.engine.ask_within(&request, timeout).await;
    match answer {
        Ok(answer) => {
            let last = answer.history.unwrap_or_default().events.pop();
            Ok(last.filter(|event| is_close(event.attributes.as_ref())))
        }
        Err(status) if wait && status.code() == GrpcCode::DeadlineExceeded => Ok(None),
        Err(status) => {
            let what = format!("execution {}", execution.workflow_id);
            Err(Error::of_engine(&status, &what, Code::ExecutionNotFound))
        }
    }
}

fn is_close(attributes: Option<&Attributes>) -> bool {
    use Attributes::{
        WorkflowExecutionCanceledEventAttributes, WorkflowExecutionCompletedEventAttributes,
        WorkflowExecutionContinuedAsNewEventAttributes, WorkflowExecutionFailedEventAttributes,
        WorkflowExecutionTerminatedEventAttributes, WorkflowExecutionTimedOutEventAttributes,
    };
    matches!(
        attributes,
        Some(
            WorkflowExecutionCompletedEventAttributes(_)
                | WorkflowExecutionFailedEventAttributes(_)
                | WorkflowExecutionCanceledEventAttributes(_)
                | WorkflowExecutionTerminatedEventAttributes(_)
                | WorkflowExecutionTimedOutEventAttributes(_)
                | WorkflowExecutionContinuedAsNewEventAttributes(_)
        )
    )
}

/// Waits until the execution, continued as new as often as it is, is closed, and its last event is in the journal.
pub(crate) async fn wait_closed(api: &Api, namespace: &str, execution: &str) -> Result<()> {
    loop {
        let described = crate::executions::describe(api, namespace, execution, None).await?;
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
