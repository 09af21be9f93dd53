//! The row of `exec` to and from its columns.

use std::collections::BTreeMap;

use bytes::Bytes;
use ostro_engine::persistence::{ItemKey, SearchValue, VisibilityRow};
use ostro_engine::time::Time;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Row, ToSql};

use crate::sum::Part;

/// The attribute that has a column of its own, because every list asks for its absence.
pub(crate) const DIVISION: &str = "TemporalNamespaceDivision";

/// The columns that `visibility` reads, in its order.
pub(crate) const VISIBILITY_COLUMNS: &str = "id, namespace, workflow_id, run_id, workflow_type, status, task_queue, \
     start_time, execution_time, close_time, history_length, history_size_bytes, state_transition_count, \
     parent_workflow_id, parent_run_id, root_workflow_id, root_run_id, first_run_id, memo, search_attributes, delete_time, \
     division, search_values, fixed_sum, sum";

/// Indexes into `VISIBILITY_COLUMNS` in the order of the sums.
const FIXED: [usize; 12] = [0, 1, 2, 3, 4, 7, 13, 14, 15, 16, 17, 21];
const CHANGING: [usize; 12] = [0, 5, 6, 8, 9, 10, 11, 12, 20, 22, 19, 18];
const FIXED_SUM: usize = 23;
const SUM: usize = 24;

/// Compares a row of `SELECT VISIBILITY_COLUMNS` with its sums.
///
/// # Errors
/// Where they do not fit.
fn check_sums(row: &Row<'_>) -> rusqlite::Result<()> {
    for (part, columns, sum) in [(Part::ExecFixed, FIXED, FIXED_SUM), (Part::Exec, CHANGING, SUM)] {
        let values: Vec<ValueRef<'_>> = columns.iter().map(|index| row.get_ref(*index)).collect::<Result<_, _>>()?;
        if row.get_ref(sum)? != ValueRef::Integer(part.sum(values)) {
            return Err(part.mismatch());
        }
    }
    Ok(())
}

/// A row of `SELECT VISIBILITY_COLUMNS`. `search_values` stays empty: its types are in `search_attributes`.
///
/// # Errors
/// Where it is not as it was written.
pub(crate) fn visibility(row: &Row<'_>) -> rusqlite::Result<VisibilityRow> {
    check_sums(row)?;
    let text = |index| row.get::<_, Option<String>>(index).map(Option::unwrap_or_default);
    let number = |index| row.get::<_, Option<i64>>(index).map(Option::unwrap_or_default);
    let time = |index| number(index).map(Time::from_nanos);
    let bytes = |index| row.get_ref(index)?.as_blob().map(Bytes::copy_from_slice).map_err(rusqlite::Error::from);
    Ok(VisibilityRow {
        id: row.get(0)?,
        namespace: row.get(1)?,
        workflow_id: text(2)?,
        run_id: text(3)?,
        workflow_type: text(4)?,
        status: row.get(5)?,
        task_queue: text(6)?,
        start_time: time(7)?,
        execution_time: time(8)?,
        close_time: time(9)?,
        history_length: number(10)?,
        history_size_bytes: number(11)?,
        state_transition_count: number(12)?,
        parent_workflow_id: text(13)?,
        parent_run_id: text(14)?,
        root_workflow_id: text(15)?,
        root_run_id: text(16)?,
        first_run_id: text(17)?,
        memo: bytes(18)?,
        search_attributes: bytes(19)?,
        search_values: BTreeMap::new(),
        delete_time: time(20)?,
    })
}

/// `NULL` for what is not set.
pub(crate) fn set_text(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// `NULL` for what is not set.
pub(crate) fn set_number(number: i64) -> Option<i64> {
    (number != 0).then_some(number)
}

/// The value of the division attribute, if the row has one.
pub(crate) fn division(row: &VisibilityRow) -> Option<&str> {
    match row.search_values.get(DIVISION) {
        Some(SearchValue::String(division)) => Some(division),
        _ => None,
    }
}

/// The column `search_values`: a JSON object, or nothing where no attribute is set.
pub(crate) fn search_json(values: &BTreeMap<String, SearchValue>) -> Option<String> {
    let object: serde_json::Map<String, serde_json::Value> = values
        .iter()
        .filter(|(name, _)| *name != DIVISION)
        .filter_map(|(name, value)| Some((json_key(name), json_value(value)?)))
        .collect();
    (!object.is_empty()).then(|| serde_json::Value::Object(object).to_string())
}

/// The key of an attribute in the JSON object. What SQLite's JSON paths cannot quote is escaped.
pub(crate) fn json_key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '"' | '\\' | '%' | '\0'..='\x1f' => key.push_str(&format!("%{:02x}", u32::from(c))),
            c => key.push(c),
        }
    }
    key
}

/// `None` where the value counts as not set, as on the reference server.
fn json_value(value: &SearchValue) -> Option<serde_json::Value> {
    Some(match value {
        SearchValue::Bool(value) => (*value).into(),
        SearchValue::Int(value) => (*value).into(),
        SearchValue::Time(value) => value.nanos().into(),
        SearchValue::Double(value) if value.is_nan() => return None,
        // JSON has no infinity; the greatest number sorts and compares alike.
        SearchValue::Double(value) => value.clamp(f64::MIN, f64::MAX).into(),
        SearchValue::String(value) => value.as_str().into(),
        SearchValue::KeywordList(values) if values.is_empty() => return None,
        SearchValue::KeywordList(values) => values.as_slice().into(),
    })
}

/// An item key as a column without a type: an integer or a text.
pub(crate) struct SqlKey<'a>(pub &'a ItemKey);

impl SqlKey<'_> {
    /// As it is stored.
    pub(crate) fn value(&self) -> ValueRef<'_> {
        match self.0 {
            ItemKey::Id(id) => ValueRef::Integer(*id),
            ItemKey::Name(name) => ValueRef::Text(name.as_bytes()),
        }
    }
}

impl ToSql for SqlKey<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.value()))
    }
}

/// The key that a column holds.
pub(crate) fn item_key(value: ValueRef<'_>) -> rusqlite::Result<ItemKey> {
    match value {
        ValueRef::Integer(id) => Ok(ItemKey::Id(id)),
        other => Ok(ItemKey::Name(other.as_str()?.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_values_become_json() {
        let values = BTreeMap::from([
            ("b".to_owned(), SearchValue::Bool(true)),
            ("i".to_owned(), SearchValue::Int(-1)),
            ("d".to_owned(), SearchValue::Double(1.0)),
            ("e".to_owned(), SearchValue::KeywordList(vec![])),
            ("l".to_owned(), SearchValue::KeywordList(vec!["x".into(), "y\"".into()])),
            ("n".to_owned(), SearchValue::Double(f64::NAN)),
            ("q\"".to_owned(), SearchValue::String("it's".into())),
            (DIVISION.to_owned(), SearchValue::String("d".into())),
        ]);
        let json = r#"{"b":true,"d":1.0,"i":-1,"l":["x","y\""],"q%22":"it's"}"#;
        assert_eq!(search_json(&values).as_deref(), Some(json));
        assert_eq!(search_json(&BTreeMap::new()), None);
    }
}
