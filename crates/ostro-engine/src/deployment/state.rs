//! What the stored form of a deployment says.

use temporalio_protos::temporal::api::enums::v1::{
    VersionDrainageStatus as Drainage, WorkerDeploymentVersionStatus as Status,
};

use super::QueueName;
use crate::base::version::Version;
use crate::queue::QueueKey;
use crate::stored::deployment::{DeploymentState, PolledQueue, VersionState};
use crate::stored::persistence::{NamespaceId, QueueKind};

impl PolledQueue {
    pub(super) fn of(queue: &QueueKey) -> Self {
        Self { name: queue.name.clone(), kind: queue.kind as i32 }
    }

    pub(super) fn is(&self, queue: &QueueKey) -> bool {
        self.kind == queue.kind as i32 && self.name == queue.name
    }

    pub(super) fn name_in(&self, namespace: NamespaceId) -> Option<QueueName> {
        let kinds = [QueueKind::Workflow, QueueKind::Activity, QueueKind::Nexus];
        let kind = kinds.into_iter().find(|kind| *kind as i32 == self.kind)?;
        Some((namespace, kind, self.name.clone()))
    }
}

impl DeploymentState {
    pub(super) fn version(&self, build_id: &str) -> Option<Version> {
        (!build_id.is_empty()).then(|| Version::new(&self.name, build_id))
    }

    pub(super) fn current_version(&self) -> Option<Version> {
        self.version(&self.current)
    }

    pub(super) fn ramping_version(&self) -> Option<Version> {
        self.ramp.as_ref().and_then(|ramp| self.version(&ramp.build_id))
    }

    pub(super) fn is_current_or_ramping(&self, build_id: &str) -> bool {
        self.current == build_id || self.ramp.as_ref().is_some_and(|ramp| ramp.build_id == build_id)
    }
}

impl VersionState {
    pub(super) fn is_draining(&self) -> bool {
        self.status == Status::Draining as i32
    }

    pub(super) fn drainage(&self) -> Drainage {
        match Status::try_from(self.status) {
            Ok(Status::Draining) => Drainage::Draining,
            Ok(Status::Drained) => Drainage::Drained,
            _ => Drainage::Unspecified,
        }
    }
}
