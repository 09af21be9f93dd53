//! Counting runs.

use ostro_engine::error::{Error, ErrorKind, Result};
use ostro_engine::persistence::{NamespaceId, SearchValue};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::attribute::{Attribute, Source};
use super::errors::unsupported;
use super::sql::{Compiled, Sql, compile};
use super::{SearchAttributeTypes, status};

/// How many runs a filter selects.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Count {
    pub total: i64,
    /// With `GROUP BY`: the values that make a group, and its size; ordered by the values.
    pub groups: Vec<(Vec<SearchValue>, i64)>,
}

pub(crate) fn count(
    connection: &Connection,
    namespace: NamespaceId,
    types: &SearchAttributeTypes,
    query: &str,
) -> Result<Count> {
    let Compiled { condition, group_by, order_by, .. } = compile(types, query)?;
    if let Some((attribute, _)) = order_by.first() {
        return Err(unsupported(attribute.position, "'ORDER BY' clause: a count has no order"));
    }
    match grouping(&group_by)? {
        None => total(connection, namespace, condition),
        Some(attribute) => groups(connection, namespace, condition, attribute),
    }
}

/// The attribute to group by. A list takes the same clause, as on the reference server, and has no use for it.
pub(super) fn grouping(group_by: &[Attribute]) -> Result<Option<&Attribute>> {
    match group_by {
        [] => Ok(None),
        [attribute] if matches!(attribute.source, Source::Status | Source::Division) => Ok(Some(attribute)),
        [attribute] => {
            let what = format!(
                "'GROUP BY' clause is not supported for search attribute {}: group by ExecutionStatus",
                attribute.alias
            );
            Err(unsupported(attribute.position, &what))
        }
        [_, second, ..] => Err(unsupported(second.position, "'GROUP BY' clause supports only a single field")),
    }
}

fn total(connection: &Connection, namespace: NamespaceId, condition: Sql) -> Result<Count> {
    let sql = selection("count(*)", namespace, condition);
    let total = connection
        .prepare_cached(&sql.text)
        .and_then(|mut statement| statement.query_row(params_from_iter(sql.values), |row| row.get(0)))
        .map_err(failed)?;
    Ok(Count { total, groups: Vec::new() })
}

fn groups(connection: &Connection, namespace: NamespaceId, condition: Sql, attribute: &Attribute) -> Result<Count> {
    let mut sql = selection(&format!("{}, count(*)", attribute.expression), namespace, condition);
    sql.push(" GROUP BY 1");
    let read = |connection: &Connection| -> rusqlite::Result<Vec<(String, i64)>> {
        let mut statement = connection.prepare_cached(&sql.text)?;
        let rows = statement.query_map(params_from_iter(&sql.values), |row| Ok((shown(row.get(0)?), row.get(1)?)))?;
        rows.collect()
    };
    let mut groups = read(connection).map_err(failed)?;
    groups.sort();
    let total = groups.iter().map(|(_, size)| size).sum();
    Ok(Count {
        total,
        groups: groups.into_iter().map(|(name, size)| (vec![SearchValue::String(name)], size)).collect(),
    })
}

fn selection(columns: &str, namespace: NamespaceId, condition: Sql) -> Sql {
    let mut sql = Sql::default();
    sql.push("SELECT ").push(columns).push(" FROM exec WHERE namespace = ").bind(Value::Integer(namespace));
    sql.push(" AND ").append(condition);
    sql
}

fn shown(value: Value) -> String {
    match value {
        Value::Integer(number) => i32::try_from(number).ok().and_then(status::name).unwrap_or_default(),
        Value::Text(text) => text,
        _ => String::new(),
    }
}

pub(crate) fn failed(error: rusqlite::Error) -> Error {
    if crate::error::is_damage(&error) {
        return Error::set_aside("an execution that this list or count selects", &error.to_string());
    }
    Error::new(ErrorKind::Internal, format!("cannot read the list of executions: {error}"))
}
