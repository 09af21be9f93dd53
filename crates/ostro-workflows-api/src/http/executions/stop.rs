//! Cancel and terminate, one execution or many.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::Refusals;
use crate::http::access::Operator;
use crate::http::extract::{Json as Body, Path};
use crate::model::error::{Error, Result};
use crate::service::api::Api;
use crate::service::executions::stop::{Stop, stop};

const EXECUTIONS_MAX: usize = 100;

/// The executions to stop, 1 to 100.
#[derive(Deserialize, ToSchema)]
pub(crate) struct BatchExecutionBody {
    execution_ids: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct BatchExecutionResponse {
    /// By execution.
    results: BTreeMap<String, BatchExecutionResult>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct BatchExecutionResult {
    /// `success` or `failure`.
    status: &'static str,
    error: Option<String>,
}

/// Terminates an execution: at once, its worker is not asked.
#[utoipa::path(post, path = "/v1/workflows/executions/{execution_id}/terminate", tag = "executions",
    params(("execution_id" = String, Path)), responses((status = 204), Refusals))]
pub(crate) async fn terminate_workflow_execution(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    stop(&api, &caller.namespace, &id, Stop::Terminate).await.map(|()| StatusCode::NO_CONTENT)
}

/// Terminates executions, each for itself.
#[utoipa::path(post, path = "/v1/workflows/executions/terminate", tag = "executions",
    request_body = BatchExecutionBody, responses((status = 200, body = BatchExecutionResponse), Refusals))]
pub(crate) async fn batch_terminate_workflow_executions(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Body(body): Body<BatchExecutionBody>,
) -> Result<Json<BatchExecutionResponse>> {
    stop_all(&api, &caller.namespace, body, Stop::Terminate).await
}

/// Asks an execution to end: its worker decides how.
#[utoipa::path(post, path = "/v1/workflows/executions/{execution_id}/cancel", tag = "executions",
    params(("execution_id" = String, Path)), responses((status = 204), Refusals))]
pub(crate) async fn cancel_workflow_execution(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    stop(&api, &caller.namespace, &id, Stop::Cancel).await.map(|()| StatusCode::NO_CONTENT)
}

/// Asks executions to end, each for itself.
#[utoipa::path(post, path = "/v1/workflows/executions/cancel", tag = "executions",
    request_body = BatchExecutionBody, responses((status = 200, body = BatchExecutionResponse), Refusals))]
pub(crate) async fn batch_cancel_workflow_executions(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Body(body): Body<BatchExecutionBody>,
) -> Result<Json<BatchExecutionResponse>> {
    stop_all(&api, &caller.namespace, body, Stop::Cancel).await
}

async fn stop_all(
    api: &Api,
    namespace: &str,
    body: BatchExecutionBody,
    how: Stop,
) -> Result<Json<BatchExecutionResponse>> {
    let ids = body.execution_ids;
    if ids.is_empty() || ids.len() > EXECUTIONS_MAX {
        let message = format!("give 1 to {EXECUTIONS_MAX} executions, not {}", ids.len());
        return Err(Error::at(&["body", "execution_ids"], message, "value_error"));
    }
    let mut results = BTreeMap::new();
    for id in ids {
        let result = match stop(api, namespace, &id, how).await {
            Ok(()) => BatchExecutionResult { status: "success", error: None },
            Err(Error::Refused { message, .. }) => BatchExecutionResult { status: "failure", error: Some(message) },
            Err(error) => return Err(error),
        };
        results.insert(id, result);
    }
    Ok(Json(BatchExecutionResponse { results }))
}
