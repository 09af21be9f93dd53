//! What a signal, a query or an update is called with, and whether the workflow has it.

use std::time::Duration;

use serde_json::Value;
use temporalio_protos::temporal::api::common::v1::{Payloads, WorkflowExecution};
use temporalio_protos::temporal::api::enums::v1::UpdateWorkflowExecutionLifecycleStage as Stage;
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::update::v1::outcome::Value as OutcomeValue;
use temporalio_protos::temporal::api::update::v1::{Input as UpdateInput, Meta, Outcome, Request, WaitPolicy};
use temporalio_protos::temporal::api::workflowservice::v1::{
    PollWorkflowExecutionUpdateRequest, QueryWorkflowRequest, SignalWorkflowExecutionRequest,
    UpdateWorkflowExecutionRequest,
};
use tonic::{Code as GrpcCode, Status};
use uuid::Uuid;

use crate::model::definition::Handler;
use crate::model::error::{Code, Error, Result};
use crate::model::execution::Described;
use crate::model::failure::failure_message;
use crate::model::payload;
use crate::model::payload::{Context, Input};
use crate::model::registration::{Registration, workflow_id};
use crate::service::api::Api;
use crate::service::engine::{describe, first_reason};
use crate::service::executions::start::IDENTITY;

/// Wait for a worker to answer a query.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);

/// Length of one wait for an update; then it is asked after again.
const UPDATE_POLL: Duration = Duration::from_secs(60);

/// Handlers of the SDK itself and of every Temporal SDK, which no registration lists.
const BUILT_IN_PREFIX: &str = "__";

/// A handler to be called.
struct Call {
    described: Described,
    input: Option<Payloads>,
}

/// Which handler of which execution is called, with what.
pub(crate) struct Invocation {
    pub namespace: String,
    pub execution: String,
    /// The handler's name.
    pub name: String,
    pub input: Option<Value>,
}

