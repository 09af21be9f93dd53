//! Compute configurations of deployment versions: who starts workers where tasks wait and nobody polls.
//!
//! This server starts none, as the reference server does not before an operator has set it up for a provider. So none can be
//! valid, and both answer alike.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ostro_engine::error::{Error, ErrorKind, Result};
use ostro_wire::{Answer, CallContext};
use temporalio_protos::temporal::api::compute::v1::{ComputeConfigScalingGroup, ComputeConfigScalingGroupUpdate};
use temporalio_protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use crate::frontend::status::status;
use crate::frontend::validate::namespace;
use crate::frontend::{Frontend, refuse};

/// The kinds of providers that the reference server knows.
const PROVIDERS: [&str; 3] = ["aws-lambda", "gcp-cloud-run", "subprocess"];
const NOTHING: &str =
    "No prior compute config found, which means nothing can be removed and something needs to be added to be valid";

/// `UpdateWorkerDeploymentVersionComputeConfig`.
pub(crate) async fn update(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::UpdateWorkerDeploymentVersionComputeConfigRequest,
) -> Answer<service::UpdateWorkerDeploymentVersionComputeConfigResponse> {
    namespace(&request.namespace).map_err(status)?;
    let version = request.deployment_version.unwrap_or_default();
    for (part, missing) in
        [(&version.deployment_name, "deployment name cannot be empty"), (&version.build_id, "build ID cannot be empty")]
    {
        if part.is_empty() {
            return refuse(Error::invalid(missing));
        }
    }
    frontend.known_namespace(&request.namespace).await?;
    let described = service::DescribeWorkerDeploymentVersionRequest {
        namespace: request.namespace,
        deployment_version: Some(version.clone()),
        ..Default::default()
    };
    frontend.engine.call(described).await.map_err(|error| {
        status(match error.kind {
            ErrorKind::NotFound => Error::not_found(format!(
                "build ID '{}' not found in Worker Deployment '{}'",
                version.build_id, version.deployment_name
            )),
            _ => error,
        })
    })?;
    refuse(fault_of_update(&request.compute_config_scaling_groups))
}

/// `ValidateWorkerDeploymentVersionComputeConfig`.
pub(crate) async fn validate(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::ValidateWorkerDeploymentVersionComputeConfigRequest,
) -> Answer<service::ValidateWorkerDeploymentVersionComputeConfigResponse> {
    namespace(&request.namespace).map_err(status)?;
    frontend.known_namespace(&request.namespace).await?;
    refuse(fault_of_update(&request.compute_config_scaling_groups))
}

/// A version that is created with a configuration, or without one.
pub(crate) fn check(request: &service::CreateWorkerDeploymentVersionRequest) -> Result<()> {
    match &request.compute_config {
        None => Ok(()),
        Some(config) => {
            Err(fault(config.scaling_groups.iter().map(|(name, group)| (name.as_str(), Some(group))).collect()))
        }
    }
}

/// What is wrong with a configuration of these groups, in the order of their names: in the end, that nobody here starts workers.
fn fault(groups: BTreeMap<&str, Option<&ComputeConfigScalingGroup>>) -> Error {
    let mut seen = BTreeSet::new();
    let mut first = None;
    for (name, group) in groups {
        let kinds = group.map(|group| group.task_queue_types.as_slice()).unwrap_or_default();
        if let Some(twice) = kinds.iter().find(|kind| !seen.insert(**kind)) {
            let kind = TaskQueueType::try_from(*twice).unwrap_or_default();
            return Error::invalid(format!("entry {name}: task type {kind:?} appears in more than one entry"));
        }
        let provider = group.and_then(|group| group.provider.as_ref()).map_or("", |provider| &provider.r#type);
        if !PROVIDERS.contains(&provider) {
            return Error::invalid(format!("entry {name}: invalid compute provider type '{provider}'"));
        }
        first.get_or_insert((name, provider));
    }
    match first {
        None => Error::invalid(NOTHING),
        Some((name, provider)) => Error::invalid(format!(
            "{name}: Could not instantiate compute provider with type '{provider}': this server starts no workers, start \
             them yourself"
        )),
    }
}

/// The same of a change.
fn fault_of_update(groups: &HashMap<String, ComputeConfigScalingGroupUpdate>) -> Error {
    fault(groups.iter().map(|(name, update)| (name.as_str(), update.scaling_group.as_ref())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use temporalio_protos::temporal::api::compute::v1::ComputeProvider;

    fn group(provider: &str, kinds: &[i32]) -> ComputeConfigScalingGroup {
        let provider = Some(ComputeProvider { r#type: provider.to_owned(), ..Default::default() });
        ComputeConfigScalingGroup { provider, task_queue_types: kinds.to_vec(), ..Default::default() }
    }

    #[test]
    fn each_configuration_has_its_fault() {
        let (lambda, unknown, twice) = (group("aws-lambda", &[1]), group("xyz", &[2]), group("aws-lambda", &[1]));
        let of = |groups: &[(&'static str, &ComputeConfigScalingGroup)]| {
            fault(groups.iter().map(|(name, group)| (*name, Some(*group))).collect()).message
        };
        assert_eq!(of(&[]), NOTHING);
        assert!(of(&[("g", &lambda)]).starts_with("g: Could not instantiate compute provider with type 'aws-lambda'"));
        assert_eq!(of(&[("a", &lambda), ("b", &unknown)]), "entry b: invalid compute provider type 'xyz'");
        assert_eq!(of(&[("a", &lambda), ("b", &twice)]), "entry b: task type Workflow appears in more than one entry");
    }
}
