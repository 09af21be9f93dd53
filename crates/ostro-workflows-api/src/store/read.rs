//! Reads of the records.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::model::record::{Aged, Entry, Filter, Found, Kind, Query};

pub(crate) fn get(connection: &Connection, kind: Kind, namespace: &str, key: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT body FROM document WHERE kind = ?1 AND namespace = ?2 AND key = ?3")?
        .query_row(params![kind.name(), namespace, key], |row| row.get(0))
        .optional()
}

pub(crate) fn find(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<Found>> {
    let Query { kind, namespace, term, after, limit } = query;
    let limit = i64::try_from(*limit).unwrap_or(i64::MAX);
    let found = |row: &Row<'_>| Ok(Found { key: row.get(0)?, body: row.get(1)? });
    let Some(term) = term else {
        return connection
            .prepare_cached(
                "SELECT key, body FROM document WHERE kind = ?1 AND namespace = ?2 AND key > ?3 ORDER BY key LIMIT ?4",
            )?
            .query_map(params![kind.name(), namespace, after, limit], found)?
            .collect();
    };
    // A prefix is a range: up to the highest character there is.
    let (from, to) = match term.strip_suffix('*') {
        Some(prefix) => (prefix.to_owned(), format!("{prefix}\u{10ffff}")),
        None => (term.clone(), term.clone()),
    };
    connection
        .prepare_cached(
            "SELECT DISTINCT d.key, d.body FROM term t JOIN document d
             ON d.kind = t.kind AND d.namespace = t.namespace AND d.key = t.key
             WHERE t.kind = ?1 AND t.namespace = ?2 AND t.term >= ?3 AND t.term <= ?4 AND t.key > ?5
             ORDER BY d.key LIMIT ?6",
        )?
        .query_map(params![kind.name(), namespace, from, to, after, limit], found)?
        .collect()
}

/// From one namespace to the next by the primary key: documents are not read one by one.
pub(crate) fn namespaces(connection: &Connection, kind: Kind) -> rusqlite::Result<Vec<String>> {
    let mut next =
        connection.prepare_cached("SELECT min(namespace) FROM document WHERE kind = ?1 AND namespace > ?2")?;
    let mut found: Vec<String> = Vec::new();
    // A namespace has a name, so nothing is before the first.
    let mut last = String::new();
    while let Some(namespace) = next.query_row(params![kind.name(), last], |row| row.get::<_, Option<String>>(0))? {
        found.push(namespace.clone());
        last = namespace;
    }
    Ok(found)
}

pub(crate) fn aged(connection: &Connection, aged: &Aged) -> rusqlite::Result<Vec<(String, String)>> {
    let Aged { journal, namespace, before, after: (execution, run), limit } = aged;
    let limit = i64::try_from(*limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "SELECT DISTINCT execution, run FROM entry
             WHERE journal = ?1 AND namespace = ?2 AND at < ?3 AND execution <> '' AND (execution, run) > (?4, ?5)
             ORDER BY execution, run LIMIT ?6",
        )?
        .query_map(params![journal.name(), namespace, before, execution, run, limit], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect()
}

pub(crate) fn entries(connection: &Connection, filter: &Filter) -> rusqlite::Result<Vec<Entry>> {
    let mut condition = Condition::new(filter);
    condition.equal("root", filter.root.as_ref());
    condition.equal("execution", filter.execution.as_ref());
    condition.equal("run", filter.run.as_ref());
    condition.equal("source", filter.source.as_ref());
    condition.one_of("kind", &filter.kinds);
    condition.compare("at > ?", filter.at_after);
    condition.compare("at < ?", filter.at_before);
    let after = i64::try_from(filter.after).unwrap_or(i64::MAX);
    match filter.descending {
        true if after > 0 => condition.compare("sequence < ?", Some(after)),
        true => {}
        false => condition.compare("sequence > ?", Some(after)),
    }
    let order = if filter.descending { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT sequence, id, at, root, execution, run, kind, source, body FROM entry WHERE {}
         ORDER BY sequence {order} LIMIT {}",
        condition.text, filter.limit
    );
    let entry = |row: &Row<'_>| {
        Ok(Entry {
            sequence: row.get::<_, i64>(0)?.unsigned_abs(),
            journal: filter.journal,
            namespace: filter.namespace.clone(),
            id: row.get(1)?,
            at: row.get(2)?,
            root: row.get(3)?,
            execution: row.get(4)?,
            run: row.get(5)?,
            kind: row.get(6)?,
            source: row.get(7)?,
            body: row.get(8)?,
        })
    };
    connection.prepare_cached(&sql)?.query_map(params_from_iter(condition.values), entry)?.collect()
}

/// A WHERE clause with its parameters.
struct Condition {
    text: String,
    values: Vec<Value>,
}

impl Condition {
    fn new(filter: &Filter) -> Self {
        Self {
            text: "journal = ? AND namespace = ?".to_owned(),
            values: vec![filter.journal.name().to_owned().into(), filter.namespace.clone().into()],
        }
    }

    fn equal(&mut self, column: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.text.push_str(&format!(" AND {column} = ?"));
            self.values.push(value.clone().into());
        }
    }

    fn one_of(&mut self, column: &str, values: &[String]) {
        if !values.is_empty() {
            self.text.push_str(&format!(" AND {column} IN ({})", vec!["?"; values.len()].join(", ")));
            self.values.extend(values.iter().cloned().map(Value::from));
        }
    }

    fn compare(&mut self, text: &str, value: Option<i64>) {
        if let Some(value) = value {
            self.text.push_str(" AND ");
            self.text.push_str(text);
            self.values.push(value.into());
        }
    }
}
