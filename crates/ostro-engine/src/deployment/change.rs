//! Changes that operators make: current and ramping version, manager, metadata.

use std::collections::HashMap;

use temporalio_protos::temporal::api::{common::v1::Payload, enums::v1::WorkerDeploymentVersionStatus as Status};

use super::{Deployments, version_not_found};
use crate::base::error::{Error, Result};
use crate::base::time::Time;
use crate::base::version::Version;
use crate::queue::QueueKey;
use crate::stored::deployment::DeploymentState;
use crate::stored::deployment::Ramp;
use crate::stored::persistence::{NamespaceId, Write};

/// What every change of the routing says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub namespace: NamespaceId,
    pub deployment: String,
    pub identity: String,
    /// Empty where the caller does not mind what was changed since it looked.
    pub conflict_token: Vec<u8>,
    /// Do not ask whether the new version has the queues of the current one.
    pub ignore_missing_queues: bool,
    /// Make the version where no worker of it was ever seen.
    pub allow_no_pollers: bool,
}

/// Makes a version the current one.
#[derive(Debug, Clone, Default)]
pub(crate) struct SetCurrent {
    pub change: Change,
    /// Empty for unversioned workers.
    pub build_id: String,
}

/// Makes a version the ramping one, or ends the ramp.
#[derive(Debug, Clone, Default)]
pub(crate) struct SetRamping {
    pub change: Change,
    /// `None` ends the ramp; an empty build id ramps to unversioned workers.
    pub build_id: Option<String>,
    /// 0 to 100.
    pub percentage: f32,
}

/// What became of a change.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub conflict_token: Vec<u8>,
    pub previous: Option<Version>,
    /// Whether there was a ramp before, and of how much.
    pub previous_ramp: Option<f32>,
    pub writes: Vec<Write>,
}

impl Deployments {
    /// Makes a version the current one; the one before drains. `is_needed` tells whether a queue has work or had it lately.
    ///
    /// # Errors
    /// NOT_FOUND for a deployment or version that is not there; FAILED_PRECONDITION for a stale conflict token, a foreign
    /// manager, or queues that the version lacks.
    pub(crate) fn set_current(
        &mut self,
        request: &SetCurrent,
        now: Time,
        is_needed: impl Fn(&QueueKey) -> bool,
    ) -> Result<Changed> {
        let SetCurrent { change, build_id } = request;
        let version = (!build_id.is_empty()).then(|| Version::new(&change.deployment, build_id));
        self.prepare(change, version.as_ref(), now)?;
        let state = self.get(change.namespace, &change.deployment)?;
        if state.current == *build_id && state.last_modifier == change.identity {
            return Ok(unchanged(state, version));
        }
        check(state, change)?;
        let needs = version.as_ref().filter(|_| !change.ignore_missing_queues);
        if let (Some(version), Some(current)) = (needs, state.current_version()) {
            self.check_queues(change.namespace, version, &current, "current", is_needed)?;
        }
        let state = self.get_mut(change.namespace, &change.deployment)?;
        let previous = state.current_version();
        if state.current != *build_id {
            state.current.clone_from(build_id);
            state.current_changed = now.nanos();
            state.revision += 1;
            if state.ramp.as_ref().is_some_and(|ramp| ramp.build_id == *build_id) {
                state.ramp = None;
                (state.ramping_changed, state.ramp_changed) = (now.nanos(), now.nanos());
            }
            activate(state, build_id, Status::Current, &change.identity, now);
            if let Some(previous) = &previous {
                drain(state, &previous.build_id, now);
            }
        }
        Ok(self.changed(change, previous, None, now))
    }

