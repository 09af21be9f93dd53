//! Deployments as the protocol shows them.

use temporalio_protos::temporal::api::{
    deployment::v1::{
        RoutingConfig, VersionDrainageInfo, VersionMetadata, WorkerDeploymentInfo, WorkerDeploymentVersionInfo,
        worker_deployment_info::WorkerDeploymentVersionSummary, worker_deployment_version_info::VersionTaskQueueInfo,
    },
    enums::v1::{RoutingConfigUpdateState, VersionDrainageStatus as Drainage},
    taskqueue::v1::TaskQueueVersioningInfo,
    workflowservice::v1::{
        DescribeWorkerDeploymentResponse, list_worker_deployments_response::WorkerDeploymentSummary,
    },
};

use super::change::token;
use super::{Deployments, version_not_found};
use crate::base::error::Result;
use crate::base::time::{Time, timestamp};
use crate::base::version::{Version, dotted};
use crate::queue::QueueKey;
use crate::stored::deployment::{DeploymentState, VersionState};
use crate::stored::persistence::NamespaceId;

impl Deployments {
    /// # Errors
    /// NOT_FOUND.
    pub(crate) fn describe(
        &self,
        namespace: NamespaceId,
        name: &str,
        now: Time,
    ) -> Result<DescribeWorkerDeploymentResponse> {
        let state = self.get(namespace, name)?;
        let mut versions: Vec<_> = state.versions.iter().collect();
        versions.sort_by(|(a, one), (b, other)| other.create_time.cmp(&one.create_time).then_with(|| a.cmp(b)));
        let info = WorkerDeploymentInfo {
            name: state.name.clone(),
            version_summaries: versions.into_iter().map(|(id, version)| summary(state, id, version, now)).collect(),
            create_time: timestamp(state.create_time()),
            routing_config: Some(routing_config(state)),
            last_modifier_identity: state.last_modifier.clone(),
            manager_identity: state.manager.clone(),
            routing_config_update_state: RoutingConfigUpdateState::Completed as i32,
        };
        Ok(DescribeWorkerDeploymentResponse { conflict_token: token(state), worker_deployment_info: Some(info) })
    }

    /// # Errors
    /// NOT_FOUND.
    pub(crate) fn describe_version(
        &self,
        namespace: NamespaceId,
        version: &Version,
        now: Time,
    ) -> Result<WorkerDeploymentVersionInfo> {
        let deployment = self.by_name.get(&(namespace, version.deployment.clone()));
        let deployment = deployment.ok_or_else(|| version_not_found(version))?;
        let state = deployment.versions.get(&version.build_id).ok_or_else(|| version_not_found(version))?;
        let ramp = deployment.ramp.as_ref().filter(|ramp| ramp.build_id == version.build_id);
        let queue = |queue: &crate::stored::deployment::PolledQueue| VersionTaskQueueInfo {
            name: queue.name.clone(),
            r#type: queue.kind,
        };
        Ok(WorkerDeploymentVersionInfo {
            version: version.dotted(),
            status: state.status,
            deployment_version: Some(version.proto()),
            create_time: timestamp(state.create_time()),
            routing_changed_time: timestamp(state.routing_changed()),
            current_since_time: timestamp(state.current_since()),
            ramping_since_time: timestamp(state.ramping_since()),
            ramp_percentage: ramp.map_or(0.0, |ramp| ramp.percentage),
            task_queue_infos: state.queues.iter().map(queue).collect(),
            drainage_info: drainage_info(state, now),
            metadata: (!state.metadata.is_empty())
                .then(|| VersionMetadata { entries: state.metadata.clone().into_iter().collect() }),
            last_modifier_identity: state.last_modifier.clone(),
            ..Default::default()
        })
    }

    /// Those of a namespace after the name `after`, by name, at most `most`.
    pub(crate) fn list(
        &self,
        namespace: NamespaceId,
        after: &str,
        most: usize,
        now: Time,
    ) -> Vec<WorkerDeploymentSummary> {
        self.of(namespace)
            .filter(|state| state.name.as_str() > after)
            .take(most)
            .map(|state| {
                let of = |build_id: &String| {
                    state.versions.get(build_id).map(|version| summary(state, build_id, version, now))
                };
                let latest = state.versions.iter().max_by_key(|(_, version)| version.create_time);
                WorkerDeploymentSummary {
                    name: state.name.clone(),
                    create_time: timestamp(state.create_time()),
                    routing_config: Some(routing_config(state)),
                    latest_version_summary: latest.map(|(build_id, version)| summary(state, build_id, version, now)),
                    current_version_summary: of(&state.current),
                    ramping_version_summary: state.ramp.as_ref().and_then(|ramp| of(&ramp.build_id)),
                }
            })
            .collect()
    }

