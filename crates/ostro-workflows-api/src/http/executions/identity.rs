//! Whom an execution acts for.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::access::Worker;
use crate::http::extract::Json as Body;
use crate::http::{Refusals, Unsupported};
use crate::model::digest::hex;
use crate::model::error::{Code, Error, Result};
use crate::model::execution::{ExecutionRecord, RunRecord, token_term};
use crate::model::record::Kind;
use crate::model::registration::namespace_id;
use crate::service::api::Api;

#[derive(Deserialize, ToSchema)]
pub(crate) struct ExecutorIdentityRequest {
    /// The token of a run.
    execution_token: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ExecutorIdentityResponse {
    /// The namespace's identifier.
    customer_id: Uuid,
    /// The same.
    workspace_id: Uuid,
    /// The API key that started the execution.
    user_id: Option<String>,
    organization_id: Option<Uuid>,
}

/// Who started the execution that a token is of.
#[utoipa::path(post, path = "/v1/workflows/workers/executor-identity", tag = "workers",
    request_body = ExecutorIdentityRequest, responses((status = 200, body = ExecutorIdentityResponse), Refusals))]
pub(crate) async fn executor_identity(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    Body(request): Body<ExecutorIdentityRequest>,
) -> Result<Json<ExecutorIdentityResponse>> {
    let term = token_term(&hex(&Sha256::digest(request.execution_token)));
    let runs: Vec<RunRecord> = api.store.all(Kind::Run, &caller.namespace, Some(term)).await?;
    let Some(run) = runs.first() else {
        return Err(Error::new(Code::ExecutionNotFound, "no run has this token in this namespace"));
    };
    let execution: Option<ExecutionRecord> =
        api.store.get(Kind::Execution, &caller.namespace, &run.execution_id).await?;
    let namespace_id = namespace_id(&caller.namespace);
    Ok(Json(ExecutorIdentityResponse {
        customer_id: namespace_id,
        workspace_id: namespace_id,
        user_id: execution.and_then(|execution| execution.user_id),
        organization_id: None,
    }))
}

/// Not done here: 501. A token for another service is that service's to give.
#[utoipa::path(post, path = "/v1/workflows/workers/executor-identity-token", tag = "workers", responses(Unsupported))]
pub(crate) async fn executor_identity_token(Worker(_caller): Worker) -> Error {
    let message = "this server gives no tokens in the name of whoever started an execution: give the worker a key of \
                   its own for the services that it calls";
    Error::new(Code::Unsupported, message)
}
