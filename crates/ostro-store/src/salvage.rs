//! All that can be read of a file whose structure is damaged, in a new file.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, Params, Result, params_from_iter};

use crate::error::{self, Doing, Error, is_damage};
use crate::{copy, schema};

/// Tables that are read from both ends, until a damaged page is in the way; by their keys.
const WHOLE: [(&str, &str); 4] = [("meta", "key"), ("namespace", "id"), ("record", "kind, key"), ("exec", "id")];
/// Tables that are read execution by execution.
const BY_EXECUTION: [&str; 4] = ["state", "wake", "item", "history"];

/// Puts a new file with all that can be read in the place of the one at `path`. Answers what could not be read.
///
/// # Errors
/// If the new file cannot be written, or the old one is not of this release.
pub(crate) fn into_new(path: &Path) -> error::Result<Vec<String>> {
    let target = ostro_disk::beside(path, ".partial");
    copy::remove(&target)?;
    for companion in ["-wal", "-shm"] {
        copy::remove(&ostro_disk::beside(&target, companion))?;
    }
    ostro_disk::private::create_new(&target).map_err(|source| Error::Io { path: target.clone(), source })?;
    let old = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).doing("open the damaged store")?;
    let new = schema::open_writer(&target, true)?;
    let mut lost = Vec::new();
    new.execute_batch("BEGIN").doing("begin to write the new store")?;
    copy(&old, &new, &mut lost).doing("move what can be read into a new store")?;
    new.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").doing("write the new store")?;
    drop((old, new));
    for companion in ["-wal", "-shm"] {
        copy::remove(&ostro_disk::beside(path, companion))?;
    }
    std::fs::rename(&target, path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    copy::sync_directory(path)?;
    Ok(lost)
}

fn copy(old: &Connection, new: &Connection, lost: &mut Vec<String>) -> Result<()> {
    for (table, key) in WHOLE {
        let forward = move_rows(old, new, table, &format!("TRUE ORDER BY {key}"), [])?;
        if let Some(error) = forward {
            lost.push(format!("some rows of {table}: {error}"));
            let descending = key.replace(',', " DESC,");
            move_rows(old, new, table, &format!("TRUE ORDER BY {descending} DESC"), [])?;
        }
    }
    for id in ids(old, new)? {
        for table in BY_EXECUTION {
            if let Some(error) = move_rows(old, new, table, "exec = ?1", [id])? {
                lost.push(format!("rows of {table} of execution {id}: {error}"));
            }
        }
    }
    Ok(())
}

/// Executions that are listed in the new file, or that have a state in the old one.
fn ids(old: &Connection, new: &Connection) -> Result<BTreeSet<i64>> {
    let mut ids = BTreeSet::new();
    for (connection, sql) in [
        (new, "SELECT id FROM exec"),
        (old, "SELECT exec FROM state ORDER BY exec"),
        (old, "SELECT exec FROM state ORDER BY exec DESC"),
    ] {
        let mut statement = match connection.prepare(sql) {
            Err(error) if is_damage(&error) => continue,
            statement => statement?,
        };
        let mut rows = statement.query([])?;
        loop {
            match rows.next() {
                Ok(Some(row)) => drop(row.get(0).map(|id| ids.insert(id))),
                Ok(None) => break,
                Err(error) if is_damage(&error) => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(ids)
}

/// Moves rows until one cannot be read; answers why. A row that is there already stays.
fn move_rows(
    old: &Connection,
    new: &Connection,
    table: &'static str,
    of: &str,
    values: impl Params,
) -> Result<Option<String>> {
    let columns = columns(new, table)?;
    let names = columns.join(", ");
    let marks = vec!["?"; columns.len()].join(", ");
    let mut insert = new.prepare_cached(&format!("INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"))?;
    read(old, table, &columns, of, values, |row| match insert.execute(params_from_iter(row)) {
        // A value of a wrong type: the row is damaged, and nothing is lost that its sum would not have told.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(()),
        inserted => inserted.map(drop),
    })
}

/// Hands out rows until one cannot be read; answers why.
fn read(
    connection: &Connection,
    table: &str,
    columns: &[String],
    of: &str,
    values: impl Params,
    mut each: impl FnMut(Vec<Value>) -> Result<()>,
) -> Result<Option<String>> {
    let sql = format!("SELECT {} FROM {table} WHERE {of}", columns.join(", "));
    let mut statement = match connection.prepare_cached(&sql) {
        Err(error) if is_damage(&error) => return Ok(Some(error.to_string())),
        statement => statement?,
    };
    let mut rows = statement.query(values)?;
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                let row = (0..columns.len()).map(|index| row.get::<_, Value>(index)).collect::<Result<Vec<_>>>();
                match row {
                    Ok(row) => each(row)?,
                    Err(error) => return Ok(Some(error.to_string())),
                }
            }
            Ok(None) => return Ok(None),
            Err(error) if is_damage(&error) => return Ok(Some(error.to_string())),
            Err(error) => return Err(error),
        }
    }
}

/// The stored columns of a table.
fn columns(connection: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare_cached(&format!("SELECT name FROM pragma_table_info('{table}')"))?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// A row as far as it can be read: its table, and its columns with their names.
pub type SalvagedRow = (&'static str, Vec<(String, Value)>);

/// Rows with the names of their columns, as far as they can be read.
pub(crate) fn rows(
    connection: &Connection,
    table: &'static str,
    of: &str,
    values: impl Params,
) -> Result<Vec<SalvagedRow>> {
    let columns = columns(connection, table)?;
    let mut found = Vec::new();
    read(connection, table, &columns, of, values, |row| {
        found.push((table, columns.iter().cloned().zip(row).collect()));
        Ok(())
    })?;
    Ok(found)
}
