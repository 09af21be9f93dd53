//! A commit group as SQL: one transaction.

use ostro_engine::persistence::{ExecutionId, VisibilityRow, Waiting, Write};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result, params};

use crate::group::Group;
use crate::row::{SqlKey, division, search_json, set_number, set_text};
use crate::sum::Part;
use crate::visibility::SearchIndex;
use ostro_engine::time::Time;

/// Columns that can change during the life of a run are updated, the others are written once: so an update touches the
/// indexes on status and close time only.
const PUT_VISIBILITY: &str = "INSERT INTO exec (id, namespace, workflow_id, run_id, workflow_type, status, task_queue, \
     start_time, execution_time, close_time, history_length, history_size_bytes, state_transition_count, \
     parent_workflow_id, parent_run_id, root_workflow_id, root_run_id, first_run_id, delete_time, division, \
     search_values, search_attributes, memo, fixed_sum, sum) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, \
     ?24, ?25) \
     ON CONFLICT (id) DO UPDATE SET status = ?6, task_queue = ?7, execution_time = ?9, close_time = ?10, \
     history_length = ?11, history_size_bytes = ?12, state_transition_count = ?13, delete_time = ?19, \
     search_values = ?21, search_attributes = ?22, memo = ?23, sum = ?25";

const PUT_STATE: &str = "REPLACE INTO state (exec, blob, sum) VALUES (?1, ?2, ?3)";
const PUT_WAKE: &str =
    "REPLACE INTO wake (exec, next_due, waiting_queue, waiting_place, sum) VALUES (?1, ?2, ?3, ?4, ?5)";
const DELETE_WAKE: &str = "DELETE FROM wake WHERE exec = ?1";
const PUT_ITEM: &str =
    "REPLACE INTO item (exec, kind, key, waiting_queue, waiting_place, value, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const DELETE_ITEM: &str = "DELETE FROM item WHERE exec = ?1 AND kind = ?2 AND key = ?3";
const APPEND_HISTORY: &str = "INSERT INTO history (exec, first, next, blob, sum) VALUES (?1, ?2, ?3, ?4, ?5)";
const DELETE_EXECUTION: [&str; 5] = [
    "DELETE FROM exec WHERE id = ?1",
    "DELETE FROM state WHERE exec = ?1",
    "DELETE FROM wake WHERE exec = ?1",
    "DELETE FROM item WHERE exec = ?1",
    "DELETE FROM history WHERE exec = ?1",
];
/// Keeps the ids of deleted runs from being given again.
const REMEMBER_ID: &str = "INSERT INTO meta (key, value) VALUES ('next_execution', ?1) \
     ON CONFLICT (key) DO UPDATE SET value = max(value, ?1)";

/// Writes the whole group and commits it, or nothing.
pub(crate) fn apply(connection: &Connection, group: &Group) -> Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let applied = delete_executions(connection, group)
        .and_then(|()| put_visibility(connection, group))
        .and_then(|()| put_state(connection, group))
        .and_then(|()| put_items(connection, group))
        .and_then(|()| append_history(connection, group))
        .and_then(|()| group.named.iter().try_for_each(|write| put_named(connection, write)))
        .and_then(|()| connection.prepare_cached("COMMIT")?.execute([]).map(drop));
    if applied.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    applied
}

fn delete_executions(connection: &Connection, group: &Group) -> Result<()> {
    let Some(last) = group.deleted.last() else { return Ok(()) };
    connection.prepare_cached(REMEMBER_ID)?.execute([last + 1])?;
    for sql in DELETE_EXECUTION {
        let mut statement = connection.prepare_cached(sql)?;
        for execution in &group.deleted {
            statement.execute([execution])?;
        }
    }
    Ok(())
}

fn put_visibility(connection: &Connection, group: &Group) -> Result<()> {
    if group.visibility.is_empty() {
        return Ok(());
    }
    let mut put = connection.prepare_cached(PUT_VISIBILITY)?;
    group.visibility.values().try_for_each(|row| put_row(&mut put, row))
}

