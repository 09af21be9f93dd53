//! A look at the whole file before it is served: damaged rows are found while nobody depends on them, what follows from other
//! rows is made anew, and a file whose structure is damaged is refused.

use std::path::Path;

use ostro_engine::execution::Execution;
use ostro_engine::namespace::Namespaces;
use ostro_engine::persistence::{
    Damaged, DamagedPart, DamagedRow, ExecutionId, NamespaceRow, StoredExecution, VisibilityRow,
};
use rusqlite::{Connection, Result, Row};

use crate::error::{self, Doing, Error};
use crate::sum::{self, Part, SUMMED, Summed};
use crate::{apply, reader, recovery};

/// Files up to this size are read whole at each start: a second or so. Rows of larger ones are checked as they are read.
pub(crate) const BYTES_MAX: u64 = 256 << 20;

/// Lines that SQLite may say of a damaged file.
const INTEGRITY_LINES: i64 = 100;

/// Rows that are not as they were written.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub damaged: Vec<DamagedRow>,
    /// Executions of which it is not known what they wait for.
    pub unsure: Vec<ExecutionId>,
    /// Executions that lists show wrongly, or not at all.
    listed: Vec<ExecutionId>,
}

/// Checks the file, which is about to be served, and mends what follows from other rows.
///
/// # Errors
/// If its structure is damaged beyond that. A file of more than `bytes_max` is not looked at.
pub(crate) fn before_serving(connection: &Connection, path: &Path, bytes_max: u64) -> error::Result<Found> {
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    if bytes > bytes_max {
        return Ok(Found::default());
    }
    let structure = |lines: Vec<String>| Error::Structure { path: path.to_owned(), lines };
    let damage = |error: rusqlite::Error| match error::is_damage(&error) {
        true => structure(vec![error.to_string()]),
        false => Error::Sqlite { doing: "check the store", source: error },
    };
    let mut found = rows(connection).map_err(damage)?;
    let complaints = complaints(connection).map_err(damage)?;
    if complaints.is_empty() && found.listed.is_empty() {
        return Ok(found);
    }
    tracing::warn!(?complaints, listed = ?found.listed, "the store is damaged: what follows from other rows is made anew");
    mend(connection, &found.listed).map_err(damage)?;
    found = rows(connection).map_err(damage)?;
    let left = self::complaints(connection).map_err(damage)?;
    if left.is_empty() { Ok(found) } else { Err(structure(left)) }
}

/// What is wrong with the structure of the file: pages, trees, indexes.
pub(crate) fn complaints(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({INTEGRITY_LINES})"))?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_>>()?;
    // A value of a wrong type is the damage of its row, and its sum tells.
    let of_row = |line: &String| line == "ok" || line.starts_with("non-") || line.starts_with("NULL value in ");
    Ok(lines.into_iter().filter(|line| !of_row(line)).collect())
}

/// Looks at the sum of every row.
pub(crate) fn rows(connection: &Connection) -> Result<Found> {
    sum::register(connection)?;
    let mut found = Found::default();
    for summed in &SUMMED {
        let Summed { table, columns, sum, .. } = summed;
        let sql = format!("SELECT {columns} FROM {table} WHERE {sum} IS NOT {}", summed.expression());
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            found.add(summed.part, row)?;
        }
    }
    Ok(found)
}

impl Found {
    fn add(&mut self, part: Part, row: &Row<'_>) -> Result<()> {
        let of = match part {
            Part::Namespace => DamagedPart::Namespace { id: row.get(0)?, name: recovery::readable(row, 1) },
            Part::Record => DamagedPart::Record { kind: recovery::readable(row, 0), key: recovery::readable(row, 1) },
            Part::State | Part::Item => DamagedPart::Execution(row.get(0)?),
            Part::History => DamagedPart::History(row.get(0)?),
            Part::Wake => {
                self.unsure.push(row.get(0)?);
                return Ok(());
            }
            Part::ExecFixed | Part::Exec => {
                self.listed.push(row.get(0)?);
                DamagedPart::Execution(row.get(0)?)
            }
        };
        self.damaged.push(DamagedRow { of, what: Damaged(part.mismatch().to_string()) });
        Ok(())
    }
}

/// Makes indexes anew, and the rows that list executions from the executions themselves.
pub(crate) fn mend(connection: &Connection, listed: &[ExecutionId]) -> Result<()> {
    connection.execute_batch("REINDEX")?;
    let namespaces = namespaces(connection)?;
    for id in listed {
        if let Some(row) = listing(connection, *id, &namespaces)? {
            let transaction = connection.unchecked_transaction()?;
            transaction.execute("DELETE FROM exec WHERE id = ?1", [id])?;
            apply::put_listed(&transaction, &row)?;
            transaction.commit()?;
        }
    }
    Ok(())
}

fn namespaces(connection: &Connection) -> Result<Namespaces> {
    let mut statement = connection.prepare("SELECT id, name, blob, sum FROM namespace ORDER BY id")?;
    let rows: Vec<Result<NamespaceRow>> = statement.query_map([], recovery::namespace)?.collect();
    Ok(Namespaces::restore(rows.into_iter().flatten().collect()).0)
}

/// The row that lists an execution, as it follows from its state; nothing where that is damaged, too.
fn listing(connection: &Connection, id: ExecutionId, namespaces: &Namespaces) -> Result<Option<VisibilityRow>> {
    let (state, items) = match reader::parts(connection, id) {
        Ok(Some(parts)) => parts,
        Err(error) if !error::is_damage(&error) => return Err(error),
        _ => return Ok(None),
    };
    let Some(namespace) = Execution::namespace_of(&state) else { return Ok(None) };
    let stored = StoredExecution { id, namespace, state, items };
    let Ok(execution) = Execution::from_stored(stored) else { return Ok(None) };
    Ok(namespaces.by_id(namespace).map(|namespace| execution.visibility_row(namespace.retention)))
}

/// As [`rows`], with the error of an inspection.
pub(crate) fn inspect(connection: &Connection) -> error::Result<Found> {
    rows(connection).doing("look at the sums of all rows")
}
