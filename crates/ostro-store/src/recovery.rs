//! What the engine must know before it serves: read once at start.

use ostro_engine::execution::EVENT_IDS_MAX;
use ostro_engine::persistence::{
    Damaged, DamagedPart, DamagedRow, ExecutionId, ItemKey, ItemKind, NamespaceRow, NamespaceUsage, Recovery,
    StoredRecord, Waiting, WaitingTask,
};
use ostro_engine::time::Time;
use rusqlite::{Connection, Result, Row};

use crate::apply::remembered_id;
use crate::error::is_damage;
use crate::reader::blob;
use crate::row::item_key;
use crate::sum::Part;

/// Reads rows of open executions only, and no blobs of them.
pub(crate) fn recover(connection: &Connection) -> Result<Recovery> {
    // One transaction, so that all parts are of the same moment.
    let transaction = connection.unchecked_transaction()?;
    let mut recovery = Recovery { next_execution: next_execution(&transaction)?, ..Default::default() };
    named(&transaction, &mut recovery)?;
    wakes(&transaction, &mut recovery)?;
    recovery.activity_tasks = activity_tasks(&transaction, &mut recovery.damaged)?;
    Ok(recovery)
}

/// What each namespace has, for quotas. Reads all rows of runs, and the sizes of the histories of open ones.
pub(crate) fn usage(connection: &Connection) -> Result<Vec<NamespaceUsage>> {
    let sql = "SELECT namespace, sum(close_time IS NULL OR close_time = 0), sum(CASE WHEN close_time <> 0 \
         THEN history_size_bytes ELSE (SELECT sum(length(blob)) FROM history h WHERE h.exec = e.id) END) \
         FROM exec e GROUP BY namespace";
    let usage = |row: &Row<'_>| {
        let history_bytes = row.get::<_, Option<i64>>(2)?.unwrap_or(0);
        Ok(NamespaceUsage { namespace: row.get(0)?, executions_open: row.get(1)?, history_bytes })
    };
    connection.prepare(sql)?.query_map([], usage)?.collect()
}

/// Reads each row; one that is damaged goes to `lost`.
fn each<T>(
    connection: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> Result<T>,
    mut lost: impl FnMut(&Row<'_>, Damaged) -> Result<()>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        match read(row) {
            Ok(value) => found.push(value),
            Err(error) if is_damage(&error) => lost(row, Damaged(error.to_string()))?,
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// What a column says, as far as it can be read.
pub(crate) fn readable(row: &Row<'_>, index: usize) -> String {
    let text = row.get_ref(index).ok().and_then(|value| value.as_str().ok().map(str::to_owned));
    text.unwrap_or_default()
}

fn named(connection: &Connection, recovery: &mut Recovery) -> Result<()> {
    let damaged = &mut recovery.damaged;
    recovery.namespaces =
        each(connection, "SELECT id, name, blob, sum FROM namespace ORDER BY id", namespace, |row, what| {
            damaged.push(DamagedRow { of: DamagedPart::Namespace { id: row.get(0)?, name: readable(row, 1) }, what });
            Ok(())
        })?;
    recovery.records =
        each(connection, "SELECT kind, key, value, sum FROM record ORDER BY kind, key", record, |row, what| {
            let of = DamagedPart::Record { kind: readable(row, 0), key: readable(row, 1) };
            damaged.push(DamagedRow { of, what });
            Ok(())
        })?;
    Ok(())
}

pub(crate) fn namespace(row: &Row<'_>) -> Result<NamespaceRow> {
    Part::Namespace.check(row, 0, 3)?;
    Ok(NamespaceRow { id: row.get(0)?, name: row.get(1)?, blob: blob(row, 2)? })
}

pub(crate) fn record(row: &Row<'_>) -> Result<StoredRecord> {
    Part::Record.check(row, 0, 3)?;
    Ok(StoredRecord { kind: row.get(0)?, key: row.get(1)?, value: blob(row, 2)? })
}

fn next_execution(connection: &Connection) -> Result<ExecutionId> {
    let greatest = "SELECT max(ifnull((SELECT max(id) FROM exec), 0), ifnull((SELECT max(exec) FROM state), 0))";
    let greatest: ExecutionId = connection.query_row(greatest, [], |row| row.get(0))?;
    let next = remembered_id(connection)?.max(greatest.saturating_add(1));
    if (0..EVENT_IDS_MAX).contains(&next) { Ok(next) } else { Err(rusqlite::Error::IntegralValueOutOfRange(0, next)) }
}

/// Both tables are walked in the order of their ids.
const WAKES: &str = "SELECT w.exec, w.next_due, w.waiting_queue, w.waiting_place, w.sum, e.namespace, e.workflow_id \
     FROM wake w LEFT JOIN exec e ON w.waiting_queue IS NOT NULL AND e.id = w.exec ORDER BY w.exec";

struct Wake {
    execution: ExecutionId,
    next_due: Option<Time>,
    task: Option<WaitingTask>,
}

/// Of a damaged row the execution itself tells what it held.
fn wakes(connection: &Connection, recovery: &mut Recovery) -> Result<()> {
    let unsure = &mut recovery.unsure;
    let wakes = each(connection, WAKES, wake, |row, _| {
        unsure.push(row.get(0)?);
        Ok(())
    })?;
    for Wake { execution, next_due, task } in wakes {
        recovery.due.extend(next_due.map(|due| (execution, due)));
        recovery.workflow_tasks.extend(task);
    }
    Ok(())
}

fn wake(row: &Row<'_>) -> Result<Wake> {
    Part::Wake.check(row, 0, 4)?;
    let execution = row.get(0)?;
    let task = match row.get::<_, Option<String>>(2)? {
        None => None,
        Some(queue) => Some(WaitingTask {
            execution,
            namespace: row.get(5)?,
            workflow_id: row.get(6)?,
            waiting: Waiting { queue, place: row.get::<_, Option<Vec<u8>>>(3)?.unwrap_or_default().into() },
            event_id: 0,
        }),
    };
    Ok(Wake { execution, next_due: row.get::<_, Option<i64>>(1)?.map(Time::from_nanos), task })
}

/// Without their values, and so without a look at their sums: that is done before a task is handed out.
fn activity_tasks(connection: &Connection, damaged: &mut Vec<DamagedRow>) -> Result<Vec<WaitingTask>> {
    let sql = format!(
        "SELECT i.exec, e.namespace, e.workflow_id, i.waiting_queue, i.waiting_place, i.key \
         FROM item i INDEXED BY item_waiting \
         CROSS JOIN exec e ON e.id = i.exec WHERE i.waiting_queue IS NOT NULL AND i.kind = {} ORDER BY i.exec, i.key",
        ItemKind::Activity as u8
    );
    each(connection, &sql, activity_task, |row, what| {
        damaged.push(DamagedRow { of: DamagedPart::Execution(row.get(0)?), what });
        Ok(())
    })
}

fn activity_task(row: &Row<'_>) -> Result<WaitingTask> {
    let ItemKey::Id(event_id) = item_key(row.get_ref(5)?)? else {
        return Err(rusqlite::Error::InvalidColumnType(5, "key".to_owned(), rusqlite::types::Type::Text));
    };
    let place: Option<Vec<u8>> = row.get(4)?;
    Ok(WaitingTask {
        execution: row.get(0)?,
        namespace: row.get(1)?,
        workflow_id: row.get(2)?,
        waiting: Waiting { queue: row.get(3)?, place: place.unwrap_or_default().into() },
        event_id,
    })
}
