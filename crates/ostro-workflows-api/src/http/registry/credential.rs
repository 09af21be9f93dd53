//! Which credentials may use a deployment, as administrators wrote it down.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::Refusals;
use crate::http::access::{Admin, Reader};
use crate::http::extract::Json as Body;
use crate::http::extract::query::Query;
use crate::model::error::{Code, Error, Result};
use crate::model::record::{Change, Kind, put};
use crate::model::registration::DeploymentRecord;
use crate::service::api::Api;

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PrincipalType {
    ApiKey,
    ServiceAccount,
    User,
}

/// A credential of a deployment.
#[derive(Deserialize, ToSchema)]
pub(crate) struct DeploymentAuthorizedCredentialRequest {
    deployment_id: Uuid,
    credential_id: String,
    #[serde(default)]
    principal_type: Option<PrincipalType>,
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract; the caller's namespace decides")]
    workspace_id: Option<String>,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct DeploymentAuthorizedCredentialResponse {
    deployment_id: Uuid,
    deployment_name: String,
    credential_id: String,
    principal_type: Option<PrincipalType>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeploymentAuthorizedCredentialListResponse {
    authorized_credentials: Vec<DeploymentAuthorizedCredentialResponse>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CredentialParams {
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract; the caller's namespace decides")]
    workspace_id: Option<String>,
    #[serde(default)]
    deployment_id: Option<Uuid>,
}

/// Notes that a credential may use a deployment. What a caller may do is decided by its API key's role.
#[utoipa::path(post, path = "/v1/workflows/deployments/authorized-credentials", tag = "workers",
    request_body = DeploymentAuthorizedCredentialRequest,
    responses((status = 201, body = DeploymentAuthorizedCredentialResponse), Refusals))]
pub(crate) async fn add_authorized_credential(
    State(api): State<Arc<Api>>,
    Admin(caller): Admin,
    Body(request): Body<DeploymentAuthorizedCredentialRequest>,
) -> Result<(StatusCode, Json<DeploymentAuthorizedCredentialResponse>)> {
    let deployments: Vec<DeploymentRecord> = api.store.all(Kind::Deployment, &caller.namespace, None).await?;
    let Some(deployment) = deployments.into_iter().find(|deployment| deployment.id == request.deployment_id) else {
        return Err(Error::new(Code::DeploymentNotFound, format!("no deployment {}", request.deployment_id)));
    };
    let credential = DeploymentAuthorizedCredentialResponse {
        deployment_id: deployment.id,
        deployment_name: deployment.name,
        credential_id: request.credential_id.clone(),
        principal_type: request.principal_type,
    };
    let terms = vec![format!("deployment:{}", deployment.id)];
    let put = put(Kind::Credential, &caller.namespace, key(&request), terms, &credential)?;
    api.store.write(vec![put]).await?;
    Ok((StatusCode::CREATED, Json(credential)))
}

/// Takes the note back.
#[utoipa::path(delete, path = "/v1/workflows/deployments/authorized-credentials", tag = "workers",
    request_body = DeploymentAuthorizedCredentialRequest, responses((status = 204), Refusals))]
pub(crate) async fn remove_authorized_credential(
    State(api): State<Arc<Api>>,
    Admin(caller): Admin,
    Body(request): Body<DeploymentAuthorizedCredentialRequest>,
) -> Result<StatusCode> {
    let gone = Change::Delete { kind: Kind::Credential, namespace: caller.namespace, key: key(&request) };
    api.store.write(vec![gone]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The credentials of a deployment, or of all.
#[utoipa::path(get, path = "/v1/workflows/deployments/authorized-credentials", tag = "workers",
    params(CredentialParams), responses((status = 200, body = DeploymentAuthorizedCredentialListResponse), Refusals))]
pub(crate) async fn list_authorized_credentials(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Query(params): Query<CredentialParams>,
) -> Result<Json<DeploymentAuthorizedCredentialListResponse>> {
    let term = params.deployment_id.map(|id| format!("deployment:{id}"));
    let authorized_credentials = api.store.all(Kind::Credential, &caller.namespace, term).await?;
    Ok(Json(DeploymentAuthorizedCredentialListResponse { authorized_credentials }))
}

fn key(request: &DeploymentAuthorizedCredentialRequest) -> String {
    format!("{}/{}", request.deployment_id, request.credential_id)
}
