//! Signals, queries and updates.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::UpdateWorkflowExecutionLifecycleStage as Stage;
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::update::v1::outcome::Value as OutcomeValue;
use temporalio_protos::temporal::api::update::v1::{Input, Meta, Outcome, Request, WaitPolicy};
use temporalio_protos::temporal::api::workflowservice::v1::{
    PollWorkflowExecutionUpdateRequest, QueryWorkflowRequest, SignalWorkflowExecutionRequest,
    UpdateWorkflowExecutionRequest,
};
use tonic::Code as GrpcCode;
use utoipa::ToSchema;
use uuid::Uuid;

use super::execute::IDENTITY;
use super::failure_message;
use super::handler::call;
use super::waiting;
use crate::api::Api;
use crate::auth::{Operator, Reader};
use crate::error::{Code, Error, Result};
use crate::extract::{Json as Body, Path};
use crate::openapi::Refusals;
use crate::payload;
use crate::registry::Handler;

/// Wait for a worker to answer a query.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);
/// Length of one wait for an update; then it is asked after again.
const UPDATE_POLL: Duration = Duration::from_secs(60);

/// A call of a handler.
#[derive(Deserialize, ToSchema)]
#[schema(as = HandlerInvocationBody)]
pub(crate) struct Invocation {
    /// The handler's name.
    name: String,
    /// An object that fits the handler's input schema, or an encoded input.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    input: Option<Value>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SignalWorkflowResponse {
    message: &'static str,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct QueryWorkflowResponse {
    query_name: String,
    result: Value,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct UpdateWorkflowResponse {
    update_name: String,
    result: Value,
}

/// Signals an execution. It is durable when answered; input is checked first.
#[utoipa::path(post, path = "/v1/workflows/executions/{execution_id}/signals", tag = "executions",
    params(("execution_id" = String, Path)), request_body = Invocation,
    responses((status = 202, body = SignalWorkflowResponse), Refusals))]
pub(crate) async fn signal_workflow_execution(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
    Body(body): Body<Invocation>,
) -> Result<(StatusCode, Json<SignalWorkflowResponse>)> {
    let call = call(&api, &caller.namespace, &id, Handler::Signal, &body.name, body.input).await?;
    if !call.described.is_running() {
        return Err(closed(&id));
    }
    let request = SignalWorkflowExecutionRequest {
        namespace: caller.namespace,
        workflow_execution: Some(execution(&id)),
        signal_name: body.name,
        input: call.input,
        identity: IDENTITY.to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    api.engine
        .ask(&request)
        .await
        .map_err(|status| Error::of_engine(&status, &format!("execution {id}"), Code::ExecutionNotFound))?;
    Ok((StatusCode::ACCEPTED, Json(SignalWorkflowResponse { message: "Signal accepted" })))
}

/// Asks an execution, closed ones too, as long as a worker serves its queue.
#[utoipa::path(post, path = "/v1/workflows/executions/{execution_id}/queries", tag = "executions",
    params(("execution_id" = String, Path)), request_body = Invocation,
    responses((status = 200, body = QueryWorkflowResponse), Refusals))]
pub(crate) async fn query_workflow_execution(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    Body(body): Body<Invocation>,
) -> Result<Json<QueryWorkflowResponse>> {
    let call = call(&api, &caller.namespace, &id, Handler::Query, &body.name, body.input).await?;
    let query = WorkflowQuery { query_type: body.name.clone(), query_args: call.input, ..Default::default() };
    let request = QueryWorkflowRequest {
        namespace: caller.namespace.clone(),
        execution: Some(execution(&id)),
        query: Some(query),
        ..Default::default()
    };
    let answer = match api.engine.ask_within(&request, QUERY_TIMEOUT).await {
        Ok(answer) => answer,
        Err(status) => return Err(unanswered(&api, &caller.namespace, &id, &call.described.task_queue, &status).await),
    };
    let result = payload::decode_result(answer.query_result.as_ref());
    Ok(Json(QueryWorkflowResponse { query_name: body.name, result }))
}

/// Why a query has no answer.
async fn unanswered(api: &Api, namespace: &str, id: &str, task_queue: &str, status: &tonic::Status) -> Error {
    match status.code() {
        GrpcCode::InvalidArgument => Error::new(Code::QueryFailed, status.message().to_owned()),
        // Its code fails, or has not begun: nobody was asked.
        GrpcCode::FailedPrecondition => {
            let why = waiting::first(api, namespace, execution(id)).await;
            let why = why.unwrap_or_else(|| status.message().to_owned());
            Error::new(Code::NoWorker, format!("execution {id} cannot answer a query now. {why}"))
        }
        GrpcCode::DeadlineExceeded => Error::new(
            Code::NoWorker,
            format!(
                "no worker answered the query within {} s ({}): see whether one serves task queue {task_queue}",
                QUERY_TIMEOUT.as_secs(),
                status.message()
            ),
        ),
        _ => Error::of_engine(status, &format!("execution {id}"), Code::ExecutionNotFound),
    }
}

/// Updates an execution and waits for the outcome.
#[utoipa::path(post, path = "/v1/workflows/executions/{execution_id}/updates", tag = "executions",
    params(("execution_id" = String, Path)), request_body = Invocation,
    responses((status = 200, body = UpdateWorkflowResponse), Refusals))]
pub(crate) async fn update_workflow_execution(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(id): Path<String>,
    Body(body): Body<Invocation>,
) -> Result<Json<UpdateWorkflowResponse>> {
    let call = call(&api, &caller.namespace, &id, Handler::Update, &body.name, body.input).await?;
    if !call.described.is_running() {
        return Err(closed(&id));
    }
    let input = Input { name: body.name.clone(), args: call.input, ..Default::default() };
    let meta = Meta { update_id: Uuid::new_v4().to_string(), identity: IDENTITY.to_owned() };
    let request = UpdateWorkflowExecutionRequest {
        namespace: caller.namespace,
        workflow_execution: Some(execution(&id)),
        wait_policy: Some(WaitPolicy { lifecycle_stage: Stage::Completed.into() }),
        request: Some(Request { meta: Some(meta), input: Some(input), ..Default::default() }),
        ..Default::default()
    };
    match outcome(&api, &id, request).await?.value {
        Some(OutcomeValue::Success(result)) => {
            let result = payload::decode_result(Some(&result));
            Ok(Json(UpdateWorkflowResponse { update_name: body.name, result }))
        }
        Some(OutcomeValue::Failure(failure)) => Err(Error::new(Code::UpdateFailed, failure_message(&failure))),
        None => Err(Error::new(Code::UpdateFailed, "the update ended without an outcome")),
    }
}

/// The outcome of an update: engines answer long waits early, so it is asked after until it is there.
async fn outcome(api: &Api, id: &str, request: UpdateWorkflowExecutionRequest) -> Result<Outcome> {
    let refused =
        |status: tonic::Status| Error::of_engine(&status, &format!("execution {id}"), Code::ExecutionNotFound);
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
            Err(status) => return Err(refused(status)),
        }
    }
}

fn execution(id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: id.to_owned(), run_id: String::new() }
}

fn closed(id: &str) -> Error {
    Error::new(Code::ExecutionClosed, format!("execution {id} is closed: it takes no more signals or updates"))
}
