//! Copies of a records file, taken while it is served and put back; and what is wrong with one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use ostro_disk::{log, private};

use crate::store::schema;

/// Lines that SQLite may say of a damaged file.
const INTEGRITY_LINES: i64 = 20;

/// Tables of a records file.
const TABLES: i64 = 3;

/// A records file that cannot be copied or put back.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("{} exists already; name a new file", path.display())]
    Exists { path: PathBuf },
    #[error("cannot use {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("cannot use {}: {reason}", path.display())]
    Unusable { path: PathBuf, reason: String },
    #[error(transparent)]
    Disk(#[from] ostro_disk::Error),
    #[error("{} is in use: stop the server first", path.display())]
    InUse { path: PathBuf },
}

/// What is in a records file, and what is wrong with it.
#[derive(Debug)]
pub struct RecordsReport {
    pub bytes: u64,
    pub schema: usize,
    pub damage: Vec<String>,
    /// Documents: registrations, workers, search keys, API keys...
    pub documents: u64,
    /// Lines of journals: events, logs, spans.
    pub entries: u64,
}

/// Where the copy of the records goes that belongs to the copy of a store: `monday.db` has `monday.workflows-api.db`.
pub fn companion(backup: &Path) -> PathBuf {
    backup.with_extension("workflows-api.db")
}

/// Writes a copy of the records at `source` to the new file `target`, as of one moment, and syncs it. A server may go on
/// writing meanwhile. Answers the size of the copy in bytes.
pub fn backup(source: &Path, target: &Path) -> Result<u64, CopyError> {
    if target.exists() {
        return Err(CopyError::Exists { path: target.to_owned() });
    }
    log::check_unless_served(source)?;
    let partial = beside(target, ".partial");
    copy(&open(source)?, source, &partial)?;
    let bytes = sync(&partial)?;
    rename(&partial, target)?;
    Ok(bytes)
}

/// Puts the copy `backup` in the place of the records at `target`. What was there is kept under another name, which is
/// answered. Refused while a server uses `target`, and for a copy that is damaged.
pub fn restore(backup: &Path, target: &Path) -> Result<Option<PathBuf>, CopyError> {
    let report = examine(backup)?;
    if let Some(damage) = report.damage.into_iter().next() {
        return Err(CopyError::Unusable { path: backup.to_owned(), reason: damage });
    }
    if let Some(directory) = target.parent() {
        private::make_directory(directory)?;
    }
    let kept = fold(target)?;
    let partial = beside(target, ".partial");
    copy(&open(backup)?, backup, &partial)?;
    sync(&partial)?;
    if let Some(kept) = &kept {
        rename(target, kept)?;
    }
    rename(&partial, target)?;
    Ok(kept)
}

/// Rewrites a records file, which no server has, so that nothing deleted is left in it.
pub fn compact(path: &Path) -> Result<(), CopyError> {
    let _lock = ostro_disk::Lock::take(path)?;
    log::check(path, false)?;
    let unusable = |error: rusqlite::Error| CopyError::Unusable { path: path.to_owned(), reason: error.to_string() };
    drop(open(path)?);
    let connection = Connection::open(path).map_err(unusable)?;
    connection.execute_batch("PRAGMA secure_delete = ON; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)").map_err(unusable)?;
    sync(path).map(drop)
}

/// Whether the records tell of executions, which an engine has had then; false where there are no records.
pub fn tell_of_executions(path: &Path) -> bool {
    let Ok(connection) = open(path) else { return false };
    let sql =
        "SELECT EXISTS (SELECT 1 FROM document WHERE kind IN ('execution', 'run')) OR EXISTS (SELECT 1 FROM entry)";
    connection.query_row(sql, [], |row| row.get(0)).unwrap_or(false)
}

/// Reads all of a records file, also while a server uses it.
pub fn examine(path: &Path) -> Result<RecordsReport, CopyError> {
    let lost = log::look_unless_served(path)?.map(|loss| loss.of(path).to_string());
    let connection = open(path)?;
    let unusable = |error: rusqlite::Error| CopyError::Unusable { path: path.to_owned(), reason: error.to_string() };
    let bytes = std::fs::metadata(path).map_err(|source| CopyError::Io { path: path.to_owned(), source })?.len();
    let count = |table: &str| -> rusqlite::Result<u64> {
        let count: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    };
    Ok(RecordsReport {
        bytes,
        schema: schema::version(&connection).map_err(unusable)?,
        damage: lost.into_iter().chain(damage(&connection).map_err(unusable)?).collect(),
        documents: count("document").map_err(unusable)?,
        entries: count("entry").map_err(unusable)?,
    })
}

fn damage(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut checked = connection.prepare(&format!("PRAGMA integrity_check({INTEGRITY_LINES})"))?;
    let lines = checked.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let mut damage: Vec<String> = lines.into_iter().filter(|line| line != "ok").collect();
    for (what, sql) in [
        (
            "terms of documents that are not there",
            "SELECT count(*) FROM term t WHERE NOT EXISTS (SELECT 1 FROM document d
             WHERE d.kind = t.kind AND d.namespace = t.namespace AND d.key = t.key)",
        ),
        ("documents that are not JSON", "SELECT count(*) FROM document WHERE NOT json_valid(body)"),
        ("journal lines that are not JSON", "SELECT count(*) FROM entry WHERE NOT json_valid(body)"),
    ] {
        let count: i64 = connection.query_row(sql, [], |row| row.get(0))?;
        if count > 0 {
            damage.push(format!("{count} {what}"));
        }
    }
    Ok(damage)
}

