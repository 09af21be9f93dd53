//! Worker deployments: the registry does the work, its writes join the call's, and what waits follows the new routing.

use temporalio_protos::temporal::api::{
    deployment::v1::WorkerDeploymentVersion, enums::v1::TaskQueueType, workflowservice::v1 as service,
    workflowservice::v1::describe_worker_deployment_version_response::VersionTaskQueue,
};

use crate::base::error::{Error, Result};
use crate::base::version::Version;
use crate::deployment::{Change, Changed, SetCurrent, SetRamping};
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::queue::QueueKey;
use crate::stored::persistence::{Loader, NamespaceId};

const PAGE_SIZE_MAX: usize = 1000;

answers! {
    service::CreateWorkerDeploymentRequest: |engine, request| engine.create_deployment(&request);
    service::CreateWorkerDeploymentVersionRequest: |engine, request| engine.create_deployment_version(&request);
    service::DescribeWorkerDeploymentRequest: |engine, request| engine.describe_deployment(&request);
    service::DescribeWorkerDeploymentVersionRequest: |engine, request| engine.describe_deployment_version(&request);
    service::ListWorkerDeploymentsRequest: |engine, request| engine.list_deployments(&request);
    service::SetWorkerDeploymentCurrentVersionRequest: |engine, request| engine.set_current_version(request);
    service::SetWorkerDeploymentRampingVersionRequest: |engine, request| engine.set_ramping_version(request);
    service::SetWorkerDeploymentManagerRequest: |engine, request| engine.set_deployment_manager(request);
    service::UpdateWorkerDeploymentVersionMetadataRequest: |engine, request| engine.update_version_metadata(request);
    service::DeleteWorkerDeploymentVersionRequest: |engine, request| engine.delete_deployment_version(&request);
    service::DeleteWorkerDeploymentRequest: |engine, request| engine.delete_deployment(&request);
}

impl<L: Loader> Engine<L> {
    fn create_deployment(
        &mut self,
        r: &service::CreateWorkerDeploymentRequest,
    ) -> Result<service::CreateWorkerDeploymentResponse> {
        let namespace = self.namespaces.get(&r.namespace)?.id;
        let (conflict_token, writes) =
            self.deployments.create(namespace, &r.deployment_name, &r.identity, &r.request_id, self.now)?;
        self.keep(writes);
        Ok(service::CreateWorkerDeploymentResponse { conflict_token })
    }

    fn create_deployment_version(
        &mut self,
        r: &service::CreateWorkerDeploymentVersionRequest,
    ) -> Result<service::CreateWorkerDeploymentVersionResponse> {
        let namespace = self.namespaces.get(&r.namespace)?.id;
        let version = named(r.deployment_version.as_ref(), "")?;
        let writes = self.deployments.create_version(namespace, &version, &r.identity, &r.request_id, self.now)?;
        self.keep(writes);
        Ok(service::CreateWorkerDeploymentVersionResponse {})
    }

    fn describe_deployment(
        &mut self,
        r: &service::DescribeWorkerDeploymentRequest,
    ) -> Result<service::DescribeWorkerDeploymentResponse> {
        let namespace = self.namespaces.get(&r.namespace)?.id;
        self.settle_drainage(namespace, &r.deployment_name);
        self.deployments.describe(namespace, &r.deployment_name, self.now)
    }

    fn describe_deployment_version(
        &mut self,
        r: &service::DescribeWorkerDeploymentVersionRequest,
    ) -> Result<service::DescribeWorkerDeploymentVersionResponse> {
        let namespace = self.namespaces.get(&r.namespace)?.id;
        let version = named(r.deployment_version.as_ref(), &r.version)?;
        self.settle_drainage(namespace, &version.deployment);
        let info = self.deployments.describe_version(namespace, &version, self.now)?;
        let queues = self.deployments.queues_of(namespace, &version);
        let version_task_queues =
            queues.into_iter().map(|queue| self.version_queue(queue, &version, r.report_task_queue_stats)).collect();
        Ok(service::DescribeWorkerDeploymentVersionResponse {
            worker_deployment_version_info: Some(info),
            version_task_queues,
        })
    }

