//! Tokens by which workers send the events of one run (`v2`).
//!
//! A token is its claims and a keyed hash of them; the key is kept, so tokens outlive a restart.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::Refusals;
use crate::http::access::Worker;
use crate::http::extract::Json as Body;
use crate::model::error::{Code, Error, Result};
use crate::service::api::Api;
use crate::service::route_tokens::LIFETIME_SECONDS;

#[derive(Deserialize, ToSchema)]
pub(crate) struct EventRouteTokenRequest {
    /// Older workers send it; the run says enough.
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract")]
    execution_token: Option<Uuid>,
    workflow_exec_id: String,
    workflow_run_id: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct EventRouteTokenResponse {
    route_token: String,
    expires_in_seconds: u64,
}

/// A token for the events of one run.
#[utoipa::path(post, path = "/v2/workflows/workers/event-route-token", tag = "workers",
    request_body = EventRouteTokenRequest, responses((status = 200, body = EventRouteTokenResponse), Refusals))]
pub(crate) async fn event_route_token(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    Body(request): Body<EventRouteTokenRequest>,
) -> Result<Json<EventRouteTokenResponse>> {
    let (execution, run) = (request.workflow_exec_id, request.workflow_run_id);
    if !crate::service::executions::records::knows_run(&api, &caller.namespace, &execution, &run).await? {
        let message = format!("no run {run} of execution {execution} in namespace {}", caller.namespace);
        return Err(Error::new(Code::EventRouteScopeNotFound, message));
    }
    let route_token = api.route_tokens.mint(caller.namespace, execution, run)?;
    Ok(Json(EventRouteTokenResponse { route_token, expires_in_seconds: LIFETIME_SECONDS.unsigned_abs() }))
}
