//! Signals, updates and queries: forms that know which handlers the workflow has, where its worker tells.

use std::time::Duration;

use ostro_explain::failure;
use serde_json::Value;
use temporalio_protos::temporal::api::enums::v1::UpdateWorkflowExecutionLifecycleStage as Stage;
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::update::v1::{Input, Meta, Request, WaitPolicy, outcome};
use temporalio_protos::temporal::api::workflowservice::v1::{
    QueryWorkflowRequest, SignalWorkflowExecutionRequest, UpdateWorkflowExecutionRequest,
};
use uuid::Uuid;

use super::{Action, Done, Target, Undone};
use crate::form::{Field, Form, Kind, Sent};
use crate::payload;

/// The query by which SDKs tell which handlers a workflow has.
const METADATA: &str = "__temporal_workflow_metadata";
/// How long a worker may take to tell.
const METADATA_PATIENCE: Duration = Duration::from_millis(700);
/// How long one waits for an answer of a workflow's code.
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);

/// The forms of this file.
pub(super) async fn form(action: Action, target: &Target<'_>) -> Form {
    let (title, explains, list) = match action {
        Action::Signal => (
            "Send a signal",
            "It is kept in the history and given to the workflow's code; there is no answer.",
            "signalDefinitions",
        ),
        Action::Update => (
            "Send an update",
            "The workflow's code accepts or rejects it, and answers. A worker must run for that.",
            "updateDefinitions",
        ),
        _ => ("Ask a query", "A worker answers from the workflow's state; nothing is changed.", "queryDefinitions"),
    };
    let known = handlers(target, list).await;
    Form {
        title: title.to_owned(),
        explains: explains.to_owned(),
        verb: action.verb(),
        destroys: false,
        fields: vec![
            Field::new(Kind::Line, "name", "Name").required().options(known),
            Field::new(Kind::Json, "input", "Input").help(
                "JSON, such as {\"amount\": 3}; empty for none. Several arguments are put apart by lines of ---.",
            ),
        ],
    }
}

/// The handlers of one kind, with what the code says of each; none where no worker tells soon.
async fn handlers(target: &Target<'_>, list: &str) -> Vec<(String, String)> {
    let request = query_request(target, METADATA, None);
    let Ok(answer) = target.visitor.caller.ask_within(&request, METADATA_PATIENCE).await else { return Vec::new() };
    let payload = answer.query_result.and_then(|result| result.payloads.into_iter().next());
    let metadata = payload.as_ref().and_then(payload::to_json).unwrap_or_default();
    let text = |handler: &Value, field: &str| handler[field].as_str().unwrap_or_default().to_owned();
    let all = metadata["definition"][list].as_array().cloned().unwrap_or_default();
    let named = all.iter().map(|handler| (text(handler, "name"), text(handler, "description")));
    named.filter(|(name, _)| !name.is_empty() && !name.starts_with("__")).collect()
}

fn query_request(
    target: &Target<'_>,
    name: &str,
    arguments: Option<temporalio_protos::temporal::api::common::v1::Payloads>,
) -> QueryWorkflowRequest {
    QueryWorkflowRequest {
        namespace: target.place.namespace.clone(),
        execution: Some(target.place.execution()),
        query: Some(WorkflowQuery { query_type: name.to_owned(), query_args: arguments, ..Default::default() }),
        ..Default::default()
    }
}

pub(super) async fn signal(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    let request = SignalWorkflowExecutionRequest {
        namespace: target.place.namespace.clone(),
        workflow_execution: Some(target.place.execution()),
        signal_name: sent.text("name").to_owned(),
        input: payload::arguments(sent.raw("input")).map_err(Undone::unfit)?,
        identity: target.visitor.identity(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    target.visitor.caller.ask(&request).await?;
    Ok(Done::Said)
}

pub(super) async fn query(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    let arguments = payload::arguments(sent.raw("input")).map_err(Undone::unfit)?;
    let request = query_request(target, sent.text("name"), arguments);
    let answer = target.visitor.caller.ask_within(&request, ANSWER_PATIENCE).await?;
    if let Some(rejected) = answer.query_rejected {
        let status = rejected.status().as_str_name().to_owned();
        let status = crate::shown::name(&status, "WORKFLOW_EXECUTION_STATUS_");
        return Err(Undone::unfit(format!("The workflow takes no queries: it is {status}.")));
    }
    Ok(Done::Answered(answer_of(answer.query_result.as_ref())))
}

pub(super) async fn update(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    let args = payload::arguments(sent.raw("input")).map_err(Undone::unfit)?;
    let meta = Meta { update_id: Uuid::new_v4().to_string(), identity: target.visitor.identity() };
    let input = Input { name: sent.text("name").to_owned(), args, ..Default::default() };
    let request = UpdateWorkflowExecutionRequest {
        namespace: target.place.namespace.clone(),
        workflow_execution: Some(target.place.execution()),
        wait_policy: Some(WaitPolicy { lifecycle_stage: Stage::Completed.into() }),
        request: Some(Request { meta: Some(meta), input: Some(input), ..Default::default() }),
        ..Default::default()
    };
    let answer = target.visitor.caller.ask_within(&request, ANSWER_PATIENCE).await?;
    match answer.outcome.and_then(|outcome| outcome.value) {
        Some(outcome::Value::Success(result)) => Ok(Done::Answered(answer_of(Some(&result)))),
        Some(outcome::Value::Failure(fault)) => {
            Err(Undone::unfit(format!("It was refused: {}", failure::line(&fault))))
        }
        None => Ok(Done::Said),
    }
}

fn answer_of(result: Option<&temporalio_protos::temporal::api::common::v1::Payloads>) -> Vec<payload::Shown> {
    match payload::all(result) {
        none if none.is_empty() => vec![payload::Shown { text: "null".to_owned(), note: String::new() }],
        some => some,
    }
}
