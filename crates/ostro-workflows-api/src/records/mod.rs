//! What the API keeps itself: documents (registrations, deployments, workers, search keys, API keys) and journals
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
mod write;

use async_trait::async_trait;
use tokio::sync::watch;

pub use copy::{CopyError, RecordsReport, backup, companion, examine, restore};
pub use quota::RecordLimits;
pub use sqlite::SqliteRecords;

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

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Workflow,
    Registration,
    Deployment,
    Worker,
    Execution,
    Run,
    Credential,
    ApiKey,
    Metric,
    Graph,
    /// Places to resume from.
    Mark,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Registration => "registration",
            Self::Deployment => "deployment",
            Self::Worker => "worker",
            Self::Execution => "execution",
            Self::Run => "run",
            Self::Credential => "credential",
            Self::ApiKey => "api_key",
            Self::Metric => "metric",
            Self::Graph => "graph",
            Self::Mark => "mark",
        }
    }
}

/// A document to keep.
#[derive(Debug, Clone)]
pub struct Document {
    pub kind: Kind,
    pub namespace: String,
    /// Unique among the documents of its kind and namespace.
    pub key: String,
    /// What it can be found by, besides its key.
    pub terms: Vec<String>,
    /// JSON.
    pub body: String,
}

/// Which documents.
#[derive(Debug, Clone)]
pub struct Query {
    pub kind: Kind,
    pub namespace: String,
    /// Only those with this term; a trailing `*` takes every term that begins so.
    pub term: Option<String>,
    /// Only keys after this one.
    pub after: String,
    pub limit: usize,
}

/// A document found.
#[derive(Debug, Clone)]
pub struct Found {
    pub key: String,
    pub body: String,
}

/// A change of the records.
#[derive(Debug, Clone)]
pub enum Change {
    /// Writes a document, over the one that is there.
    Put(Document),
    /// Deletes a document, if it is there.
    Delete { kind: Kind, namespace: String, key: String },
    /// Appends to a journal; an identifier that is there already changes nothing.
    Append(Entry),
    /// Deletes the entries of no execution that are older than this (Unix nanoseconds), up to [`TRIM_MAX`] of them.
    Trim { journal: Journal, namespace: String, before: i64 },
    /// Deletes every entry of a run, in all journals.
    ForgetRun { namespace: String, execution: String, run: String },
}

impl Change {
    /// Whether it changes a document.
    pub(crate) fn is_of_document(&self) -> bool {
        matches!(self, Self::Put(_) | Self::Delete { .. })
    }
}

/// The journals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journal {
    Event,
    /// Events of the SDK's own machinery.
    InternalEvent,
    Log,
    Span,
}

impl Journal {
    pub(crate) const ALL: [Self; 4] = [Self::Event, Self::InternalEvent, Self::Log, Self::Span];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::InternalEvent => "internal_event",
            Self::Log => "log",
            Self::Span => "span",
        }
    }
}

/// One line of a journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place; given at the commit.
    pub sequence: u64,
    pub journal: Journal,
    pub namespace: String,
    /// Unique within the journal and namespace.
    pub id: String,
    /// Unix nanoseconds, as its source says.
    pub at: i64,
    /// The root of the execution's tree.
    pub root: String,
    pub execution: String,
    pub run: String,
    /// The event's type, the log's severity, the span's trace.
    pub kind: String,
    /// The event's workflow, the log's deployment.
    pub source: String,
    /// JSON.
    pub body: String,
}

/// Which entries; `None` takes all.
#[derive(Debug, Clone)]
pub struct Filter {
    pub journal: Journal,
    pub namespace: String,
    /// Only sequences after this one (before it when `descending`); 0 is the start.
    pub after: u64,
    pub root: Option<String>,
    pub execution: Option<String>,
    pub run: Option<String>,
    pub source: Option<String>,
    /// One of these; empty takes all.
    pub kinds: Vec<String>,
    /// Unix nanoseconds, exclusive.
    pub at_after: Option<i64>,
    /// Unix nanoseconds, exclusive.
    pub at_before: Option<i64>,
    pub descending: bool,
    pub limit: usize,
}

impl Filter {
    /// Everything of a journal in a namespace, from its start.
    pub fn all(journal: Journal, namespace: &str) -> Self {
        Self {
            journal,
            namespace: namespace.to_owned(),
            after: 0,
            root: None,
            execution: None,
            run: None,
            source: None,
            kinds: Vec::new(),
            at_after: None,
            at_before: None,
            descending: false,
            limit: 1000,
        }
    }
}

/// Which runs.
#[derive(Debug, Clone)]
pub struct Aged {
    pub journal: Journal,
    pub namespace: String,
    pub before: i64,
    pub after: (String, String),
    pub limit: usize,
}

/// Entries that one [`Change::Trim`] deletes, so that others need not wait for long.
pub const TRIM_MAX: usize = 5000;

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

impl From<Error> for crate::error::Error {
    fn from(error: Error) -> Self {
        match &error {
            Error::Refused(_) => Self::new(crate::error::Code::TooMuch, error.to_string()),
            Error::Quota { .. } | Error::DiskFull { .. } => {
                Self::new(crate::error::Code::StorageFull, error.to_string())
            }
            _ => Self::internal("use its records", &error),
        }
    }
}
