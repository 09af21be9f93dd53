//! The registration of runs, which workers make first thing in each.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::search_keys::{self, MetadataStatus};
use crate::api::Api;
use crate::auth::Worker;
use crate::clock::Moment;
use crate::error::{Code, Error, Result};
use crate::extract::Json as Body;
use crate::openapi::Refusals;
use crate::records::Kind;
use crate::registry::put_record;

/// What is kept of an execution.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ExecutionRecord {
    pub workflow_name: String,
    pub task_queue: String,
    pub root: Option<String>,
    pub parent: Option<String>,
    /// The API key that started it.
    pub user_id: Option<String>,
    pub search_keys: BTreeMap<String, Option<String>>,
    /// The run that was registered last.
    #[serde(default)]
    pub run_id: Option<String>,
    /// When that was, or when it was started.
    #[serde(default)]
    pub registered_at: Option<Moment>,
}

/// What is kept of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    pub execution_id: String,
    pub registered_at: Moment,
    pub execution_token_hash: String,
}

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
    let namespace = &caller.namespace;
    let execution_id = request.temporal_workflow_id.clone();
    let _writing = api.writing.lock().await;
    let known: Option<ExecutionRecord> = api.record(Kind::Execution, namespace, &execution_id).await?;
    let mut execution = known.unwrap_or_else(|| ExecutionRecord {
        workflow_name: request.workflow_name.clone(),
        task_queue: request.task_queue.clone(),
        root: request.temporal_root_workflow_id.clone(),
        parent: request.temporal_parent_workflow_id.clone(),
        user_id: None,
        search_keys: BTreeMap::new(),
        run_id: None,
        registered_at: None,
    });
    execution.registered_at = Some(Moment::now());
    let before = execution.run_id.replace(request.temporal_run_id.clone());
    if let Some(before) = before.filter(|before| *before != request.temporal_run_id) {
        // The run before was continued as new, or reset: its end is told before this one's start.
        crate::events::conclude_run(&api, namespace, &execution_id, &before).await;
    }
    let outcome = search_keys::merge(&mut execution.search_keys, request.search_key_metadata.unwrap_or_default());
    let known_run: Option<RunRecord> = api.record(Kind::Run, namespace, &request.temporal_run_id).await?;
    let run = RunRecord {
        execution_id: execution_id.clone(),
        registered_at: known_run.as_ref().map_or_else(Moment::now, |run| run.registered_at),
        execution_token_hash: request.execution_token_hash,
    };
    let changes = vec![
        execution_change(namespace, &execution_id, &execution)?,
        put_record(Kind::Run, namespace, request.temporal_run_id, vec![token_term(&run.execution_token_hash)], &run)?,
    ];
    api.records.commit(changes).await?;
    let metadata_status = outcome.status();
    Ok(Json(RegisterExecutionResponse { execution_id, created: known_run.is_none(), metadata_status }))
}

/// The term by which a run is found by its token.
pub(super) fn token_term(hash: &str) -> String {
    format!("token:{hash}")
}

/// The change that keeps an execution, found by its search keys and its user.
pub(super) fn execution_change(namespace: &str, id: &str, record: &ExecutionRecord) -> Result<crate::records::Change> {
    let keys = record.search_keys.iter();
    let mut terms: Vec<String> =
        keys.map(|(key, value)| search_keys::term(key, value.as_deref().unwrap_or_default())).collect();
    terms.extend(record.user_id.as_ref().map(|user| format!("user:{user}")));
    put_record(Kind::Execution, namespace, id.to_owned(), terms, record)
}

/// Whether a run is there: registered, or at least known to the engine (a reset makes runs that no worker registers).
pub(crate) async fn knows_run(api: &Api, namespace: &str, execution: &str, run: &str) -> Result<bool> {
    let known: Option<RunRecord> = api.record(Kind::Run, namespace, run).await?;
    if let Some(known) = known {
        return Ok(known.execution_id == execution);
    }
    match super::describe(api, namespace, execution, Some(run)).await {
        Ok(_) => Ok(true),
        Err(Error::Refused { code: Code::ExecutionNotFound | Code::EngineRefused, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
