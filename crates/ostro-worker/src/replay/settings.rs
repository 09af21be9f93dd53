//! What a run must know of its worker, and which one it is.

use std::sync::Arc;

use super::flags::Sdk;

/// What a run must know of its worker; shared by all runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The worker's namespace.
    pub namespace: String,
    /// The worker's task queue.
    pub task_queue: String,
    /// Name and version that completions carry.
    pub sdk: Sdk,
    /// The server takes SDK metadata (its capability `sdk_metadata`).
    pub writes_metadata: bool,
    /// The version of this worker, if it is versioned.
    pub deployment_version: Option<DeploymentVersion>,
}

/// A version of a worker deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentVersion {
    /// Empty where only a build id is known.
    pub deployment_name: Arc<str>,
    /// Of the program.
    pub build_id: Arc<str>,
}

/// Which run it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Id of the workflow.
    pub workflow_id: String,
    /// Its type.
    pub workflow_type: String,
    /// Id of the run.
    pub run_id: String,
}
