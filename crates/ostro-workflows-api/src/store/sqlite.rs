//! The records in a SQLite file: one thread writes (group commit), a few connections read.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use async_trait::async_trait;
use ostro_disk::{Lock, log, private};
use ostro_sqlite::{LogSize, PoolLimits, ReadPool, keep_log_small};
use rusqlite::Connection;
use tokio::sync::watch;

use super::write::Writer;
use super::{Error, RecordLimits, Records, RecordsStats, read, schema};
use crate::model::record::{Aged, Change, Entry, Filter, Found, Kind, Query};

/// Connections that read at the same time.
const READERS: usize = 4;
/// More than the lines that a journal takes until they reach the disk.
const SEQUENCES_SKIPPED: i64 = 100_000;
/// Another process (`ostro token create`) writes for milliseconds.
const BUSY_TIMEOUT_MS: u32 = 5000;

/// The records of one data directory.
pub struct SqliteRecords {
    writer: Writer,
    readers: ReadPool,
    log: Arc<LogSize>,
    /// Of a server; last, so that connections are closed before it is released.
    _lock: Option<Lock>,
}

impl SqliteRecords {
    /// Opens the file, or makes it, for the one server that serves it. With `durable` acknowledged documents survive a crash of
    /// the machine too, and lines of journals from a moment after they were acknowledged.
    ///
    /// # Errors
    /// If another server has it, or it cannot be used.
    pub fn serve(path: &Path, durable: bool, limits: RecordLimits) -> Result<Self, Error> {
        let failed =
            |error: ostro_disk::Error| Error::Open { path: path.display().to_string(), reason: error.to_string() };
        let lock = Lock::take(path).map_err(failed)?;
        private::tighten(path);
        if let Some(loss) = log::look(path).map_err(failed)? {
            // Its journals need not reach the disk in order, so a loss of power may look like this, too.
            let kept = log::cut(path, loss).map_err(failed)?;
            tracing::error!(
                path = %path.display(), kept = %kept.display(), frame = loss.frame, commits = loss.commits,
                "the write-ahead log of the API's records is damaged: what follows that frame is lost"
            );
        }
        let records = Self::open_within(path, durable, limits)?;
        Ok(Self { _lock: Some(lock), ..records })
    }

    /// The same beside a server, or without one: `ostro token`.
    ///
    /// # Errors
    /// If it cannot be used, or its log is damaged: revocations may be behind the damage.
    pub fn open(path: &Path, durable: bool) -> Result<Self, Error> {
        let damaged =
            |error: ostro_disk::Error| Error::Open { path: path.display().to_string(), reason: error.to_string() };
        log::check_unless_served(path).map_err(damaged)?;
        Self::open_within(path, durable, RecordLimits::default())
    }

    /// The same with other limits than the usual ones.
    pub fn open_within(path: &Path, durable: bool, limits: RecordLimits) -> Result<Self, Error> {
        let failed = |reason: String| Error::Open { path: path.display().to_string(), reason };
        let reason = |error: rusqlite::Error| failed(error.to_string());
        if !path.exists() {
            // Another process may have been faster.
            private::create_new(path)
                .map(drop)
                .or_else(|error| if path.exists() { Ok(()) } else { Err(error) })
                .map_err(|error| failed(error.to_string()))?;
        }
        let writer = connect(path, durable).map_err(reason)?;
        schema::prepare(&writer).map_err(|error| failed(error.to_string()))?;
        // Of what a crash of the machine took away, somebody may have seen the numbers: they are not given again.
        let skip = "UPDATE sqlite_sequence SET seq = seq + ?1 WHERE name = 'entry'";
        writer.execute(skip, [SEQUENCES_SKIPPED]).map_err(reason)?;
        let readers = (0..READERS).map(|_| connect(path, durable)).collect::<Result<Vec<_>, _>>().map_err(reason)?;
        keep_log_small(&writer).map_err(reason)?;
        let log = Arc::new(LogSize::of(path));
        let pool = PoolLimits { time: limits.read_timeout, waiting_max: limits.reads_waiting_max };
        let readers = ReadPool::new(readers, pool, log.clone());
        Ok(Self { writer: Writer::start(writer, durable, limits, log.clone())?, readers, log, _lock: None })
    }

    /// Runs `work` for a namespace on one of the reading connections, off the async threads.
    async fn reading<T: Send + 'static>(
        &self,
        namespace: &str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let read = self.readers.read(namespace, work).await;
        Ok(read.map_err(|refused| Error::Refused(refused.to_string()))??)
    }
}

#[async_trait]
impl Records for SqliteRecords {
    async fn get(&self, kind: Kind, namespace: &str, key: &str) -> Result<Option<String>, Error> {
        let (namespace, key) = (namespace.to_owned(), key.to_owned());
        self.reading(&namespace.clone(), move |connection| read::get(connection, kind, &namespace, &key)).await
    }

    async fn find(&self, query: Query) -> Result<Vec<Found>, Error> {
        self.reading(&query.namespace.clone(), move |connection| read::find(connection, &query)).await
    }

    async fn namespaces(&self, kind: Kind) -> Result<Vec<String>, Error> {
        self.reading("", move |connection| read::namespaces(connection, kind)).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<u64>, Error> {
        self.writer.commit(changes).await
    }

    async fn aged(&self, aged: Aged) -> Result<Vec<(String, String)>, Error> {
        self.reading(&aged.namespace.clone(), move |connection| read::aged(connection, &aged)).await
    }

    async fn read(&self, filter: Filter) -> Result<Vec<Entry>, Error> {
        self.reading(&filter.namespace.clone(), move |connection| read::entries(connection, &filter)).await
    }

    fn stats(&self) -> RecordsStats {
        let (pool, writer) = (self.readers.stats(), self.writer.stats());
        RecordsStats {
            bytes: writer.bytes_now.load(Relaxed),
            log_bytes: self.log.bytes(),
            refused: writer.refused.load(Relaxed),
            reads_waiting: pool.waiting_now.load(Relaxed),
            reads_refused: pool.refused.load(Relaxed),
            reads_cut: pool.cut.load(Relaxed),
            reads_abandoned: pool.abandoned.load(Relaxed),
        }
    }

    fn progress(&self) -> watch::Receiver<u64> {
        self.writer.progress()
    }
}

fn connect(path: &Path, durable: bool) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    ostro_disk::harden(&connection)?;
    connection.pragma_update(None, "busy_timeout", BUSY_TIMEOUT_MS)?;
    // What is deleted leaves the file.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", if durable { "full" } else { "off" })?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
