//! The records in a SQLite file: one thread writes (group commit), a few connections read.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::{Semaphore, watch};

use super::write::Writer;
use super::{Aged, Change, Entry, Error, Filter, Found, Kind, Query, Records, read, schema};

/// Connections that read at the same time.
const READERS: usize = 4;
/// More than the lines that a journal takes until they reach the disk.
const SEQUENCES_SKIPPED: i64 = 100_000;
/// Another process (`ostro token create`) writes for milliseconds.
const BUSY_TIMEOUT_MS: u32 = 5000;

/// The records of one data directory.
pub struct SqliteRecords {
    writer: Writer,
    readers: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl SqliteRecords {
    /// Opens the file, or makes it. With `durable` acknowledged documents survive a crash of the machine too, and lines of
    /// journals from a moment after they were acknowledged.
    pub fn open(path: &Path, durable: bool) -> Result<Self, Error> {
        let failed = |reason: String| Error::Open { path: path.display().to_string(), reason };
        let reason = |error: rusqlite::Error| failed(error.to_string());
        let writer = connect(path, durable).map_err(reason)?;
        schema::prepare(&writer).map_err(|error| failed(error.to_string()))?;
        // Of what a crash of the machine took away, somebody may have seen the numbers: they are not given again.
        let skip = "UPDATE sqlite_sequence SET seq = seq + ?1 WHERE name = 'entry'";
        writer.execute(skip, [SEQUENCES_SKIPPED]).map_err(reason)?;
        let readers = (0..READERS).map(|_| connect(path, durable)).collect::<Result<Vec<_>, _>>().map_err(reason)?;
        Ok(Self {
            writer: Writer::start(writer, durable)?,
            readers: Arc::new(Mutex::new(readers)),
            places: Arc::new(Semaphore::new(READERS)),
        })
    }

    /// Runs `work` on one of the reading connections, off the async threads.
    async fn reading<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let place = self.places.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        let readers = self.readers.clone();
        let done = tokio::task::spawn_blocking(move || {
            let connection = readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = connection.expect("there are as many connections as places");
            let answer = work(&connection);
            readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(place);
            answer
        });
        Ok(done.await.map_err(|_| Error::Closed)??)
    }
}

#[async_trait]
impl Records for SqliteRecords {
    async fn get(&self, kind: Kind, namespace: &str, key: &str) -> Result<Option<String>, Error> {
        let (namespace, key) = (namespace.to_owned(), key.to_owned());
        self.reading(move |connection| read::get(connection, kind, &namespace, &key)).await
    }

    async fn find(&self, query: Query) -> Result<Vec<Found>, Error> {
        self.reading(move |connection| read::find(connection, &query)).await
    }

    async fn namespaces(&self, kind: Kind) -> Result<Vec<String>, Error> {
        self.reading(move |connection| read::namespaces(connection, kind)).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<u64>, Error> {
        self.writer.commit(changes).await
    }

    async fn aged(&self, aged: Aged) -> Result<Vec<(String, String)>, Error> {
        self.reading(move |connection| read::aged(connection, &aged)).await
    }

    async fn read(&self, filter: Filter) -> Result<Vec<Entry>, Error> {
        self.reading(move |connection| read::entries(connection, &filter)).await
    }

    fn progress(&self) -> watch::Receiver<u64> {
        self.writer.progress()
    }
}

fn connect(path: &Path, durable: bool) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "busy_timeout", BUSY_TIMEOUT_MS)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", if durable { "full" } else { "off" })?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
