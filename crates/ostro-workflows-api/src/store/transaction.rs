//! Documents read as what they are, and changed by one transaction at a time.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, MutexGuard, watch};

use super::{Records, RecordsStats};
use crate::model::error::Result;
use crate::model::record::{Aged, Change, Entry, Filter, Found, Kind, Query, parse, put};

/// Documents of one kind that a list looks through.
const DOCUMENTS_MAX: usize = 10_000;

/// The records, as services use them.
///
/// What is read before it is written is written in a [`Transaction`]: nothing here changes such a document otherwise.
pub(crate) struct Store {
    records: Arc<dyn Records>,
    turn: Mutex<()>,
}

impl Store {
    pub(crate) fn new(records: Arc<dyn Records>) -> Self {
        Self { records, turn: Mutex::default() }
    }

    /// The record of a kind under a key.
    pub(crate) async fn get<T: DeserializeOwned>(&self, kind: Kind, namespace: &str, key: &str) -> Result<Option<T>> {
        self.records.get(kind, namespace, key).await?.map(|body| parse(&body)).transpose()
    }

    /// The records of a kind, all or those with a term; up to ten thousand.
    pub(crate) async fn all<T: DeserializeOwned>(
        &self,
        kind: Kind,
        namespace: &str,
        term: Option<String>,
    ) -> Result<Vec<T>> {
        let query = Query { kind, namespace: namespace.to_owned(), term, after: String::new(), limit: DOCUMENTS_MAX };
        self.records.find(query).await?.iter().map(|found| parse(&found.body)).collect()
    }

    /// Documents as they are kept, a page in the order of their keys.
    pub(crate) async fn find(&self, query: Query) -> Result<Vec<Found>> {
        Ok(self.records.find(query).await?)
    }

    /// The namespaces that have a document of this kind.
    pub(crate) async fn namespaces(&self, kind: Kind) -> Result<Vec<String>> {
        Ok(self.records.namespaces(kind).await?)
    }

    /// Entries of a journal in the order of their sequence.
    pub(crate) async fn read(&self, filter: Filter) -> Result<Vec<Entry>> {
        Ok(self.records.read(filter).await?)
    }

    /// The runs that have entries older than a time.
    pub(crate) async fn aged(&self, aged: Aged) -> Result<Vec<(String, String)>> {
        Ok(self.records.aged(aged).await?)
    }

    /// What is counted of the records.
    pub(crate) fn stats(&self) -> RecordsStats {
        self.records.stats()
    }

    /// The highest sequence number committed, and every change of it.
    pub(crate) fn progress(&self) -> watch::Receiver<u64> {
        self.records.progress()
    }

    /// Makes changes that hold whatever is there: entries of journals, and documents that nobody reads before writing them.
    pub(crate) async fn write(&self, changes: Vec<Change>) -> Result<()> {
        self.records.commit(changes).await?;
        Ok(())
    }

    /// Begins a transaction once no other is under way.
    pub(crate) async fn transaction(&self) -> Transaction<'_> {
        Transaction { records: &*self.records, _turn: self.turn.lock().await, changes: Vec::new() }
    }
}

/// Reads, and then changes what was read: no other transaction comes between. What is not committed has not happened.
pub(crate) struct Transaction<'a> {
    records: &'a dyn Records,
    _turn: MutexGuard<'a, ()>,
    changes: Vec<Change>,
}

impl Transaction<'_> {
    /// The record of a kind under a key, as it was before this transaction.
    pub(crate) async fn get<T: DeserializeOwned>(&self, kind: Kind, namespace: &str, key: &str) -> Result<Option<T>> {
        self.records.get(kind, namespace, key).await?.map(|body| parse(&body)).transpose()
    }

    /// Keeps a record, over the one that is there.
    pub(crate) fn put<T: Serialize>(
        &mut self,
        kind: Kind,
        namespace: &str,
        key: String,
        terms: Vec<String>,
        record: &T,
    ) -> Result<()> {
        self.changes.push(put(kind, namespace, key, terms, record)?);
        Ok(())
    }

    /// Makes a change.
    pub(crate) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Makes all changes at once; they are durable when this returns.
    pub(crate) async fn commit(self) -> Result<()> {
        if !self.changes.is_empty() {
            self.records.commit(self.changes).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::SqliteRecords;

    fn store() -> (Arc<Store>, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let records = SqliteRecords::open(&directory.path().join("records.db"), false).unwrap();
        (Arc::new(Store::new(Arc::new(records))), directory)
    }

    async fn count(store: &Store) -> Option<u32> {
        store.get(Kind::Mark, "n", "count").await.unwrap()
    }

    #[tokio::test]
    async fn whoever_counts_at_once_loses_no_count() {
        let (store, _directory) = store();
        let counts = (0..20).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut transaction = store.transaction().await;
                let count: Option<u32> = transaction.get(Kind::Mark, "n", "count").await.unwrap();
                tokio::task::yield_now().await;
                let next = count.unwrap_or(0) + 1;
                transaction.put(Kind::Mark, "n", "count".into(), Vec::new(), &next).unwrap();
                transaction.commit().await.unwrap();
            })
        });
        for counted in counts.collect::<Vec<_>>() {
            counted.await.unwrap();
        }
        assert_eq!(count(&store).await, Some(20));
    }

    #[tokio::test]
    async fn what_is_not_committed_has_not_happened_and_keeps_nobody_waiting() {
        let (store, _directory) = store();
        let mut dropped = store.transaction().await;
        dropped.put(Kind::Mark, "n", "count".into(), Vec::new(), &7).unwrap();
        drop(dropped);
        store.transaction().await.commit().await.unwrap();
        assert_eq!(count(&store).await, None);
    }
}