/// Inserts the row that lists an execution, apart from any group.
pub(crate) fn put_listed(connection: &Connection, row: &VisibilityRow) -> Result<()> {
    put_row(&mut connection.prepare(PUT_VISIBILITY)?, row)
}

fn put_row(put: &mut rusqlite::Statement<'_>, row: &VisibilityRow) -> Result<()> {
    let closed = row.close_time != Time::UNSET;
    let search_values = search_json(&row.search_values);
    let (fixed_sum, sum) = sums(row, search_values.as_deref());
    put.execute(params![
        row.id,
        row.namespace,
        row.workflow_id,
        row.run_id,
        row.workflow_type,
        row.status,
        row.task_queue,
        row.start_time.nanos(),
        row.execution_time.nanos(),
        set_number(row.close_time.nanos()),
        closed.then_some(row.history_length),
        closed.then_some(row.history_size_bytes),
        closed.then_some(row.state_transition_count),
        set_text(&row.parent_workflow_id),
        set_text(&row.parent_run_id),
        set_text(&row.root_workflow_id),
        set_text(&row.root_run_id),
        row.first_run_id,
        set_number(row.delete_time.nanos()),
        division(row),
        search_values,
        &row.search_attributes[..],
        &row.memo[..],
        fixed_sum,
        sum,
    ])?;
    Ok(())
}

/// Of the columns that are written once, and of those that change.
fn sums(row: &VisibilityRow, search_values: Option<&str>) -> (i64, i64) {
    let closed = |number| (row.close_time != Time::UNSET).then_some(number);
    let fixed = [
        number(row.id),
        number(row.namespace),
        text(&row.workflow_id),
        text(&row.run_id),
        text(&row.workflow_type),
        number(row.start_time.nanos()),
        optional_text(set_text(&row.parent_workflow_id)),
        optional_text(set_text(&row.parent_run_id)),
        optional_text(set_text(&row.root_workflow_id)),
        optional_text(set_text(&row.root_run_id)),
        text(&row.first_run_id),
        optional_text(division(row)),
    ];
    let changing = [
        number(row.id),
        number(row.status.into()),
        text(&row.task_queue),
        number(row.execution_time.nanos()),
        optional_number(set_number(row.close_time.nanos())),
        optional_number(closed(row.history_length)),
        optional_number(closed(row.history_size_bytes)),
        optional_number(closed(row.state_transition_count)),
        optional_number(set_number(row.delete_time.nanos())),
        optional_text(search_values),
        ValueRef::Blob(&row.search_attributes),
        ValueRef::Blob(&row.memo),
    ];
    (Part::ExecFixed.sum(fixed), Part::Exec.sum(changing))
}

fn number<'a>(number: i64) -> ValueRef<'a> {
    ValueRef::Integer(number)
}

fn text(text: &str) -> ValueRef<'_> {
    ValueRef::Text(text.as_bytes())
}

fn optional_number<'a>(value: Option<i64>) -> ValueRef<'a> {
    value.map_or(ValueRef::Null, number)
}

fn optional_text(value: Option<&str>) -> ValueRef<'_> {
    value.map_or(ValueRef::Null, text)
}

fn optional_blob(value: Option<&[u8]>) -> ValueRef<'_> {
    value.map_or(ValueRef::Null, ValueRef::Blob)
}

fn put_state(connection: &Connection, group: &Group) -> Result<()> {
    if group.state.is_empty() {
        return Ok(());
    }
    let mut put = connection.prepare_cached(PUT_STATE)?;
    let mut put_wake = connection.prepare_cached(PUT_WAKE)?;
    let mut delete_wake = connection.prepare_cached(DELETE_WAKE)?;
    for (execution, state) in &group.state {
        let sum = Part::State.sum([number(*execution), ValueRef::Blob(&state.blob)]);
        put.execute(params![execution, &state.blob[..], sum])?;
        if state.next_due.is_some() || state.waiting.is_some() {
            let (queue, place) = waiting(&state.waiting);
            let due = state.next_due.map(Time::nanos);
            let sum = [number(*execution), optional_number(due), optional_text(queue), optional_blob(place)];
            put_wake.execute(params![execution, due, queue, place, Part::Wake.sum(sum)])?;
        } else {
            delete_wake.execute([execution])?;
        }
    }
    Ok(())
}

