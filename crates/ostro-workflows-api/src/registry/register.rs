//! The registration of what a worker serves.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::register_request::{WorkflowSpecWithTaskQueue, WorkflowSpecsRegisterRequest};
use super::store::{DeploymentRecord, deployment_id, put, registration_id};
use super::{Registration, WorkerRecord, Workflow, workflow_id};
use crate::api::Api;
use crate::auth::Worker;
use crate::clock::Moment;
use crate::error::{Code, Error, Result};
use crate::extract::Json as Body;
use crate::openapi::Refusals;
use crate::records::{Change, Kind};

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

/// What was registered, in the order of the definitions.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowSpecsRegisterResponse {
    /// Whether a living worker of another deployment serves one of the workflows too.
    has_conflicts: bool,
    workflow_registration_ids: Vec<Uuid>,
    workflow_registration_refs: Vec<WorkflowRegistrationRefOutput>,
    warnings: Vec<String>,
}

/// One registration.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowRegistrationRefOutput {
    workflow_id: Uuid,
    workflow_registration_id: Uuid,
    /// The same as `workflow_registration_id`, under its older name.
    workflow_version_id: Uuid,
}

/// Registers what a worker serves; the same again changes nothing.
#[utoipa::path(post, path = "/v1/workflows/register", tag = "workers", request_body = WorkflowSpecsRegisterRequest,
    responses((status = 200, body = WorkflowSpecsRegisterResponse), Refusals))]
pub(crate) async fn register(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    Body(request): Body<WorkflowSpecsRegisterRequest>,
) -> Result<Json<WorkflowSpecsRegisterResponse>> {
    check(&api, &request)?;
    let _writing = api.writing.lock().await;
    let mut plan = Plan { namespace: caller.namespace.clone(), changes: Vec::new(), warnings: Vec::new() };
    let mut registrations = Vec::new();
    for spec in &request.definitions {
        registrations.push(plan.definition(&api, &request.deployment_name, spec).await?);
    }
    plan.worker(&api, &request, registrations.iter().map(|registration| registration.id).collect()).await?;
    let has_conflicts = conflicts(&api, &plan.namespace, &request.deployment_name, &registrations).await?;
    let Plan { changes, mut warnings, .. } = plan;
    api.records.commit(changes).await?;
    for (spec, registration) in request.definitions.iter().zip(&registrations) {
        warnings.extend(crate::schedules::of_registration(&api, &caller, spec, registration).await);
    }
    let refs = registrations.iter().map(|registration| WorkflowRegistrationRefOutput {
        workflow_id: registration.workflow_id,
        workflow_registration_id: registration.id,
        workflow_version_id: registration.id,
    });
    Ok(Json(WorkflowSpecsRegisterResponse {
        has_conflicts,
        workflow_registration_ids: registrations.iter().map(|registration| registration.id).collect(),
        workflow_registration_refs: refs.collect(),
        warnings,
    }))
}

fn check(api: &Api, request: &WorkflowSpecsRegisterRequest) -> Result<()> {
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
        check_schemas(api, index, spec)?;
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

fn check_schemas(api: &Api, index: usize, spec: &WorkflowSpecWithTaskQueue) -> Result<()> {
    let definition = &spec.definition;
    let index = index.to_string();
    let handlers = definition.signals.iter().map(|each| ("signals", &each.name, &each.input_schema));
    let handlers = handlers.chain(definition.queries.iter().map(|each| ("queries", &each.name, &each.input_schema)));
    let handlers = handlers.chain(definition.updates.iter().map(|each| ("updates", &each.name, &each.input_schema)));
    for (kind, name, schema) in handlers {
        let place = ["body", "definitions", &index, kind, name, "input_schema"];
        api.schemas.check(&Value::Object(schema.clone()), &place)?;
    }
    let place = ["body", "definitions", &index, "input_schema"];
    api.schemas.check(&Value::Object(definition.input_schema.clone()), &place)
}

/// What a registration changes.
struct Plan {
    namespace: String,
    changes: Vec<Change>,
    warnings: Vec<String>,
}

impl Plan {
    async fn definition(
        &mut self,
        api: &Api,
        deployment: &str,
        spec: &WorkflowSpecWithTaskQueue,
    ) -> Result<Registration> {
        let workflow = self.workflow(api, spec).await?;
        let definition =
            serde_json::to_value(&spec.definition).map_err(|error| Error::internal("write a definition", &error))?;
        let id = registration_id(workflow.id, deployment, &spec.task_queue, &definition);
        let known: Option<Registration> = api.record(Kind::Registration, &self.namespace, &id.to_string()).await?;
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
        self.changes.push(put(Kind::Registration, &self.namespace, id.to_string(), terms, &registration)?);
        Ok(registration)
    }

    async fn workflow(&mut self, api: &Api, spec: &WorkflowSpecWithTaskQueue) -> Result<Workflow> {
        let id = workflow_id(&self.namespace, &spec.name);
        let known: Option<Workflow> = api.record(Kind::Workflow, &self.namespace, &id.to_string()).await?;
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
        self.changes.push(put(Kind::Workflow, &self.namespace, id.to_string(), Vec::new(), &workflow)?);
        Ok(workflow)
    }

    async fn worker(
        &mut self,
        api: &Api,
        request: &WorkflowSpecsRegisterRequest,
        registrations: Vec<Uuid>,
    ) -> Result<()> {
        let now = Moment::now();
        let name = &request.deployment_name;
        let deployment: Option<DeploymentRecord> = api.record(Kind::Deployment, &self.namespace, name).await?;
        if deployment.is_none() {
            let id = deployment_id(&self.namespace, name);
            let record = DeploymentRecord { id, name: name.clone(), created_at: now };
            self.changes.push(put(Kind::Deployment, &self.namespace, name.clone(), Vec::new(), &record)?);
        }
        let key = WorkerRecord::key(name, &request.worker_name);
        let known: Option<WorkerRecord> = api.record(Kind::Worker, &self.namespace, &key).await?;
        let worker = WorkerRecord {
            deployment_name: name.clone(),
            name: request.worker_name.clone(),
            created_at: known.map_or(now, |known| known.created_at),
            updated_at: now,
            last_heartbeat: now,
            location: request.deployment_location.clone(),
            registrations,
        };
        self.changes.push(put(Kind::Worker, &self.namespace, key, vec![format!("deployment:{name}")], &worker)?);
        Ok(())
    }
}

/// Whether a living worker of another deployment serves one of these workflows.
async fn conflicts(api: &Api, namespace: &str, deployment: &str, registrations: &[Registration]) -> Result<bool> {
    let active = api.active_registrations(namespace).await?;
    let workflows: HashSet<Uuid> = registrations
        .iter()
        .filter(|registration| !registration.workflow_name.starts_with("__"))
        .map(|registration| registration.workflow_id)
        .collect();
    let all: Vec<Registration> = api.all_records(Kind::Registration, namespace, None).await?;
    Ok(all.iter().any(|other| {
        workflows.contains(&other.workflow_id) && other.deployment_name != deployment && active.contains(&other.id)
    }))
}
