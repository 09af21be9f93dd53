//! A store is one file, owned by one process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ostro_engine::persistence::{NamespaceUsage, Recovery};
use ostro_sqlite::LogSize;
use rusqlite::Connection;

use crate::error::{Doing, Error, OnFatal, Result};
use crate::lock::Lock;
use crate::reader::Reader;
use crate::readers::{ReadLimits, Readers};
use crate::writer::Writer;
use crate::{recovery, schema};

/// How to open a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Each commit is synced to disk before it is acknowledged. `false` survives a crash of the process but not of the
    /// machine: for tests and throw-away servers.
    pub durable: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { durable: true }
    }
}

/// An open store: the right to serve the file, and the way to its writer and readers.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Taken by `writer`.
    writer: Mutex<Option<Connection>>,
    log: Arc<LogSize>,
    /// Last, so that connections are closed before the lock is released.
    _lock: Lock,
}

impl Store {
    /// Opens the file, creates it where it does not exist, and brings its schema up to date.
    ///
    /// Fails if another process serves it, if a newer release wrote it, or if it is not a store.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Store> {
        let path = path.as_ref().to_owned();
        let lock = Lock::take(&path)?;
        let writer = Mutex::new(Some(schema::open_writer(&path, options.durable)?));
        let log = Arc::new(LogSize::of(&path));
        Ok(Store { path, writer, log, _lock: lock })
    }

    /// Everything that the engine needs before it serves.
    pub fn recover(&self) -> Result<Recovery> {
        recovery::recover(&schema::open_reader(&self.path)?).doing("read the open executions")
    }

    /// What each namespace has, for quotas: a second for each million runs.
    pub fn usage(&self) -> Result<Vec<NamespaceUsage>> {
        recovery::usage(&schema::open_reader(&self.path)?).doing("count what namespaces have")
    }

    /// Starts the writer thread. There is one writer for a store: a second call fails.
    ///
    /// The store must outlive it, as it holds the lock on the file.
    pub fn writer(&self, on_fatal: OnFatal) -> Result<Writer> {
        let taken = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let connection = taken.ok_or_else(|| Error::InUse { path: self.path.clone(), owner: None })?;
        Writer::start(connection, self.log.clone(), on_fatal)
            .map_err(|source| Error::Io { path: self.path.clone(), source })
    }

    /// A reader for the engine's thread.
    pub fn reader(&self, on_fatal: OnFatal) -> Result<Reader> {
        Ok(Reader::new(schema::open_reader(&self.path)?, on_fatal))
    }

    /// Readers for the frontend.
    pub fn readers(&self, limits: ReadLimits) -> Result<Readers> {
        let connections = || (0..limits.connections.max(1)).map(|_| schema::open_reader(&self.path)).collect();
        Readers::new(connections, limits.pool, self.log.clone())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}