fn put_items(connection: &Connection, group: &Group) -> Result<()> {
    if group.items.is_empty() {
        return Ok(());
    }
    let mut put = connection.prepare_cached(PUT_ITEM)?;
    let mut delete = connection.prepare_cached(DELETE_ITEM)?;
    for ((execution, kind, key), item) in &group.items {
        let (kind, key) = (*kind as u8, SqlKey(key));
        match item {
            Some(item) => {
                let (queue, place) = waiting(&item.waiting);
                let sum = Part::Item.sum([
                    number(*execution),
                    number(kind.into()),
                    key.value(),
                    optional_text(queue),
                    optional_blob(place),
                    ValueRef::Blob(&item.value),
                ]);
                put.execute(params![execution, kind, key, queue, place, &item.value[..], sum])?
            }
            None => delete.execute(params![execution, kind, key])?,
        };
    }
    Ok(())
}

fn append_history(connection: &Connection, group: &Group) -> Result<()> {
    if group.history.is_empty() {
        return Ok(());
    }
    let mut append = connection.prepare_cached(APPEND_HISTORY)?;
    for batch in &group.history {
        let sum = Part::History.sum([
            number(batch.execution),
            number(batch.first),
            number(batch.next),
            ValueRef::Blob(&batch.events),
        ]);
        append.execute(params![batch.execution, batch.first, batch.next, &batch.events[..], sum])?;
    }
    Ok(())
}

fn put_named(connection: &Connection, write: &Write) -> Result<()> {
    let run = |sql, values: &[&dyn rusqlite::ToSql]| connection.prepare_cached(sql)?.execute(values).map(drop);
    match write {
        Write::PutNamespace(row) => run(
            "INSERT INTO namespace (id, name, blob, sum) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (id) DO UPDATE SET name = ?2, blob = ?3, sum = ?4",
            &[
                &row.id,
                &row.name,
                &&row.blob[..],
                &Part::Namespace.sum([number(row.id), text(&row.name), ValueRef::Blob(&row.blob)]),
            ],
        ),
        Write::DeleteNamespace(id) => run("DELETE FROM namespace WHERE id = ?1", &[id]),
        Write::PutRecord { kind, key, value } => run(
            "REPLACE INTO record (kind, key, value, sum) VALUES (?1, ?2, ?3, ?4)",
            &[kind, key, &&value[..], &Part::Record.sum([text(kind), text(key), ValueRef::Blob(value)])],
        ),
        Write::DeleteRecord { kind, key } => run("DELETE FROM record WHERE kind = ?1 AND key = ?2", &[kind, key]),
        _ => unreachable!("a group keeps only namespaces and records here"),
    }
}

/// Makes an index for filters and order on an attribute. Does nothing where there is one already.
///
/// `rows_per_value` is what the query planner shall expect of it.
pub(crate) fn create_search_index(connection: &Connection, index: &SearchIndex) -> Result<()> {
    let SearchIndex { name, rows_per_value, .. } = index;
    if connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?1")?.exists([name])? {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    // Before the index: when other connections notice it, they read both.
    let expectation = "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('exec', ?1, ?2)";
    transaction.execute(expectation, (name, format!("1000000 1000000 {rows_per_value}")))?;
    transaction.execute_batch(&index.sql())?;
    transaction.commit()
}

/// The greatest id that was deleted, plus one.
pub(crate) fn remembered_id(connection: &Connection) -> Result<ExecutionId> {
    use rusqlite::OptionalExtension;
    let sql = "SELECT value FROM meta WHERE key = 'next_execution'";
    Ok(connection.query_row(sql, [], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// The columns of a waiting task.
fn waiting(waiting: &Option<Waiting>) -> (Option<&str>, Option<&[u8]>) {
    let place = waiting.as_ref().map(|waiting| &waiting.place[..]).filter(|place| !place.is_empty());
    (waiting.as_ref().map(|waiting| waiting.queue.as_str()), place)
}
