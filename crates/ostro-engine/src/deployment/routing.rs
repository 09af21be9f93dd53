//! Where a task goes that is not pinned.

use super::Deployments;
use crate::base::time::Time;
use crate::base::version::Version;
use crate::queue::QueueKey;
use crate::stored::deployment::DeploymentState;

/// Who gets the tasks of a queue; `version` is `None` for workers without a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub version: Option<Version>,
    /// Of the routing that says so; 0 where none does.
    pub revision: i64,
}

/// What a queue's routing says now.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Routing {
    pub current: Target,
    pub current_changed: Time,
    pub ramping: Option<(Target, f32)>,
    pub ramp_changed: Time,
}

/// A number of a workflow id that decides whether it is among those which go to a ramping version. The same for each id
/// at all times, so that a growing share only adds.
pub(crate) fn ramp_hash(workflow_id: &str) -> u32 {
    // FNV-1a, then the finish of MurmurHash3: ids that differ in their last letter only spread as well.
    let mut hash =
        workflow_id.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

impl Deployments {
    /// Who gets a task of the queue for the workflow id of that [`ramp_hash`].
    pub(crate) fn target(&self, queue: &QueueKey, hash: u32) -> Target {
        let routing = self.routing(queue);
        match routing.ramping {
            Some((ramping, share)) if f64::from(hash) / 4_294_967_296.0 * 100.0 < f64::from(share) => ramping,
            _ => routing.current,
        }
    }

    /// Who gets it where the ramping version is asked for, whatever its share is.
    pub(crate) fn ramping_target(&self, queue: &QueueKey, hash: u32) -> Target {
        match self.routing(queue).ramping {
            Some((ramping, _)) => ramping,
            None => self.target(queue, hash),
        }
    }

    /// Among the deployments that have the queue the one whose routing changed last decides; those that name a version go
    /// before those that name none.
    pub(super) fn routing(&self, queue: &QueueKey) -> Routing {
        let mut routing = Routing::default();
        if self.of_queue.is_empty() {
            return routing;
        }
        let name = (queue.namespace, queue.kind, queue.name.clone());
        let Some(names) = self.of_queue.get(&name) else { return routing };
        let states = || names.iter().filter_map(|name| self.by_name.get(&(queue.namespace, name.clone())));
        let has = |version: &Option<Version>| version.as_ref().is_none_or(|version| self.has_queue(queue, version));
        let current = |state: &&DeploymentState| (state.current_version().is_some(), state.current_changed);
        if let Some(state) = states().filter(|state| has(&state.current_version())).max_by_key(current) {
            routing.current = Target { version: state.current_version(), revision: state.revision };
            routing.current_changed = state.current_changed();
        }
        let ramping = |state: &&DeploymentState| (state.ramping_version().is_some(), state.ramp_changed);
        let ramps = states().filter(|state| has(&state.ramping_version())).max_by_key(ramping);
        if let Some(state) = ramps
            && let Some(ramp) = &state.ramp
        {
            let target = Target { version: state.ramping_version(), revision: state.revision };
            routing.ramping = Some((target, ramp.percentage));
            routing.ramp_changed = state.ramp_changed();
        }
        routing
    }
}
