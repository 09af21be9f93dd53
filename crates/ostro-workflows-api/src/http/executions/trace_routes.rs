//! Traces of executions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::Refusals;
use crate::http::access::Reader;
use crate::http::executions::trace::{
    WorkflowExecutionTraceEvent, WorkflowExecutionTraceSummarySpan, merged, single, tree,
};
use crate::http::executions::view::WorkflowExecutionResponse;
use crate::http::extract::Path;
use crate::http::extract::query::Query;
use crate::model::error::Result;
use crate::model::telemetry::span::{SpanRecord, SpanView};
use crate::model::telemetry::value::Attribute;
use crate::service::api::Api;
use crate::service::journal::events_of;
use crate::service::telemetry::spans_of;

#[derive(Serialize, ToSchema)]
pub(crate) struct ExecutionTraceInfoResponse {
    otel_trace_id: Option<String>,
    /// Whether spans of it were sent.
    has_trace_data: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowExecutionTraceOTelResponse {
    #[serde(flatten)]
    execution: WorkflowExecutionResponse,
    /// Where the spans are kept.
    data_source: &'static str,
    otel_trace_id: Option<String>,
    /// `null` when no worker sent spans.
    otel_trace_data: Option<TempoGetTraceResponse>,
}

/// Spans as OTLP's JSON writes them.
#[derive(Serialize, ToSchema)]
pub(crate) struct TempoGetTraceResponse {
    batches: Vec<TempoTraceBatch>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TempoTraceBatch {
    resource: TempoTraceResource,
    scope_spans: Vec<TempoTraceScopeSpan>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TempoTraceResource {
    attributes: Vec<Attribute>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TempoTraceScopeSpan {
    scope: TempoTraceScope,
    spans: Vec<SpanView>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TempoTraceScope {
    name: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowExecutionTraceSummaryResponse {
    #[serde(flatten)]
    execution: WorkflowExecutionResponse,
    span_tree: WorkflowExecutionTraceSummarySpan,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowExecutionTraceEventsResponse {
    #[serde(flatten)]
    execution: WorkflowExecutionResponse,
    events: Vec<WorkflowExecutionTraceEvent>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TraceEventParams {
    /// One event for each task, with its duration, rather than one for each change.
    #[serde(default)]
    merge_same_id_events: Option<bool>,
    /// Events of the SDK's own machinery too.
    #[serde(default)]
    include_internal_events: Option<bool>,
}

/// Whether an execution has a trace.
#[utoipa::path(get, path = "/v1/workflows/executions/{execution_id}/trace/info", tag = "executions",
    params(("execution_id" = String, Path)), responses((status = 200, body = ExecutionTraceInfoResponse), Refusals))]
pub(crate) async fn get_workflow_execution_trace_info(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(id): Path<String>,
) -> Result<Json<ExecutionTraceInfoResponse>> {
    let otel_trace_id = crate::service::engine::describe(&api, &caller.namespace, &id, None).await?.trace_id;
    let has_trace_data = !spans(&api, &caller.namespace, otel_trace_id.as_deref()).await?.is_empty();
    Ok(Json(ExecutionTraceInfoResponse { otel_trace_id, has_trace_data }))
}

/// The spans of an execution's trace.
#[utoipa::path(get, path = "/v1/workflows/executions/{execution_id}/trace/otel", tag = "executions",
    params(("execution_id" = String, Path)),
    responses((status = 200, body = WorkflowExecutionTraceOTelResponse), Refusals))]
pub(crate) async fn get_workflow_execution_trace_otel(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(id): Path<String>,
) -> Result<Json<WorkflowExecutionTraceOTelResponse>> {
    let (execution, otel_trace_id) = load(&api, &caller.namespace, &id).await?;
    let spans = spans(&api, &caller.namespace, otel_trace_id.as_deref()).await?;
    let otel_trace_data = (!spans.is_empty()).then(|| batches(spans));
    Ok(Json(WorkflowExecutionTraceOTelResponse { execution, data_source: "ostro", otel_trace_id, otel_trace_data }))
}

/// What happened in an execution, as a tree.
#[utoipa::path(get, path = "/v1/workflows/executions/{execution_id}/trace/summary", tag = "executions",
    params(("execution_id" = String, Path)),
    responses((status = 200, body = WorkflowExecutionTraceSummaryResponse), Refusals))]
pub(crate) async fn get_workflow_execution_trace_summary(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(id): Path<String>,
) -> Result<Json<WorkflowExecutionTraceSummaryResponse>> {
    let (execution, trace) = load(&api, &caller.namespace, &id).await?;
    let spans = spans(&api, &caller.namespace, trace.as_deref()).await?;
    let events = events_of(&api, &caller.namespace, &id, false).await?;
    let span_tree = tree(&execution.execution, &spans, &events);
    Ok(Json(WorkflowExecutionTraceSummaryResponse { execution, span_tree }))
}

/// What happened in an execution, in order.
#[utoipa::path(get, path = "/v1/workflows/executions/{execution_id}/trace/events", tag = "executions",
    params(("execution_id" = String, Path), TraceEventParams),
    responses((status = 200, body = WorkflowExecutionTraceEventsResponse), Refusals))]
pub(crate) async fn get_workflow_execution_trace_events(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    Query(params): Query<TraceEventParams>,
) -> Result<Json<WorkflowExecutionTraceEventsResponse>> {
    let (execution, _) = load(&api, &caller.namespace, &id).await?;
    let internal = params.include_internal_events.unwrap_or(false);
    let events = events_of(&api, &caller.namespace, &id, internal).await?;
    let events = if params.merge_same_id_events.unwrap_or(false) { merged(&events) } else { single(&events) };
    Ok(Json(WorkflowExecutionTraceEventsResponse { execution, events }))
}

async fn load(api: &Api, namespace: &str, id: &str) -> Result<(WorkflowExecutionResponse, Option<String>)> {
    let described = crate::service::engine::describe(api, namespace, id, None).await?;
    let trace = described.trace_id.clone();
    let mut execution = WorkflowExecutionResponse::of(api, namespace, described).await?;
    execution.search_keys = None;
    Ok((execution, trace))
}

async fn spans(api: &Api, namespace: &str, trace: Option<&str>) -> Result<Vec<SpanRecord>> {
    match trace {
        Some(trace) => spans_of(api, namespace, trace).await,
        None => Ok(Vec::new()),
    }
}

/// Spans of one resource and one scope that follow each other go together.
fn batches(spans: Vec<SpanRecord>) -> TempoGetTraceResponse {
    let mut batches: Vec<TempoTraceBatch> = Vec::new();
    for SpanRecord { resource, scope, span } in spans {
        match batches.last_mut() {
            Some(batch) if batch.resource.attributes == resource => match batch.scope_spans.last_mut() {
                Some(last) if last.scope.name == scope => last.spans.push(span),
                _ => batch
                    .scope_spans
                    .push(TempoTraceScopeSpan { scope: TempoTraceScope { name: scope }, spans: vec![span] }),
            },
            _ => batches.push(TempoTraceBatch {
                resource: TempoTraceResource { attributes: resource },
                scope_spans: vec![TempoTraceScopeSpan { scope: TempoTraceScope { name: scope }, spans: vec![span] }],
            }),
        }
    }
    TempoGetTraceResponse { batches }
}
