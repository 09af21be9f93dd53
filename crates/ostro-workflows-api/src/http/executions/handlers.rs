//! Signals, queries and updates.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::Refusals;
use crate::http::access::{Operator, Reader};
use crate::http::extract::{Json as Body, Path};
use crate::model::access::Caller;
use crate::model::error::Result;
use crate::service::api::Api;
use crate::service::executions::handlers;

/// A call of a handler.
#[derive(Deserialize, ToSchema)]
#[schema(as = HandlerInvocationBody)]
pub(crate) struct Invocation {
    /// The handler's name.
    name: String,
    /// An object that fits the handler's input schema, or an encoded input.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    input: Option<Value>,
}

impl Invocation {
    fn of(self, caller: Caller, execution: String) -> handlers::Invocation {
        handlers::Invocation { namespace: caller.namespace, execution, name: self.name, input: self.input }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SignalWorkflowResponse {
    message: &'static str,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct QueryWorkflowResponse {
    query_name: String,
    result: Value,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateWorkflowResponse {
    update_name: String,
    result: Value,
}

/// Signals an execution. It is durable when answered; input is checked first.
#[utoipa::path(post, path = "/v1/workflows/executions/{execution_id}/signals", tag = "executions",
    params(("execution_id" = String, Path)), request_body = Invocation,
    responses((status = 202, body = SignalWorkflowResponse), Refusals))]
pub(crate) async fn signal_workflow_execution(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
    Body(body): Body<Invocation>,
) -> Result<(StatusCode, Json<SignalWorkflowResponse>)> {
    handlers::signal(&api, body.of(caller, id)).await?;
    Ok((StatusCode::ACCEPTED, Json(SignalWorkflowResponse { message: "Signal accepted" })))
}

/// Asks an execution, closed ones too, as long as a worker serves its queue.
#[utoipa::path(post, path = "/v1/workflows/executions/{execution_id}/queries", tag = "executions",
    params(("execution_id" = String, Path)), request_body = Invocation,
    responses((status = 200, body = QueryWorkflowResponse), Refusals))]
pub(crate) async fn query_workflow_execution(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    Body(body): Body<Invocation>,
) -> Result<Json<QueryWorkflowResponse>> {
    let query_name = body.name.clone();
    let result = handlers::query(&api, body.of(caller, id)).await?;
    Ok(Json(QueryWorkflowResponse { query_name, result }))
}

/// Updates an execution and waits for the outcome.
#[utoipa::path(post, path = "/v1/workflows/executions/{execution_id}/updates", tag = "executions",
    params(("execution_id" = String, Path)), request_body = Invocation,
    responses((status = 200, body = UpdateWorkflowResponse), Refusals))]
pub(crate) async fn update_workflow_execution(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
    Body(body): Body<Invocation>,
) -> Result<Json<UpdateWorkflowResponse>> {
    let update_name = body.name.clone();
    let result = handlers::update(&api, body.of(caller, id)).await?;
    Ok(Json(UpdateWorkflowResponse { update_name, result }))
}
