//! The tables, and how older files are brought up to date.

use rusqlite::Connection;

/// Each brings a file from the version of its place to the next.
const MIGRATIONS: [&str; 3] =
    [include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql"), include_str!("migrations/0003.sql")];
/// The version of this release.
pub(super) const VERSION: usize = MIGRATIONS.len();

/// A file that is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("it was written by a newer release (schema {0}, this one knows {VERSION})")]
    Newer(usize),
}

/// The version of a file; 0 where it is empty.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Brings the file to [`VERSION`]: each step is made wholly or not at all.
pub(super) fn prepare(connection: &Connection) -> Result<(), Error> {
    let from = version(connection)?;
    if from > VERSION {
        return Err(Error::Newer(from));
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(from) {
        let to = index + 1;
        // Another process may have been faster.
        connection.execute_batch("BEGIN IMMEDIATE")?;
        if version(connection)? == index {
            connection.execute_batch(&format!("{migration} PRAGMA user_version = {to};"))?;
        }
        connection.execute_batch("COMMIT")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_file_is_brought_up_to_date_and_a_newer_one_refused() {
        let connection = Connection::open_in_memory().expect("a file");
        connection.execute_batch(&format!("{} PRAGMA user_version = 1;", MIGRATIONS[0])).expect("the first schema");
        let document = "INSERT INTO document VALUES ('worker', 'n', 'key', 'body')";
        connection.execute_batch(document).expect("a document");
        prepare(&connection).expect("the steps fit");
        assert_eq!(version(&connection).expect("a version"), VERSION);
        let index = "SELECT count(*) FROM sqlite_master WHERE name = 'entry_age'";
        assert_eq!(connection.query_row(index, [], |row| row.get::<_, i64>(0)).expect("a count"), 1);
        let usage = "SELECT bytes FROM usage WHERE namespace = 'n'";
        assert_eq!(connection.query_row(usage, [], |row| row.get::<_, i64>(0)).expect("a sum"), 256 + 7);
        prepare(&connection).expect("nothing is left to do");
        connection.execute_batch("PRAGMA user_version = 99").expect("a version");
        assert!(matches!(prepare(&connection), Err(Error::Newer(99))));
    }
}
