//! What is kept of workflows, registrations, deployments and workers.
//!
//! Identifiers are derived from what they identify (UUID version 5), so registering the same again gives the same ones.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::definition::WorkflowCodeDefinition;
use crate::model::moment::Moment;

/// The namespace of our derived UUIDs.
const UUID_NAMESPACE: Uuid = Uuid::from_u128(0x6f73_7472_6f00_4a7b_9c1e_5d0f_2a84_11e7);

/// A worker whose last heartbeat is older than this many seconds is gone; it sends one every 10 s.
pub(crate) const ACTIVE_SECONDS: i64 = 30;

/// A workflow: a name, and what people said about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Workflow {
    pub id: Uuid,
    pub name: String,
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub is_technical: bool,
    pub archived: bool,
    pub available_in_chat_assistant: bool,
    pub tags: Vec<String>,
    /// Whether a person set the name shown and the description; a registration then leaves them.
    pub edited: bool,
}

/// One definition of a workflow on one task queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub id: Uuid,
    pub workflow_id: Uuid,
    pub workflow_name: String,
    pub deployment_name: String,
    pub task_queue: String,
    pub definition: WorkflowCodeDefinition,
    pub created_at: Moment,
    /// When a worker last registered it.
    pub registered_at: Moment,
}

/// A deployment: the workers with one name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DeploymentRecord {
    pub id: Uuid,
    pub name: String,
    pub created_at: Moment,
}

/// One worker process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WorkerRecord {
    pub deployment_name: String,
    pub name: String,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub last_heartbeat: Moment,
    pub location: Option<DeploymentLocation>,
    /// What it serves.
    pub registrations: Vec<Uuid>,
}

/// Where a deployment runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct DeploymentLocation {
    pub location_type: LocationType,
    #[serde(default)]
    pub k8s_cluster: Option<String>,
    #[serde(default)]
    pub k8s_namespace: Option<String>,
}

/// The kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LocationType {
    Local,
    K8s,
    Managed,
}

impl WorkerRecord {
    pub(crate) fn is_active(&self) -> bool {
        Moment::now().0.as_second() - self.last_heartbeat.0.as_second() < ACTIVE_SECONDS
    }

    pub(crate) fn key(deployment: &str, name: &str) -> String {
        format!("{deployment}/{name}")
    }
}

/// The identifier of a workflow: of its name in its namespace.
pub(crate) fn workflow_id(namespace: &str, name: &str) -> Uuid {
    Uuid::new_v5(&UUID_NAMESPACE, format!("workflow\0{namespace}\0{name}").as_bytes())
}

/// The identifier of a deployment.
pub(crate) fn deployment_id(namespace: &str, name: &str) -> Uuid {
    Uuid::new_v5(&UUID_NAMESPACE, format!("deployment\0{namespace}\0{name}").as_bytes())
}

/// The identifier of a registration: another definition is another registration.
pub(crate) fn registration_id(workflow: Uuid, deployment: &str, queue: &str, definition: &Value) -> Uuid {
    Uuid::new_v5(&workflow, format!("{deployment}\0{queue}\0{definition}").as_bytes())
}

/// The identifier under which a namespace stands where the original has customers and workspaces.
pub(crate) fn namespace_id(namespace: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("ostro:namespace:{namespace}").as_bytes())
}
