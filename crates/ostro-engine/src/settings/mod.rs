//! What operators set on task queues: limits and weights, and sets of compatible build ids.

mod build_ids;
mod queue_config;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueueConfig;

pub(crate) use build_ids::BuildIdSets;

use crate::queue::{QueueKey, Rates};
use crate::stored::persistence::{DamagedRow, NamespaceId, QueueKind, StoredRecord, Write};

/// The kinds of the records in which settings are stored.
pub(crate) const CONFIG_KIND: &str = "task_queue_config";
pub(crate) const BUILD_IDS_KIND: &str = "build_ids";

/// All settings of all task queues.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    configs: BTreeMap<(NamespaceId, QueueKind, String), TaskQueueConfig>,
    build_ids: BTreeMap<(NamespaceId, String), BuildIdSets>,
}

impl Settings {
    /// The settings among stored records, and those records that are none.
    pub(crate) fn restore<'a>(records: impl IntoIterator<Item = &'a StoredRecord>) -> (Self, Vec<DamagedRow>) {
        let mut settings = Self::default();
        let restored = |record| settings.restore_one(record).err();
        let damaged = records.into_iter().filter_map(restored).collect();
        (settings, damaged)
    }

    fn restore_one(&mut self, record: &StoredRecord) -> Result<(), DamagedRow> {
        let other_key = || record.damaged("its key names no task queue");
        match record.kind.as_str() {
            CONFIG_KIND => {
                let key = config_key_parts(&record.key).ok_or_else(other_key)?;
                let config = TaskQueueConfig::decode(&record.value[..]).map_err(|error| record.damaged(error))?;
                self.configs.insert(key, config);
            }
            BUILD_IDS_KIND => {
                let (namespace, name) = split(&record.key).ok_or_else(other_key)?;
                let sets = BuildIdSets::decode(&record.value[..]).map_err(|error| record.damaged(error))?;
                self.build_ids.insert((namespace, name.to_owned()), sets);
            }
            _ => {}
        }
        Ok(())
    }

    /// Forgets those of a namespace that is deleted.
    pub(crate) fn drop_namespace(&mut self, namespace: NamespaceId) -> Vec<Write> {
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
    pub(crate) fn limits(&self) -> impl Iterator<Item = (QueueKey, Rates)> {
        let queue = |(namespace, kind, name): &(_, _, String)| QueueKey::new(*namespace, *kind, name.clone());
        let all = self.configs.iter().map(move |(key, config)| (queue(key), queue_config::rates_of(config)));
        all.filter(|(_, rates)| *rates != Rates::default())
    }
}

fn split(key: &str) -> Option<(NamespaceId, &str)> {
    key.split_once('/').and_then(|(namespace, rest)| Some((namespace.parse().ok()?, rest)))
}

fn config_key_parts(key: &str) -> Option<(NamespaceId, QueueKind, String)> {
    let (namespace, rest) = split(key)?;
    let (kind, name) = rest.split_once('/')?;
    let kinds = [QueueKind::Workflow, QueueKind::Activity, QueueKind::Nexus];
    let kind = kinds.into_iter().find(|known| (*known as u8).to_string() == kind)?;
    Some((namespace, kind, name.to_owned()))
}

/// The key of the record of a queue's settings.
pub(crate) fn config_key((namespace, kind, name): &(NamespaceId, QueueKind, String)) -> String {
    format!("{namespace}/{}/{name}", *kind as u8)
}

fn put(kind: &str, key: String, value: Vec<u8>) -> Write {
    Write::PutRecord { kind: kind.to_owned(), key, value: Bytes::from(value) }
}
