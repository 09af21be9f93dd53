//! The workers that tell of themselves. In memory only: a worker tells again within a minute.

mod filter;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ostro_engine::error::{Error, Result};
use ostro_engine::persistence::NamespaceId;
use ostro_engine::time::{MINUTE, Span, Time};
use prost::Message;
use temporalio_protos::temporal::api::enums::v1::WorkerStatus;
use temporalio_protos::temporal::api::worker::v1::WorkerHeartbeat;

pub(crate) use filter::Filter;

/// A worker that has not told of itself for so long is gone.
const GONE_AFTER: Span = MINUTE.times(5);
/// Workers kept, of all namespaces; the one that was silent longest leaves beyond it.
const WORKERS_MAX: usize = 100_000;

/// Bytes of what workers tell, of all namespaces; the same beyond it.
const BYTES_MAX: usize = 64 << 20;
/// What a worker takes besides what it tells.
const ROW_BYTES: usize = 256;

type Key = (NamespaceId, String);

/// The workers of all namespaces.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    by_key: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    all: BTreeMap<Key, Seen>,
    /// The one that was silent longest comes first.
    by_age: BTreeSet<(Time, Key)>,
    bytes: usize,
}

#[derive(Debug)]
struct Seen {
    heartbeat: WorkerHeartbeat,
    at: Time,
    bytes: usize,
}

impl Table {
    fn remove(&mut self, key: &Key) {
        if let Some(seen) = self.all.remove(key) {
            self.bytes -= seen.bytes;
            self.by_age.remove(&(seen.at, key.clone()));
        }
    }

    fn insert(&mut self, key: Key, heartbeat: WorkerHeartbeat, at: Time) {
        self.remove(&key);
        let bytes = heartbeat.encoded_len() + key.1.len() + ROW_BYTES;
        self.bytes += bytes;
        self.by_age.insert((at, key.clone()));
        self.all.insert(key, Seen { heartbeat, at, bytes });
    }

    /// Forgets who is gone, and, where there are too many, who was silent longest.
    fn forget(&mut self, now: Time) {
        while let Some((at, key)) = self.by_age.first().cloned() {
            let too_many = self.all.len() > WORKERS_MAX || self.bytes > BYTES_MAX;
            if !too_many && at + GONE_AFTER > now {
                return;
            }
            self.remove(&key);
        }
    }
}

impl Workers {
    /// Notes heartbeats; a worker that shuts down is forgotten.
    pub(crate) fn note(&self, namespace: NamespaceId, heartbeats: Vec<WorkerHeartbeat>, now: Time) {
        let mut workers = self.lock();
        for heartbeat in heartbeats {
            let key = (namespace, heartbeat.worker_instance_key.clone());
            if heartbeat.status() == WorkerStatus::Shutdown {
                workers.remove(&key);
            } else {
                workers.insert(key, heartbeat, now);
            }
        }
        workers.forget(now);
    }

    /// Workers of a namespace whose key is greater than `after`, by key; at most `most`, and whether there are more.
    pub(crate) fn list(
        &self,
        namespace: NamespaceId,
        filter: &Filter,
        after: &str,
        most: usize,
        now: Time,
    ) -> (Vec<WorkerHeartbeat>, bool) {
        let workers = self.lock();
        let from = match after {
            "" => Bound::Included((namespace, String::new())),
            key => Bound::Excluded((namespace, key.to_owned())),
        };
        let of_namespace = workers.all.range((from, Bound::Excluded((namespace + 1, String::new()))));
        let mut found = of_namespace
            .filter(|(_, seen)| seen.at + GONE_AFTER > now && filter.matches(&seen.heartbeat))
            .map(|(_, seen)| seen.heartbeat.clone());
        let page: Vec<_> = found.by_ref().take(most).collect();
        let more = found.next().is_some();
        (page, more)
    }

    /// # Errors
    /// NOT_FOUND.
    pub(crate) fn get(&self, namespace: NamespaceId, key: &str, now: Time) -> Result<WorkerHeartbeat> {
        let workers = self.lock();
        let seen = workers.all.get(&(namespace, key.to_owned())).filter(|seen| seen.at + GONE_AFTER > now);
        seen.map(|seen| seen.heartbeat.clone()).ok_or_else(|| Error::not_found(format!("Worker {key} not found")))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(key: &str, status: WorkerStatus) -> WorkerHeartbeat {
        WorkerHeartbeat { worker_instance_key: key.into(), status: status as i32, ..Default::default() }
    }

    #[test]
    fn workers_come_are_listed_and_go() {
        let workers = Workers::default();
        let all = Filter::parse("").unwrap();
        workers.note(1, ["c", "a", "b"].map(|key| worker(key, WorkerStatus::Running)).into(), Time::from_nanos(1));
        workers.note(2, vec![worker("d", WorkerStatus::Running)], Time::from_nanos(1));
        let keys = |(page, more): (Vec<WorkerHeartbeat>, bool)| {
            (page.into_iter().map(|w| w.worker_instance_key).collect::<Vec<_>>().join(","), more)
        };
        assert_eq!(keys(workers.list(1, &all, "", 2, Time::from_nanos(2))), ("a,b".to_owned(), true));
        assert_eq!(keys(workers.list(1, &all, "b", 2, Time::from_nanos(2))), ("c".to_owned(), false));
        workers.note(1, vec![worker("a", WorkerStatus::Shutdown)], Time::from_nanos(2));
        assert!(workers.get(1, "a", Time::from_nanos(2)).is_err());
        assert!(workers.get(1, "b", Time::from_nanos(2)).is_ok());
        assert!(workers.get(1, "b", Time::from_nanos(2) + GONE_AFTER).is_err(), "it was silent for too long");
    }

    #[test]
    fn what_workers_tell_takes_no_more_than_it_may() {
        let workers = Workers::default();
        let large = |key: &str| WorkerHeartbeat {
            worker_identity: "x".repeat(BYTES_MAX / 4),
            ..worker(key, WorkerStatus::Running)
        };
        for (key, now) in [("a", 1), ("b", 2), ("c", 3), ("a", 4), ("d", 5)] {
            workers.note(1, vec![large(key)], Time::from_nanos(now));
        }
        let now = Time::from_nanos(5);
        assert!(workers.get(1, "b", now).is_err(), "it was silent longest");
        assert!(["a", "c", "d"].iter().all(|key| workers.get(1, key, now).is_ok()));
        workers.note(1, ["a", "c", "d"].map(|key| worker(key, WorkerStatus::Shutdown)).into(), now);
        let table = workers.lock();
        assert_eq!((table.bytes, table.all.len(), table.by_age.len()), (0, 0, 0));
    }
}