    /// The queues of a version.
    pub(crate) fn queues_of(&self, namespace: NamespaceId, version: &Version) -> Vec<QueueKey> {
        let state = self.by_name.get(&(namespace, version.deployment.clone()));
        let queues = state.and_then(|state| state.versions.get(&version.build_id)).map(|state| &state.queues);
        let names = queues.into_iter().flatten().filter_map(|queue| queue.name_in(namespace));
        names.map(|(namespace, kind, name)| QueueKey::new(namespace, kind, name)).collect()
    }

    /// The queues of all versions of a deployment.
    pub(crate) fn all_queues(&self, namespace: NamespaceId, name: &str) -> Vec<QueueKey> {
        let builds = self.by_name.get(&(namespace, name.to_owned())).map(|state| state.versions.keys());
        let mut queues: Vec<_> = builds
            .into_iter()
            .flatten()
            .flat_map(|build_id| self.queues_of(namespace, &Version::new(name, build_id)))
            .collect();
        queues.sort();
        queues.dedup();
        queues
    }

    /// How a queue is routed, as DescribeTaskQueue shows it.
    pub(crate) fn queue_info(&self, queue: &QueueKey) -> TaskQueueVersioningInfo {
        let routing = self.routing(queue);
        let mut info = TaskQueueVersioningInfo {
            current_version: dotted(routing.current.version.as_ref()),
            current_deployment_version: routing.current.version.as_ref().map(Version::proto),
            update_time: some_time(routing.current_changed),
            ..Default::default()
        };
        if let Some((ramping, percentage)) = routing.ramping {
            info.ramping_version = dotted(ramping.version.as_ref());
            info.ramping_deployment_version = ramping.version.as_ref().map(Version::proto);
            info.ramping_version_percentage = percentage;
            info.update_time = some_time(routing.current_changed.max(routing.ramp_changed));
        }
        info
    }
}

/// The epoch where it never changed, as the reference server says it.
fn some_time(time: Time) -> Option<prost_wkt_types::Timestamp> {
    timestamp(time).or_else(|| Some(prost_wkt_types::Timestamp::default()))
}

fn routing_config(state: &DeploymentState) -> RoutingConfig {
    RoutingConfig {
        current_deployment_version: state.current_version().as_ref().map(Version::proto),
        current_version: dotted(state.current_version().as_ref()),
        ramping_deployment_version: state.ramping_version().as_ref().map(Version::proto),
        ramping_version: state.ramp.as_ref().map(|_| dotted(state.ramping_version().as_ref())).unwrap_or_default(),
        ramping_version_percentage: state.ramp.as_ref().map_or(0.0, |ramp| ramp.percentage),
        current_version_changed_time: timestamp(state.current_changed()),
        ramping_version_changed_time: timestamp(state.ramping_changed()),
        ramping_version_percentage_changed_time: timestamp(state.ramp_changed()),
        revision_number: state.revision,
    }
}

fn drainage_info(state: &VersionState, now: Time) -> Option<VersionDrainageInfo> {
    let status = state.drainage();
    (status != Drainage::Unspecified).then(|| VersionDrainageInfo {
        status: status as i32,
        last_changed_time: timestamp(state.drainage_changed()),
        last_checked_time: timestamp(now),
    })
}

fn summary(
    deployment: &DeploymentState,
    build_id: &str,
    state: &VersionState,
    now: Time,
) -> WorkerDeploymentVersionSummary {
    let version = Version::new(&deployment.name, build_id);
    WorkerDeploymentVersionSummary {
        version: version.dotted(),
        status: state.status,
        deployment_version: Some(version.proto()),
        create_time: timestamp(state.create_time()),
        drainage_status: state.drainage() as i32,
        drainage_info: drainage_info(state, now),
        current_since_time: timestamp(state.current_since()),
        ramping_since_time: timestamp(state.ramping_since()),
        routing_update_time: timestamp(state.routing_changed()),
        first_activation_time: timestamp(state.first_activation()),
        last_current_time: timestamp(state.last_current()),
        last_deactivation_time: timestamp(state.last_deactivation()),
        ..Default::default()
    }
}
