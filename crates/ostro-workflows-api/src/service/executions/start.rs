//! The start of an execution.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use temporalio_protos::temporal::api::common::v1::{Header, Memo, Payloads, WorkflowType};
use temporalio_protos::temporal::api::enums::v1::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy};
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;
use uuid::Uuid;

use crate::model::access::Caller;
use crate::model::error::{Code, Error, Result};
use crate::model::execution::{ExecutionRecord, execution_change};
use crate::model::payload::{Context, Input};
use crate::model::record::Kind;
use crate::model::registration::{Registration, Workflow};
use crate::model::{moment as clock, payload};
use crate::service::api::Api;

/// Names us in histories.
pub(crate) const IDENTITY: &str = "ostro-workflows-api";

/// A workflow id's bytes, at most; a Temporal server's limit is 1000.
const ID_BYTES_MAX: usize = 1000;

/// What to start.
pub(crate) struct Start<'a> {
    pub registration: &'a Registration,
    pub execution_id: Option<String>,
    pub input: Input,
    pub extensions: Option<Map<String, Value>>,
    pub tracing_attributes: Option<BTreeMap<String, String>>,
    pub traceparent: Option<String>,
}

/// What was started.
pub(crate) struct Started {
    pub execution_id: String,
    pub run_id: String,
}

/// Starts an execution. 409 when one with this id runs.
pub(crate) async fn start(api: &Api, caller: &Caller, start: Start<'_>) -> Result<Started> {
    let execution_id = start.execution_id.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
    if execution_id.is_empty() || execution_id.len() > ID_BYTES_MAX {
        let message = format!("give 1 to {ID_BYTES_MAX} bytes");
        return Err(Error::at(&["body", "execution_id"], message, "value_error"));
    }
    remember_user(api, caller, &start, &execution_id).await?;
    let request = request(caller, &start, &execution_id)?;
    let answer =
        api.engine.ask(&request).await.map_err(|status| {
            Error::of_engine(&status, &format!("execution {execution_id}"), Code::ExecutionNotFound)
        })?;
    Ok(Started { execution_id, run_id: answer.run_id })
}

fn request(caller: &Caller, start: &Start<'_>, execution_id: &str) -> Result<StartWorkflowExecutionRequest> {
    let registration = start.registration;
    let token = Uuid::new_v4().to_string();
    let context = Context {
        namespace: &caller.namespace,
        execution_id,
        execution_token: Some(&token),
        extensions: start.extensions.as_ref(),
        on_behalf_of: registration.definition.on_behalf_of.then_some(true),
    };
    let timeout = registration.definition.execution_timeout.map(|seconds| {
        clock::proto_seconds(seconds)
            .ok_or_else(|| Error::new(Code::EngineRefused, "the execution timeout is too long"))
    });
    Ok(StartWorkflowExecutionRequest {
        namespace: caller.namespace.clone(),
        workflow_id: execution_id.to_owned(),
        workflow_type: Some(WorkflowType { name: registration.workflow_name.clone() }),
        task_queue: Some(TaskQueue { name: registration.task_queue.clone(), ..Default::default() }),
        input: Some(Payloads { payloads: vec![payload::encode(&start.input, &context)] }),
        workflow_execution_timeout: timeout.transpose()?,
        identity: IDENTITY.to_owned(),
        request_id: Uuid::new_v4().to_string(),
        workflow_id_reuse_policy: WorkflowIdReusePolicy::AllowDuplicate.into(),
        workflow_id_conflict_policy: WorkflowIdConflictPolicy::Fail.into(),
        header: start.traceparent.as_ref().map(|traceparent| Header {
            fields: [("_tracer-data".to_owned(), payload::plain(&json!({"traceparent": traceparent})))].into(),
        }),
        memo: start.tracing_attributes.as_ref().map(|attributes| Memo {
            fields: [("custom_tracing_attributes".to_owned(), payload::plain(&json!(attributes)))].into(),
        }),
        ..Default::default()
    })
}

/// Notes who started it, before it can run: the worker's registration then finds the note.
async fn remember_user(api: &Api, caller: &Caller, start: &Start<'_>, execution_id: &str) -> Result<()> {
    if caller.subject.is_empty() {
        return Ok(());
    }
    let mut transaction = api.store.transaction().await;
    let known: Option<ExecutionRecord> = transaction.get(Kind::Execution, &caller.namespace, execution_id).await?;
    if known.is_some() {
        return Ok(());
    }
    let record = ExecutionRecord {
        workflow_name: start.registration.workflow_name.clone(),
        task_queue: start.registration.task_queue.clone(),
        root: None,
        parent: None,
        user_id: Some(caller.subject.clone()),
        search_keys: BTreeMap::new(),
        run_id: None,
        registered_at: Some(clock::Moment::now()),
    };
    transaction.change(execution_change(&caller.namespace, execution_id, &record)?);
    transaction.commit().await
}

/// The registration to start on: that of the deployment or queue named, one that a worker serves before one that none
/// does, the latest before older ones.
pub(crate) async fn routed(
    api: &Api,
    namespace: &str,
    workflow: &Workflow,
    deployment: Option<&str>,
    queue: Option<&str>,
) -> Result<Registration> {
    if workflow.archived {
        let message = format!("workflow {} is archived: unarchive it first", workflow.name);
        return Err(Error::new(Code::WorkflowArchived, message));
    }
    let registrations = api.registry.registrations_of(namespace, workflow.id).await?;
    let known: Vec<&str> = registrations.iter().map(|(each, _)| each.deployment_name.as_str()).collect();
    let found = registrations.iter().find(|(each, _)| {
        deployment.is_none_or(|name| each.deployment_name == name) && queue.is_none_or(|name| each.task_queue == name)
    });
    found.map(|(registration, _)| registration.clone()).ok_or_else(|| {
        let wanted = deployment.or(queue).unwrap_or("(any)");
        let message = format!(
            "workflow {} is not registered by deployment {wanted}; it is by: {}",
            workflow.name,
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        );
        Error::new(Code::RegistrationNotFound, message)
    })
}

/// The registration with this identifier, with its workflow, if new executions of it are taken.
pub(crate) async fn of_registration(api: &Api, namespace: &str, id: Uuid) -> Result<Registration> {
    let registration = api.registry.registration(namespace, id).await?;
    let workflow = api.registry.workflow(namespace, &registration.workflow_id.to_string()).await?;
    if workflow.archived {
        let message = format!("workflow {} is archived: unarchive it first", workflow.name);
        return Err(Error::new(Code::WorkflowArchived, message));
    }
    Ok(registration)
}

/// Input that fits the registration's schema; an invalid one would wedge the execution.
pub(crate) fn checked_input(api: &Api, registration: &Registration, input: Input, place: &[&str]) -> Result<Input> {
    let schema = Value::Object(registration.definition.input_schema.clone());
    api.schemas.validate(&schema, &input, place)?;
    // The worker reads no arguments as an empty object.
    Ok(match input {
        Input::Plain(Value::Null) => Input::Plain(Value::Object(serde_json::Map::new())),
        input => input,
    })
}
