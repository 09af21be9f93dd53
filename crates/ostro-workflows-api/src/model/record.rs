//! What the API keeps, as its store has it: documents and journals, and what changes or finds them.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::error::{Error, Result};

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

/// A change that keeps `record`.
pub(crate) fn put<T: Serialize>(
    kind: Kind,
    namespace: &str,
    key: String,
    terms: Vec<String>,
    record: &T,
) -> Result<Change> {
    let body = serde_json::to_string(record).map_err(|error| Error::internal("write a record", &error))?;
    Ok(Change::Put(Document { kind, namespace: namespace.to_owned(), key, terms, body }))
}

/// The record that a document is.
pub(crate) fn parse<T: DeserializeOwned>(body: &str) -> Result<T> {
    serde_json::from_str(body).map_err(|error| Error::internal("read a record", &error))
}
