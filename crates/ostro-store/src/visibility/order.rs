//! The order of a list: its columns, its clause, and the rows that come after a given one.

use ostro_engine::error::Result;
use rusqlite::types::Value;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;

use super::attribute::{Attribute, Source};
use super::errors::unsupported;
use super::sql::{Descending, Sql};
use super::status;

/// Sort keys; the last is the id, so that no two rows are equal.
pub(crate) struct Order {
    keys: Vec<Key>,
}

struct Key {
    expression: String,
    descending: Descending,
    not_null: bool,
}

impl Order {
    /// `closed_only`: no run is listed that has not ended, so that its end is a key which an index has.
    pub(crate) fn new(order_by: &[(Attribute, Descending)], closed_only: bool) -> Result<Order> {
        let of = |(attribute, descending): &(Attribute, Descending)| match attribute.source {
            Source::CloseTime if closed_only => Ok(Key::not_null("close_order", *descending)),
            _ => key(attribute, *descending),
        };
        let mut keys: Vec<Key> = order_by.iter().map(of).collect::<Result<_>>()?;
        if keys.is_empty() {
            keys.extend(["close_order", "start_time"].map(|column| Key::not_null(column, true)));
        }
        let descending = keys.last().is_none_or(|key| key.descending);
        keys.push(Key::not_null("id", descending));
        Ok(Order { keys })
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys as columns, named `key_0`, `key_1`, ... and the last `key_id`.
    pub(crate) fn columns(&self) -> String {
        let named = |(index, key): (usize, &Key)| format!("{} AS {}", key.expression, self.alias(index));
        self.keys.iter().enumerate().map(named).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn clause(&self) -> String {
        self.terms(|index| self.keys[index].expression.clone())
    }

    fn terms(&self, name: impl Fn(usize) -> String) -> String {
        let term = |(index, key): (usize, &Key)| match (key.descending, key.not_null) {
            (true, _) => format!("{} DESC", name(index)),
            (false, true) => name(index),
            (false, false) => format!("{} NULLS LAST", name(index)),
        };
        self.keys.iter().enumerate().map(term).collect::<Vec<_>>().join(", ")
    }

    fn alias(&self, index: usize) -> String {
        if index + 1 == self.keys.len() { "key_id".to_owned() } else { format!("key_{index}") }
    }

    /// The condition that selects what comes after the row with these keys.
    pub(crate) fn after(&self, values: Vec<Value>) -> Sql {
        let descending = self.keys[0].descending;
        if self.keys.iter().all(|key| key.not_null && key.descending == descending) {
            return self.after_row(values, descending);
        }
        let mut sql = Sql::default();
        self.after_from(&mut sql, 0, &values);
        sql
    }

    /// As a comparison of rows, which an index serves.
    fn after_row(&self, values: Vec<Value>, descending: Descending) -> Sql {
        let mut sql = Sql::default();
        let keys = self.keys.iter().map(|key| key.expression.as_str()).collect::<Vec<_>>().join(", ");
        sql.push("(").push(&keys).push(if descending { ") < " } else { ") > " }).bind_list(values);
        sql
    }

    /// `key1 after value1 OR (key1 equals value1 AND (key2 after ...))`
    fn after_from(&self, sql: &mut Sql, index: usize, values: &[Value]) {
        let (key, value) = (&self.keys[index], &values[index]);
        sql.push("(");
        key.after(sql, value);
        if index + 1 < self.keys.len() {
            sql.push(&format!(" OR ({} IS ", key.expression)).bind(value.clone()).push(" AND ");
            self.after_from(sql, index + 1, values);
            sql.push(")");
        }
        sql.push(")");
    }
}

impl Key {
    fn not_null(column: &str, descending: Descending) -> Key {
        Key { expression: column.to_owned(), descending, not_null: true }
    }

    /// NULL is after everything.
    fn after(&self, sql: &mut Sql, value: &Value) {
        if *value == Value::Null {
            sql.push("FALSE");
            return;
        }
        let comparison = if self.descending { "<" } else { ">" };
        sql.push(&format!("{} {comparison} ", self.expression)).bind(value.clone());
        if !self.not_null {
            sql.push(&format!(" OR {} IS NULL", self.expression));
        }
    }
}

fn key(attribute: &Attribute, descending: Descending) -> Result<Key> {
    if matches!(attribute.kind, IndexedValueType::Text | IndexedValueType::KeywordList) {
        let what = format!("unable to sort by search attribute {} of type {}", attribute.alias, attribute.kind_name());
        return Err(unsupported(attribute.position, &what));
    }
    let not_null = matches!(attribute.source, Source::Column(_, true) | Source::Status);
    let expression = match attribute.source {
        Source::Status => status_name(),
        _ => attribute.expression.clone(),
    };
    Ok(Key { expression, descending, not_null })
}

/// Sorts by name, as the reference server does.
fn status_name() -> String {
    let arms: String = status::all().map(|(number, name)| format!(" WHEN {number} THEN '{name}'")).collect();
    format!("CASE status{arms} ELSE '' END")
}