/// Opens a file for reading that is one of records.
fn open(path: &Path) -> Result<Connection, CopyError> {
    let unusable = |reason: String| CopyError::Unusable { path: path.to_owned(), reason };
    std::fs::metadata(path).map_err(|source| CopyError::Io { path: path.to_owned(), source })?;
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|error| unusable(error.to_string()))?;
    let tables: rusqlite::Result<i64> = connection.query_row(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('document', 'term', 'entry')",
        [],
        |row| row.get(0),
    );
    if tables.map_err(|error| unusable(error.to_string()))? != TABLES {
        return Err(unusable("it holds no records of the Workflows API".to_owned()));
    }
    let version = schema::version(&connection).map_err(|error| unusable(error.to_string()))?;
    if version > schema::VERSION {
        return Err(unusable(schema::Error::Newer(version).to_string()));
    }
    Ok(connection)
}

/// A compact copy as of one moment.
fn copy(connection: &Connection, source: &Path, target: &Path) -> Result<(), CopyError> {
    let unusable = |reason: String| CopyError::Unusable { path: source.to_owned(), reason };
    let private = || private::create_new(target).map(drop);
    match std::fs::remove_file(target) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(CopyError::Io { path: target.to_owned(), source });
        }
        _ => {}
    }
    private().map_err(|source| CopyError::Io { path: target.to_owned(), source })?;
    let name = target.to_str().ok_or_else(|| unusable(format!("the name {} is not UTF-8", target.display())))?;
    connection.execute("VACUUM INTO ?1", [name]).map(drop).map_err(|error| unusable(error.to_string()))
}

/// Makes the records at `target` one file that can be set aside, and answers its new name; `None` where there are none.
fn fold(target: &Path) -> Result<Option<PathBuf>, CopyError> {
    if !target.exists() {
        return Ok(None);
    }
    if log::look_unless_served(target)?.is_some() {
        log::keep(target)?;
    }
    let in_use = || CopyError::InUse { path: target.to_owned() };
    let unusable = |error: rusqlite::Error| CopyError::Unusable { path: target.to_owned(), reason: error.to_string() };
    let connection = Connection::open(target).map_err(unusable)?;
    // Taking its log away needs the file for oneself alone, which there is no use waiting for.
    connection.busy_timeout(Duration::ZERO).map_err(unusable)?;
    let mode = connection.pragma_update_and_check(None, "journal_mode", "delete", |row| row.get::<_, String>(0));
    match mode {
        Ok(mode) if mode == "delete" => {}
        Ok(_) => return Err(in_use()),
        Err(error) if is_busy(&error) => return Err(in_use()),
        Err(error) => return Err(unusable(error)),
    }
    let free = |count: &u32| !beside(target, &format!(".replaced-{count}")).exists();
    let count = (1..).find(free).unwrap_or_default();
    Ok(Some(beside(target, &format!(".replaced-{count}"))))
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn sync(path: &Path) -> Result<u64, CopyError> {
    let io = |source| CopyError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    file.sync_all().map_err(io)?;
    Ok(file.metadata().map_err(io)?.len())
}

/// Renames; the new name is durable when its directory is.
fn rename(from: &Path, to: &Path) -> Result<(), CopyError> {
    let io = |source| CopyError::Io { path: to.to_owned(), source };
    std::fs::rename(from, to).map_err(io)?;
    let directory = to.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::{Change, Document, Kind};
    use crate::store::{Records, SqliteRecords};

    async fn put(records: &SqliteRecords, key: &str) {
        let document = Document {
            kind: Kind::Workflow,
            namespace: "n".into(),
            key: key.into(),
            terms: vec!["t".into()],
            body: "{}".into(),
        };
        records.commit(vec![Change::Put(document)]).await.expect("commits");
    }

    #[tokio::test]
    async fn a_copy_of_served_records_comes_back_and_what_was_there_is_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, saved) = (directory.path().join("workflows-api.db"), companion(&directory.path().join("monday.db")));
        assert!(saved.ends_with("monday.workflows-api.db"));
        let records = SqliteRecords::open(&path, true).expect("opens");
        put(&records, "before").await;
        backup(&path, &saved).expect("copies while it is served");
        assert!(matches!(backup(&path, &saved), Err(CopyError::Exists { .. })));
        put(&records, "after").await;
        assert!(matches!(restore(&saved, &path), Err(CopyError::InUse { .. })));
        drop(records);
        let kept = restore(&saved, &path).expect("restores").expect("there was something");
        let records = SqliteRecords::open(&path, true).expect("opens again");
        assert!(records.get(Kind::Workflow, "n", "before").await.expect("reads").is_some());
        assert!(records.get(Kind::Workflow, "n", "after").await.expect("reads").is_none());
        assert_eq!(examine(&kept).expect("reads").documents, 2);
        let elsewhere = directory.path().join("new/workflows-api.db");
        assert_eq!(restore(&saved, &elsewhere).expect("restores"), None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("workflows-api.db");
        let connection = Connection::open(&path).expect("a file");
        connection.execute_batch("CREATE TABLE other (a)").expect("a table");
        let refusal = examine(&path).expect_err("no records").to_string();
        assert!(refusal.contains("no records"), "{refusal}");
        schema::prepare(&connection).expect("a schema");
        connection
            .execute_batch(
                "INSERT INTO term VALUES ('worker', 'n', 't', 'k');
                 INSERT INTO document VALUES ('worker', 'n', 'other', 'not JSON')",
            )
            .expect("rows");
        let report = examine(&path).expect("reads");
        assert_eq!(report.damage, ["1 terms of documents that are not there", "1 documents that are not JSON"]);
        assert!(restore(&path, &directory.path().join("elsewhere.db")).is_err());
    }
}
