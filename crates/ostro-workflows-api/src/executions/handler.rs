//! What a signal, a query or an update is called with, and whether the workflow has it.

use serde_json::Value;
use temporalio_protos::temporal::api::common::v1::Payloads;
use uuid::Uuid;

use super::Described;
use crate::api::Api;
use crate::error::{Code, Error, Result};
use crate::payload::{self, Context, Input};
use crate::registry::{Handler, Registration, workflow_id};

/// Handlers of the SDK itself and of every Temporal SDK, which no registration lists.
const BUILT_IN_PREFIX: &str = "__";

/// A handler to be called.
pub(super) struct Call {
    pub described: Described,
    pub input: Option<Payloads>,
}

/// Checks a call against what the execution's workflow was registered with: an unknown handler or input that does not
/// fit would wedge the execution, so nothing of it reaches the engine.
pub(super) async fn call(
    api: &Api,
    namespace: &str,
    execution: &str,
    kind: Handler,
    name: &str,
    input: Option<Value>,
) -> Result<Call> {
    if name.is_empty() {
        return Err(Error::at(&["body", "name"], "must not be empty", "value_error"));
    }
    let described = super::describe(api, namespace, execution, None).await?;
    let input = Input::of(input)?;
    if let Some(registration) = registration(api, namespace, &described).await? {
        match registration.definition.handler(kind, name) {
            Some(schema) => api.schemas.validate(&schema, &input, &["body", "input"])?,
            None if name.starts_with(BUILT_IN_PREFIX) => {}
            None => {
                let known = registration.definition.handler_names(kind).join(", ");
                let message = format!(
                    "workflow {} has no {} {name}; it has: {}",
                    described.workflow_name,
                    kind.name(),
                    if known.is_empty() { "none" } else { &known }
                );
                return Err(Error::new(Code::HandlerNotFound, message));
            }
        }
    }
    let context =
        Context { namespace, execution_id: execution, execution_token: None, extensions: None, on_behalf_of: None };
    let input = match input {
        Input::Plain(Value::Null) => None,
        input => Some(Payloads { payloads: vec![payload::encode(&input, &context)] }),
    };
    Ok(Call { described, input })
}

/// The registration that the execution runs on: the latest of its workflow on its queue. None for a workflow that no
/// worker registered here.
async fn registration(api: &Api, namespace: &str, described: &Described) -> Result<Option<Registration>> {
    let id: Uuid = workflow_id(namespace, &described.workflow_name);
    let all = api.registrations_of(namespace, id).await?;
    Ok(all.into_iter().map(|(registration, _)| registration).find(|each| each.task_queue == described.task_queue))
}
