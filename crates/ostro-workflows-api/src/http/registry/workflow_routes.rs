//! One workflow, one registration.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::Refusals;
use crate::http::access::{Operator, Reader};
use crate::http::extract::query::Query;
use crate::http::extract::{Json as Body, Path};
use crate::http::registry::tags::checked;
use crate::http::registry::view::{
    RegistrationView, WorkflowRegistrationWithWorkerStatus, WorkflowView, WorkflowWithWorkerStatus,
};
use crate::model::error::{Error, Result};
use crate::service::api::Api;

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowGetResponse {
    workflow: WorkflowWithWorkerStatus,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowUpdateResponse {
    workflow: WorkflowView,
}

/// What to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
pub(crate) struct WorkflowUpdateRequest {
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    available_in_chat_assistant: Option<bool>,
    #[serde(default)]
    tags: Option<Vec<String>>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowRegistrationGetResponse {
    workflow_registration: WorkflowRegistrationWithWorkerStatus,
    /// The same, under its older name.
    workflow_version: WorkflowRegistrationWithWorkerStatus,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RegistrationParams {
    /// Adds the workflow itself.
    #[serde(default)]
    with_workflow: Option<bool>,
    /// Nothing is shared between namespaces here.
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract, without effect")]
    include_shared: Option<bool>,
}

/// A workflow, by name or identifier.
#[utoipa::path(get, path = "/v1/workflows/{workflow_identifier}", tag = "workflows",
    params(("workflow_identifier" = String, Path, description = "Its name or identifier")),
    responses((status = 200, body = WorkflowGetResponse), Refusals))]
pub(crate) async fn get_workflow(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(identifier): Path<String>,
) -> Result<Json<WorkflowGetResponse>> {
    let workflow = api.registry.workflow(&caller.namespace, &identifier).await?;
    let active = api.registry.registrations_of(&caller.namespace, workflow.id).await?.iter().any(|(_, active)| *active);
    let workflow = WorkflowView::of(workflow, &caller.namespace);
    Ok(Json(WorkflowGetResponse { workflow: WorkflowWithWorkerStatus { workflow, active } }))
}

/// Changes what people see of a workflow.
#[utoipa::path(put, path = "/v1/workflows/{workflow_identifier}", tag = "workflows",
    params(("workflow_identifier" = String, Path, description = "Its name or identifier")),
    request_body = WorkflowUpdateRequest,
    responses((status = 200, body = WorkflowUpdateResponse), Refusals))]
pub(crate) async fn update_workflow(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(identifier): Path<String>,
    Body(request): Body<WorkflowUpdateRequest>,
) -> Result<Json<WorkflowUpdateResponse>> {
    if request.display_name.as_ref().is_some_and(String::is_empty) {
        return Err(Error::at(&["body", "display_name"], "must not be empty", "value_error"));
    }
    let tags = request.tags.map(checked).transpose()?;
    let changed = api.registry.change_workflow(&caller.namespace, &identifier, |workflow| {
        workflow.edited |= request.display_name.is_some() || request.description.is_some();
        workflow.display_name = request.display_name.or(workflow.display_name.take());
        workflow.description = request.description.or(workflow.description.take());
        if let Some(available) = request.available_in_chat_assistant {
            workflow.available_in_chat_assistant = available;
        }
        if let Some(tags) = tags {
            workflow.tags = tags;
        }
    });
    Ok(Json(WorkflowUpdateResponse { workflow: WorkflowView::of(changed.await?, &caller.namespace) }))
}

/// Hides a workflow from lists and refuses new executions of it.
#[utoipa::path(put, path = "/v1/workflows/{workflow_identifier}/archive", tag = "workflows",
    params(("workflow_identifier" = String, Path, description = "Its name or identifier")),
    responses((status = 200, body = WorkflowUpdateResponse), Refusals))]
pub(crate) async fn archive_workflow(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(identifier): Path<String>,
) -> Result<Json<WorkflowUpdateResponse>> {
    set_archived(&api, &caller.namespace, &identifier, true).await
}

/// Takes a workflow back from the archive.
#[utoipa::path(put, path = "/v1/workflows/{workflow_identifier}/unarchive", tag = "workflows",
    params(("workflow_identifier" = String, Path, description = "Its name or identifier")),
    responses((status = 200, body = WorkflowUpdateResponse), Refusals))]
pub(crate) async fn unarchive_workflow(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(identifier): Path<String>,
) -> Result<Json<WorkflowUpdateResponse>> {
    set_archived(&api, &caller.namespace, &identifier, false).await
}

async fn set_archived(
    api: &Api,
    namespace: &str,
    identifier: &str,
    archived: bool,
) -> Result<Json<WorkflowUpdateResponse>> {
    let changed = api.registry.change_workflow(namespace, identifier, |workflow| workflow.archived = archived).await?;
    Ok(Json(WorkflowUpdateResponse { workflow: WorkflowView::of(changed, namespace) }))
}

/// A registration.
#[utoipa::path(get, path = "/v1/workflows/registrations/{workflow_registration_id}", tag = "workflows",
    params(("workflow_registration_id" = Uuid, Path), RegistrationParams),
    responses((status = 200, body = WorkflowRegistrationGetResponse), Refusals))]
pub(crate) async fn get_workflow_registration(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(id): Path<Uuid>,
    Query(params): Query<RegistrationParams>,
) -> Result<Json<WorkflowRegistrationGetResponse>> {
    let namespace = &caller.namespace;
    let registration = api.registry.registration(namespace, id).await?;
    let active = api.registry.active_registrations(namespace).await?.contains(&id);
    let with_workflow = params.with_workflow.unwrap_or(false);
    let view = async |registration| {
        let registration = RegistrationView::of(&api, namespace, registration, with_workflow).await?;
        Ok::<_, Error>(WorkflowRegistrationWithWorkerStatus { registration, active })
    };
    Ok(Json(WorkflowRegistrationGetResponse {
        workflow_registration: view(registration.clone()).await?,
        workflow_version: view(registration).await?,
    }))
}
