//! Events from workers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::Refusals;
use crate::http::access::Worker;
use crate::http::extract::Json as Body;
use crate::model::error::{Code, Error, Result};
use crate::model::event::WorkflowEvent;
use crate::service::api::Api;
use crate::service::journal::keep;

/// Events in one batch, at most.
const BATCH_MAX: usize = 10_000;

#[derive(Deserialize, ToSchema)]
pub(crate) struct WorkflowEventRequest {
    event: WorkflowEvent,
}

#[derive(Deserialize, ToSchema)]
pub(crate) struct WorkflowEventBatchRequest {
    events: Vec<WorkflowEvent>,
}

/// That events were kept.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reception {
    Success,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowEventResponse {
    status: Reception,
    message: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowEventBatchResponse {
    status: Reception,
    message: Option<String>,
    events_received: u64,
}

/// Keeps an event: it is durable, and in every stream, when this is answered.
#[utoipa::path(post, path = "/v1/workflows/events", tag = "workers", request_body = WorkflowEventRequest,
    responses((status = 200, body = WorkflowEventResponse), Refusals))]
pub(crate) async fn send_event(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    Body(request): Body<WorkflowEventRequest>,
) -> Result<Json<WorkflowEventResponse>> {
    keep(&api, &caller.namespace, &[request.event], |_| vec!["body", "event"]).await?;
    Ok(Json(WorkflowEventResponse { status: Reception::Success, message: None }))
}

/// Keeps events, all or none, in their order.
#[utoipa::path(post, path = "/v1/workflows/events/batch", tag = "workers", request_body = WorkflowEventBatchRequest,
    responses((status = 200, body = WorkflowEventBatchResponse), Refusals))]
pub(crate) async fn send_events_batch(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    Body(request): Body<WorkflowEventBatchRequest>,
) -> Result<Json<WorkflowEventBatchResponse>> {
    keep_batch(&api, &caller.namespace, &request.events).await
}

/// The same with the token of the run that the event is of.
#[utoipa::path(post, path = "/v2/workflows/events", tag = "workers", request_body = WorkflowEventRequest,
    params(("X-Workflow-Route-Token" = Option<String>, Header, description = "The token of the event's run")),
    responses((status = 200, body = WorkflowEventResponse), Refusals))]
pub(crate) async fn send_event_v2(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    headers: HeaderMap,
    Body(request): Body<WorkflowEventRequest>,
) -> Result<Json<WorkflowEventResponse>> {
    api.route_tokens.check(&headers, &caller.namespace, std::slice::from_ref(&request.event))?;
    keep(&api, &caller.namespace, &[request.event], |_| vec!["body", "event"]).await?;
    Ok(Json(WorkflowEventResponse { status: Reception::Success, message: None }))
}

/// The same with the token of the run that all events are of.
#[utoipa::path(post, path = "/v2/workflows/events/batch", tag = "workers", request_body = WorkflowEventBatchRequest,
    params(("X-Workflow-Route-Token" = Option<String>, Header, description = "The token of the events' run")),
    responses((status = 200, body = WorkflowEventBatchResponse), Refusals))]
pub(crate) async fn send_events_batch_v2(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    headers: HeaderMap,
    Body(request): Body<WorkflowEventBatchRequest>,
) -> Result<Json<WorkflowEventBatchResponse>> {
    api.route_tokens.check(&headers, &caller.namespace, &request.events)?;
    keep_batch(&api, &caller.namespace, &request.events).await
}

async fn keep_batch(api: &Api, namespace: &str, events: &[WorkflowEvent]) -> Result<Json<WorkflowEventBatchResponse>> {
    if events.len() > BATCH_MAX {
        let message = format!("a batch has at most {BATCH_MAX} events, not {}", events.len());
        return Err(Error::new(Code::Malformed, message));
    }
    keep(api, namespace, events, |index| vec!["body", "events", index]).await?;
    let events_received = events.len() as u64;
    Ok(Json(WorkflowEventBatchResponse { status: Reception::Success, message: None, events_received }))
}
