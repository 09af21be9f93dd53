//! Deployments and their workers. Hosting them is not done here: what would need it says so.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::access::{Operator, Reader};
use crate::http::extract::Path;
use crate::http::extract::query::Query;
use crate::http::paging::{Order, page};
use crate::http::registry::deployment::{DeploymentDetailResponse, DeploymentResponse, DeploymentWorkerResponse};
use crate::http::{Refusals, Unsupported};
use crate::model::error::{Code, Error, Result};
use crate::model::record::Kind;
use crate::model::registration::{
    DeploymentRecord, LocationType, Registration, WorkerRecord, namespace_id, workflow_id,
};
use crate::service::api::Api;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeploymentOrder {
    UpdatedAt,
    CreatedAt,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeploymentListParams {
    /// Only those with a living worker; the default.
    #[serde(default)]
    active_only: Option<bool>,
    /// No deployment is hardened here.
    #[serde(default)]
    is_hardened: Option<bool>,
    /// Only those that registered this workflow.
    #[serde(default)]
    workflow_name: Option<String>,
    #[serde(default)]
    created_by: Option<String>,
    #[serde(default)]
    location_types: Vec<LocationType>,
    /// Part of the name.
    #[serde(default)]
    search: Option<String>,
    #[serde(default)]
    #[param(inline)]
    order_by: Option<DeploymentOrder>,
    #[serde(default)]
    #[param(inline)]
    order: Option<Order>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    workspace_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeploymentListResponse {
    deployments: Vec<DeploymentResponse>,
    next_cursor: Option<String>,
    /// The namespace's identifier.
    workspace_id: Uuid,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeploymentParams {
    /// Only workers that serve this workflow.
    #[serde(default)]
    workflow_name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WorkerStatus {
    Active,
    Inactive,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WorkerListParams {
    #[serde(default)]
    #[param(inline)]
    worker_status: Option<WorkerStatus>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeploymentWorkerListResponse {
    workers: Vec<DeploymentWorkerResponse>,
    next_cursor: Option<String>,
}

/// The deployments of a namespace.
#[utoipa::path(get, path = "/v1/workflows/deployments", tag = "deployments", params(DeploymentListParams),
    responses((status = 200, body = DeploymentListResponse), Refusals))]
pub(crate) async fn list_deployments(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Query(params): Query<DeploymentListParams>,
) -> Result<Json<DeploymentListResponse>> {
    let namespace = &caller.namespace;
    let records: Vec<DeploymentRecord> = api.store.all(Kind::Deployment, namespace, None).await?;
    let workers = api.registry.workers(namespace, None).await?;
    let serving = match &params.workflow_name {
        Some(name) => Some(deployments_of(&api, namespace, name).await?),
        None => None,
    };
    let mut deployments: Vec<DeploymentResponse> = records
        .iter()
        .map(|record| {
            let own: Vec<WorkerRecord> =
                workers.iter().filter(|worker| worker.deployment_name == record.name).cloned().collect();
            DeploymentResponse::of(record, &own)
        })
        .filter(|deployment| wanted(deployment, &params))
        .filter(|deployment| serving.as_ref().is_none_or(|names| names.contains(&deployment.name)))
        .collect();
    let by_creation = params.order_by == Some(DeploymentOrder::CreatedAt);
    let key = |deployment: &DeploymentResponse| {
        (if by_creation { deployment.created_at } else { deployment.updated_at }, deployment.name.clone())
    };
    match params.order {
        Some(Order::Asc) => deployments.sort_by_key(key),
        _ => deployments.sort_by_key(|deployment| Reverse(key(deployment))),
    }
    let (deployments, next_cursor) = page(deployments, params.limit, params.cursor.as_deref())?;
    Ok(Json(DeploymentListResponse { deployments, next_cursor, workspace_id: namespace_id(namespace) }))
}

fn wanted(deployment: &DeploymentResponse, params: &DeploymentListParams) -> bool {
    let search = params.search.as_deref().unwrap_or_default().to_lowercase();
    (deployment.is_active || !params.active_only.unwrap_or(true))
        && !params.is_hardened.unwrap_or(false)
        && params.created_by.is_none()
        && params.workspace_id.is_none()
        && deployment.name.to_lowercase().contains(&search)
        && (params.location_types.is_empty()
            || deployment.locations.iter().any(|location| params.location_types.contains(location)))
}

async fn deployments_of(api: &Api, namespace: &str, workflow: &str) -> Result<Vec<String>> {
    let registrations = api.registry.registrations_of(namespace, workflow_id(namespace, workflow)).await?;
    Ok(registrations.into_iter().map(|(registration, _)| registration.deployment_name).collect())
}

/// A deployment with its workers.
#[utoipa::path(get, path = "/v1/workflows/deployments/{name}", tag = "deployments",
    params(("name" = String, Path), DeploymentParams),
    responses((status = 200, body = DeploymentDetailResponse), Refusals))]
pub(crate) async fn get_deployment(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(name): Path<String>,
    Query(params): Query<DeploymentParams>,
) -> Result<Json<DeploymentDetailResponse>> {
    let namespace = &caller.namespace;
    let record = deployment(&api, namespace, &name).await?;
    let mut workers = api.registry.workers(namespace, Some(&name)).await?;
    if let Some(workflow) = &params.workflow_name {
        let registrations: Vec<Registration> =
            api.store.all(Kind::Registration, namespace, Some(format!("deployment:{name}"))).await?;
        let serves = |worker: &WorkerRecord| {
            let mut own = registrations.iter().filter(|each| worker.registrations.contains(&each.id));
            own.any(|registration| registration.workflow_name == *workflow)
        };
        workers.retain(serves);
    }
    let deployment = DeploymentResponse::of(&record, &workers);
    let workers = workers.into_iter().map(DeploymentWorkerResponse::of).collect();
    Ok(Json(DeploymentDetailResponse { deployment, workers }))
}

async fn deployment(api: &Api, namespace: &str, name: &str) -> Result<DeploymentRecord> {
    api.store.get(Kind::Deployment, namespace, name).await?.ok_or_else(|| {
        let message = format!("no deployment {name} in namespace {namespace}: it appears when a worker registers");
        Error::new(Code::DeploymentNotFound, message)
    })
}

/// The workers of a deployment, by name.
#[utoipa::path(get, path = "/v1/workflows/deployments/{name}/workers", tag = "deployments",
    params(("name" = String, Path), WorkerListParams),
    responses((status = 200, body = DeploymentWorkerListResponse), Refusals))]
