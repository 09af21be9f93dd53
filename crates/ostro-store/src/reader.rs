//! The engine's own reads.

use bytes::Bytes;
use ostro_engine::persistence::{
    ExecutionId, HistoryBatch, ItemKind, Loader, NamespaceId, StoredExecution, StoredItem,
};
use rusqlite::{Connection, OptionalExtension, Row};
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use crate::error::{Doing, Error, OnFatal};
use crate::history;
use crate::row::item_key;

/// Reads for the engine's thread, over a connection of its own. It sees everything that is committed.
pub struct Reader {
    connection: Connection,
    on_fatal: OnFatal,
}

impl Reader {
    pub(crate) fn new(connection: Connection, on_fatal: OnFatal) -> Self {
        Self { connection, on_fatal }
    }

    /// The engine cannot go on without an answer, and a wrong one would corrupt.
    fn must<T>(&self, doing: &'static str, read: rusqlite::Result<T>) -> T {
        read.doing(doing).unwrap_or_else(|error: Error| {
            (self.on_fatal)(error);
            std::process::abort()
        })
    }
}

impl Loader for Reader {
    fn newest_run(&self, namespace: NamespaceId, workflow_id: &str) -> Option<ExecutionId> {
        self.must("find the newest run of a workflow", newest_run(&self.connection, namespace, workflow_id))
    }

    fn run(&self, namespace: NamespaceId, workflow_id: &str, run_id: &str) -> Option<ExecutionId> {
        self.must("find a run", run(&self.connection, namespace, workflow_id, run_id))
    }

    fn load(&self, execution: ExecutionId) -> Option<StoredExecution> {
        self.must("load an execution", load(&self.connection, execution))
    }

    fn history(&self, execution: ExecutionId, from: i64, to: i64) -> Vec<HistoryBatch> {
        self.must("read history", history::batches(&self.connection, execution, from, to))
    }

    fn is_pinned(&self, namespace: NamespaceId, version: &str) -> bool {
        self.must("look for runs pinned to a version", is_pinned(&self.connection, namespace, version))
    }
}

/// Reads open runs until it finds one.
fn is_pinned(connection: &Connection, namespace: NamespaceId, version: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM exec INDEXED BY exec_status WHERE namespace = ?1 AND status IN (?3, ?4) \
         AND division IS NULL AND search_values ->> 'TemporalWorkerDeploymentVersion' = ?2 \
         AND search_values ->> 'TemporalWorkflowVersioningBehavior' = 'Pinned')";
    let (running, paused) = (WorkflowExecutionStatus::Running as i32, WorkflowExecutionStatus::Paused as i32);
    connection.prepare_cached(sql)?.query_row((namespace, version, running, paused), |row| row.get(0))
}

pub(crate) fn newest_run(
    connection: &Connection,
    namespace: NamespaceId,
    workflow_id: &str,
) -> rusqlite::Result<Option<ExecutionId>> {
    let sql = "SELECT id FROM exec INDEXED BY exec_workflow WHERE namespace = ?1 AND workflow_id = ?2 \
         ORDER BY id DESC LIMIT 1";
    connection.prepare_cached(sql)?.query_row((namespace, workflow_id), |row| row.get(0)).optional()
}

pub(crate) fn run(
    connection: &Connection,
    namespace: NamespaceId,
    workflow_id: &str,
    run_id: &str,
) -> rusqlite::Result<Option<ExecutionId>> {
    let sql = "SELECT id FROM exec WHERE namespace = ?1 AND run_id = ?3 AND workflow_id = ?2";
    connection.prepare_cached(sql)?.query_row((namespace, workflow_id, run_id), |row| row.get(0)).optional()
}

pub(crate) fn load(connection: &Connection, execution: ExecutionId) -> rusqlite::Result<Option<StoredExecution>> {
    let sql = "SELECT e.namespace, s.blob FROM state s JOIN exec e ON e.id = s.exec WHERE s.exec = ?1";
    let core = |row: &Row<'_>| Ok((row.get(0)?, blob(row, 1)?));
    let Some((namespace, state)) = connection.prepare_cached(sql)?.query_row([execution], core).optional()? else {
        return Ok(None);
    };
    let sql = "SELECT kind, key, value FROM item WHERE exec = ?1 ORDER BY kind, key";
    let items = connection.prepare_cached(sql)?.query_map([execution], item)?.collect::<rusqlite::Result<_>>()?;
    Ok(Some(StoredExecution { id: execution, namespace, state, items }))
}

fn item(row: &Row<'_>) -> rusqlite::Result<StoredItem> {
    let kind: u8 = row.get(0)?;
    let kind = ItemKind::from_u8(kind).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, i64::from(kind)))?;
    Ok(StoredItem { kind, key: item_key(row.get_ref(1)?)?, value: blob(row, 2)? })
}

pub(crate) fn blob(row: &Row<'_>, index: usize) -> rusqlite::Result<Bytes> {
    Ok(Bytes::copy_from_slice(row.get_ref(index)?.as_blob()?))
}
