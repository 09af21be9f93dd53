//! What the engine says of an execution.

use std::time::{Duration, SystemTime};

use ostro_explain::{Reason, gather};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse, GetWorkflowExecutionHistoryRequest,
};
use tonic::Code as GrpcCode;

use crate::model::error::{Code, Error, Result};
use crate::model::execution::Described;
use crate::service::api::Api;

/// Asks the engine for an execution: its latest run, or the one named.
pub(crate) async fn describe(api: &Api, namespace: &str, execution: &str, run: Option<&str>) -> Result<Described> {
    let answer = describe_in_full(api, namespace, execution, run).await?;
    Ok(Described::of(&answer.workflow_execution_info.unwrap_or_default()))
}

/// The same with all that the engine says.
pub(crate) async fn describe_in_full(
    api: &Api,
    namespace: &str,
    execution: &str,
    run: Option<&str>,
) -> Result<DescribeWorkflowExecutionResponse> {
    let request = DescribeWorkflowExecutionRequest {
        namespace: namespace.to_owned(),
        execution: Some(WorkflowExecution {
            workflow_id: execution.to_owned(),
            run_id: run.unwrap_or_default().to_owned(),
        }),
    };
    api.engine
        .ask(&request)
        .await
        .map_err(|status| Error::of_engine(&status, &format!("execution {execution}"), Code::ExecutionNotFound))
}

/// Refuses an execution that the engine does not have, and tells where it stands.
pub(crate) async fn must_exist(api: &Api, namespace: &str, execution: &str) -> Result<Described> {
    describe(api, namespace, execution, None).await
}

const PAGE: i32 = 1000;

/// The whole history of a run.
pub(crate) async fn history(api: &Api, namespace: &str, execution: WorkflowExecution) -> Result<History> {
    let what = format!("execution {}", execution.workflow_id);
    let mut request = GetWorkflowExecutionHistoryRequest {
        namespace: namespace.to_owned(),
        execution: Some(execution),
        maximum_page_size: PAGE,
        ..Default::default()
    };
    let mut events = Vec::new();
    loop {
        let page = api
            .engine
            .ask(&request)
            .await
            .map_err(|status| Error::of_engine(&status, &what, Code::ExecutionNotFound))?;
        events.extend(page.history.unwrap_or_default().events);
        if page.next_page_token.is_empty() {
            return Ok(History { events });
        }
        request.next_page_token = page.next_page_token;
    }
}

/// Length of one long poll; servers answer them within a minute.
const POLL: Duration = Duration::from_secs(65);

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
    let timeout = if wait { POLL } else { crate::service::api::CALL_TIMEOUT };
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

/// Events of a history that is read without being asked to: an explanation reads all of it.
const EVENTS_UNASKED_MAX: i64 = 1000;

/// What an execution waits for first, in a sentence; `None` where that could not be found out.
pub(crate) async fn first_reason(api: &Api, namespace: &str, execution: WorkflowExecution) -> Option<String> {
    let request = DescribeWorkflowExecutionRequest { namespace: namespace.to_owned(), execution: Some(execution) };
    let described = api.engine.ask(&request).await.ok()?;
    let reasons = gather::explain(&api.engine, namespace, &described, SystemTime::now()).await.ok()?;
    reasons.into_iter().next().map(|reason| reason.sentence)
}

/// What an execution waits for: nothing once it is closed. `None` where that was not looked for or could not be found out.
pub(crate) async fn waiting(
    api: &Api,
    namespace: &str,
    described: &DescribeWorkflowExecutionResponse,
    asked: Option<bool>,
) -> Option<Vec<Reason>> {
    let info = described.workflow_execution_info.as_ref()?;
    if !asked.unwrap_or(info.history_length <= EVENTS_UNASKED_MAX) {
        return None;
    }
    if info.close_time.is_some() {
        return Some(Vec::new());
    }
    match gather::explain(&api.engine, namespace, described, SystemTime::now()).await {
        Ok(reasons) => Some(reasons),
        Err(status) => {
            tracing::debug!(%status, "could not find out why an execution waits");
            None
        }
    }
}
