//! Requests about worker deployments.

use ostro_engine::config::Config;
use ostro_engine::error::Result;
use temporalio_protos::temporal::api::deployment::v1::WorkerDeploymentVersion;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use super::Check;
use super::common::{invalid, length, namespace, present};

/// What the reference server puts around name and build id, which share what an id may have.
const AROUND: usize = 43;
const NAME: &str = "WorkerDeploymentName";
const BUILD_ID: &str = "BuildID";

/// A version that a request names in the new form.
pub(super) fn version(version: &WorkerDeploymentVersion) -> Result<()> {
    part(&version.deployment_name, NAME, &Config::default())?;
    part(&version.build_id, BUILD_ID, &Config::default())
}

fn part(text: &str, what: &str, limits: &Config) -> Result<()> {
    present(text, &format!("{what} cannot be empty"))?;
    if text.len() > limits.id_length_max.saturating_sub(AROUND) / 2 {
        return invalid(format!("size of {what} larger than the maximum allowed"));
    }
    for delimiter in ['.', ':'] {
        if what == NAME && text.contains(delimiter) {
            return invalid(format!("worker deployment name cannot contain '{delimiter}'"));
        }
    }
    if text.starts_with("__") {
        return invalid(format!("{what} cannot start with '__'"));
    }
    Ok(())
}

fn either(new: &Option<WorkerDeploymentVersion>, old: &str) -> Result<()> {
    match new {
        Some(given) => version(given),
        None => present(old, "deployment version cannot be empty"),
    }
}

impl Check for service::CreateWorkerDeploymentRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        length(&self.request_id, "RequestId", limits)?;
        part(&self.deployment_name, NAME, limits)
    }
}

impl Check for service::CreateWorkerDeploymentVersionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        length(&self.request_id, "RequestId", limits)?;
        either(&self.deployment_version, "")?;
        crate::frontend::operator::compute_config::check(self)
    }
}

macro_rules! by_name {
    ($($request:ident),*) => {
        $(impl Check for service::$request {
            fn check(&mut self, limits: &Config) -> Result<()> {
                namespace(&self.namespace)?;
                part(&self.deployment_name, NAME, limits)
            }
        })*
    };
}

by_name!(DescribeWorkerDeploymentRequest, DeleteWorkerDeploymentRequest);

macro_rules! by_version {
    ($($request:ident),*) => {
        $(impl Check for service::$request {
            #[allow(deprecated)]
            fn check(&mut self, _limits: &Config) -> Result<()> {
                namespace(&self.namespace)?;
                either(&self.deployment_version, &self.version)
            }
        })*
    };
}

by_version!(DescribeWorkerDeploymentVersionRequest, DeleteWorkerDeploymentVersionRequest);

impl Check for service::ListWorkerDeploymentsRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        namespace(&self.namespace)
    }
}

impl Check for service::SetWorkerDeploymentCurrentVersionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        present(&self.deployment_name, "deployment name cannot be empty")?;
        part(&self.deployment_name, NAME, limits)
    }
}

impl Check for service::SetWorkerDeploymentRampingVersionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        if !(0.0..=100.0).contains(&self.percentage) {
            return invalid("Percentage must be between 0 and 100 (inclusive)");
        }
        part(&self.deployment_name, NAME, limits)
    }
}

impl Check for service::SetWorkerDeploymentManagerRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        present(&self.identity, "Identity is required")?;
        part(&self.deployment_name, NAME, limits)
    }
}

impl Check for service::UpdateWorkerDeploymentVersionMetadataRequest {
    #[allow(deprecated)]
    fn check(&mut self, _limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        if self.upsert_entries.is_empty() && self.remove_entries.is_empty() {
            return invalid("At least one of remove_entries or upsert_entries must be provided");
        }
        either(&self.deployment_version, &self.version)
    }
}
