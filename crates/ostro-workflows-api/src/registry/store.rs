//! What is kept of workflows, registrations, deployments and workers.
//!
//! Identifiers are derived from what they identify (UUID version 5), so registering the same again gives the same ones.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::register_request::WorkflowCodeDefinition;
use crate::api::Api;
use crate::clock::Moment;
use crate::error::{Code, Error, Result};
use crate::records::{Change, Document, Kind, Query};

/// The namespace of our derived UUIDs.
const UUID_NAMESPACE: Uuid = Uuid::from_u128(0x6f73_7472_6f00_4a7b_9c1e_5d0f_2a84_11e7);
/// A worker whose last heartbeat is older than this many seconds is gone; it sends one every 10 s.
pub(crate) const ACTIVE_SECONDS: i64 = 30;
/// Documents of one kind that a list looks through.
const DOCUMENTS_MAX: usize = 10_000;

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

/// A change that keeps `record`.
pub(crate) fn put<T: Serialize>(
    kind: Kind,
    namespace: &str,
    key: String,
    terms: Vec<String>,
    record: &T,
) -> Result<Change> {
    let body = serde_json::to_string(record).map_err(|error| Error::internal("write a record", &error))?;
    Ok(Change::Put(Document { kind, namespace: namespace.to_owned(), key, terms, body }))
}

/// The record that a document is.
pub(crate) fn parse<T: DeserializeOwned>(body: &str) -> Result<T> {
    serde_json::from_str(body).map_err(|error| Error::internal("read a record", &error))
}

impl Api {
    /// The record of a kind under a key.
    pub(crate) async fn record<T: DeserializeOwned>(
        &self,
        kind: Kind,
        namespace: &str,
        key: &str,
    ) -> Result<Option<T>> {
        self.records.get(kind, namespace, key).await?.map(|body| parse(&body)).transpose()
    }

    /// The records of a kind, all or those with a term.
    pub(crate) async fn all_records<T: DeserializeOwned>(
        &self,
        kind: Kind,
        namespace: &str,
        term: Option<String>,
    ) -> Result<Vec<T>> {
        let query = Query { kind, namespace: namespace.to_owned(), term, after: String::new(), limit: DOCUMENTS_MAX };
        self.records.find(query).await?.iter().map(|found| parse(&found.body)).collect()
    }

    /// The workflow with this name or identifier.
    pub(crate) async fn workflow(&self, namespace: &str, identifier: &str) -> Result<Workflow> {
        let id = identifier.parse::<Uuid>().unwrap_or_else(|_| workflow_id(namespace, identifier));
        self.record(Kind::Workflow, namespace, &id.to_string()).await?.ok_or_else(|| {
            let message = format!(
                "no workflow {identifier} is registered in namespace {namespace}: start a worker that has it, \
                 or look at GET /v1/workflows"
            );
            Error::new(Code::WorkflowNotFound, message)
        })
    }

    /// The registration with this identifier.
    pub(crate) async fn registration(&self, namespace: &str, id: Uuid) -> Result<Registration> {
        self.record(Kind::Registration, namespace, &id.to_string()).await?.ok_or_else(|| {
            Error::new(Code::RegistrationNotFound, format!("no registration {id} in namespace {namespace}"))
        })
    }

    /// All workers of a namespace, or those of a deployment.
    pub(crate) async fn workers(&self, namespace: &str, deployment: Option<&str>) -> Result<Vec<WorkerRecord>> {
        let term = deployment.map(|name| format!("deployment:{name}"));
        self.all_records(Kind::Worker, namespace, term).await
    }

    /// The registrations of a workflow; those that a living worker serves first, then the latest.
    pub(crate) async fn registrations_of(&self, namespace: &str, workflow: Uuid) -> Result<Vec<(Registration, bool)>> {
        let term = Some(format!("workflow:{workflow}"));
        let registrations: Vec<Registration> = self.all_records(Kind::Registration, namespace, term).await?;
        let active = self.active_registrations(namespace).await?;
        let mut all: Vec<_> = registrations
            .into_iter()
            .map(|registration| {
                let is_active = active.contains(&registration.id);
                (registration, is_active)
            })
            .collect();
        all.sort_by_key(|(registration, active)| std::cmp::Reverse((*active, registration.registered_at)));
        Ok(all)
    }

    /// What living workers serve.
    pub(crate) async fn active_registrations(&self, namespace: &str) -> Result<std::collections::HashSet<Uuid>> {
        let workers = self.workers(namespace, None).await?;
        Ok(workers.into_iter().filter(WorkerRecord::is_active).flat_map(|worker| worker.registrations).collect())
    }
}