    /// Gives a version a share of the workflow ids, or ends the ramp.
    ///
    /// # Errors
    /// As [`Self::set_current`]; FAILED_PRECONDITION for the current version.
    pub(crate) fn set_ramping(
        &mut self,
        request: &SetRamping,
        now: Time,
        is_needed: impl Fn(&QueueKey) -> bool,
    ) -> Result<Changed> {
        let SetRamping { change, build_id, percentage } = request;
        let build = build_id.as_deref().filter(|build| !build.is_empty());
        let version = build.map(|build| Version::new(&change.deployment, build));
        self.prepare(change, version.as_ref(), now)?;
        let state = self.get(change.namespace, &change.deployment)?;
        let ramp = build_id.as_ref().map(|build_id| Ramp { build_id: build_id.clone(), percentage: *percentage });
        let previous = state.ramping_version();
        let previous_ramp = state.ramp.as_ref().map(|ramp| ramp.percentage);
        if state.ramp == ramp && state.last_modifier == change.identity {
            return Ok(Changed { previous_ramp: Some(*percentage), ..unchanged(state, version) });
        }
        check(state, change)?;
        if let Some(build_id) = build_id
            && state.current == *build_id
        {
            let name = crate::base::version::dotted(version.as_ref());
            return Err(Error::failed_precondition(format!("requested ramping version {name} is already current")));
        }
        let is_new = state.ramp.as_ref().map(|ramp| &ramp.build_id) != build_id.as_ref();
        let needs = version.as_ref().filter(|_| is_new && !change.ignore_missing_queues);
        if let (Some(version), Some(current)) = (needs, state.current_version()) {
            self.check_queues(change.namespace, version, &current, "ramping", is_needed)?;
        }
        let state = self.get_mut(change.namespace, &change.deployment)?;
        if state.ramp != ramp {
            set_ramp(state, ramp, is_new, &change.identity, now);
        }
        Ok(self.changed(change, previous, previous_ramp, now))
    }

    /// Names who alone may change the deployment; empty for anyone. Returns the one before.
    ///
    /// # Errors
    /// NOT_FOUND, FAILED_PRECONDITION for a stale conflict token.
    pub(crate) fn set_manager(&mut self, change: &Change, manager: &str, now: Time) -> Result<(Changed, String)> {
        let state = self.get_mut(change.namespace, &change.deployment)?;
        let previous = state.manager.clone();
        if previous == manager && state.last_modifier == change.identity {
            return Ok((unchanged(state, None), previous));
        }
        check_token(state, change)?;
        manager.clone_into(&mut state.manager);
        Ok((self.changed(change, None, None, now), previous))
    }

    /// Changes the metadata of a version; returns all of it.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(crate) fn update_metadata(
        &mut self,
        namespace: NamespaceId,
        version: &Version,
        upsert: HashMap<String, Payload>,
        remove: &[String],
        identity: &str,
    ) -> Result<(HashMap<String, Payload>, Vec<Write>)> {
        let state = self
            .by_name
            .get_mut(&(namespace, version.deployment.clone()))
            .and_then(|state| state.versions.get_mut(&version.build_id))
            .ok_or_else(|| version_not_found(version))?;
        state.metadata.extend(upsert);
        state.metadata.retain(|key, _| !remove.contains(key));
        identity.clone_into(&mut state.last_modifier);
        let metadata = state.metadata.clone().into_iter().collect();
        Ok((metadata, self.write(namespace, &version.deployment).into_iter().collect()))
    }

    /// A pinned run goes to a version that had drained: it drains again.
    pub(crate) fn reactivate(&mut self, namespace: NamespaceId, version: &Version, now: Time) -> Option<Write> {
        let state = self.by_name.get_mut(&(namespace, version.deployment.clone()))?;
        let state = state.versions.get_mut(&version.build_id)?;
        let idle = [Status::Drained, Status::Inactive].into_iter().any(|status| status as i32 == state.status);
        if !idle {
            return None;
        }
        state.status = Status::Draining as i32;
        state.drainage_changed = now.nanos();
        self.write(namespace, &version.deployment)
    }

    /// Notes which draining versions have no open pinned run left.
    pub(crate) fn settle_drainage(
        &mut self,
        namespace: NamespaceId,
        name: &str,
        now: Time,
        is_pinned: impl Fn(&Version) -> bool,
    ) -> Option<Write> {
        let state = self.by_name.get_mut(&(namespace, name.to_owned()))?;
        let mut drained = false;
        for (build_id, version) in state.versions.iter_mut().filter(|(_, version)| version.is_draining()) {
            if !is_pinned(&Version::new(name, build_id)) {
                version.status = Status::Drained as i32;
                version.drainage_changed = now.nanos();
                drained = true;
            }
        }
        drained.then(|| self.write(namespace, name)).flatten()
    }

    /// Makes what the caller allows to be made, and refuses what is not there.
    fn prepare(&mut self, change: &Change, version: Option<&Version>, now: Time) -> Result<()> {
        if change.allow_no_pollers {
            match version {
                Some(version) => drop(self.ensure_version(change.namespace, version, Status::Inactive, now)?),
                None => self.ensure_deployment(change.namespace, &change.deployment, now)?,
            }
        }
        let state = self.get(change.namespace, &change.deployment)?;
        match version {
            Some(version) if !state.versions.contains_key(&version.build_id) => Err(version_not_found(version)),
            _ => Ok(()),
        }
    }

    fn check_queues(
        &self,
        namespace: NamespaceId,
        version: &Version,
        current: &Version,
        what: &str,
        is_needed: impl Fn(&QueueKey) -> bool,
    ) -> Result<()> {
        let missing = self.queues_of(namespace, current).into_iter().any(|queue| {
            let moved = self.routing(&queue).current.version.as_ref() != Some(current);
            !self.has_queue(&queue, version) && !moved && is_needed(&queue)
        });
        if !missing {
            return Ok(());
        }
        Err(Error::failed_precondition(format!(
            "proposed {what} version '{}' is missing active task queues from the current version; these would become \
             unversioned if it is set as the {what} version",
            version.name()
        )))
    }

    fn changed(
        &mut self,
        change: &Change,
        previous: Option<Version>,
        previous_ramp: Option<f32>,
        now: Time,
    ) -> Changed {
        let mut conflict_token = Vec::new();
        if let Ok(state) = self.get_mut(change.namespace, &change.deployment) {
            state.conflict = now.nanos().max(state.conflict.saturating_add(1));
            state.last_modifier.clone_from(&change.identity);
            conflict_token = token(state);
        }
        let writes = self.write(change.namespace, &change.deployment).into_iter().collect();
        Changed { conflict_token, previous, previous_ramp, writes }
    }
}

