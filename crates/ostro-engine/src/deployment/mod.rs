//! Worker deployments: which build of a worker takes which task.
//!
//! ```text
//! a poll of a build registers deployment, version and task queue
//! version: Created --first poll--> Inactive --set current, set ramping--> Current, Ramping
//!          Current, Ramping --replaced--> Draining --no pinned run is open--> Drained
//! ```
//!
//! A queue follows the deployment that routes it: its tasks go to the current version, a share of the workflow ids to the
//! ramping one. Pinned runs stay on their version.

mod change;
mod describe;
mod register;
mod remove;
mod routing;
mod state;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use prost::Message;

use crate::base::version::Version;
use crate::stored::deployment::DeploymentState;
pub(crate) use change::{Change, Changed, SetCurrent, SetRamping};
pub(crate) use routing::{Target, ramp_hash};

use crate::base::error::{Error, Result};
use crate::queue::QueueKey;
use crate::stored::map_order::Ordered;
use crate::stored::persistence::{DamagedRow, NamespaceId, QueueKind, StoredRecord, Write};

/// The kind of the records in which deployments are stored.
pub(crate) const RECORD_KIND: &str = "deployment";
/// Versions that one deployment may have; beyond it the oldest that may be deleted makes room.
pub(crate) const VERSIONS_MAX: usize = 100;
/// Task queues that one version may have.
pub(crate) const QUEUES_MAX: usize = 1000;
/// Deployments that one namespace may have.
pub(crate) const DEPLOYMENTS_MAX: usize = 1000;

/// What a queue is known by, apart from versions.
type QueueName = (NamespaceId, QueueKind, String);

/// All deployments of all namespaces.
#[derive(Debug, Default)]
pub(crate) struct Deployments {
    by_name: BTreeMap<(NamespaceId, String), DeploymentState>,
    /// The deployments that have a version which polls the queue.
    of_queue: BTreeMap<QueueName, BTreeSet<String>>,
}

impl Deployments {
    /// The deployments among stored records, and those records that are no deployments.
    pub(crate) fn restore<'a>(records: impl IntoIterator<Item = &'a StoredRecord>) -> (Self, Vec<DamagedRow>) {
        let (mut all, mut damaged) = (Self::default(), Vec::new());
        for record in records.into_iter().filter(|record| record.kind == RECORD_KIND) {
            let state = match DeploymentState::decode(&record.value[..]) {
                Ok(state) if record_key(state.namespace, &state.name) == record.key => state,
                Ok(_) => {
                    damaged.push(record.damaged("it is another deployment's"));
                    continue;
                }
                Err(error) => {
                    damaged.push(record.damaged(error));
                    continue;
                }
            };
            for queue in state.versions.values().flat_map(|version| &version.queues) {
                if let Some(name) = queue.name_in(state.namespace) {
                    all.of_queue.entry(name).or_default().insert(state.name.clone());
                }
            }
            all.by_name.insert((state.namespace, state.name.clone()), state);
        }
        (all, damaged)
    }

    /// Forgets those of a namespace that is deleted.
    pub(crate) fn drop_namespace(&mut self, namespace: NamespaceId) -> Vec<Write> {
        let names: Vec<_> = self.of(namespace).map(|state| state.name.clone()).collect();
        names.into_iter().map(|name| self.forget(namespace, &name)).collect()
    }

    fn of(&self, namespace: NamespaceId) -> impl Iterator<Item = &DeploymentState> {
        self.by_name.range((namespace, String::new())..(namespace + 1, String::new())).map(|(_, state)| state)
    }

    fn get(&self, namespace: NamespaceId, name: &str) -> Result<&DeploymentState> {
        self.by_name.get(&(namespace, name.to_owned())).ok_or_else(|| not_found(name))
    }

    fn get_mut(&mut self, namespace: NamespaceId, name: &str) -> Result<&mut DeploymentState> {
        self.by_name.get_mut(&(namespace, name.to_owned())).ok_or_else(|| not_found(name))
    }

    fn forget(&mut self, namespace: NamespaceId, name: &str) -> Write {
        self.by_name.remove(&(namespace, name.to_owned()));
        self.of_queue.retain(|(of, _, _), names| {
            if *of == namespace {
                names.remove(name);
            }
            !names.is_empty()
        });
        Write::DeleteRecord { kind: RECORD_KIND.to_owned(), key: record_key(namespace, name) }
    }

    fn write(&self, namespace: NamespaceId, name: &str) -> Option<Write> {
        let state = self.by_name.get(&(namespace, name.to_owned()))?;
        let key = record_key(namespace, name);
        Some(Write::PutRecord { kind: RECORD_KIND.to_owned(), key, value: Bytes::from(state.encode_in_order()) })
    }

    /// Whether `version` has polled the queue.
    pub(crate) fn has_queue(&self, queue: &QueueKey, version: &Version) -> bool {
        self.by_name
            .get(&(queue.namespace, version.deployment.clone()))
            .and_then(|state| state.versions.get(&version.build_id))
            .is_some_and(|state| state.queues.iter().any(|q| q.is(queue)))
    }
}

/// The key of a deployment's record.
pub(crate) fn record_key(namespace: NamespaceId, name: &str) -> String {
    format!("{namespace}/{name}")
}

fn not_found(name: &str) -> Error {
    Error::not_found(format!(
        "no Worker Deployment found with name '{name}'; does your Worker Deployment have pollers?"
    ))
}

fn version_not_found(version: &Version) -> Error {
    Error::not_found(format!("build ID '{}' not found in Worker Deployment '{}'", version.build_id, version.deployment))
}
