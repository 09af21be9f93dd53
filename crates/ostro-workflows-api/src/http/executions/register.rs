//! The registration of runs, which workers make first thing in each.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::Refusals;
use crate::http::access::Worker;
use crate::http::extract::Json as Body;
use crate::model::error::{Error, Result};
use crate::model::search_keys::MetadataStatus;
use crate::service::api::Api;
use crate::service::executions::records;
use crate::service::executions::records::Begun;

/// A run that begins, or begins again.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RegisterExecutionRequest {
    temporal_workflow_id: String,
    temporal_run_id: String,
    workflow_name: String,
    task_queue: String,
    /// SHA-256 of the run's token.
    execution_token_hash: String,
    #[serde(default)]
    temporal_parent_workflow_id: Option<String>,
    #[serde(default)]
    temporal_root_workflow_id: Option<String>,
    #[serde(default)]
    search_key_metadata: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RegisterExecutionResponse {
    execution_id: String,
    /// Whether the run was not known before.
    created: bool,
    /// `partial` when search keys were left out or cut.
    metadata_status: MetadataStatus,
}

/// Registers a run; the same again changes nothing but search keys.
#[utoipa::path(post, path = "/v1/workflows/executions/register", tag = "workers",
    request_body = RegisterExecutionRequest, responses((status = 200, body = RegisterExecutionResponse), Refusals))]
pub(crate) async fn register_execution(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    Body(request): Body<RegisterExecutionRequest>,
) -> Result<Json<RegisterExecutionResponse>> {
    for (key, value) in
        [("temporal_workflow_id", &request.temporal_workflow_id), ("temporal_run_id", &request.temporal_run_id)]
    {
        if value.is_empty() {
            return Err(Error::at(&["body", key], "must not be empty", "value_error"));
        }
    }
    let execution_id = request.temporal_workflow_id.clone();
    let begun = Begun {
        execution_id: request.temporal_workflow_id,
        run_id: request.temporal_run_id,
        workflow_name: request.workflow_name,
        task_queue: request.task_queue,
        root: request.temporal_root_workflow_id,
        parent: request.temporal_parent_workflow_id,
        token_hash: request.execution_token_hash,
        search_keys: request.search_key_metadata.unwrap_or_default(),
    };
    let (created, outcome) = records::register(&api, &caller.namespace, begun).await?;
    Ok(Json(RegisterExecutionResponse { execution_id, created, metadata_status: outcome.status() }))
}
