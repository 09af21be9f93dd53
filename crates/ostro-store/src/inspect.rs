//! Looks at a file without serving it: for checks, also beside the server that serves it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ostro_disk::log::{self, Loss};
use ostro_engine::invariants::{Progress, Run};
use ostro_engine::nesting::Nested;
use ostro_engine::persistence::{DamagedRow, ExecutionId, ItemKey, ItemKind, NamespaceId};
use ostro_engine::schedule;
use ostro_engine::time::Time;
use rusqlite::{Connection, OpenFlags, Transaction};
use temporalio_protos::temporal::api::history::v1::History;

use crate::copy::copy_into;
use crate::error::{Doing, Error, Result};
use crate::row::item_key;
use crate::{check, history, reader, recovery, schema};

/// A file opened for reading.
pub struct Inspector {
    path: PathBuf,
    connection: Connection,
    /// What is wrong with its write-ahead log, of which SQLite has dropped the rest.
    log_loss: Option<Loss>,
    _copy: Option<Copy>,
}

/// A file that goes with whoever looks at it.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        // What is left of it is in nobody's way.
        drop(std::fs::remove_file(&self.0));
    }
}

fn open_read_only(path: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).doing("open the store")?;
    ostro_disk::harden(&connection).doing("configure the connection to the store")?;
    Ok(connection)
}

/// A run with its history, read at one moment.
pub struct Found {
    pub id: ExecutionId,
    pub namespace: NamespaceId,
    pub workflow_id: String,
    pub run_id: String,
    /// What was read, or why that could not be.
    pub content: std::result::Result<(Run, Progress), String>,
}

/// A schedule, read at one moment.
pub struct FoundSchedule<'a> {
    pub namespace: NamespaceId,
    pub schedule_id: &'a str,
    /// As it is stored.
    pub value: &'a [u8],
    /// First run ids of all chains that have an open run.
    pub open_chains: &'a HashSet<String>,
}

