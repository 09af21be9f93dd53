//! Pause, resume and trigger schedules.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use temporalio_protos::temporal::api::schedule::v1::{SchedulePatch, TriggerImmediatelyRequest};
use utoipa::ToSchema;

use crate::http::Refusals;
use crate::http::access::Operator;
use crate::http::extract::{OptionalJson, Path};
use crate::model::error::{Error, Result};
use crate::service::api::Api;
use crate::service::schedules;

/// Why.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct WorkflowSchedulePauseRequest {
    #[serde(default)]
    note: Option<String>,
}

/// How.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct WorkflowScheduleTriggerRequest {
    /// Another overlap policy for this start: 1 to 6.
    #[serde(default)]
    overlap: Option<u8>,
}

/// Starts nothing more until resumed.
#[utoipa::path(post, path = "/v1/workflows/schedules/{schedule_id}/pause", tag = "schedules",
    params(("schedule_id" = String, Path)), request_body = Option<WorkflowSchedulePauseRequest>,
    responses((status = 204), Refusals))]
pub(crate) async fn pause_schedule(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
    OptionalJson(request): OptionalJson<WorkflowSchedulePauseRequest>,
) -> Result<StatusCode> {
    let pause = note(request.note, "Paused over the Workflows API");
    patch(&api, caller.namespace, id, SchedulePatch { pause, ..Default::default() }).await
}

/// Starts again by the clock.
#[utoipa::path(post, path = "/v1/workflows/schedules/{schedule_id}/resume", tag = "schedules",
    params(("schedule_id" = String, Path)), request_body = Option<WorkflowSchedulePauseRequest>,
    responses((status = 204), Refusals))]
pub(crate) async fn resume_schedule(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
    OptionalJson(request): OptionalJson<WorkflowSchedulePauseRequest>,
) -> Result<StatusCode> {
    let unpause = note(request.note, "Resumed over the Workflows API");
    patch(&api, caller.namespace, id, SchedulePatch { unpause, ..Default::default() }).await
}

/// Starts one now.
#[utoipa::path(post, path = "/v1/workflows/schedules/{schedule_id}/trigger", tag = "schedules",
    params(("schedule_id" = String, Path)), request_body = Option<WorkflowScheduleTriggerRequest>,
    responses((status = 204), Refusals))]
pub(crate) async fn trigger_schedule(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
    OptionalJson(request): OptionalJson<WorkflowScheduleTriggerRequest>,
) -> Result<StatusCode> {
    let overlap = request.overlap.unwrap_or(0);
    if overlap > 6 {
        return Err(Error::at(&["body", "overlap"], format!("{overlap} is none of 1 to 6"), "value_error"));
    }
    let trigger = TriggerImmediatelyRequest { overlap_policy: overlap.into(), ..Default::default() };
    let change = SchedulePatch { trigger_immediately: Some(trigger), ..Default::default() };
    patch(&api, caller.namespace, id, change).await
}

/// The engine takes an empty note for none at all.
fn note(note: Option<String>, otherwise: &str) -> String {
    note.filter(|note| !note.is_empty()).unwrap_or_else(|| otherwise.to_owned())
}

async fn patch(api: &Api, namespace: String, id: String, patch: SchedulePatch) -> Result<StatusCode> {
    schedules::patch(api, namespace, id, patch).await?;
    Ok(StatusCode::NO_CONTENT)
}
