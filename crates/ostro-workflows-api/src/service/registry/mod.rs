//! Workflows, their registrations, and the deployments and workers that serve them.

pub(crate) mod register;

use std::sync::Arc;

use uuid::Uuid;

use crate::model::error::{Code, Error, Result};
use crate::model::moment::Moment;
use crate::model::record::Kind;
use crate::model::registration::{Registration, WorkerRecord, Workflow, workflow_id};
use crate::model::schema::Schemas;
use crate::store::Store;

/// Workflows, their registrations, and the deployments and workers that serve them.
pub(crate) struct Registry {
    store: Arc<Store>,
    schemas: Arc<Schemas>,
}

impl Registry {
    pub(crate) fn new(store: Arc<Store>, schemas: Arc<Schemas>) -> Self {
        Self { store, schemas }
    }

    /// The workflow with this name or identifier.
    pub(crate) async fn workflow(&self, namespace: &str, identifier: &str) -> Result<Workflow> {
        let id = identifier.parse::<Uuid>().unwrap_or_else(|_| workflow_id(namespace, identifier));
        self.store.get(Kind::Workflow, namespace, &id.to_string()).await?.ok_or_else(|| {
            let message = format!(
                "no workflow {identifier} is registered in namespace {namespace}: start a worker that has it, \
                 or look at GET /v1/workflows"
            );
            Error::new(Code::WorkflowNotFound, message)
        })
    }

    /// The registration with this identifier.
    pub(crate) async fn registration(&self, namespace: &str, id: Uuid) -> Result<Registration> {
        self.store.get(Kind::Registration, namespace, &id.to_string()).await?.ok_or_else(|| {
            Error::new(Code::RegistrationNotFound, format!("no registration {id} in namespace {namespace}"))
        })
    }

    /// All workers of a namespace, or those of a deployment.
    pub(crate) async fn workers(&self, namespace: &str, deployment: Option<&str>) -> Result<Vec<WorkerRecord>> {
        let term = deployment.map(|name| format!("deployment:{name}"));
        self.store.all(Kind::Worker, namespace, term).await
    }

    /// The registrations of a workflow; those that a living worker serves first, then the latest.
    pub(crate) async fn registrations_of(&self, namespace: &str, workflow: Uuid) -> Result<Vec<(Registration, bool)>> {
        let term = Some(format!("workflow:{workflow}"));
        let registrations: Vec<Registration> = self.store.all(Kind::Registration, namespace, term).await?;
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

    /// Changes the workflow with this name or identifier.
    pub(crate) async fn change_workflow(
        &self,
        namespace: &str,
        identifier: &str,
        change: impl FnOnce(&mut Workflow),
    ) -> Result<Workflow> {
        let mut transaction = self.store.transaction().await;
        let mut workflow = self.workflow(namespace, identifier).await?;
        change(&mut workflow);
        transaction.put(Kind::Workflow, namespace, workflow.id.to_string(), Vec::new(), &workflow)?;
        transaction.commit().await?;
        Ok(workflow)
    }

    /// Takes a sign of life of a worker that serves these registrations; it registers again where one is not known.
    pub(crate) async fn heartbeat(
        &self,
        namespace: &str,
        deployment: &str,
        name: &str,
        served: impl Iterator<Item = Uuid>,
    ) -> Result<()> {
        let mut transaction = self.store.transaction().await;
        let key = WorkerRecord::key(deployment, name);
        let known: Option<WorkerRecord> = transaction.get(Kind::Worker, namespace, &key).await?;
        let mut worker = known.ok_or_else(|| unknown(&format!("worker {key}")))?;
        for id in served {
            if !worker.registrations.contains(&id) {
                return Err(unknown(&format!("registration {id} of worker {key}")));
            }
        }
        worker.last_heartbeat = Moment::now();
        let terms = vec![format!("deployment:{}", worker.deployment_name)];
        transaction.put(Kind::Worker, namespace, key, terms, &worker)?;
        transaction.commit().await
    }
}

fn unknown(what: &str) -> Error {
    Error::new(Code::WorkerUnknown, format!("{what} is not known: register again"))
}

#[cfg(test)]
mod tests;
