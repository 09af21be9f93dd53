//! What operators set on task queues: limits and weights, and sets of compatible build ids.

mod build_ids;
mod queue_config;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueueConfig;

pub use build_ids::BuildIdSets;

use crate::persistence::{NamespaceId, QueueKind, StoredRecord, Write};
use crate::queue::{QueueKey, Rates};

/// The kinds of the records in which settings are stored.
pub const CONFIG_KIND: &str = "task_queue_config";
pub const BUILD_IDS_KIND: &str = "build_ids";

/// All settings of all task queues.
#[derive(Debug, Default)]
pub struct Settings {
    configs: BTreeMap<(NamespaceId, QueueKind, String), TaskQueueConfig>,
    build_ids: BTreeMap<(NamespaceId, String), BuildIdSets>,
}

impl Settings {
    /// The settings among stored records.
    ///
    /// # Panics
    /// When a record does not decode: the store is damaged, and nothing may be served from it.
    pub fn restore<'a>(records: impl IntoIterator<Item = &'a StoredRecord>) -> Self {
        let mut settings = Self::default();
        for record in records {
            match record.kind.as_str() {
                CONFIG_KIND => {
                    let (namespace, rest) = split(&record.key);
                    let (kind, name) = rest.split_once('/').expect("a key names namespace, kind and queue");
                    let kinds = [QueueKind::Workflow, QueueKind::Activity, QueueKind::Nexus];
                    let kind = kinds.into_iter().find(|known| (*known as u8).to_string() == kind);
                    let kind = kind.expect("a key names a kind that there is");
                    settings.configs.insert((namespace, kind, name.to_owned()), decode(&record.value));
                }
                BUILD_IDS_KIND => {
                    let (namespace, name) = split(&record.key);
                    settings.build_ids.insert((namespace, name.to_owned()), decode(&record.value));
                }
                _ => {}
            }
        }
        settings
    }

    /// Forgets those of a namespace that is deleted.
    pub fn drop_namespace(&mut self, namespace: NamespaceId) -> Vec<Write> {
        let delete = |kind: &str, key| Write::DeleteRecord { kind: kind.to_owned(), key };
        let configs = self.configs.keys().filter(|(of, ..)| *of == namespace).map(config_key);
        let sets = self.build_ids.keys().filter(|(of, _)| *of == namespace).map(|(of, name)| format!("{of}/{name}"));
        let writes =
            configs.map(|key| delete(CONFIG_KIND, key)).chain(sets.map(|key| delete(BUILD_IDS_KIND, key))).collect();
        self.configs.retain(|(of, ..), _| *of != namespace);
        self.build_ids.retain(|(of, _), _| *of != namespace);
        writes
    }

    /// The queues that have limits of their own.
    pub fn limits(&self) -> impl Iterator<Item = (QueueKey, Rates)> {
        let queue = |(namespace, kind, name): &(_, _, String)| QueueKey::new(*namespace, *kind, name.clone());
        let all = self.configs.iter().map(move |(key, config)| (queue(key), queue_config::rates_of(config)));
        all.filter(|(_, rates)| *rates != Rates::default())
    }
}

fn split(key: &str) -> (NamespaceId, &str) {
    let parts = key.split_once('/').and_then(|(namespace, rest)| Some((namespace.parse().ok()?, rest)));
    parts.expect("a key begins with the namespace's number")
}

fn decode<M: Message + Default>(value: &[u8]) -> M {
    M::decode(value).expect("the store hands back what the engine wrote; anything else is a damaged file")
}

fn config_key((namespace, kind, name): &(NamespaceId, QueueKind, String)) -> String {
    format!("{namespace}/{}/{name}", *kind as u8)
}

fn put(kind: &str, key: String, value: Vec<u8>) -> Write {
    Write::PutRecord { kind: kind.to_owned(), key, value: Bytes::from(value) }
}
