//! A store is one file, owned by one process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ostro_disk::{Lock, private};
use ostro_engine::persistence::{NamespaceUsage, Recovery};
use ostro_sqlite::LogSize;
use rusqlite::Connection;

use crate::check::{self, Found};
use crate::error::{Doing, Error, OnFatal, Result};
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
    /// What to do where there is no file, or an empty one.
    pub begins_with_nothing: BeginsWithNothing,
    /// Go on without acknowledged commits that a damaged write-ahead log hides; a copy of the log is kept.
    pub accept_log_loss: bool,
}

/// Whether a server may begin with nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BeginsWithNothing {
    /// Unless something beside the file tells that there was data.
    #[default]
    UnlessDataIsGone,
    Yes,
    Never,
}

impl Default for Options {
    fn default() -> Self {
        Self { durable: true, begins_with_nothing: BeginsWithNothing::default(), accept_log_loss: false }
    }
}

/// An open store: the right to serve the file, and the way to its writer and readers.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Taken by `writer`.
    writer: Mutex<Option<Connection>>,
    log: Arc<LogSize>,
    /// What is damaged; taken by `recover`.
    found: Mutex<Found>,
    /// Last, so that connections are closed before the lock is released.
    _lock: Lock,
}

/// Refuses to begin with nothing where there was data, or must be.
fn refuse_beginning(path: &Path, begins: BeginsWithNothing) -> Result<()> {
    let bytes = std::fs::metadata(path).map(|file| file.len());
    if bytes.as_ref().is_ok_and(|bytes| *bytes > 0) {
        return Ok(());
    }
    match begins {
        BeginsWithNothing::Yes => Ok(()),
        BeginsWithNothing::Never => Err(Error::NoData { path: path.to_owned() }),
        BeginsWithNothing::UnlessDataIsGone => match ostro_disk::sign_of_data(path) {
            None => Ok(()),
            Some(sign) => {
                let (path, empty) = (path.to_owned(), bytes.is_ok());
                Err(Error::Disk(ostro_disk::Error::Vanished { path, empty, sign }))
            }
        },
    }
}

impl Store {
    /// Opens the file, creates it where it does not exist, and brings its schema up to date.
    ///
    /// Fails if another process serves it, if a newer release wrote it, if it is not a store, or if its structure is
    /// damaged. Damaged rows do not keep it from being served: [`Store::recover`] names them.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Store> {
        let path = path.as_ref().to_owned();
        refuse_beginning(&path, options.begins_with_nothing)?;
        let lock = Lock::take(&path)?;
        private::tighten(&path);
        if options.durable {
            // Without it any part of the log may be missing after a loss of power.
            ostro_disk::log::check(&path, options.accept_log_loss)?;
        }
        let writer = schema::open_writer(&path, options.durable)?;
        let found = Mutex::new(check::before_serving(&writer, &path, check::BYTES_MAX)?);
        lock.mark_served()?;
        let log = Arc::new(LogSize::of(&path));
        Ok(Store { path, writer: Mutex::new(Some(writer)), log, found, _lock: lock })
    }

    /// Everything that the engine needs before it serves.
    pub fn recover(&self) -> Result<Recovery> {
        let mut recovery = recovery::recover(&schema::open_reader(&self.path)?).doing("read the open executions")?;
        let found = std::mem::take(&mut *self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        for row in found.damaged {
            if !recovery.damaged.iter().any(|known| known.of == row.of) {
                recovery.damaged.push(row);
            }
        }
        recovery.unsure.extend(found.unsure);
        recovery.unsure.sort_unstable();
        recovery.unsure.dedup();
        Ok(recovery)
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