/// What a caller hands back to be sure that nothing was changed since.
pub(super) fn token(state: &DeploymentState) -> Vec<u8> {
    state.conflict.to_be_bytes().to_vec()
}

fn unchanged(state: &DeploymentState, previous: Option<Version>) -> Changed {
    Changed { conflict_token: token(state), previous, ..Default::default() }
}

fn check(state: &DeploymentState, change: &Change) -> Result<()> {
    check_token(state, change)?;
    check_manager(state, &change.identity)
}

fn check_token(state: &DeploymentState, change: &Change) -> Result<()> {
    if change.conflict_token.is_empty() || change.conflict_token == token(state) {
        return Ok(());
    }
    Err(Error::failed_precondition("conflict token mismatch"))
}

pub(super) fn check_manager(state: &DeploymentState, identity: &str) -> Result<()> {
    if state.manager.is_empty() || state.manager == identity {
        return Ok(());
    }
    Err(Error::failed_precondition(format!(
        "ManagerIdentity '{}' is set and does not match user identity '{identity}'; to proceed, set your own identity as the \
         ManagerIdentity, remove the ManagerIdentity, or wait for the other client to do so",
        state.manager
    )))
}

fn set_ramp(state: &mut DeploymentState, ramp: Option<Ramp>, is_new: bool, identity: &str, now: Time) {
    let before = std::mem::replace(&mut state.ramp, ramp);
    if is_new {
        state.ramping_changed = now.nanos();
    }
    state.ramp_changed = now.nanos();
    state.revision += 1;
    if let Some(ramp) = state.ramp.clone() {
        activate(state, &ramp.build_id, Status::Ramping, identity, now);
    }
    if let Some(before) = before.filter(|_| is_new) {
        drain(state, &before.build_id, now);
    }
}

fn activate(state: &mut DeploymentState, build_id: &str, status: Status, identity: &str, now: Time) {
    let (ramping_since, changed) = (state.ramping_changed, state.ramp_changed);
    let Some(version) = state.versions.get_mut(build_id) else { return };
    version.status = status as i32;
    identity.clone_into(&mut version.last_modifier);
    let current = status == Status::Current;
    version.current_since = if current { now.nanos() } else { 0 };
    version.ramping_since = if current { 0 } else { ramping_since };
    version.routing_changed = if current { now.nanos() } else { changed };
    if current {
        version.last_current = now.nanos();
    }
    if version.first_activation == 0 {
        version.first_activation = now.nanos();
    }
    (version.drainage_changed, version.last_deactivation) = (0, 0);
}

fn drain(state: &mut DeploymentState, build_id: &str, now: Time) {
    let Some(version) = state.versions.get_mut(build_id) else { return };
    version.status = Status::Draining as i32;
    (version.current_since, version.ramping_since) = (0, 0);
    let now = now.nanos();
    (version.routing_changed, version.last_deactivation, version.drainage_changed) = (now, now, now);
}
