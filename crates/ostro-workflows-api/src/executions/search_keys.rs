//! Search keys: a few words on an execution by which it is found.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::register::{ExecutionRecord, execution_change};
use crate::api::Api;
use crate::auth::Worker;
use crate::error::{Code, Error, Result};
use crate::extract::{Json as Body, Path};
use crate::openapi::Refusals;
use crate::records::Kind;

const KEYS_MAX: usize = 64;
const KEY_CHARACTERS_MAX: usize = 256;
const VALUE_CHARACTERS_MAX: usize = 8192;
/// Characters of a value by which it is found.
const TERM_CHARACTERS_MAX: usize = 200;

/// Whether all search keys were kept as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MetadataStatus {
    Ok,
    Partial,
}

/// What became of search keys.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    dropped: Vec<String>,
    truncated: Vec<String>,
}

impl Outcome {
    pub(super) fn status(&self) -> MetadataStatus {
        if self.dropped.is_empty() && self.truncated.is_empty() { MetadataStatus::Ok } else { MetadataStatus::Partial }
    }
}

/// The term by which a key with a value is found.
pub(super) fn term(key: &str, value: &str) -> String {
    let value: String = value.chars().take(TERM_CHARACTERS_MAX).collect();
    format!("key:{key}:{}", value.to_lowercase())
}

/// Adds search keys: ill-formed ones and those beyond the limit are dropped, long values cut.
pub(super) fn merge(keys: &mut BTreeMap<String, Option<String>>, added: BTreeMap<String, Option<String>>) -> Outcome {
    let mut outcome = Outcome::default();
    for (key, value) in added {
        let fits = !key.is_empty() && key.chars().count() <= KEY_CHARACTERS_MAX && !key.contains(':');
        if !fits || (keys.len() >= KEYS_MAX && !keys.contains_key(&key)) {
            outcome.dropped.push(key);
            continue;
        }
        let cut = value.as_ref().is_some_and(|value| value.chars().count() > VALUE_CHARACTERS_MAX);
        if cut {
            outcome.truncated.push(key.clone());
        }
        keys.insert(key, value.map(|value| value.chars().take(VALUE_CHARACTERS_MAX).collect()));
    }
    outcome
}

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
    let _writing = api.writing.lock().await;
    let mut execution = registered(&api, &caller.namespace, &id).await?;
    let outcome = merge(&mut execution.search_keys, request.search_key_metadata.unwrap_or_default());
    api.records.commit(vec![execution_change(&caller.namespace, &id, &execution)?]).await?;
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
    let _writing = api.writing.lock().await;
    let mut execution = registered(&api, &caller.namespace, &id).await?;
    let keys = request.keys.filter(|keys| !keys.is_empty());
    let keys = keys.unwrap_or_else(|| execution.search_keys.keys().cloned().collect());
    let deleted_keys = keys.into_iter().filter(|key| execution.search_keys.remove(key).is_some()).collect();
    api.records.commit(vec![execution_change(&caller.namespace, &id, &execution)?]).await?;
    Ok(Json(DeleteExecutionMetadataResponse { deleted_keys }))
}

async fn registered(api: &Api, namespace: &str, id: &str) -> Result<ExecutionRecord> {
    api.record(Kind::Execution, namespace, id).await?.ok_or_else(|| {
        let message = format!("no execution {id} is registered in namespace {namespace}");
        Error::new(Code::ExecutionNotFound, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ill_formed_keys_are_dropped_and_long_values_cut() {
        let mut keys = BTreeMap::from([("old".to_owned(), Some("1".to_owned()))]);
        let added = BTreeMap::from([
            ("a:b".to_owned(), Some("x".to_owned())),
            ("long".to_owned(), Some("x".repeat(VALUE_CHARACTERS_MAX + 1))),
            ("none".to_owned(), None),
        ]);
        let outcome = merge(&mut keys, added);
        assert_eq!((outcome.dropped, outcome.truncated), (vec!["a:b".to_owned()], vec!["long".to_owned()]));
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["long", "none", "old"]);
        assert_eq!(term("Customer", "ACME"), "key:Customer:acme");
    }
}
