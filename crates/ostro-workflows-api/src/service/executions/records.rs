//! What is kept of executions and their runs.

use std::collections::BTreeMap;

use temporalio_protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;

use crate::model::error::{Code, Error, Result};
use crate::model::execution::{ExecutionRecord, RunRecord, execution_change, token_term};
use crate::model::moment::Moment;
use crate::model::record::Kind;
use crate::model::search_keys::{Outcome, merge};
use crate::service::api::Api;
use crate::service::engine::describe;
use crate::service::journal::closing::conclude_run;
use crate::store::Transaction;

/// A run that begins, or begins again, as its worker says.
pub(crate) struct Begun {
    pub execution_id: String,
    pub run_id: String,
    pub workflow_name: String,
    pub task_queue: String,
    pub root: Option<String>,
    pub parent: Option<String>,
    /// SHA-256 of the run's token.
    pub token_hash: String,
    pub search_keys: BTreeMap<String, Option<String>>,
}

/// Keeps a run; the same again changes nothing but search keys. Answers whether it is new, and what became of those.
pub(crate) async fn register(api: &Api, namespace: &str, begun: Begun) -> Result<(bool, Outcome)> {
    let known: Option<ExecutionRecord> = api.store.get(Kind::Execution, namespace, &begun.execution_id).await?;
    if let Some(before) = known.and_then(|known| known.run_id).filter(|before| *before != begun.run_id) {
        // The run before was continued as new, or reset: its end is told before this one's start.
        conclude_run(api, namespace, &begun.execution_id, &before).await;
    }
    let mut transaction = api.store.transaction().await;
    let known: Option<ExecutionRecord> = transaction.get(Kind::Execution, namespace, &begun.execution_id).await?;
    let mut execution = known.unwrap_or_else(|| ExecutionRecord {
        workflow_name: begun.workflow_name,
        task_queue: begun.task_queue,
        root: begun.root,
        parent: begun.parent,
        user_id: None,
        search_keys: BTreeMap::new(),
        run_id: None,
        registered_at: None,
    });
    execution.registered_at = Some(Moment::now());
    execution.run_id = Some(begun.run_id.clone());
    let outcome = merge(&mut execution.search_keys, begun.search_keys);
    transaction.change(execution_change(namespace, &begun.execution_id, &execution)?);
    let known: Option<RunRecord> = transaction.get(Kind::Run, namespace, &begun.run_id).await?;
    let is_new = known.is_none();
    let run = RunRecord {
        execution_id: begun.execution_id,
        registered_at: known.map_or_else(Moment::now, |run| run.registered_at),
        execution_token_hash: begun.token_hash,
    };
    let terms = vec![token_term(&run.execution_token_hash)];
    transaction.put(Kind::Run, namespace, begun.run_id, terms, &run)?;
    transaction.commit().await?;
    Ok((is_new, outcome))
}

/// Adds search keys to an execution, and answers what became of them.
pub(crate) async fn add_search_keys(
    api: &Api,
    namespace: &str,
    id: &str,
    added: BTreeMap<String, Option<String>>,
) -> Result<Outcome> {
    let mut transaction = api.store.transaction().await;
    let mut execution = registered(&transaction, namespace, id).await?;
    let outcome = merge(&mut execution.search_keys, added);
    transaction.change(execution_change(namespace, id, &execution)?);
    transaction.commit().await?;
    Ok(outcome)
}

/// Takes these search keys of an execution away, or all; answers those that it had.
pub(crate) async fn remove_search_keys(
    api: &Api,
    namespace: &str,
    id: &str,
    keys: Option<Vec<String>>,
) -> Result<Vec<String>> {
    let mut transaction = api.store.transaction().await;
    let mut execution = registered(&transaction, namespace, id).await?;
    let keys = keys.unwrap_or_else(|| execution.search_keys.keys().cloned().collect());
    let removed = keys.into_iter().filter(|key| execution.search_keys.remove(key).is_some()).collect();
    transaction.change(execution_change(namespace, id, &execution)?);
    transaction.commit().await?;
    Ok(removed)
}

/// Whether a run is there: registered, or at least known to the engine (a reset makes runs that no worker registers).
pub(crate) async fn knows_run(api: &Api, namespace: &str, execution: &str, run: &str) -> Result<bool> {
    let known: Option<RunRecord> = api.store.get(Kind::Run, namespace, run).await?;
    if let Some(known) = known {
        return Ok(known.execution_id == execution);
    }
    match describe(api, namespace, execution, Some(run)).await {
        Ok(_) => Ok(true),
        Err(Error::Refused { code: Code::ExecutionNotFound | Code::EngineRefused, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The execution that a run is of.
pub(crate) async fn execution_of(api: &Api, namespace: &str, run: &str) -> Result<String> {
    let unknown = || Error::new(Code::ExecutionNotFound, format!("no run {run} in namespace {namespace}"));
    let known: Option<RunRecord> = api.store.get(Kind::Run, namespace, run).await?;
    if let Some(known) = known {
        return Ok(known.execution_id);
    }
    let run: uuid::Uuid = run.parse().map_err(|_| unknown())?;
    let request = ListWorkflowExecutionsRequest {
        namespace: namespace.to_owned(),
        page_size: 1,
        query: format!("RunId = '{run}'"),
        ..Default::default()
    };
    let found = api
        .engine
        .ask(&request)
        .await
        .map_err(|status| Error::of_engine(&status, "the list of runs", Code::ExecutionNotFound))?;
    let execution = found.executions.into_iter().next().and_then(|info| info.execution);
    execution.map(|execution| execution.workflow_id).ok_or_else(unknown)
}

async fn registered(transaction: &Transaction<'_>, namespace: &str, id: &str) -> Result<ExecutionRecord> {
    transaction.get(Kind::Execution, namespace, id).await?.ok_or_else(|| {
        let message = format!("no execution {id} is registered in namespace {namespace}");
        Error::new(Code::ExecutionNotFound, message)
    })
}
