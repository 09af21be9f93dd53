//! Executions as clients see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use utoipa::{IntoParams, ToSchema};

use crate::http::Refusals;
use crate::http::access::Reader;
use crate::http::executions::waiting::WaitingFor;
use crate::http::extract::Path;
use crate::http::extract::query::Query;
use crate::model::error::Result;
use crate::model::execution::{Described, ExecutionRecord, StatusName};
use crate::model::failure::failure_json;
use crate::model::moment::Moment;
use crate::model::payload;
use crate::model::record::Kind;
use crate::model::registration::workflow_id;
use crate::service::api::Api;
use crate::service::engine::{close_event, waiting};
use crate::service::executions::records::execution_of;

/// What lists and details of executions share.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = WorkflowExecutionWithoutResultResponse)]
pub(crate) struct ExecutionView {
    pub workflow_name: String,
    pub execution_id: String,
    pub root_execution_id: String,
    pub status: Option<StatusName>,
    pub start_time: Moment,
    pub end_time: Option<Moment>,
    /// The identifier that a workflow of this name has; `null` for names that cannot be registered.
    pub workflow_id: Option<String>,
    pub deployment_name: Option<String>,
    pub parent_execution_id: Option<String>,
    pub run_id: Option<String>,
    /// The API key that started it.
    pub user_id: Option<String>,
    pub total_duration_ms: Option<i64>,
}

/// An execution.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct WorkflowExecutionResponse {
    #[serde(flatten)]
    pub execution: ExecutionView,
    /// What it gave, once completed. Encoded results are `{"b64payload", "encoding_options"}`.
    pub result: Value,
    /// Why it did not complete: message, type and causes.
    #[schema(value_type = Option<Object>)]
    pub error: Option<Value>,
    /// What it waits for, while it runs, where one execution is asked for; `null` elsewhere.
    pub waiting: Option<Vec<WaitingFor>>,
    /// With `include_search_keys`.
    pub search_keys: Option<BTreeMap<String, Option<String>>>,
}

impl ExecutionView {
    pub(crate) fn of(namespace: &str, described: Described) -> Self {
        let duration = described.end_time.map(|end| end.0.duration_since(described.start_time.0).as_millis());
        Self {
            workflow_id: Some(workflow_id(namespace, &described.workflow_name).to_string()),
            workflow_name: described.workflow_name,
            execution_id: described.execution_id,
            root_execution_id: described.root,
            status: described.status,
            start_time: described.start_time,
            end_time: described.end_time,
            deployment_name: Some(described.task_queue),
            parent_execution_id: described.parent,
            run_id: Some(described.run_id),
            user_id: None,
            total_duration_ms: duration.and_then(|duration| i64::try_from(duration).ok()),
        }
    }
}

impl WorkflowExecutionResponse {
    /// The execution, or one run of it, with its result.
    pub(crate) async fn load(api: &Api, namespace: &str, execution: &str, run: Option<&str>) -> Result<Self> {
        let described = crate::service::engine::describe(api, namespace, execution, run).await?;
        Self::of(api, namespace, described).await
    }

    /// The same with what it waits for; without being asked, only where its history is not long.
    async fn load_waiting(
        api: &Api,
        namespace: &str,
        execution: &str,
        run: Option<&str>,
        asked: Option<bool>,
    ) -> Result<Self> {
        let answer = crate::service::engine::describe_in_full(api, namespace, execution, run).await?;
        let reasons = waiting(api, namespace, &answer, asked).await;
        let waiting = reasons.map(|reasons| reasons.into_iter().map(WaitingFor::from).collect());
        let described = Described::of(&answer.workflow_execution_info.unwrap_or_default());
        Ok(Self { waiting, ..Self::of(api, namespace, described).await? })
    }

    pub(crate) async fn of(api: &Api, namespace: &str, described: Described) -> Result<Self> {
        let (mut result, mut error) = (Value::Null, None);
        if !described.is_running() {
            (result, error) = outcome(api, namespace, &described).await?;
        }
        let record: Option<ExecutionRecord> =
            api.store.get(Kind::Execution, namespace, &described.execution_id).await?;
        let (user_id, search_keys) = record.map(|record| (record.user_id, record.search_keys)).unwrap_or_default();
        let mut execution = ExecutionView::of(namespace, described);
        execution.user_id = user_id;
        Ok(Self { execution, result, error, waiting: None, search_keys: Some(search_keys) })
    }
}

/// The result of a closed run, and why it has none.
async fn outcome(api: &Api, namespace: &str, described: &Described) -> Result<(Value, Option<Value>)> {
    let run = WorkflowExecution { workflow_id: described.execution_id.clone(), run_id: described.run_id.clone() };
    let reason = |message: &str, kind: &str| Some(serde_json::json!({"message": message, "type": kind}));
    let closed = close_event(api, namespace, &run, false).await?;
    Ok(match closed.and_then(|event| event.attributes) {
        Some(Attributes::WorkflowExecutionCompletedEventAttributes(end)) => {
            (payload::decode_result(end.result.as_ref()), None)
        }
        Some(Attributes::WorkflowExecutionFailedEventAttributes(end)) => {
            (Value::Null, end.failure.as_ref().map(failure_json))
        }
        Some(Attributes::WorkflowExecutionTerminatedEventAttributes(end)) => {
            (Value::Null, reason(&end.reason, "TerminatedError"))
        }
        Some(Attributes::WorkflowExecutionTimedOutEventAttributes(_)) => {
            (Value::Null, reason("the execution timed out", "TimeoutError"))
        }
        Some(Attributes::WorkflowExecutionCanceledEventAttributes(_)) => {
            (Value::Null, reason("the execution was cancelled", "CancelledError"))
        }
        _ => (Value::Null, None),
    })
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExecutionParams {
    /// Adds the search keys.
    #[serde(default)]
    include_search_keys: Option<bool>,
    /// Whether to say what it waits for, which reads its whole history; where that is short, it is said unless this is
    /// `false`.
    #[serde(default)]
    include_waiting: Option<bool>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunParams {
    /// Whether to say what it waits for, which reads its whole history; where that is short, it is said unless this is
    /// `false`.
    #[serde(default)]
    include_waiting: Option<bool>,
}

/// An execution: its latest run.
#[utoipa::path(get, path = "/v1/workflows/executions/{execution_id}", tag = "executions",
    params(("execution_id" = String, Path), ExecutionParams),
    responses((status = 200, body = WorkflowExecutionResponse), Refusals))]
pub(crate) async fn get_workflow_execution(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    Query(params): Query<ExecutionParams>,
) -> Result<Json<WorkflowExecutionResponse>> {
    let asked = params.include_waiting;
    let mut view = WorkflowExecutionResponse::load_waiting(&api, &caller.namespace, &id, None, asked).await?;
    view.search_keys = view.search_keys.filter(|_| params.include_search_keys.unwrap_or(false));
    Ok(Json(view))
}

/// One run of an execution.
#[utoipa::path(get, path = "/v1/workflows/runs/{run_id}", tag = "runs", params(("run_id" = String, Path), RunParams),
    responses((status = 200, body = WorkflowExecutionResponse), Refusals))]
pub(crate) async fn get_run(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(run): Path<String>,
    Query(params): Query<RunParams>,
) -> Result<Json<WorkflowExecutionResponse>> {
    let execution = execution_of(&api, &caller.namespace, &run).await?;
    let (run, asked) = (Some(run.as_str()), params.include_waiting);
    Ok(Json(WorkflowExecutionResponse::load_waiting(&api, &caller.namespace, &execution, run, asked).await?))
}
