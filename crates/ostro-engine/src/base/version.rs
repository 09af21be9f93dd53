//! A version of a worker deployment: its name and a build id.

use temporalio_protos::temporal::api::{
    deployment::v1::{WorkerDeploymentOptions, WorkerDeploymentVersion},
    enums::v1::WorkerVersioningMode,
};

use crate::base::error::{Error, Result};

/// What stands for "no version" in the older string form.
pub(crate) const UNVERSIONED: &str = "__unversioned__";

/// One build of the workers of one deployment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    pub deployment: String,
    pub build_id: String,
}

impl Version {
    pub fn new(deployment: &str, build_id: &str) -> Self {
        Self { deployment: deployment.to_owned(), build_id: build_id.to_owned() }
    }

    /// The version that a worker polls for, if it takes part in worker versioning.
    pub fn of_worker(worker: Option<&WorkerDeploymentOptions>) -> Option<Self> {
        let worker = worker.filter(|worker| is_versioned(worker))?;
        Some(Self::new(&worker.deployment_name, &worker.build_id))
    }

    pub(crate) fn of_proto(version: Option<&WorkerDeploymentVersion>) -> Option<Self> {
        version.map(|version| Self::new(&version.deployment_name, &version.build_id))
    }

    /// Reads `deployment:build` or the older `deployment.build`; nothing and `__unversioned__` are no version.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for any other text.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        if text.is_empty() || text == UNVERSIONED {
            return Ok(None);
        }
        let split = text.find([':', '.']).map(|at| (&text[..at], &text[at + 1..]));
        match split {
            Some((deployment, build)) if !deployment.is_empty() && !build.is_empty() => {
                Ok(Some(Self::new(deployment, build)))
            }
            _ => Err(Error::invalid(format!(
                "invalid version string \"{text}\", expected format is \"<deployment_name>.<build_id>\""
            ))),
        }
    }

    pub(crate) fn proto(&self) -> WorkerDeploymentVersion {
        WorkerDeploymentVersion { deployment_name: self.deployment.clone(), build_id: self.build_id.clone() }
    }

    /// `deployment:build`, as search attributes have it.
    pub fn name(&self) -> String {
        format!("{}:{}", self.deployment, self.build_id)
    }

    /// `deployment.build`, as the protocol's older fields have it.
    pub(crate) fn dotted(&self) -> String {
        format!("{}.{}", self.deployment, self.build_id)
    }
}

/// The older string form of a version that may be none.
pub(crate) fn dotted(version: Option<&Version>) -> String {
    version.map_or_else(|| UNVERSIONED.to_owned(), Version::dotted)
}

/// Whether the worker takes part in worker versioning.
pub(crate) fn is_versioned(worker: &WorkerDeploymentOptions) -> bool {
    worker.worker_versioning_mode() == WorkerVersioningMode::Versioned
}
