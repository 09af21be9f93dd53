//! Polls of versioned workers make deployments, versions and their queues known.

use temporalio_protos::temporal::api::enums::v1::WorkerDeploymentVersionStatus as Status;

use super::{DEPLOYMENTS_MAX, Deployments, QUEUES_MAX, VERSIONS_MAX};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::time::Time;
use crate::base::version::Version;
use crate::queue::QueueKey;
use crate::stored::deployment::PolledQueue;
use crate::stored::deployment::{DeploymentState, VersionState};
use crate::stored::persistence::Write;

impl Deployments {
    /// Notes that workers of `version` poll the queue. Writes nothing where that is known.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED where there are as many deployments, versions or queues as may be.
    pub(crate) fn register(&mut self, queue: &QueueKey, version: &Version, now: Time) -> Result<Vec<Write>> {
        if self.has_queue(queue, version) {
            return Ok(Vec::new());
        }
        let namespace = queue.namespace;
        self.ensure_version(namespace, version, Status::Inactive, now)?;
        let state = self.get_mut(namespace, &version.deployment)?.versions.entry(version.build_id.clone()).or_default();
        if state.queues.len() >= QUEUES_MAX {
            return exhausted(format!(
                "cannot add task queue {} since maximum number of task queues ({QUEUES_MAX}) have been registered in \
                 deployment",
                queue.name
            ));
        }
        state.queues.push(PolledQueue::of(queue));
        if state.status == Status::Created as i32 {
            state.status = Status::Inactive as i32;
        }
        let name = (namespace, queue.kind, queue.name.clone());
        self.of_queue.entry(name).or_default().insert(version.deployment.clone());
        Ok(self.write(namespace, &version.deployment).into_iter().collect())
    }

    /// Makes the deployment and the version where they are not there.
    pub(super) fn ensure_version(
        &mut self,
        namespace: i64,
        version: &Version,
        status: Status,
        now: Time,
    ) -> Result<&mut VersionState> {
        self.ensure_deployment(namespace, &version.deployment, now)?;
        let deployment = self.get_mut(namespace, &version.deployment)?;
        if !deployment.versions.contains_key(&version.build_id) {
            if deployment.versions.len() >= VERSIONS_MAX {
                make_room(deployment, version)?;
            }
            let state = VersionState { create_time: now.nanos(), status: status as i32, ..Default::default() };
            deployment.versions.insert(version.build_id.clone(), state);
        }
        Ok(deployment.versions.entry(version.build_id.clone()).or_default())
    }

    pub(super) fn ensure_deployment(&mut self, namespace: i64, name: &str, now: Time) -> Result<()> {
        if self.get(namespace, name).is_ok() {
            return Ok(());
        }
        if self.of(namespace).count() >= DEPLOYMENTS_MAX {
            return exhausted(format!(
                "reached maximum deployments in namespace ({DEPLOYMENTS_MAX}), delete unused deployments to make room"
            ));
        }
        let state = DeploymentState {
            namespace,
            name: name.to_owned(),
            create_time: now.nanos(),
            conflict: now.nanos(),
            ..Default::default()
        };
        self.by_name.insert((namespace, name.to_owned()), state);
        Ok(())
    }
}

/// Drops the oldest version that nothing needs: drained, or never used.
fn make_room(deployment: &mut DeploymentState, wanted: &Version) -> Result<()> {
    let unused = |state: &VersionState| {
        [Status::Drained, Status::Created].into_iter().any(|status| status as i32 == state.status)
    };
    let oldest = deployment
        .versions
        .iter()
        .filter(|(_, state)| unused(state))
        .min_by_key(|(_, state)| state.create_time)
        .map(|(build_id, _)| build_id.clone());
    match oldest {
        Some(build_id) => drop(deployment.versions.remove(&build_id)),
        None => {
            return exhausted(format!(
                "cannot add version {} since maximum number of versions ({VERSIONS_MAX}) have been registered in the \
                 deployment",
                wanted.dotted()
            ));
        }
    }
    Ok(())
}

fn exhausted<T>(message: String) -> Result<T> {
    Err(Error::new(ErrorKind::ResourceExhausted, message))
}
