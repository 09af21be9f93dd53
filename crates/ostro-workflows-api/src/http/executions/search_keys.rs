//! Search keys: a few words on an execution by which it is found.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::Refusals;
use crate::http::access::Worker;
use crate::http::extract::{Json as Body, Path};
use crate::model::error::Result;
use crate::model::search_keys::MetadataStatus;
use crate::service::api::Api;
use crate::service::executions::records;

#[derive(Deserialize, ToSchema)]
pub(crate) struct UpsertExecutionMetadataRequest {
    /// Search keys with their values; up to 64 for an execution.
    #[serde(default)]
    search_key_metadata: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract; keys are the execution's, not the run's")]
    temporal_run_id: Option<String>,
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract; the API key says who may")]
    execution_token_hash: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct UpsertExecutionMetadataResponse {
    metadata_status: MetadataStatus,
    dropped_keys: Vec<String>,
    truncated_keys: Vec<String>,
}

#[derive(Deserialize, ToSchema)]
pub(crate) struct DeleteExecutionMetadataRequest {
    #[allow(dead_code, reason = "part of the contract; keys are the execution's, not the run's")]
    temporal_run_id: String,
    /// The keys to take away; absent or empty is all.
    #[serde(default)]
    keys: Option<Vec<String>>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeleteExecutionMetadataResponse {
    deleted_keys: Vec<String>,
}

/// Sets search keys of an execution.
#[utoipa::path(patch, path = "/v1/workflows/executions/search_keys/{temporal_workflow_id}", tag = "workers",
    params(("temporal_workflow_id" = String, Path)), request_body = UpsertExecutionMetadataRequest,
    responses((status = 200, body = UpsertExecutionMetadataResponse), Refusals))]
pub(crate) async fn upsert_execution_metadata(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    Path(id): Path<String>,
    Body(request): Body<UpsertExecutionMetadataRequest>,
) -> Result<Json<UpsertExecutionMetadataResponse>> {
    let added = request.search_key_metadata.unwrap_or_default();
    let outcome = records::add_search_keys(&api, &caller.namespace, &id, added).await?;
    Ok(Json(UpsertExecutionMetadataResponse {
        metadata_status: outcome.status(),
        dropped_keys: outcome.dropped,
        truncated_keys: outcome.truncated,
    }))
}

/// Takes search keys of an execution away.
#[utoipa::path(delete, path = "/v1/workflows/executions/search_keys/{temporal_workflow_id}", tag = "workers",
    params(("temporal_workflow_id" = String, Path)), request_body = DeleteExecutionMetadataRequest,
    responses((status = 200, body = DeleteExecutionMetadataResponse), Refusals))]
pub(crate) async fn delete_execution_metadata(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    Path(id): Path<String>,
    Body(request): Body<DeleteExecutionMetadataRequest>,
) -> Result<Json<DeleteExecutionMetadataResponse>> {
    let keys = request.keys.filter(|keys| !keys.is_empty());
    let deleted_keys = records::remove_search_keys(&api, &caller.namespace, &id, keys).await?;
    Ok(Json(DeleteExecutionMetadataResponse { deleted_keys }))
}
