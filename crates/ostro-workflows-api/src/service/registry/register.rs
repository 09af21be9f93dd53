//! The registration of what a worker serves.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use super::Registry;
use crate::model::definition::{WorkflowSpecWithTaskQueue, WorkflowSpecsRegisterRequest};
use crate::model::error::{Code, Error, Result};
use crate::model::moment::Moment;
use crate::model::record::Kind;
use crate::model::registration::{
    DeploymentRecord, Registration, WorkerRecord, Workflow, deployment_id, registration_id, workflow_id,
};
use crate::model::schema::Schemas;
use crate::store::Transaction;

/// Names that would hide a route.
const RESERVED: [&str; 13] = [
    "executions",
    "schedules",
    "definitions",
    "internal",
    "webhooks",
    "archive",
    "unarchive",
    "runs",
    "registrations",
    "register",
    "workers",
    "events",
    "deployments",
];

const NAME_CHARACTERS_MAX: usize = 128;

const DEFINITIONS_MAX: usize = 1000;

fn check(schemas: &Schemas, request: &WorkflowSpecsRegisterRequest) -> Result<()> {
    let refuse = |message: String| Err(Error::new(Code::RegistrationRefused, message));
    if request.definitions.is_empty() || request.definitions.len() > DEFINITIONS_MAX {
        return refuse(format!("give between 1 and {DEFINITIONS_MAX} definitions, not {}", request.definitions.len()));
    }
    for (what, name) in [("deployment_name", &request.deployment_name), ("worker_name", &request.worker_name)] {
        if name.is_empty() || name.contains(['/', '\0']) || name.len() > 255 {
            return refuse(format!("{what} {name:?} is not usable: 1 to 255 bytes without a slash"));
        }
    }
    let mut names = HashSet::new();
    for (index, spec) in request.definitions.iter().enumerate() {
        check_name(spec)?;
        if !names.insert((&spec.name, &spec.task_queue)) {
            return refuse(format!("workflow {} is defined twice for task queue {}", spec.name, spec.task_queue));
        }
        check_schemas(schemas, index, spec)?;
    }
    Ok(())
}

fn check_name(spec: &WorkflowSpecWithTaskQueue) -> Result<()> {
    let name = spec.name.as_str();
    let refuse = |why: &str| Err(Error::new(Code::RegistrationRefused, format!("workflow name {name:?} {why}")));
    if name.is_empty() || name.len() > NAME_CHARACTERS_MAX {
        return refuse("must have 1 to 128 characters");
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        return refuse("may only have letters, digits, `_` and `-`");
    }
    if RESERVED.contains(&name) {
        return refuse("is reserved: it is a route of this API; take another");
    }
    if name.starts_with("__") && !spec.is_technical {
        return refuse("is reserved: names of the SDK begin with two underscores; take another");
    }
    if name.parse::<Uuid>().is_ok() {
        return refuse("reads as an identifier; take another");
    }
    if spec.task_queue.is_empty() {
        return refuse("has no task queue");
    }
    Ok(())
}

fn check_schemas(schemas: &Schemas, index: usize, spec: &WorkflowSpecWithTaskQueue) -> Result<()> {
    let definition = &spec.definition;
    let index = index.to_string();
    let handlers = definition.signals.iter().map(|each| ("signals", &each.name, &each.input_schema));
    let handlers = handlers.chain(definition.queries.iter().map(|each| ("queries", &each.name, &each.input_schema)));
    let handlers = handlers.chain(definition.updates.iter().map(|each| ("updates", &each.name, &each.input_schema)));
    for (kind, name, schema) in handlers {
        let place = ["body", "definitions", &index, kind, name, "input_schema"];
        schemas.check(&Value::Object(schema.clone()), &place)?;
    }
    let place = ["body", "definitions", &index, "input_schema"];
    schemas.check(&Value::Object(definition.input_schema.clone()), &place)
}

/// What was registered, in the order of the definitions.
pub(crate) struct Registered {
    pub registrations: Vec<Registration>,
    /// What the worker should know: an archived workflow, say.
    pub warnings: Vec<String>,
    /// Whether a living worker of another deployment serves one of the workflows too.
    pub has_conflicts: bool,
}

impl Registry {
    /// Registers what a worker serves; the same again changes nothing.
    pub(crate) async fn register(&self, namespace: &str, request: &WorkflowSpecsRegisterRequest) -> Result<Registered> {
        check(&self.schemas, request)?;
        let transaction = self.store.transaction().await;
        let mut plan = Plan { namespace, transaction, warnings: Vec::new() };
        let mut registrations = Vec::new();
        for spec in &request.definitions {
            registrations.push(plan.definition(&request.deployment_name, spec).await?);
        }
        plan.worker(request, registrations.iter().map(|registration| registration.id).collect()).await?;
        let has_conflicts = self.conflicts(namespace, &request.deployment_name, &registrations).await?;
        let Plan { transaction, warnings, .. } = plan;
        transaction.commit().await?;
        Ok(Registered { registrations, warnings, has_conflicts })
    }

