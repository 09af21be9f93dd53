//! Make, read, change and delete schedules.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::Refusals;
use crate::http::access::{Operator, Reader};
use crate::http::extract::{Json as Body, Path};
use crate::model::error::{Error, Result};
use crate::model::registration::Registration;
use crate::model::schedule::{PartialScheduleDefinition, ScheduleDefinition, ScheduleDefinitionOutput};
use crate::service::api::Api;
use crate::service::executions::start::routed;
use crate::service::schedules;
use crate::service::schedules::{create, describe, from_engine};

/// What to start, and when. Exactly one of `workflow_identifier` and `workflow_registration_id`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct WorkflowScheduleRequest {
    schedule: ScheduleDefinition,
    #[serde(default)]
    workflow_registration_id: Option<Uuid>,
    /// The same as `workflow_registration_id`, under its older name.
    #[serde(default)]
    workflow_version_id: Option<Uuid>,
    /// The workflow's name or identifier.
    #[serde(default)]
    workflow_identifier: Option<String>,
    /// Deprecated: the task queue of the registration.
    #[serde(default)]
    workflow_task_queue: Option<String>,
    /// A random one unless given.
    #[serde(default)]
    schedule_id: Option<String>,
    #[serde(default)]
    deployment_name: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowScheduleResponse {
    pub schedule_id: String,
}

/// What to change.
#[derive(Deserialize, ToSchema)]
pub(crate) struct WorkflowScheduleUpdateRequest {
    schedule: PartialScheduleDefinition,
}

/// Makes a schedule. Input is checked first.
#[utoipa::path(post, path = "/v1/workflows/schedules", tag = "schedules", request_body = WorkflowScheduleRequest,
    responses((status = 201, body = WorkflowScheduleResponse), Refusals))]
pub(crate) async fn schedule_workflow(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Body(request): Body<WorkflowScheduleRequest>,
) -> Result<(StatusCode, Json<WorkflowScheduleResponse>)> {
    let registration = registration(&api, &caller.namespace, &request).await?;
    if registration.definition.on_behalf_of {
        let message =
            format!("workflow {} acts on behalf of a person: it cannot be scheduled", registration.workflow_name);
        return Err(Error::at(&["body", "workflow_identifier"], message, "value_error"));
    }
    let id = request.schedule_id.or(request.schedule.schedule_id.clone());
    let schedule_id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| Uuid::new_v4().to_string());
    create(&api, &caller.namespace, &schedule_id, &registration, &request.schedule).await?;
    Ok((StatusCode::CREATED, Json(WorkflowScheduleResponse { schedule_id })))
}

pub(crate) async fn registration(
    api: &Api,
    namespace: &str,
    request: &WorkflowScheduleRequest,
) -> Result<Registration> {
    let id = request.workflow_registration_id.or(request.workflow_version_id);
    match (&request.workflow_identifier, id) {
        (None, Some(id)) => api.registry.registration(namespace, id).await,
        (Some(identifier), None) => {
            let workflow = api.registry.workflow(namespace, identifier).await?;
            let (deployment, queue) = (request.deployment_name.as_deref(), request.workflow_task_queue.as_deref());
            routed(api, namespace, &workflow, deployment, queue).await
        }
        _ => Err(Error::at(&["body"], "give either workflow_identifier or workflow_registration_id", "value_error")),
    }
}

/// A schedule.
#[utoipa::path(get, path = "/v1/workflows/schedules/{schedule_id}", tag = "schedules",
    params(("schedule_id" = String, Path)), responses((status = 200, body = ScheduleDefinitionOutput), Refusals))]
pub(crate) async fn get_schedule(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(id): Path<String>,
) -> Result<Json<ScheduleDefinitionOutput>> {
    let described = describe(&api, &caller.namespace, &id).await?;
    let schedule = described.schedule.unwrap_or_default();
    Ok(Json(from_engine::output(id, schedule, &described.info.unwrap_or_default())))
}

/// Deletes a schedule; executions that it started go on.
#[utoipa::path(delete, path = "/v1/workflows/schedules/{schedule_id}", tag = "schedules",
    params(("schedule_id" = String, Path)), responses((status = 204), Refusals))]
pub(crate) async fn unschedule_workflow(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    schedules::delete(&api, caller.namespace, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes a schedule; what is absent stays.
#[utoipa::path(patch, path = "/v1/workflows/schedules/{schedule_id}", tag = "schedules",
    params(("schedule_id" = String, Path)), request_body = WorkflowScheduleUpdateRequest,
    responses((status = 200, body = WorkflowScheduleResponse), Refusals))]
pub(crate) async fn update_schedule(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
    Body(request): Body<WorkflowScheduleUpdateRequest>,
) -> Result<Json<WorkflowScheduleResponse>> {
    schedules::update(&api, &caller.namespace, &id, request.schedule).await?;
    Ok(Json(WorkflowScheduleResponse { schedule_id: id }))
}
