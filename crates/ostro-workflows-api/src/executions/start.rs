//! Which registration an execution is started on, with which input.

use serde_json::Value;
use uuid::Uuid;

use crate::api::Api;
use crate::error::{Code, Error, Result};
use crate::payload::Input;
use crate::registry::{Registration, Workflow};

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
    let registrations = api.registrations_of(namespace, workflow.id).await?;
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
    let registration = api.registration(namespace, id).await?;
    let workflow = api.workflow(namespace, &registration.workflow_id.to_string()).await?;
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