impl Inspector {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// If it is not there, is no store of Ostro, or was written by a newer release.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        std::fs::metadata(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let log_loss = log::look_unless_served(&path)?;
        let connection = open_read_only(&path)?;
        schema::refuse_other(&connection, &path)?;
        schema::refuse_changed(&connection, &path)?;
        Ok(Self { path, connection, log_loss, _copy: None })
    }

    /// The same; a file of an older release is copied, and the copy brought up to date, so that all of it can be checked.
    ///
    /// # Errors
    /// As [`open`](Self::open), and where there is no room for the copy.
    pub fn current(path: impl AsRef<Path>) -> Result<Self> {
        let inspector = Self::open(path)?;
        if inspector.schema_version()? == schema::SCHEMA_VERSION {
            return Ok(inspector);
        }
        let copy = Copy(ostro_disk::beside(&inspector.path, ".inspected"));
        copy_into(&inspector.connection, &copy.0)?;
        schema::migrate_copy(&copy.0)?;
        let connection = open_read_only(&copy.0)?;
        Ok(Self { connection, _copy: Some(copy), ..inspector })
    }

    /// Of the file, or of that of which it is a copy.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The version of its schema; an older one than [`SCHEMA_VERSION`](crate::SCHEMA_VERSION) is brought up to date when it is served.
    pub fn schema_version(&self) -> Result<i64> {
        schema::version(&self.connection)
    }

    /// Refuses a file whose write-ahead log has lost acknowledged commits: what is read of it is not all that there was.
    pub(crate) fn refuse_lost_commits(&self) -> Result<()> {
        self.log_loss.map_or(Ok(()), |loss| Err(loss.of(&self.path).into()))
    }

    /// What is damaged in the file itself: its log, pages, indexes, and rows without what they belong to. Reads all of it.
    pub fn integrity(&self) -> Result<Vec<String>> {
        let mut said: Vec<String> = self.log_loss.iter().map(|loss| loss.of(&self.path).to_string()).collect();
        said.extend(check::complaints(&self.connection).doing("check the file")?);
        said.extend(self.orphans().doing("look for rows that belong to nothing")?);
        Ok(said)
    }

    fn orphans(&self) -> rusqlite::Result<Vec<String>> {
        let mut said = Vec::new();
        for table in ["state", "wake", "item", "history"] {
            let sql = format!("SELECT count(*) FROM {table} WHERE exec NOT IN (SELECT id FROM exec)");
            let count: i64 = self.connection.query_row(&sql, [], |row| row.get(0))?;
            if count > 0 {
                said.push(format!("{count} rows of table {table} belong to no execution"));
            }
        }
        let twice = "SELECT count(*) FROM (SELECT 1 FROM exec WHERE close_time IS NULL GROUP BY namespace, workflow_id \
                     HAVING count(*) > 1)";
        let count: i64 = self.connection.query_row(twice, [], |row| row.get(0))?;
        if count > 0 {
            said.push(format!("{count} workflow ids have more than one open run"));
        }
        Ok(said)
    }

    /// Rows that are not as they were written, of whatever there is: their executions and records are set aside. Reads all
    /// of the file. A damaged row of `wake` is none of these: the execution itself tells what it held.
    ///
    /// Files of releases before there were sums have none of these.
    pub fn damaged(&self) -> Result<Vec<DamagedRow>> {
        if schema::version(&self.connection)? < schema::SCHEMA_VERSION {
            return Ok(Vec::new());
        }
        check::inspect(&self.connection).map(|found| found.damaged)
    }

    /// Names of the namespaces.
    pub fn namespaces(&self) -> Result<Vec<(NamespaceId, String)>> {
        let read = || -> rusqlite::Result<Vec<(NamespaceId, String)>> {
            let mut statement = self.connection.prepare("SELECT id, name FROM namespace ORDER BY name")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        read().doing("read the namespaces")
    }

    /// Every schedule, and whether each run that a schedule may wait for is open, all as of one moment.
    pub fn schedules(&self, mut look: impl FnMut(FoundSchedule<'_>)) -> Result<()> {
        let transaction = self.connection.unchecked_transaction().doing("begin to read")?;
        let mut read = || -> rusqlite::Result<()> {
            let mut records = transaction.prepare("SELECT key, value FROM record WHERE kind = ?1 ORDER BY key")?;
            let records = records.query_map([schedule::KIND], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let records: Vec<(String, Vec<u8>)> = records.collect::<rusqlite::Result<_>>()?;
            let open = if records.is_empty() { HashSet::new() } else { open_chains(&transaction)? };
            for (key, value) in records {
                let (namespace, schedule_id) = key.split_once('/').unwrap_or_default();
                let namespace = namespace.parse().unwrap_or_default();
                look(FoundSchedule { namespace, schedule_id, value: &value, open_chains: &open });
            }
            Ok(())
        };
        read().doing("read the schedules")
    }

    /// Hands every run to `look`, in the order in which they began, all as of one moment.
    pub fn runs(&self, mut look: impl FnMut(Found)) -> Result<()> {
        let transaction = self.connection.unchecked_transaction().doing("begin to read")?;
        let sql = "SELECT id, namespace, workflow_id, run_id, status, close_time IS NULL FROM exec ORDER BY id";
        let mut statement = transaction.prepare(sql).doing("list the executions")?;
        let mut rows = statement.query([]).doing("list the executions")?;
        while let Some(row) = rows.next().doing("list the executions")? {
            let id = row.get(0).doing("read an execution")?;
            let read = || content(&transaction, id, row.get(4)?, row.get(5)?);
            let content = read().unwrap_or_else(|error| Err(error.to_string()));
            let (workflow_id, run_id) = (recovery::readable(row, 2), recovery::readable(row, 3));
            look(Found { id, namespace: row.get(1).unwrap_or_default(), workflow_id, run_id, content });
        }
        Ok(())
    }
}

fn open_chains(transaction: &Transaction<'_>) -> rusqlite::Result<HashSet<String>> {
    let mut open = transaction.prepare("SELECT DISTINCT first_run_id FROM exec WHERE close_time IS NULL")?;
    open.query_map([], |row| row.get(0))?.collect()
}

type Content = std::result::Result<(Run, Progress), String>;

fn content(
    transaction: &Transaction<'_>,
    id: ExecutionId,
    status: i32,
    is_listed_open: bool,
) -> rusqlite::Result<Content> {
    let Some(stored) = reader::load(transaction, id)? else {
        return Ok(Err("it is listed and has no state".to_owned()));
    };
    let progress = match progress_of(transaction, id)? {
        Ok(progress) => progress,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let wake = "SELECT next_due, waiting_queue FROM wake WHERE exec = ?1";
    let mut wake = transaction.prepare_cached(wake)?;
    let mut wake = wake.query_map([id], |row| {
        let due: Option<i64> = row.get(0)?;
        Ok((due.map(Time::from_nanos), row.get(1)?))
    })?;
    let (next_due, waiting_queue) = wake.next().transpose()?.unwrap_or_default();
    let waiting_items = waiting_items(transaction, id)?;
    Ok(Ok((Run { stored, next_due, waiting_queue, waiting_items, status, is_listed_open }, progress)))
}

fn waiting_items(transaction: &Transaction<'_>, id: ExecutionId) -> rusqlite::Result<Vec<(ItemKind, ItemKey)>> {
    let sql = "SELECT kind, key FROM item WHERE exec = ?1 AND waiting_queue IS NOT NULL";
    let mut statement = transaction.prepare_cached(sql)?;
    let read = |row: &rusqlite::Row<'_>| {
        let kind: u8 = row.get(0)?;
        let kind = ItemKind::from_u8(kind).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, i64::from(kind)))?;
        Ok((kind, item_key(row.get_ref(1)?)?))
    };
    statement.query_map([id], read)?.collect()
}

fn progress_of(
    transaction: &Transaction<'_>,
    id: ExecutionId,
) -> rusqlite::Result<std::result::Result<Progress, String>> {
    let mut progress = Progress::default();
    for batch in history::batches(transaction, id, 1, i64::MAX)? {
        let Ok(history) = History::decode_nested(&batch.events) else {
            return Ok(Err(format!("its history does not decode from event {} on", batch.first)));
        };
        for event in &history.events {
            if let Err(wrong) = progress.push(event) {
                return Ok(Err(format!("its history is broken: {wrong}")));
            }
        }
        if progress.next_event_id() != batch.next {
            return Ok(Err(format!("its history has a batch {}..{} that ends elsewhere", batch.first, batch.next)));
        }
    }
    Ok(Ok(progress))
}
