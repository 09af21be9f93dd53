//! Signs of life of workers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::Refusals;
use crate::http::access::Worker;
use crate::http::extract::Json as Body;
use crate::model::error::Result;
use crate::service::api::Api;

/// Who lives, and what it serves.
#[derive(Deserialize, ToSchema)]
pub(crate) struct WorkerHeartbeatRequest {
    deployment_name: String,
    worker_name: String,
    #[serde(default)]
    workflow_registration_refs: Option<Vec<WorkflowRegistrationRefInput>>,
}

/// A registration that the worker serves.
#[derive(Deserialize, ToSchema)]
pub(crate) struct WorkflowRegistrationRefInput {
    #[allow(dead_code, reason = "part of the contract; the registration says which workflow it is of")]
    workflow_id: Uuid,
    #[serde(default)]
    workflow_registration_id: Option<Uuid>,
}

/// That the worker is known with all that it serves.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkerHeartbeatResponse {
    all_active: bool,
}

/// Takes a sign of life. 409 for a worker or a registration that is not known: the worker then registers again.
#[utoipa::path(post, path = "/v1/workflows/workers/heartbeat", tag = "workers", request_body = WorkerHeartbeatRequest,
    responses((status = 200, body = WorkerHeartbeatResponse), Refusals))]
pub(crate) async fn heartbeat(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    Body(request): Body<WorkerHeartbeatRequest>,
) -> Result<Json<WorkerHeartbeatResponse>> {
    let served = request.workflow_registration_refs.unwrap_or_default();
    let served = served.iter().filter_map(|each| each.workflow_registration_id);
    api.registry.heartbeat(&caller.namespace, &request.deployment_name, &request.worker_name, served).await?;
    Ok(Json(WorkerHeartbeatResponse { all_active: true }))
}
