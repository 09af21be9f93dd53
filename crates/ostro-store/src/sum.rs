//! Checksums of rows: CRC32C over the table, the key and all that the row says. So a flipped bit is noticed, and a row that
//! stands under another's key.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result, Row};

/// What is summed up: it is part of the sum, so that no row passes for one of another table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Namespace = 1,
    Record,
    State,
    Wake,
    Item,
    History,
    /// The columns of `exec` that are written once.
    ExecFixed,
    /// Those that change with the run.
    Exec,
}

/// A part of a table whose rows have a sum.
pub(crate) struct Summed {
    pub part: Part,
    pub table: &'static str,
    /// In the order in which they are summed up.
    pub columns: &'static str,
    /// Where the sum is.
    pub sum: &'static str,
}

/// The columns of `exec` that are written once, in the order of their sum.
pub(crate) const EXEC_FIXED: &str = "id, namespace, workflow_id, run_id, workflow_type, start_time, parent_workflow_id, \
     parent_run_id, root_workflow_id, root_run_id, first_run_id, division";
/// Those that change.
pub(crate) const EXEC_CHANGING: &str = "id, status, task_queue, execution_time, close_time, history_length, \
     history_size_bytes, state_transition_count, delete_time, search_values, search_attributes, memo";

/// Everything that has a sum.
pub(crate) const SUMMED: [Summed; 8] = [
    Summed { part: Part::Namespace, table: "namespace", columns: "id, name, blob", sum: "sum" },
    Summed { part: Part::Record, table: "record", columns: "kind, key, value", sum: "sum" },
    Summed { part: Part::State, table: "state", columns: "exec, blob", sum: "sum" },
    Summed { part: Part::Wake, table: "wake", columns: "exec, next_due, waiting_queue, waiting_place", sum: "sum" },
    Summed {
        part: Part::Item,
        table: "item",
        columns: "exec, kind, key, waiting_queue, waiting_place, value",
        sum: "sum",
    },
    Summed { part: Part::History, table: "history", columns: "exec, first, next, blob", sum: "sum" },
    Summed { part: Part::ExecFixed, table: "exec", columns: EXEC_FIXED, sum: "fixed_sum" },
    Summed { part: Part::Exec, table: "exec", columns: EXEC_CHANGING, sum: "sum" },
];

/// A row whose sum does not fit.
#[derive(Debug, thiserror::Error)]
#[error("a row of table {table} is not as it was written: its checksum does not fit")]
pub(crate) struct Mismatch {
    table: &'static str,
}

impl Part {
    pub(crate) fn mismatch(self) -> rusqlite::Error {
        let table = SUMMED.iter().find(|summed| summed.part == self).map_or("", |summed| summed.table);
        rusqlite::Error::UserFunctionError(Box::new(Mismatch { table }))
    }

    /// The sum of values in the order of [`SUMMED`].
    pub(crate) fn sum<'a>(self, values: impl IntoIterator<Item = ValueRef<'a>>) -> i64 {
        let mut sum = Sum::new(self);
        values.into_iter().for_each(|value| sum.add(value));
        sum.finish()
    }

    /// Compares the columns of a row with the sum in the column after them.
    ///
    /// # Errors
    /// Where it does not fit.
    pub(crate) fn check(self, row: &Row<'_>, first: usize, columns: usize) -> Result<()> {
        let mut sum = Sum::new(self);
        for index in first..first + columns {
            sum.add(row.get_ref(index)?);
        }
        if row.get_ref(first + columns)? == ValueRef::Integer(sum.finish()) { Ok(()) } else { Err(self.mismatch()) }
    }
}

const BUFFER: usize = 128;

/// A sum in progress. Short values are gathered, as each call of the checksum has its price.
struct Sum {
    crc: u32,
    buffer: [u8; BUFFER],
    filled: usize,
}

