//! Histories as JSON.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use temporalio_protos::temporal::api::common::v1::{Payload, WorkflowExecution};
use utoipa::{IntoParams, ToSchema};

use crate::http::Refusals;
use crate::http::access::Reader;
use crate::http::extract::Path;
use crate::http::extract::query::Query;
use crate::model::error::Result;
use crate::model::payload;
use crate::service::api::Api;
use crate::service::engine;
use crate::service::executions::records::execution_of;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryParams {
    /// Shows payloads as the JSON that they are (the default), rather than as Temporal's tools export them.
    #[serde(default)]
    decode_payloads: Option<bool>,
}

/// A history, as Temporal's tools export it.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryResponse {
    #[schema(value_type = Vec<Object>)]
    events: Value,
}

/// The history of the latest run of an execution.
#[utoipa::path(get, path = "/v1/workflows/executions/{execution_id}/history", tag = "executions",
    params(("execution_id" = String, Path), HistoryParams), responses((status = 200, body = HistoryResponse), Refusals))]
pub(crate) async fn get_workflow_execution_history(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    Query(params): Query<HistoryParams>,
) -> Result<Json<HistoryResponse>> {
    let execution = WorkflowExecution { workflow_id: id, run_id: String::new() };
    history(&api, &caller.namespace, execution, params.decode_payloads.unwrap_or(true)).await
}

/// The history of a run.
#[utoipa::path(get, path = "/v1/workflows/runs/{run_id}/history", tag = "runs",
    params(("run_id" = String, Path), HistoryParams), responses((status = 200, body = HistoryResponse), Refusals))]
pub(crate) async fn get_run_history(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(run): Path<String>,
    Query(params): Query<HistoryParams>,
) -> Result<Json<HistoryResponse>> {
    let workflow_id = execution_of(&api, &caller.namespace, &run).await?;
    let execution = WorkflowExecution { workflow_id, run_id: run };
    history(&api, &caller.namespace, execution, params.decode_payloads.unwrap_or(true)).await
}

async fn history(
    api: &Api,
    namespace: &str,
    execution: WorkflowExecution,
    decode: bool,
) -> Result<Json<HistoryResponse>> {
    let history = engine::history(api, namespace, execution).await?;
    let mut events = ostro_wire::json::to_json(&history)["events"].take();
    if decode {
        decode_payloads(&mut events);
    }
    let events = if events.is_null() { Value::Array(Vec::new()) } else { events };
    Ok(Json(HistoryResponse { events }))
}

/// Puts the JSON that a payload is in the place of the payload: of each object with `metadata.encoding`.
fn decode_payloads(value: &mut Value) {
    if let Some(payload) = as_payload(value) {
        *value = payload::decode(&payload);
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(decode_payloads),
        Value::Object(fields) => fields.values_mut().for_each(decode_payloads),
        _ => {}
    }
}

fn as_payload(value: &Value) -> Option<Payload> {
    value.get("metadata")?.get("encoding")?;
    ostro_wire::json::from_json(value.clone()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn payloads_are_shown_as_what_they_say() {
        let payload = ostro_wire::json::to_json(&payload::plain(&json!({"a": [1]})));
        let mut events = json!([{"eventId": "1", "input": {"payloads": [payload]}}]);
        decode_payloads(&mut events);
        assert_eq!(events, json!([{"eventId": "1", "input": {"payloads": [{"a": [1]}]}}]));
    }
}
