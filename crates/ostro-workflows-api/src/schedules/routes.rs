//! Make, read, change and delete schedules.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use temporalio_protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_protos::temporal::api::workflowservice::v1::{
    CreateScheduleRequest, DeleteScheduleRequest, DescribeScheduleRequest, DescribeScheduleResponse,
    UpdateScheduleRequest,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::definition::{PartialScheduleDefinition, ScheduleDefinition, ScheduleDefinitionOutput};
use super::{from_engine, to_engine};
use crate::api::Api;
use crate::auth::{Operator, Reader};
use crate::error::{Code, Error, Result};
use crate::executions::{checked_input, routed};
use crate::extract::{Json as Body, Path};
use crate::openapi::Refusals;
use crate::payload::Input;
use crate::registry::{Registration, workflow_id};

/// Names us in the engine.
pub(super) const IDENTITY: &str = "ostro-workflows-api";

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

async fn registration(api: &Api, namespace: &str, request: &WorkflowScheduleRequest) -> Result<Registration> {
    let id = request.workflow_registration_id.or(request.workflow_version_id);
    match (&request.workflow_identifier, id) {
        (None, Some(id)) => api.registration(namespace, id).await,
        (Some(identifier), None) => {
            let workflow = api.workflow(namespace, identifier).await?;
            let (deployment, queue) = (request.deployment_name.as_deref(), request.workflow_task_queue.as_deref());
            routed(api, namespace, &workflow, deployment, queue).await
        }
        _ => Err(Error::at(&["body"], "give either workflow_identifier or workflow_registration_id", "value_error")),
    }
}

/// Makes a schedule with this id; 409 when there is one.
pub(super) async fn create(
    api: &Api,
    namespace: &str,
    id: &str,
    registration: &Registration,
    definition: &ScheduleDefinition,
) -> Result<()> {
    let input = Input::of(Some(definition.input.clone()))?;
    let input = checked_input(api, registration, input, &["body", "schedule", "input"])?;
    let schedule = to_engine::schedule(namespace, id, registration, &input, &definition.times)?;
    let request = CreateScheduleRequest {
        namespace: namespace.to_owned(),
        schedule_id: id.to_owned(),
        schedule: Some(schedule),
        identity: IDENTITY.to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    api.engine.ask(&request).await.map_err(|status| refused(id, &status))?;
    Ok(())
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

pub(super) async fn describe(api: &Api, namespace: &str, id: &str) -> Result<DescribeScheduleResponse> {
    let request = DescribeScheduleRequest { namespace: namespace.to_owned(), schedule_id: id.to_owned() };
    api.engine.ask(&request).await.map_err(|status| refused(id, &status))
}

/// Deletes a schedule; executions that it started go on.
#[utoipa::path(delete, path = "/v1/workflows/schedules/{schedule_id}", tag = "schedules",
    params(("schedule_id" = String, Path)), responses((status = 204), Refusals))]
pub(crate) async fn unschedule_workflow(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    let request =
        DeleteScheduleRequest { namespace: caller.namespace, schedule_id: id.clone(), identity: IDENTITY.to_owned() };
    api.engine.ask(&request).await.map_err(|status| refused(&id, &status))?;
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
    let described = describe(&api, &caller.namespace, &id).await?;
    let mut schedule = described.schedule.unwrap_or_default();
    if let Some(input) = request.schedule.input {
        let mut input = Input::of(Some(input))?;
        if let Some(registration) = scheduled(&api, &caller.namespace, &schedule).await? {
            input = checked_input(&api, &registration, input, &["body", "schedule", "input"])?;
        }
        to_engine::change_input(&mut schedule, &caller.namespace, &input);
    }
    to_engine::change(&mut schedule, &request.schedule.times)?;
    let request = UpdateScheduleRequest {
        namespace: caller.namespace,
        schedule_id: id.clone(),
        schedule: Some(schedule),
        conflict_token: described.conflict_token,
        identity: IDENTITY.to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    api.engine.ask(&request).await.map_err(|status| refused(&id, &status))?;
    Ok(Json(WorkflowScheduleResponse { schedule_id: id }))
}

/// The registration of the workflow that a schedule starts, if there is one.
async fn scheduled(
    api: &Api,
    namespace: &str,
    schedule: &temporalio_protos::temporal::api::schedule::v1::Schedule,
) -> Result<Option<Registration>> {
    let Some(Action::StartWorkflow(start)) = schedule.action.as_ref().and_then(|action| action.action.as_ref()) else {
        return Ok(None);
    };
    let name = start.workflow_type.clone().unwrap_or_default().name;
    let queue = start.task_queue.clone().unwrap_or_default().name;
    let all = api.registrations_of(namespace, workflow_id(namespace, &name)).await?;
    Ok(all.into_iter().map(|(registration, _)| registration).find(|each| each.task_queue == queue))
}

/// What the engine's refusal of a schedule means.
pub(super) fn refused(id: &str, status: &tonic::Status) -> Error {
    Error::of_engine(status, &format!("schedule {id}"), Code::ScheduleNotFound)
}
