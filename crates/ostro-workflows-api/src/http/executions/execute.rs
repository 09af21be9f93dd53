//! Execute a workflow, and wait for its result if asked to.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::Refusals;
use crate::http::access::Operator;
use crate::http::executions::view::WorkflowExecutionResponse;
use crate::http::extract::{Json as Body, Path};
use crate::model::access::Caller;
use crate::model::error::{Error, Result};
use crate::model::payload::{Encoded, Input};
use crate::model::registration::Registration;
use crate::service::api::Api;
use crate::service::executions::result::result_of;
use crate::service::executions::start::{Start, checked_input, of_registration, routed, start};

/// What to start.
#[derive(Deserialize, ToSchema)]
pub(crate) struct WorkflowExecutionRequest {
    /// The execution's id; a random one unless given. 409 when one with this id runs.
    #[serde(default)]
    execution_id: Option<String>,
    /// Must fit the workflow's input schema.
    #[serde(default)]
    input: Option<Value>,
    /// Input that only the client and the worker can read.
    #[serde(default)]
    encoded_input: Option<Encoded>,
    /// Answers when the execution is closed, with its result.
    #[serde(default)]
    wait_for_result: Option<bool>,
    /// How long to wait for the result, in seconds; then 408, and the execution goes on. For ever unless given.
    #[serde(default)]
    timeout_seconds: Option<f64>,
    /// Attributes of the execution's spans.
    #[serde(default)]
    custom_tracing_attributes: Option<BTreeMap<String, String>>,
    /// Ignores `traceparent`.
    #[serde(default)]
    force_new_trace: Option<bool>,
    /// W3C trace context that the execution's trace joins.
    #[serde(default)]
    traceparent: Option<String>,
    /// Data for plugins of the worker.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    extensions: Option<Map<String, Value>>,
    /// Deprecated: the task queue of the registration to start on.
    #[serde(default)]
    task_queue: Option<String>,
    /// The deployment to start on.
    #[serde(default)]
    deployment_name: Option<String>,
}

/// The execution, or its result.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Executed {
    Started(Box<WorkflowExecutionResponse>),
    Done(WorkflowExecutionSyncResponse),
}

/// A result that was waited for.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkflowExecutionSyncResponse {
    workflow_name: String,
    execution_id: String,
    result: Value,
}

/// Starts an execution of a workflow. Input is checked first: 422 tells the path of each fault, and nothing is started.
#[utoipa::path(post, path = "/v1/workflows/{workflow_identifier}/execute", tag = "workflows",
    params(("workflow_identifier" = String, Path, description = "Its name or identifier")),
    request_body = WorkflowExecutionRequest, responses((status = 200, body = Executed), Refusals))]
pub(crate) async fn execute_workflow(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(identifier): Path<String>,
    Body(request): Body<WorkflowExecutionRequest>,
) -> Result<Json<Executed>> {
    let workflow = api.registry.workflow(&caller.namespace, &identifier).await?;
    let (deployment, queue) = (request.deployment_name.as_deref(), request.task_queue.as_deref());
    let registration = routed(&api, &caller.namespace, &workflow, deployment, queue).await?;
    execute(&api, &caller, &registration, request).await
}

/// Starts an execution of one registration.
#[utoipa::path(post, path = "/v1/workflows/registrations/{workflow_registration_id}/execute", tag = "workflows",
    params(("workflow_registration_id" = Uuid, Path)),
    request_body = WorkflowExecutionRequest, responses((status = 200, body = Executed), Refusals))]
#[deprecated = "execute the workflow, with a deployment if it matters"]
pub(crate) async fn execute_workflow_registration(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<Uuid>,
    Body(request): Body<WorkflowExecutionRequest>,
) -> Result<Json<Executed>> {
    let registration = of_registration(&api, &caller.namespace, id).await?;
    execute(&api, &caller, &registration, request).await
}

async fn execute(
    api: &Arc<Api>,
    caller: &Caller,
    registration: &Registration,
    request: WorkflowExecutionRequest,
) -> Result<Json<Executed>> {
    let input = match request.encoded_input {
        Some(encoded) => Input::encoded(encoded)?,
        None => Input::of(request.input)?,
    };
    let input = checked_input(api, registration, input, &["body", "input"])?;
    let patience = match request.timeout_seconds {
        None => None,
        Some(seconds) => Some(std::time::Duration::try_from_secs_f64(seconds).map_err(|_| {
            Error::at(&["body", "timeout_seconds"], "give a positive number of seconds", "value_error")
        })?),
    };
    let traceparent = request.traceparent.filter(|_| !request.force_new_trace.unwrap_or(false));
    let started = start(
        api,
        caller,
        Start {
            registration,
            execution_id: request.execution_id,
            input,
            extensions: request.extensions,
            tracing_attributes: request.custom_tracing_attributes,
            traceparent,
        },
    )
    .await?;
    if request.wait_for_result.unwrap_or(false) {
        let result = result_of(api, &caller.namespace, &started.execution_id, &started.run_id, patience).await?;
        let workflow_name = registration.workflow_name.clone();
        let execution_id = started.execution_id;
        return Ok(Json(Executed::Done(WorkflowExecutionSyncResponse { workflow_name, execution_id, result })));
    }
    let view =
        WorkflowExecutionResponse::load(api, &caller.namespace, &started.execution_id, Some(&started.run_id)).await?;
    Ok(Json(Executed::Started(Box::new(view))))
}
