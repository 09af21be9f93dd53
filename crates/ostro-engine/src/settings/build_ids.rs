//! Sets of compatible build ids: the versioning of before worker deployments. They are kept and shown; tasks are not
//! routed by them.

use prost::Message;
use temporalio_protos::temporal::api::{
    enums::v1::TaskReachability,
    taskqueue::v1::{BuildIdReachability, CompatibleVersionSet, TaskQueueReachability},
    workflowservice::v1::update_worker_build_id_compatibility_request::Operation,
};

use super::{BUILD_IDS_KIND, Settings, put};
use crate::base::error::{Error, Result};
use crate::stored::persistence::{NamespaceId, Write};

/// Sets of one queue, and build ids in all of them.
const SETS_MAX: usize = 10;
const BUILD_IDS_MAX: usize = 100;

/// The sets of a queue: the last is the default one; in each the last build id is.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BuildIdSets {
    #[prost(message, repeated, tag = "1")]
    pub sets: Vec<CompatibleVersionSet>,
}

impl Settings {
    /// The sets of a queue, the last `most` of them; 0 for all.
    pub(crate) fn build_id_sets(&self, namespace: NamespaceId, queue: &str, most: usize) -> Vec<CompatibleVersionSet> {
        let sets = self.build_ids.get(&(namespace, queue.to_owned())).map(|sets| sets.sets.clone()).unwrap_or_default();
        let skipped = if most == 0 { 0 } else { sets.len().saturating_sub(most) };
        sets.into_iter().skip(skipped).collect()
    }

    /// Changes the sets of a queue.
    ///
    /// # Errors
    /// INVALID_ARGUMENT, NOT_FOUND and FAILED_PRECONDITION in the reference server's words; nothing is changed then.
    pub(crate) fn update_build_ids(
        &mut self,
        namespace: NamespaceId,
        queue: &str,
        operation: Operation,
    ) -> Result<Vec<Write>> {
        let key = (namespace, queue.to_owned());
        let mut state = self.build_ids.get(&key).cloned().unwrap_or_default();
        apply(&mut state.sets, operation)?;
        if state.sets.len() > SETS_MAX {
            return Err(Error::failed_precondition(format!(
                "update would exceed number of compatible version sets permitted in namespace dynamic config ({}/{SETS_MAX})",
                state.sets.len()
            )));
        }
        let count: usize = state.sets.iter().map(|set| set.build_ids.len()).sum();
        if count > BUILD_IDS_MAX {
            return Err(Error::failed_precondition(format!(
                "update would exceed number of build IDs permitted in namespace dynamic config ({count}/{BUILD_IDS_MAX})"
            )));
        }
        let write = put(BUILD_IDS_KIND, format!("{namespace}/{queue}"), state.encode_to_vec());
        self.build_ids.insert(key, state);
        Ok(vec![write])
    }

    /// On which queues a build id would get new workflows: `queues`, or all that have it where none is named.
    pub(crate) fn reachability(
        &self,
        namespace: NamespaceId,
        build_id: &str,
        queues: &[String],
    ) -> BuildIdReachability {
        let of = |name: &String| self.build_ids.get(&(namespace, name.clone()));
        let having = self
            .build_ids
            .iter()
            .filter(|((of, _), sets)| *of == namespace && find(&sets.sets, build_id).is_some())
            .map(|((_, name), _)| name.clone());
        let names = if queues.is_empty() { having.collect() } else { queues.to_vec() };
        let reachable = |name: &String| {
            let default = of(name).and_then(|sets| sets.sets.last()).and_then(|set| set.build_ids.last());
            let is_default = default.is_some_and(|default| default == build_id);
            if is_default { vec![TaskReachability::NewWorkflows as i32] } else { Vec::new() }
        };
        let task_queue_reachability = names
            .iter()
            .map(|name| TaskQueueReachability { task_queue: name.clone(), reachability: reachable(name) })
            .collect();
        BuildIdReachability { build_id: build_id.to_owned(), task_queue_reachability }
    }
}

fn apply(sets: &mut Vec<CompatibleVersionSet>, operation: Operation) -> Result<()> {
    match operation {
        Operation::AddNewBuildIdInNewDefaultSet(id) => match find(sets, &id) {
            Some((set, _)) if set + 1 == sets.len() && sets[set].build_ids.len() == 1 => Ok(()),
            Some(_) => Err(Error::invalid(format!("version {id} already exists"))),
            None => {
                sets.push(CompatibleVersionSet { build_ids: vec![id] });
                Ok(())
            }
        },
        Operation::AddNewCompatibleBuildId(new) => {
            let (id, existing) = (new.new_build_id, new.existing_compatible_build_id);
            let (set, _) = find(sets, &existing)
                .ok_or_else(|| Error::not_found(format!("targeted compatible version {existing} not found")))?;
            match find(sets, &id) {
                Some((own, at)) if own == set && at + 1 == sets[own].build_ids.len() => {}
                Some((own, _)) if own == set => {
                    return Err(Error::invalid(format!("version {id} already exists and is not default in set")));
                }
                Some(_) => {
                    return Err(Error::invalid(format!(
                        "{id} requested to be made compatible with {existing} but both versions exist and are incompatible"
                    )));
                }
                None => sets[set].build_ids.push(id),
            }
            if new.make_set_default {
                promote(sets, set);
            }
            Ok(())
        }
        Operation::PromoteSetByBuildId(id) => {
            let (set, _) = known(sets, &id, "")?;
            promote(sets, set);
            Ok(())
        }
        Operation::PromoteBuildIdWithinSet(id) => {
            let (set, at) = known(sets, &id, "")?;
            sets[set].build_ids.remove(at);
            sets[set].build_ids.push(id);
            Ok(())
        }
        Operation::MergeSets(merge) => {
            let (primary, _) = known(sets, &merge.primary_set_build_id, "primary ")?;
            let (secondary, _) = known(sets, &merge.secondary_set_build_id, "secondary ")?;
            if primary != secondary {
                let kept = std::mem::take(&mut sets[primary].build_ids);
                let mut merged = std::mem::take(&mut sets[secondary].build_ids);
                merged.extend(kept);
                sets[primary].build_ids = merged;
                sets.remove(secondary);
            }
            Ok(())
        }
    }
}

fn promote(sets: &mut Vec<CompatibleVersionSet>, set: usize) {
    let set = sets.remove(set);
    sets.push(set);
}

fn known(sets: &[CompatibleVersionSet], id: &str, what: &str) -> Result<(usize, usize)> {
    find(sets, id).ok_or_else(|| Error::not_found(format!("targeted {what}version {id} not found")))
}

/// The set of a build id, and its place there.
fn find(sets: &[CompatibleVersionSet], id: &str) -> Option<(usize, usize)> {
    sets.iter().enumerate().find_map(|(set, ids)| Some((set, ids.build_ids.iter().position(|known| known == id)?)))
}
