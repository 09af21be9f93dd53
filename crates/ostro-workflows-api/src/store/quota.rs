//! How many bytes the records of a namespace have, and may have.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, Transaction, params};

use super::Error;
use crate::model::record::{Change, Document, Entry, Kind};

/// What a namespace may keep unless its own quota says otherwise.
const BYTES_MAX_DEFAULT: u64 = 4 << 30;
/// What a row takes besides its body, with its indexes.
const DOCUMENT_BYTES: usize = 256;
const ENTRY_BYTES: usize = 512;

/// Each stream reads whenever anything is written, and that is quick.
const READS_WAITING_MAX: usize = 2000;

/// What documents may have beyond a quota that journals have used up: this part of it.
const DOCUMENTS_PART: u64 = 8;

/// What a commit would add to a namespace.
#[derive(Default)]
struct Wanted {
    bytes: i64,
    entries: bool,
}

/// The limits of records.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordLimits {
    /// Bytes of a namespace that has no quota of its own.
    pub bytes_max: u64,
    /// Bytes of single namespaces.
    pub bytes_max_of: BTreeMap<String, u64>,
    /// Longest that one read may take, in time.
    pub read_timeout: std::time::Duration,
    /// Reads of one namespace that may wait.
    pub reads_waiting_max: usize,
}

impl Default for RecordLimits {
    fn default() -> Self {
        Self {
            bytes_max: BYTES_MAX_DEFAULT,
            bytes_max_of: BTreeMap::new(),
            read_timeout: std::time::Duration::from_secs(15),
            reads_waiting_max: READS_WAITING_MAX,
        }
    }
}

impl RecordLimits {
    fn of(&self, namespace: &str) -> u64 {
        self.bytes_max_of.get(namespace).copied().unwrap_or(self.bytes_max)
    }
}

/// The size of a document as it counts.
pub(super) fn of_document(key: &str, body: &str) -> i64 {
    signed(body.len() + key.len() + DOCUMENT_BYTES)
}

/// The size of an entry as it counts.
pub(super) fn of_entry(entry: &Entry) -> i64 {
    let Entry { id, root, execution, run, kind, source, body, .. } = entry;
    let names: usize = [id, root, execution, run, kind, source].iter().map(|name| name.len()).sum();
    signed(body.len() + 2 * names + ENTRY_BYTES)
}

/// The same in SQL, for rows that go.
pub(super) const OF_ENTRY_SQL: &str = "octet_length(body) + 512 + 2 * (octet_length(id) + octet_length(root) \
     + octet_length(execution) + octet_length(run) + octet_length(kind) + octet_length(source))";
/// The same in SQL, for a document that goes.
pub(super) const OF_DOCUMENT_SQL: &str = "octet_length(body) + octet_length(key) + 256";

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// What each namespace has.
pub(super) struct Usage {
    limits: RecordLimits,
    bytes: HashMap<String, i64>,
    /// Of the transaction that is open.
    changed: HashMap<String, i64>,
}

impl Usage {
    pub(super) fn load(connection: &Connection, limits: RecordLimits) -> rusqlite::Result<Self> {
        let mut all = connection.prepare("SELECT namespace, bytes FROM usage")?;
        let bytes = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
        Ok(Self { limits, bytes, changed: HashMap::new() })
    }

    /// Refuses changes that would take a namespace beyond its quota. What only makes room is never refused.
    pub(super) fn check(&self, changes: &[Change]) -> Result<(), Error> {
        let mut more: HashMap<&str, Wanted> = HashMap::new();
        for change in changes {
            let (namespace, bytes, is_entry) = match change {
                // Who may call is the operator's to say, and of no namespace.
                Change::Put(Document { kind: Kind::ApiKey, .. }) => continue,
                Change::Put(Document { namespace, key, body, .. }) => (namespace, of_document(key, body), false),
                Change::Append(entry) => (&entry.namespace, of_entry(entry), true),
                _ => continue,
            };
            let wanted = more.entry(namespace).or_default();
            wanted.bytes = wanted.bytes.saturating_add(bytes);
            wanted.entries |= is_entry;
        }
        more.into_iter().try_for_each(|(namespace, wanted)| self.check_one(namespace, &wanted))
    }

    fn check_one(&self, namespace: &str, wanted: &Wanted) -> Result<(), Error> {
        let bytes = u64::try_from(self.bytes_of(namespace).saturating_add(wanted.bytes)).unwrap_or(0);
        let max = self.limits.of(namespace);
        // Journals are what grows: where they have taken all, workers can still make themselves known.
        let room = if wanted.entries { 0 } else { max / DOCUMENTS_PART };
        if bytes <= max.saturating_add(room) {
            return Ok(());
        }
        Err(Error::Quota { namespace: namespace.to_owned(), bytes, max })
    }

    fn bytes_of(&self, namespace: &str) -> i64 {
        let of = |bytes: &HashMap<String, i64>| bytes.get(namespace).copied().unwrap_or(0);
        of(&self.bytes).saturating_add(of(&self.changed))
    }

    /// Notes what a change of the open transaction adds or, below 0, takes away.
    pub(super) fn add(&mut self, namespace: &str, bytes: i64) {
        if bytes != 0 {
            *self.changed.entry(namespace.to_owned()).or_default() += bytes;
        }
    }

    /// Writes what the open transaction changed into it.
    pub(super) fn write(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let sql = "INSERT INTO usage (namespace, bytes) VALUES (?1, ?2)
                   ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes";
        let mut add = transaction.prepare_cached(sql)?;
        for (namespace, bytes) in &self.changed {
            add.execute(params![namespace, bytes])?;
        }
        Ok(())
    }

    /// The transaction was committed, or not.
    pub(super) fn ended(&mut self, committed: bool) {
        for (namespace, bytes) in self.changed.drain().filter(|_| committed) {
            *self.bytes.entry(namespace).or_default() += bytes;
        }
    }

    /// Bytes of all namespaces.
    pub(super) fn total(&self) -> u64 {
        self.bytes.values().map(|bytes| u64::try_from(*bytes).unwrap_or(0)).sum()
    }
}

#[cfg(test)]
#[path = "quota_tests.rs"]
mod tests;
