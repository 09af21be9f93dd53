//! The engine's own reads.

use bytes::Bytes;
use ostro_engine::persistence::{
    Damaged, ExecutionId, HistoryBatch, ItemKind, Listed, Loader, NamespaceId, StoredExecution, StoredItem,
};
use rusqlite::{Connection, OptionalExtension, Row};
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use crate::error::{Error, OnFatal, is_damage};
use crate::history;
use crate::row::{VISIBILITY_COLUMNS, item_key, visibility};
use crate::sum::Part;

/// Reads for the engine's thread, over a connection of its own. It sees everything that is committed.
pub struct Reader {
    connection: Connection,
    on_fatal: OnFatal,
}

impl Reader {
    pub(crate) fn new(connection: Connection, on_fatal: OnFatal) -> Self {
        Self { connection, on_fatal }
    }

    /// Damage is the engine's to deal with. Of anything else nobody knows what was to be read: the process cannot go on.
    fn must<T>(&self, doing: &'static str, read: rusqlite::Result<T>) -> Result<T, Damaged> {
        match read {
            Ok(read) => Ok(read),
            Err(error) if is_damage(&error) => Err(Damaged(error.to_string())),
            Err(source) => {
                (self.on_fatal)(Error::Sqlite { doing, source });
                std::process::abort()
            }
        }
    }
}

impl Loader for Reader {
    fn newest_run(&self, namespace: NamespaceId, workflow_id: &str) -> Result<Option<ExecutionId>, Damaged> {
        self.must("find the newest run of a workflow", newest_run(&self.connection, namespace, workflow_id))
    }

    fn run(&self, namespace: NamespaceId, workflow_id: &str, run_id: &str) -> Result<Option<ExecutionId>, Damaged> {
        self.must("find a run", run(&self.connection, namespace, workflow_id, run_id))
    }

    fn load(&self, execution: ExecutionId) -> Result<Option<StoredExecution>, Damaged> {
        self.must("load an execution", load(&self.connection, execution))
    }

    fn listed(&self, execution: ExecutionId) -> Result<Option<Listed>, Damaged> {
        self.must("read the row that lists an execution", listed(&self.connection, execution))
    }

    fn history(&self, execution: ExecutionId, from: i64, to: i64) -> Result<Vec<HistoryBatch>, Damaged> {
        self.must("read history", history::batches(&self.connection, execution, from, to))
    }

    fn is_pinned(&self, namespace: NamespaceId, version: &str) -> Result<bool, Damaged> {
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
    let Some(listed) = listed(connection, execution)? else { return Ok(None) };
    // It is listed, so it has a state.
    let (state, items) = parts(connection, execution)?.ok_or_else(|| Part::State.mismatch())?;
    Ok(Some(StoredExecution { id: execution, namespace: listed.namespace, state, items }))
}

/// The state of an execution and its items; nothing where it has no state.
pub(crate) fn parts(
    connection: &Connection,
    execution: ExecutionId,
) -> rusqlite::Result<Option<(Bytes, Vec<StoredItem>)>> {
    let sql = "SELECT exec, blob, sum FROM state WHERE exec = ?1";
    let core = |row: &Row<'_>| {
        Part::State.check(row, 0, 2)?;
        blob(row, 1)
    };
    let Some(state) = connection.prepare_cached(sql)?.query_row([execution], core).optional()? else {
        return Ok(None);
    };
    let sql = "SELECT exec, kind, key, waiting_queue, waiting_place, value, sum FROM item WHERE exec = ?1 \
         ORDER BY kind, key";
    let items = connection.prepare_cached(sql)?.query_map([execution], item)?.collect::<rusqlite::Result<_>>()?;
    Ok(Some((state, items)))
}

/// What lists know of an execution.
pub(crate) fn listed(connection: &Connection, execution: ExecutionId) -> rusqlite::Result<Option<Listed>> {
    let sql = format!("SELECT {VISIBILITY_COLUMNS} FROM exec WHERE id = ?1");
    let row = connection.prepare_cached(&sql)?.query_row([execution], visibility).optional()?;
    Ok(row.map(|row| Listed {
        namespace: row.namespace,
        workflow_id: row.workflow_id,
        run_id: row.run_id,
        status: row.status,
    }))
}

fn item(row: &Row<'_>) -> rusqlite::Result<StoredItem> {
    Part::Item.check(row, 0, 6)?;
    let kind: u8 = row.get(1)?;
    let kind = ItemKind::from_u8(kind).ok_or(rusqlite::Error::IntegralValueOutOfRange(1, i64::from(kind)))?;
    Ok(StoredItem { kind, key: item_key(row.get_ref(2)?)?, value: blob(row, 5)? })
}

pub(crate) fn blob(row: &Row<'_>, index: usize) -> rusqlite::Result<Bytes> {
    Ok(Bytes::copy_from_slice(row.get_ref(index)?.as_blob()?))
}
