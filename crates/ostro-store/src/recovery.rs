//! What the engine must know before it serves: read once at start.

use ostro_engine::persistence::{
    ExecutionId, ItemKey, ItemKind, NamespaceRow, NamespaceUsage, Recovery, StoredRecord, Waiting, WaitingTask,
};
use ostro_engine::time::Time;
use rusqlite::{Connection, Result, Row};

use crate::apply::remembered_id;
use crate::reader::blob;
use crate::row::item_key;

/// Reads rows of open executions only, and no blobs of them.
pub(crate) fn recover(connection: &Connection) -> Result<Recovery> {
    // One transaction, so that all parts are of the same moment.
    let transaction = connection.unchecked_transaction()?;
    Ok(Recovery {
        namespaces: rows(&transaction, "SELECT id, name, blob FROM namespace ORDER BY id", namespace)?,
        records: rows(&transaction, "SELECT kind, key, value FROM record ORDER BY kind, key", record)?,
        next_execution: next_execution(&transaction)?,
        due: rows(&transaction, "SELECT exec, next_due FROM wake WHERE next_due IS NOT NULL", |row| {
            Ok((row.get(0)?, Time::from_nanos(row.get(1)?)))
        })?,
        workflow_tasks: rows(&transaction, WORKFLOW_TASKS, workflow_task)?,
        activity_tasks: rows(&transaction, &activity_tasks(), activity_task)?,
        usage: Vec::new(),
    })
}

/// What each namespace has, for quotas. Reads all rows of runs, and the sizes of the histories of open ones.
pub(crate) fn usage(connection: &Connection) -> Result<Vec<NamespaceUsage>> {
    let sql = "SELECT namespace, sum(close_time IS NULL OR close_time = 0), sum(CASE WHEN close_time <> 0 \
         THEN history_size_bytes ELSE (SELECT sum(length(events)) FROM history h WHERE h.exec = e.id) END) \
         FROM exec e GROUP BY namespace";
    rows(connection, sql, |row| {
        let history_bytes = row.get::<_, Option<i64>>(2)?.unwrap_or(0);
        Ok(NamespaceUsage { namespace: row.get(0)?, executions_open: row.get(1)?, history_bytes })
    })
}

/// Both tables are walked in the order of their ids.
const WORKFLOW_TASKS: &str = "SELECT w.exec, e.namespace, e.workflow_id, w.waiting_queue, w.waiting_place FROM wake w \
     CROSS JOIN exec e ON e.id = w.exec \
     WHERE w.waiting_queue IS NOT NULL ORDER BY w.exec";

fn activity_tasks() -> String {
    format!(
        "SELECT i.exec, e.namespace, e.workflow_id, i.waiting_queue, i.waiting_place, i.key \
         FROM item i INDEXED BY item_waiting \
         CROSS JOIN exec e ON e.id = i.exec WHERE i.waiting_queue IS NOT NULL AND i.kind = {} ORDER BY i.exec, i.key",
        ItemKind::Activity as u8
    )
}

fn rows<T>(connection: &Connection, sql: &str, read: impl FnMut(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
    connection.prepare(sql)?.query_map([], read)?.collect()
}

fn namespace(row: &Row<'_>) -> Result<NamespaceRow> {
    Ok(NamespaceRow { id: row.get(0)?, name: row.get(1)?, blob: blob(row, 2)? })
}

fn record(row: &Row<'_>) -> Result<StoredRecord> {
    Ok(StoredRecord { kind: row.get(0)?, key: row.get(1)?, value: blob(row, 2)? })
}

fn next_execution(connection: &Connection) -> Result<ExecutionId> {
    let greatest = "SELECT max(ifnull((SELECT max(id) FROM exec), 0), ifnull((SELECT max(exec) FROM state), 0))";
    let greatest: ExecutionId = connection.query_row(greatest, [], |row| row.get(0))?;
    Ok(remembered_id(connection)?.max(greatest + 1))
}

fn workflow_task(row: &Row<'_>) -> Result<WaitingTask> {
    waiting_task(row, 0)
}

fn activity_task(row: &Row<'_>) -> Result<WaitingTask> {
    let ItemKey::Id(event_id) = item_key(row.get_ref(5)?)? else {
        return Err(rusqlite::Error::InvalidColumnType(5, "key".to_owned(), rusqlite::types::Type::Text));
    };
    waiting_task(row, event_id)
}

fn waiting_task(row: &Row<'_>, event_id: i64) -> Result<WaitingTask> {
    let place: Option<Vec<u8>> = row.get(4)?;
    Ok(WaitingTask {
        execution: row.get(0)?,
        namespace: row.get(1)?,
        workflow_id: row.get(2)?,
        waiting: Waiting { queue: row.get(3)?, place: place.unwrap_or_default().into() },
        event_id,
    })
}