    fn version_queue(&self, queue: QueueKey, version: &Version, with_stats: bool) -> VersionTaskQueue {
        let kind = TaskQueueType::try_from(queue.kind as i32).unwrap_or_default();
        let mut shown = VersionTaskQueue { name: queue.name.clone(), r#type: kind as i32, ..Default::default() };
        if with_stats {
            let description = self.queues.describe(&queue.of_version(Some(version.clone())), self.now);
            let (total, by_priority) = crate::engine::dispatch::describe_queue::all_stats(&description, self.now);
            shown.stats = Some(total);
            shown.stats_by_priority_key = by_priority;
        }
        shown
    }

    fn list_deployments(
        &mut self,
        r: &service::ListWorkerDeploymentsRequest,
    ) -> Result<service::ListWorkerDeploymentsResponse> {
        let namespace = self.namespaces.get(&r.namespace)?.id;
        let size = usize::try_from(r.page_size).ok().filter(|size| (1..=PAGE_SIZE_MAX).contains(size));
        let size = size.unwrap_or(PAGE_SIZE_MAX);
        let after = std::str::from_utf8(&r.next_page_token).map_err(|_| Error::invalid("Invalid NextPageToken."))?;
        let mut worker_deployments = self.deployments.list(namespace, after, size + 1, self.now);
        let more = worker_deployments.len() > size;
        worker_deployments.truncate(size);
        let last = worker_deployments.last().filter(|_| more).map(|summary| summary.name.clone());
        let next_page_token = last.unwrap_or_default().into_bytes();
        Ok(service::ListWorkerDeploymentsResponse { next_page_token, worker_deployments })
    }

    fn set_current_version(
        &mut self,
        r: service::SetWorkerDeploymentCurrentVersionRequest,
    ) -> Result<service::SetWorkerDeploymentCurrentVersionResponse> {
        let change = Change {
            namespace: self.namespaces.get(&r.namespace)?.id,
            deployment: r.deployment_name,
            identity: r.identity,
            conflict_token: r.conflict_token,
            ignore_missing_queues: r.ignore_missing_task_queues,
            allow_no_pollers: r.allow_no_pollers,
        };
        let build_id = build_of(&change.deployment, &r.version, r.build_id)?;
        let (namespace, name) = (change.namespace, change.deployment.clone());
        let is_needed = |queue: &QueueKey| self.queues.has_work(queue, self.now);
        let changed = self.deployments.set_current(&SetCurrent { change, build_id }, self.now, is_needed)?;
        let changed = self.rerouted(namespace, &name, changed);
        Ok(service::SetWorkerDeploymentCurrentVersionResponse {
            conflict_token: changed.conflict_token,
            previous_version: crate::base::version::dotted(changed.previous.as_ref()),
            previous_deployment_version: changed.previous.as_ref().map(Version::proto),
        })
    }

    fn set_ramping_version(
        &mut self,
        r: service::SetWorkerDeploymentRampingVersionRequest,
    ) -> Result<service::SetWorkerDeploymentRampingVersionResponse> {
        let change = Change {
            namespace: self.namespaces.get(&r.namespace)?.id,
            deployment: r.deployment_name,
            identity: r.identity,
            conflict_token: r.conflict_token,
            ignore_missing_queues: r.ignore_missing_task_queues,
            allow_no_pollers: r.allow_no_pollers,
        };
        let build_id = build_of(&change.deployment, &r.version, r.build_id)?;
        // No build and no share is the end of the ramp.
        let build_id = (!build_id.is_empty() || r.percentage > 0.0).then_some(build_id);
        let (namespace, name) = (change.namespace, change.deployment.clone());
        let request = SetRamping { change, build_id, percentage: r.percentage };
        let is_needed = |queue: &QueueKey| self.queues.has_work(queue, self.now);
        let changed = self.deployments.set_ramping(&request, self.now, is_needed)?;
        let changed = self.rerouted(namespace, &name, changed);
        let ramped = changed.previous_ramp.is_some();
        Ok(service::SetWorkerDeploymentRampingVersionResponse {
            conflict_token: changed.conflict_token,
            previous_version: if ramped {
                crate::base::version::dotted(changed.previous.as_ref())
            } else {
                String::new()
            },
            previous_deployment_version: changed.previous.as_ref().map(Version::proto),
            previous_percentage: changed.previous_ramp.unwrap_or_default(),
        })
    }

    fn set_deployment_manager(
        &mut self,
        r: service::SetWorkerDeploymentManagerRequest,
    ) -> Result<service::SetWorkerDeploymentManagerResponse> {
        use service::set_worker_deployment_manager_request::NewManagerIdentity;
        let manager = match &r.new_manager_identity {
            Some(NewManagerIdentity::ManagerIdentity(manager)) => manager.clone(),
            Some(NewManagerIdentity::Self_(true)) => r.identity.clone(),
            _ => String::new(),
        };
        let change = Change {
            namespace: self.namespaces.get(&r.namespace)?.id,
            deployment: r.deployment_name,
            identity: r.identity,
            conflict_token: r.conflict_token,
            ..Default::default()
        };
        let (changed, previous) = self.deployments.set_manager(&change, &manager, self.now)?;
        self.keep(changed.writes);
        Ok(service::SetWorkerDeploymentManagerResponse {
            conflict_token: changed.conflict_token,
            previous_manager_identity: previous,
        })
    }

    fn update_version_metadata(
        &mut self,
        r: service::UpdateWorkerDeploymentVersionMetadataRequest,
    ) -> Result<service::UpdateWorkerDeploymentVersionMetadataResponse> {
        let namespace = self.namespaces.get(&r.namespace)?.id;
        let version = named(r.deployment_version.as_ref(), &r.version)?;
        let (entries, writes) =
            self.deployments.update_metadata(namespace, &version, r.upsert_entries, &r.remove_entries, &r.identity)?;
        self.keep(writes);
        let metadata = temporalio_protos::temporal::api::deployment::v1::VersionMetadata { entries };
        Ok(service::UpdateWorkerDeploymentVersionMetadataResponse { metadata: Some(metadata) })
    }

    fn delete_deployment_version(
        &mut self,
        r: &service::DeleteWorkerDeploymentVersionRequest,
    ) -> Result<service::DeleteWorkerDeploymentVersionResponse> {
        let namespace = self.namespaces.get(&r.namespace)?.id;
        let version = named(r.deployment_version.as_ref(), &r.version)?;
        self.settle_drainage(namespace, &version.deployment);
        let queues = self.deployments.queues_of(namespace, &version);
        let polled = queues
            .iter()
            .any(|queue| !self.queues.describe(&queue.of_version(Some(version.clone())), self.now).pollers.is_empty());
        let writes = self.deployments.delete_version(namespace, &version, &r.identity, r.skip_drainage, polled)?;
        self.keep(writes);
        Ok(service::DeleteWorkerDeploymentVersionResponse {})
    }

    fn delete_deployment(
        &mut self,
        r: &service::DeleteWorkerDeploymentRequest,
    ) -> Result<service::DeleteWorkerDeploymentResponse> {
        let namespace = self.namespaces.get(&r.namespace)?.id;
        let writes = self.deployments.delete(namespace, &r.deployment_name)?;
        self.keep(writes);
        Ok(service::DeleteWorkerDeploymentResponse {})
    }

    fn rerouted(&mut self, namespace: NamespaceId, name: &str, mut changed: Changed) -> Changed {
        self.keep(std::mem::take(&mut changed.writes));
        self.follow_deployment(namespace, name);
        changed
    }

    /// Notes which draining versions of a deployment have drained. What is not committed yet is in memory only.
    fn settle_drainage(&mut self, namespace: NamespaceId, name: &str) {
        let is_pinned = |version: &Version| {
            self.cache.any(|execution| {
                execution.core.namespace == namespace
                    && execution.is_open()
                    && execution.pinned_version().as_ref() == Some(version)
            })
                // Where that cannot be read, a version that may be needed stays.
                || self.loader.is_pinned(namespace, &version.name()).unwrap_or(true)
        };
        let write = self.deployments.settle_drainage(namespace, name, self.now, is_pinned);
        self.keep(write.into_iter().collect());
    }
}

/// The version that a request names, in the new form or in the older one.
fn named(version: Option<&WorkerDeploymentVersion>, text: &str) -> Result<Version> {
    let named = Version::of_proto(version);
    let named = if named.is_some() { named } else { Version::parse(text)? };
    named.ok_or_else(|| Error::invalid("deployment version cannot be empty"))
}

/// The build id that a request names; empty for unversioned workers.
fn build_of(deployment: &str, text: &str, build_id: String) -> Result<String> {
    if text.is_empty() {
        return Ok(build_id);
    }
    match Version::parse(text).map_err(|e| Error::invalid(format!("invalid version string: {}", e.message)))? {
        Some(version) if version.deployment != deployment => Err(Error::invalid(format!(
            "invalid version string '{text}' does not match deployment name '{deployment}'"
        ))),
        version => Ok(version.map(|version| version.build_id).unwrap_or_default()),
    }
}