/// Signals an execution: it is durable when this returns.
pub(crate) async fn signal(api: &Api, invocation: Invocation) -> Result<()> {
    let call = call(api, &invocation, Handler::Signal).await?;
    if !call.described.is_running() {
        return Err(closed(&invocation.execution));
    }
    let request = SignalWorkflowExecutionRequest {
        namespace: invocation.namespace,
        workflow_execution: Some(execution(&invocation.execution)),
        signal_name: invocation.name,
        input: call.input,
        identity: IDENTITY.to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    api.engine.ask(&request).await.map_err(|status| refused(&invocation.execution, &status))?;
    Ok(())
}

/// Asks an execution, closed ones too, as long as a worker serves its queue.
pub(crate) async fn query(api: &Api, invocation: Invocation) -> Result<Value> {
    let call = call(api, &invocation, Handler::Query).await?;
    let query = WorkflowQuery { query_type: invocation.name, query_args: call.input, ..Default::default() };
    let request = QueryWorkflowRequest {
        namespace: invocation.namespace,
        execution: Some(execution(&invocation.execution)),
        query: Some(query),
        ..Default::default()
    };
    let answer = match api.engine.ask_within(&request, QUERY_TIMEOUT).await {
        Ok(answer) => answer,
        Err(status) => {
            return Err(unanswered(
                api,
                &request.namespace,
                &invocation.execution,
                &call.described.task_queue,
                &status,
            )
            .await);
        }
    };
    Ok(payload::decode_result(answer.query_result.as_ref()))
}

/// Why a query has no answer.
async fn unanswered(api: &Api, namespace: &str, id: &str, task_queue: &str, status: &Status) -> Error {
    match status.code() {
        GrpcCode::InvalidArgument => Error::new(Code::QueryFailed, status.message().to_owned()),
        // Its code fails, or has not begun: nobody was asked.
        GrpcCode::FailedPrecondition => {
            let why = first_reason(api, namespace, execution(id)).await;
            let why = why.unwrap_or_else(|| status.message().to_owned());
            Error::new(Code::NoWorker, format!("execution {id} cannot answer a query now: {why}"))
        }
        GrpcCode::DeadlineExceeded => Error::new(
            Code::NoWorker,
            format!(
                "no worker answered the query within {} s ({}): see whether one serves task queue {task_queue}",
                QUERY_TIMEOUT.as_secs(),
                status.message()
            ),
        ),
        _ => refused(id, status),
    }
}

/// Updates an execution, waits for the outcome, and answers what the handler returned.
pub(crate) async fn update(api: &Api, invocation: Invocation) -> Result<Value> {
    let call = call(api, &invocation, Handler::Update).await?;
    let Invocation { namespace, execution: id, name, .. } = invocation;
    if !call.described.is_running() {
        return Err(closed(&id));
    }
    let input = UpdateInput { name, args: call.input, ..Default::default() };
    let meta = Meta { update_id: Uuid::new_v4().to_string(), identity: IDENTITY.to_owned() };
    let request = UpdateWorkflowExecutionRequest {
        namespace,
        workflow_execution: Some(execution(&id)),
        wait_policy: Some(WaitPolicy { lifecycle_stage: Stage::Completed.into() }),
        request: Some(Request { meta: Some(meta), input: Some(input), ..Default::default() }),
        ..Default::default()
    };
    match outcome(api, &id, request).await?.value {
        Some(OutcomeValue::Success(result)) => Ok(payload::decode_result(Some(&result))),
        Some(OutcomeValue::Failure(failure)) => Err(Error::new(Code::UpdateFailed, failure_message(&failure))),
        None => Err(Error::new(Code::UpdateFailed, "the update ended without an outcome")),
    }
}

/// Checks a call against what the execution's workflow was registered with: an unknown handler or input that does not
/// fit would wedge the execution, so nothing of it reaches the engine.
async fn call(api: &Api, invocation: &Invocation, kind: Handler) -> Result<Call> {
    let Invocation { namespace, execution, name, input } = invocation;
    if name.is_empty() {
        return Err(Error::at(&["body", "name"], "must not be empty", "value_error"));
    }
    let described = describe(api, namespace, execution, None).await?;
    let input = Input::of(input.clone())?;
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
    let all = api.registry.registrations_of(namespace, id).await?;
    Ok(all.into_iter().map(|(registration, _)| registration).find(|each| each.task_queue == described.task_queue))
}

/// The outcome of an update: engines answer long waits early, so it is asked after until it is there.
async fn outcome(api: &Api, id: &str, request: UpdateWorkflowExecutionRequest) -> Result<Outcome> {
    let namespace = request.namespace.clone();
    let mut reference = None;
    loop {
        let answer = match &reference {
            // The same update id: asking again joins the update that is there.
            None => {
                api.engine.ask_within(&request, UPDATE_POLL).await.map(|answer| (answer.outcome, answer.update_ref))
            }
            Some(known) => {
                let poll = PollWorkflowExecutionUpdateRequest {
                    namespace: namespace.clone(),
                    update_ref: Some(Clone::clone(known)),
                    identity: IDENTITY.to_owned(),
                    wait_policy: request.wait_policy,
                };
                api.engine.ask_within(&poll, UPDATE_POLL).await.map(|answer| (answer.outcome, answer.update_ref))
            }
        };
        match answer {
            Ok((Some(outcome), _)) => return Ok(outcome),
            Ok((None, update)) => reference = update.or(reference),
            Err(status) if status.code() == GrpcCode::DeadlineExceeded => {}
            Err(status) => return Err(refused(id, &status)),
        }
    }
}

fn refused(id: &str, status: &tonic::Status) -> Error {
    Error::of_engine(status, &format!("execution {id}"), Code::ExecutionNotFound)
}

fn execution(id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: id.to_owned(), run_id: String::new() }
}

fn closed(id: &str) -> Error {
    Error::new(Code::ExecutionClosed, format!("execution {id} is closed: it takes no more signals or updates"))
}
