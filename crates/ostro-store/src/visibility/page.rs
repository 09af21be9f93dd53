//! Pages of a list, and the tokens that continue them.
//!
//! A token holds the sort key of the last row that was handed out, not an offset: rows that come, go or change elsewhere
//! neither shift nor repeat the rest.

use ostro_engine::error::{Error, Result};
use ostro_engine::persistence::{NamespaceId, VisibilityRow};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::SearchAttributeTypes;
use super::count::{failed, grouping};
use super::order::Order;
use super::sql::{Sql, compile};
use super::token;
use crate::row::{VISIBILITY_COLUMNS, visibility};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// Their `search_values` are empty: `search_attributes` holds the same.
    pub rows: Vec<VisibilityRow>,
    /// Empty on the last page.
    pub next_token: Vec<u8>,
}

/// The size of a page where none is asked for, and the greatest, as on the reference server.
const PAGE_SIZE_MAX: usize = 1_000;
/// Bytes before which a page ends: with one more row, which has a memo of 2 MiB at most, still under the 4 MiB that every client takes.
const PAGE_BYTES_MAX: usize = 2 << 20;
/// What a row has beside texts and blobs.
const ROW_BYTES: usize = 200;

pub(crate) fn list(
    connection: &Connection,
    namespace: NamespaceId,
    types: &SearchAttributeTypes,
    query: &str,
    page_size: usize,
    token: &[u8],
) -> Result<Page> {
    let compiled = compile(types, query)?;
    grouping(&compiled.group_by)?;
    let order = Order::new(&compiled.order_by, compiled.closed_only)?;
    let page_size = if page_size == 0 { PAGE_SIZE_MAX } else { page_size.min(PAGE_SIZE_MAX) };
    let after = if token.is_empty() { None } else { Some(token::decode(namespace, query, order.len(), token)?) };
    let sql = selection(namespace, compiled.condition, &order, after, page_size + 1);
    let (rows, last) = read(connection, &sql, order.len(), page_size).map_err(failed)?;
    let next_token = last.map_or(Vec::new(), |key| token::encode(namespace, query, &key));
    Ok(Page { rows, next_token })
}

/// Finds and sorts keys only, the id of the row last: what is not on the page is never read.
fn selection(namespace: NamespaceId, condition: Sql, order: &Order, after: Option<Vec<Value>>, limit: usize) -> Sql {
    let mut sql = Sql::default();
    sql.push("SELECT ").push(&order.columns());
    sql.push(" FROM exec WHERE namespace = ").bind(Value::Integer(namespace)).push(" AND ").append(condition);
    if let Some(after) = after {
        sql.push(" AND ").append(order.after(after));
    }
    sql.push(" ORDER BY ").push(&order.clause()).push(&format!(" LIMIT {limit}"));
    sql
}

/// The rows of a page, and the key of the last where more follow. It ends before the row with which it would grow too large, but has one.
fn read(
    connection: &Connection,
    sql: &Sql,
    keys: usize,
    page_size: usize,
) -> rusqlite::Result<(Vec<VisibilityRow>, Option<Vec<Value>>)> {
    let mut selected = connection.prepare_cached(&sql.text)?;
    let mut row_of = connection.prepare_cached(&format!("SELECT {VISIBILITY_COLUMNS} FROM exec WHERE id = ?1"))?;
    let key = |row: &Row<'_>| (0..keys).map(|index| row.get(index)).collect::<rusqlite::Result<Vec<Value>>>();
    let found: Vec<Vec<Value>> =
        selected.query_map(params_from_iter(&sql.values), key)?.collect::<rusqlite::Result<_>>()?;
    let (mut rows, mut bytes, mut last) = (Vec::new(), 0, None);
    for key in found {
        // One that was deleted since its key was read is left out.
        let Some(row) = row_of.query_row([&key[keys - 1]], visibility).optional()? else { continue };
        bytes += size(&row);
        if rows.len() == page_size || (bytes > PAGE_BYTES_MAX && !rows.is_empty()) {
            return Ok((rows, last));
        }
        rows.push(row);
        last = Some(key);
    }
    Ok((rows, None))
}

/// What a row adds to an answer, roughly.
fn size(row: &VisibilityRow) -> usize {
    let texts = [&row.workflow_id, &row.run_id, &row.workflow_type, &row.task_queue, &row.parent_workflow_id];
    let names: usize = texts.into_iter().map(String::len).sum();
    names + row.memo.len() + row.search_attributes.len() + ROW_BYTES
}

/// A token that this list did not hand out.
pub(crate) fn bad_token() -> Error {
    Error::invalid(
        "invalid query: the page token belongs to another query or is damaged: pass next_page_token as it came, with the \
         same query, or start without one",
    )
}

#[cfg(test)]
mod tests {
    use temporalio_protos::temporal::api::enums::v1::IndexedValueType as Type;

    use super::*;

    #[test]
    fn plans_use_the_index_that_fits() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let connection = crate::schema::open_writer(&path, false).unwrap();
        let types: SearchAttributeTypes = [("Customer".to_owned(), Type::Keyword)].into();
        let index = super::super::search_index("Customer", Type::Keyword).unwrap();
        crate::apply::create_search_index(&connection, &index).unwrap();
        drop(connection);
        let connection = crate::schema::open_reader(&path).unwrap();
        for (query, index, sorts) in [
            ("", "exec_close", false),
            ("ExecutionStatus = 'Running'", "exec_status", false),
            ("WorkflowType = 'x'", "exec_type", false),
            ("WorkflowId = 'x'", "exec_workflow", true),
            ("WorkflowId = 'x' AND ExecutionStatus = 'Running'", "exec_workflow", true),
            ("RunId = 'x'", "exec_run", true),
            ("ParentWorkflowId = 'x'", "exec_parent", true),
            ("TemporalNamespaceDivision = 'x'", "exec_division", false),
            ("Customer = 'x'", "search_^customer", true),
            ("Customer = 'x' AND ExecutionStatus = 'Running'", "search_^customer", true),
            ("Customer IN ('x', 'y')", "search_^customer", true),
            ("CloseTime > 0", "exec_close", false),
            ("ORDER BY StartTime", "exec_start", false),
            ("WorkflowType = 'x' AND ExecutionStatus = 'Completed'", "exec_type", false),
            ("WorkflowType = 'x' AND ExecutionStatus = 'Running' ORDER BY StartTime", "exec_type", false),
            ("ExecutionStatus = 'Running' ORDER BY StartTime DESC", "exec_status", false),
            ("WorkflowId = 'x' AND ExecutionStatus = 'Completed'", "exec_workflow", true),
        ] {
            let plan = plan(&connection, &types, query);
            assert!(plan.contains(&format!("INDEX {index} (")), "{query}: {plan}");
            let inner = plan.split("SCAN page").next().unwrap();
            assert_eq!(inner.contains("TEMP B-TREE"), sorts, "{query}: {plan}");
        }
    }

    fn plan(connection: &Connection, types: &SearchAttributeTypes, query: &str) -> String {
        let compiled = compile(types, query).unwrap();
        let order = Order::new(&compiled.order_by, compiled.closed_only).unwrap();
        let sql = selection(1, compiled.condition, &order, None, 100);
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.text)).unwrap();
        let rows = statement.query_map(params_from_iter(&sql.values), |row| row.get::<_, String>(3)).unwrap();
        rows.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("; ")
    }
}
