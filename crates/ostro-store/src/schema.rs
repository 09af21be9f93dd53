//! Connections and the schema of the file: pragmas, version, migrations.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::{Doing, Error, Result};

/// "Ostr": marks the file as ours in the SQLite header.
const APPLICATION_ID: i64 = 0x4f73_7472;

/// Each entry lifts the file by one version; the version is `PRAGMA user_version`. Entries are never edited once released.
const MIGRATIONS: &[Migration] = &[
    Migration { sql: include_str!("migrations/0001_initial.sql"), then: |_| Ok(()) },
    Migration { sql: include_str!("migrations/0002_waiting_place.sql"), then: |_| Ok(()) },
    Migration { sql: include_str!("migrations/0003_sums.sql"), then: crate::sum::fill },
];

struct Migration {
    sql: &'static str,
    /// What SQL alone cannot do.
    then: fn(&Connection) -> rusqlite::Result<()>,
}

/// The schema version that this program writes.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

const STATEMENT_CACHE: usize = 64;
const BUSY_TIMEOUT_MS: i64 = 10_000;
const WRITER_CACHE_KIB: i64 = 32 * 1024;
const READER_CACHE_KIB: i64 = 8 * 1024;

/// Opens (or creates) the file for writing and brings its schema up to date.
pub(crate) fn open_writer(path: &Path, durable: bool) -> Result<Connection> {
    let mut connection = Connection::open(path).doing("open the store")?;
    refuse_foreign(&connection, path)?;
    set_up(&connection, WRITER_CACHE_KIB)?;
    // What is deleted leaves the file.
    pragma(&connection, "secure_delete", 1)?;
    pragma(&connection, "page_size", 4096)?;
    connection.pragma_update(None, "journal_mode", "wal").doing("switch the store to write-ahead logging")?;
    connection
        .pragma_update(None, "synchronous", if durable { "full" } else { "off" })
        .doing("set the durability of the store")?;
    ostro_sqlite::keep_log_small(&connection).doing("bound the log of the store")?;
    migrate(&mut connection, path)?;
    refuse_changed(&connection, path)?;
    Ok(connection)
}

/// Opens the file, which a writer has opened before, for reading only.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).doing("open the store for reading")?;
    set_up(&connection, READER_CACHE_KIB)?;
    crate::visibility::text::register(&connection).doing("register the text search function")?;
    Ok(connection)
}

fn set_up(connection: &Connection, cache_kib: i64) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    ostro_disk::harden(connection).doing("configure the connection to the store")?;
    pragma(connection, "busy_timeout", BUSY_TIMEOUT_MS)?;
    // Plans are those of the statistics written by hand. Without it each new value of a range prepares its statement again.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .doing("configure the connection to the store")?;
    // Damaged pages are noticed before what they say is believed.
    pragma(connection, "cell_size_check", 1)?;
    // The bundled SQLite switches them on; our deletes are explicit.
    pragma(connection, "foreign_keys", 0)?;
    pragma(connection, "cache_size", -cache_kib)
}

fn pragma(connection: &Connection, name: &str, value: i64) -> Result<()> {
    connection.pragma_update(None, name, value).doing("configure the connection to the store")
}

fn refuse_foreign(connection: &Connection, path: &Path) -> Result<()> {
    let foreign = || Error::Foreign { path: path.to_owned() };
    let read = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = match read("application_id") {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => return Err(foreign()),
        other => other.doing("read the header of the store")?,
    };
    let tables = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
        .doing("read the schema of the store")?;
    if application == APPLICATION_ID || (application == 0 && tables == 0) { Ok(()) } else { Err(foreign()) }
}

/// Refuses files that are no store of Ostro, or of a newer release.
pub(crate) fn refuse_other(connection: &Connection, path: &Path) -> Result<()> {
    refuse_foreign(connection, path)?;
    refuse_newer(connection, path).map(drop)
}

/// One entry of a schema: its type, its name, its text.
type Entry = (String, String, Option<String>);

fn entries(connection: &Connection) -> rusqlite::Result<BTreeSet<Entry>> {
    let sql = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_stat_' ESCAPE '\\'";
    connection.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

/// The schema of a version, as its migrations make it.
fn expected(version: i64) -> rusqlite::Result<BTreeSet<Entry>> {
    let connection = Connection::open_in_memory()?;
    for migration in MIGRATIONS.iter().take(usize::try_from(version).unwrap_or(0)) {
        connection.execute_batch(migration.sql)?;
    }
    entries(&connection)
}

/// Refuses a file whose tables, indexes or triggers are not those that the migrations make: whoever changed them may have
/// changed anything. Indexes of search attributes come and go.
pub(crate) fn refuse_changed(connection: &Connection, path: &Path) -> Result<()> {
    let compare = || -> rusqlite::Result<Option<String>> {
        let (found, expected) = (entries(connection)?, expected(version_of(connection)?)?);
        let strange = found.difference(&expected).find(|(kind, name, sql)| {
            !(kind == "index" && sql.as_deref().is_some_and(|sql| crate::visibility::is_search_index(name, sql)))
        });
        let strange = strange.map(|(kind, name, _)| format!("the {kind} {name:?}"));
        Ok(strange.or_else(|| expected.difference(&found).next().map(|(kind, name, _)| format!("no {kind} {name:?}"))))
    };
    match compare().doing("read the schema of the store")? {
        None => Ok(()),
        Some(what) => Err(Error::Schema { path: path.to_owned(), what }),
    }
}

fn version_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// The version of the file's schema.
pub(crate) fn version(connection: &Connection) -> Result<i64> {
    version_of(connection).doing("read the version of the store")
}

fn refuse_newer(connection: &Connection, path: &Path) -> Result<i64> {
    let found = version(connection)?;
    if found > SCHEMA_VERSION {
        return Err(Error::Newer { path: path.to_owned(), found, supported: SCHEMA_VERSION });
    }
    Ok(found)
}

/// Brings a copy of an older file up to date.
pub(crate) fn migrate_copy(path: &Path) -> Result<()> {
    let mut connection = Connection::open(path).doing("open the copy of the store")?;
    let found = version(&connection)?;
    run_migrations(&mut connection, found)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let found = refuse_newer(connection, path)?;
    if (1..SCHEMA_VERSION).contains(&found) {
        keep_copy(connection, path, found)?;
    }
    run_migrations(connection, found)
}

fn run_migrations(connection: &mut Connection, found: i64) -> Result<()> {
    let done = usize::try_from(found).map_err(|_| Error::Corrupt { what: format!("schema version {found}") })?;
    for (migration, version) in MIGRATIONS.iter().zip(1i64..).skip(done) {
        apply(connection, migration, version).doing("bring the schema of the store up to date")?;
    }
    Ok(())
}

/// A copy of the file as the older release left it, beside it: the way back.
fn keep_copy(connection: &Connection, path: &Path, version: i64) -> Result<()> {
    let copy = ostro_disk::beside(path, &format!(".schema-{version}"));
    tracing::info!(copy = %copy.display(), "the store is of an older release: it is copied before it is brought up to date");
    crate::copy::copy_into(connection, &copy)
}

fn apply(connection: &mut Connection, migration: &Migration, version: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration.sql)?;
    (migration.then)(&transaction)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}
