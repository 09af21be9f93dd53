//! The registration of what a worker serves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::Refusals;
use crate::http::access::Worker;
use crate::http::extract::Json as Body;
use crate::model::definition::WorkflowSpecsRegisterRequest;
use crate::model::error::Result;
use crate::service::api::Api;
use crate::service::registry::register::Registered;
use crate::service::workers;

/// What was registered, in the order of the definitions.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowSpecsRegisterResponse {
    /// Whether a living worker of another deployment serves one of the workflows too.
    has_conflicts: bool,
    workflow_registration_ids: Vec<Uuid>,
    workflow_registration_refs: Vec<WorkflowRegistrationRefOutput>,
    warnings: Vec<String>,
}

/// One registration.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowRegistrationRefOutput {
    workflow_id: Uuid,
    workflow_registration_id: Uuid,
    /// The same as `workflow_registration_id`, under its older name.
    workflow_version_id: Uuid,
}

/// Registers what a worker serves; the same again changes nothing.
#[utoipa::path(post, path = "/v1/workflows/register", tag = "workers", request_body = WorkflowSpecsRegisterRequest,
    responses((status = 200, body = WorkflowSpecsRegisterResponse), Refusals))]
pub(crate) async fn register(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    Body(request): Body<WorkflowSpecsRegisterRequest>,
) -> Result<Json<WorkflowSpecsRegisterResponse>> {
    let Registered { registrations, warnings, has_conflicts } = workers::register(&api, &caller, &request).await?;
    let refs = registrations.iter().map(|registration| WorkflowRegistrationRefOutput {
        workflow_id: registration.workflow_id,
        workflow_registration_id: registration.id,
        workflow_version_id: registration.id,
    });
    Ok(Json(WorkflowSpecsRegisterResponse {
        has_conflicts,
        workflow_registration_ids: registrations.iter().map(|registration| registration.id).collect(),
        workflow_registration_refs: refs.collect(),
        warnings,
    }))
}