pub(crate) async fn list_deployment_workers(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(name): Path<String>,
    Query(params): Query<WorkerListParams>,
) -> Result<Json<DeploymentWorkerListResponse>> {
    deployment(&api, &caller.namespace, &name).await?;
    let mut workers = api.registry.workers(&caller.namespace, Some(&name)).await?;
    let wanted = params.worker_status.map(|status| status == WorkerStatus::Active);
    workers.retain(|worker| wanted.is_none_or(|active| active == worker.is_active()));
    let (workers, next_cursor) = page(workers, params.limit, params.cursor.as_deref())?;
    let workers = workers.into_iter().map(DeploymentWorkerResponse::of).collect();
    Ok(Json(DeploymentWorkerListResponse { workers, next_cursor }))
}

/// Why managed deployments are refused.
fn hosts_nothing(what: &str) -> Error {
    let message = format!(
        "this server does not {what} deployments: it hosts nobody's code. A deployment appears when a worker with its \
         DEPLOYMENT_NAME registers, and is idle when its workers are stopped"
    );
    Error::new(Code::Unsupported, message)
}

macro_rules! unsupported {
    ($($(#[$path:meta])* $name:ident($what:literal $(, $parameter:ty)?);)*) => {$(
        $(#[$path])*
        pub(crate) async fn $name(Operator(_caller): Operator $(, _name: $parameter)?) -> Error {
            hosts_nothing($what)
        }
    )*};
}

unsupported! {
    /// Not done here: 501.
    #[utoipa::path(post, path = "/v1/workflows/deployments", tag = "deployments", responses(Unsupported))]
    create_deployment("build or host");
    /// Not done here: 501.
    #[utoipa::path(patch, path = "/v1/workflows/deployments/{name}", tag = "deployments",
        params(("name" = String, Path)), responses(Unsupported))]
    update_deployment("change", Path<String>);
    /// Not done here: 501.
    #[utoipa::path(delete, path = "/v1/workflows/deployments/{name}", tag = "deployments",
        params(("name" = String, Path)), responses(Unsupported))]
    delete_deployment("delete", Path<String>);
    /// Not done here: 501.
    #[utoipa::path(post, path = "/v1/workflows/deployments/{name}/stop", tag = "deployments",
        params(("name" = String, Path)), responses(Unsupported))]
    stop_deployment("stop", Path<String>);
    /// Not done here: 501.
    #[utoipa::path(post, path = "/v1/workflows/deployments/{name}/start", tag = "deployments",
        params(("name" = String, Path)), responses(Unsupported))]
    start_deployment("start", Path<String>);
    /// Not done here: 501.
    #[utoipa::path(post, path = "/v1/workflows/deployments/{name}/restart", tag = "deployments",
        params(("name" = String, Path)), responses(Unsupported))]
    restart_deployment("restart", Path<String>);
    /// Not done here: 501.
    #[utoipa::path(get, path = "/v1/workflows/deployments/{name}/archive", tag = "deployments",
        params(("name" = String, Path)), responses(Unsupported))]
    get_deployment_archive("keep the code of", Path<String>);
    /// Not done here: 501.
    #[utoipa::path(post, path = "/v1/workflows/deployments/{name}/unharden", tag = "deployments",
        params(("name" = String, Path)), responses(Unsupported))]
    unharden_deployment("unharden", Path<String>);
}
