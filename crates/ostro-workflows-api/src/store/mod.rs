//! Where the API keeps what it keeps itself: documents (registrations, deployments, workers, search keys, API keys) and journals
//! (events, logs, spans).
//!
//! They live beside the engine's store, never in it: the API works the same over a Temporal cluster, where there is no
//! such store, and the engine's writer stays the only one of its file.

mod copy;

mod disk;

mod quota;
mod read;
mod room;

mod schema;

mod sqlite;

mod transaction;

mod write;

use async_trait::async_trait;
use tokio::sync::watch;

pub use self::copy::{CopyError, RecordsReport, backup, compact, companion, examine, restore, tell_of_executions};
pub use self::quota::RecordLimits;
pub use self::sqlite::SqliteRecords;
pub(crate) use self::transaction::{Store, Transaction};
use crate::model::record::{Aged, Change, Entry, Filter, Found, Kind, Query};

/// Where records are kept. What is acknowledged outlives this process, and a document the machine's crash; what one `commit` changes, changes at once or not at all.
#[async_trait]
pub trait Records: Send + Sync + 'static {
    /// The body of a document.
    async fn get(&self, kind: Kind, namespace: &str, key: &str) -> Result<Option<String>, Error>;

    /// Documents of a kind in the order of their keys, after `after`; with a term, only those that carry it.
    async fn find(&self, query: Query) -> Result<Vec<Found>, Error>;

    /// The namespaces that have a document of this kind.
    async fn namespaces(&self, kind: Kind) -> Result<Vec<String>, Error>;

    /// Applies the changes; answers the sequence numbers of what was appended, in order (0 for what was there already).
    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<u64>, Error>;

    /// The runs that have entries older than `before` (Unix nanoseconds), as (execution, run) in this order, after `after`.
    async fn aged(&self, aged: Aged) -> Result<Vec<(String, String)>, Error>;

    /// Entries of a journal in the order of their sequence.
    async fn read(&self, filter: Filter) -> Result<Vec<Entry>, Error>;

    /// What is counted of them.
    fn stats(&self) -> RecordsStats {
        RecordsStats::default()
    }

    /// The highest sequence number committed, and every change of it.
    fn progress(&self) -> watch::Receiver<u64>;
}

/// What is counted of records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordsStats {
    /// Bytes of all records, as they count for quotas, since the last commit.
    pub bytes: u64,
    /// Bytes of the write-ahead log.
    pub log_bytes: u64,
    /// Commits refused: a quota was used up, or the disk nearly full.
    pub refused: u64,
    /// Reads that wait for a connection.
    pub reads_waiting: u64,
    /// Reads that found the queue of their namespace full.
    pub reads_refused: u64,
    /// Reads that were ended because of their time or of the log.
    pub reads_cut: u64,
    /// Reads that were ended because their caller had gone.
    pub reads_abandoned: u64,
}

/// Why records could not be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("cannot use the API's records at {path}: {reason}")]
    Open { path: String, reason: String },
    #[error("the API's records: {0}")]
    Sqlite(String),
    #[error("the API's records are closed")]
    Closed,
    /// A read that found no place, or was ended.
    #[error("{0}")]
    Refused(String),
    #[error(
        "the records (events, logs, spans, registrations) of namespace {namespace:?} have {bytes} bytes, and          [quotas] records_bytes_max is {max}: raise it, shorten records_retention, or send less"
    )]
    Quota { namespace: String, bytes: u64, max: u64 },
    #[error(
        "the disk has {free} bytes left, and records are taken only while it has {needed}, so that the engine can go on: free          some, or delete what is old"
    )]
    DiskFull { free: u64, needed: u64 },
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error.to_string())
    }
}

impl From<Error> for crate::model::error::Error {
    fn from(error: Error) -> Self {
        match &error {
            Error::Refused(_) => Self::new(crate::model::error::Code::TooMuch, error.to_string()),
            Error::Quota { .. } | Error::DiskFull { .. } => {
                Self::new(crate::model::error::Code::StorageFull, error.to_string())
            }
            _ => Self::internal("use its records", &error),
        }
    }
}