    /// Whether a living worker of another deployment serves one of these workflows.
    async fn conflicts(&self, namespace: &str, deployment: &str, registrations: &[Registration]) -> Result<bool> {
        let active = self.active_registrations(namespace).await?;
        let workflows: HashSet<Uuid> = registrations
            .iter()
            .filter(|registration| !registration.workflow_name.starts_with("__"))
            .map(|registration| registration.workflow_id)
            .collect();
        let all: Vec<Registration> = self.store.all(Kind::Registration, namespace, None).await?;
        Ok(all.iter().any(|other| {
            workflows.contains(&other.workflow_id) && other.deployment_name != deployment && active.contains(&other.id)
        }))
    }
}

/// What a registration changes.
struct Plan<'a> {
    namespace: &'a str,
    transaction: Transaction<'a>,
    warnings: Vec<String>,
}

impl Plan<'_> {
    async fn definition(&mut self, deployment: &str, spec: &WorkflowSpecWithTaskQueue) -> Result<Registration> {
        let workflow = self.workflow(spec).await?;
        let definition =
            serde_json::to_value(&spec.definition).map_err(|error| Error::internal("write a definition", &error))?;
        let id = registration_id(workflow.id, deployment, &spec.task_queue, &definition);
        let known: Option<Registration> =
            self.transaction.get(Kind::Registration, self.namespace, &id.to_string()).await?;
        let now = Moment::now();
        let registration = Registration {
            id,
            workflow_id: workflow.id,
            workflow_name: spec.name.clone(),
            deployment_name: deployment.to_owned(),
            task_queue: spec.task_queue.clone(),
            definition: spec.definition.clone(),
            created_at: known.map_or(now, |known| known.created_at),
            registered_at: now,
        };
        let terms = vec![
            format!("workflow:{}", workflow.id),
            format!("deployment:{deployment}"),
            format!("task_queue:{}", spec.task_queue),
        ];
        self.transaction.put(Kind::Registration, self.namespace, id.to_string(), terms, &registration)?;
        Ok(registration)
    }

    async fn workflow(&mut self, spec: &WorkflowSpecWithTaskQueue) -> Result<Workflow> {
        let id = workflow_id(self.namespace, &spec.name);
        let known: Option<Workflow> = self.transaction.get(Kind::Workflow, self.namespace, &id.to_string()).await?;
        let mut workflow = known.unwrap_or_else(|| Workflow {
            id,
            name: spec.name.clone(),
            display_name: None,
            description: None,
            is_technical: spec.is_technical,
            archived: false,
            available_in_chat_assistant: false,
            tags: Vec::new(),
            edited: false,
        });
        if workflow.archived {
            self.warnings.push(format!("workflow {} is archived: unarchive it to execute it", spec.name));
        }
        if !workflow.edited {
            workflow.display_name.clone_from(&spec.display_name);
            workflow.description.clone_from(&spec.description);
        }
        workflow.is_technical = spec.is_technical;
        self.transaction.put(Kind::Workflow, self.namespace, id.to_string(), Vec::new(), &workflow)?;
        Ok(workflow)
    }

    async fn worker(&mut self, request: &WorkflowSpecsRegisterRequest, registrations: Vec<Uuid>) -> Result<()> {
        let now = Moment::now();
        let name = &request.deployment_name;
        let deployment: Option<DeploymentRecord> = self.transaction.get(Kind::Deployment, self.namespace, name).await?;
        if deployment.is_none() {
            let id = deployment_id(self.namespace, name);
            let record = DeploymentRecord { id, name: name.clone(), created_at: now };
            self.transaction.put(Kind::Deployment, self.namespace, name.clone(), Vec::new(), &record)?;
        }
        let key = WorkerRecord::key(name, &request.worker_name);
        let known: Option<WorkerRecord> = self.transaction.get(Kind::Worker, self.namespace, &key).await?;
        let worker = WorkerRecord {
            deployment_name: name.clone(),
            name: request.worker_name.clone(),
            created_at: known.map_or(now, |known| known.created_at),
            updated_at: now,
            last_heartbeat: now,
            location: request.deployment_location.clone(),
            registrations,
        };
        self.transaction.put(Kind::Worker, self.namespace, key, vec![format!("deployment:{name}")], &worker)?;
        Ok(())
    }
}