impl Sum {
    fn new(part: Part) -> Self {
        let mut sum = Self { crc: 0, buffer: [0; BUFFER], filled: 0 };
        sum.push(&[part as u8]);
        sum
    }

    /// A type, then the value: nothing can be moved from one column to the next unnoticed.
    fn add(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.push(&[0]),
            ValueRef::Integer(number) => {
                self.push(&[1]);
                self.push(&number.to_le_bytes());
            }
            ValueRef::Real(number) => {
                self.push(&[2]);
                self.push(&number.to_le_bytes());
            }
            ValueRef::Text(bytes) => self.sized(3, bytes),
            ValueRef::Blob(bytes) => self.sized(4, bytes),
        }
    }

    fn sized(&mut self, kind: u8, bytes: &[u8]) {
        self.push(&[kind]);
        self.push(&(bytes.len() as u64).to_le_bytes());
        self.push(bytes);
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.filled + bytes.len() > BUFFER {
            self.flush();
        }
        if bytes.len() > BUFFER {
            self.crc = crc32c::crc32c_append(self.crc, bytes);
        } else {
            self.buffer[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
            self.filled += bytes.len();
        }
    }

    fn flush(&mut self) {
        self.crc = crc32c::crc32c_append(self.crc, &self.buffer[..self.filled]);
        self.filled = 0;
    }

    /// Signed, since SQLite stores small numbers in fewer bytes.
    fn finish(mut self) -> i64 {
        self.flush();
        i64::from(self.crc.cast_signed())
    }
}

/// Makes `row_sum(part, column, ...)` known to SQL.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("row_sum", -1, flags, |context| {
        let number: i64 = context.get(0)?;
        let part = SUMMED.iter().find(|summed| summed.part as i64 == number).map(|summed| summed.part);
        let part = part.ok_or(rusqlite::Error::IntegralValueOutOfRange(0, number))?;
        Ok(part.sum((1..context.len()).map(|index| context.get_raw(index))))
    })
}

impl Summed {
    /// An expression for the sum that a row should have.
    pub(crate) fn expression(&self) -> String {
        format!("row_sum({}, {})", self.part as u8, self.columns)
    }
}

/// Computes the sums of all rows.
pub(crate) fn fill(connection: &Connection) -> Result<()> {
    register(connection)?;
    for summed in &SUMMED {
        let sql = format!("UPDATE {} SET {} = {}", summed.table, summed.sum, summed.expression());
        connection.execute(&sql, [])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[ValueRef<'_>]) -> i64 {
        Part::Item.sum(values.iter().copied())
    }

    #[test]
    fn every_difference_shows() {
        let (long, other) = (vec![7; 1000], [vec![7; 999], vec![6]].concat());
        let rows: [&[ValueRef<'_>]; 8] = [
            &[],
            &[ValueRef::Null],
            &[ValueRef::Integer(0)],
            &[ValueRef::Text(b"ab"), ValueRef::Text(b"c")],
            &[ValueRef::Text(b"a"), ValueRef::Text(b"bc")],
            &[ValueRef::Blob(b"a"), ValueRef::Text(b"bc")],
            &[ValueRef::Blob(&long), ValueRef::Integer(1)],
            &[ValueRef::Blob(&other), ValueRef::Integer(1)],
        ];
        let sums: std::collections::BTreeSet<i64> = rows.iter().map(|row| sum(row)).collect();
        assert_eq!(sums.len(), rows.len());
        assert_ne!(Part::State.sum([ValueRef::Null]), Part::Wake.sum([ValueRef::Null]));
    }

    #[test]
    fn the_sum_stays_what_files_hold() {
        let row = [ValueRef::Integer(1), ValueRef::Text(b"name"), ValueRef::Blob(&[1; 300])];
        assert_eq!(Part::Namespace.sum(row), SUM_OF_THAT_ROW);
    }

    /// Of the first release with sums.
    const SUM_OF_THAT_ROW: i64 = -297_976_272;
}
