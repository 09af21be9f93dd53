//! *Waiting for you*: what workflows ask people, as forms; answering them.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use http::StatusCode;
use ostro_explain::{Kind as Waits, failure};
use serde::Deserialize;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::common::v1::{Payloads, WorkflowExecution};
use temporalio_protos::temporal::api::enums::v1::UpdateWorkflowExecutionLifecycleStage as Stage;
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::update::v1::{Input, Meta, Request, WaitPolicy, outcome};
use temporalio_protos::temporal::api::workflowservice::v1::{QueryWorkflowRequest, UpdateWorkflowExecutionRequest};
use uuid::Uuid;

use super::{open, schema};
use crate::answer::{Answer, Failure, page_with, see};
use crate::door::{Console, Visitor};
use crate::form::{Field, Form, Kind, Sent};
use crate::layout::Layout;
use crate::{link, payload, shown};

/// The query and the update of interactive workflows.
const QUERY: &str = "__get_pending_inputs";
const UPDATE: &str = "__submit_input";
/// How long a worker may take to say what its workflow asks, and to take an answer.
const PATIENCE: Duration = Duration::from_secs(2);
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);

#[derive(Template)]
#[template(path = "inputs.html")]
struct Page {
    layout: Layout,
    asked: Vec<Asked>,
    more: bool,
}

/// One question.
struct Asked {
    /// Names it on the page and in addresses.
    task: String,
    label: String,
    workflow: String,
    address: String,
    /// The workflow id and the run id, as JSON: whatever they are, a form gives them back.
    run: String,
    form: Form,
    /// Where the whole answer is one choice: a button for each.
    buttons: Vec<(String, String)>,
    error: String,
}

#[derive(Deserialize)]
struct Pending {
    task_id: String,
    #[serde(default)]
    input_schema: Value,
    label: Option<String>,
}

#[derive(Deserialize)]
struct Answered {
    pending_inputs: Vec<Pending>,
}

/// The page.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let sent = Sent::read(query.unwrap_or_default().as_bytes())?;
    render(&console, &visitor, &namespace, sent.text("said"), None).await
}

/// A form that was sent and not taken: it is shown again with what was written.
struct Refused<'a> {
    task: &'a str,
    sent: &'a Sent,
    said: String,
}

async fn render(
    console: &Console,
    visitor: &Visitor,
    namespace: &str,
    said: &str,
    refused: Option<Refused<'_>>,
) -> Answer {
    let (all, more) = open::all(&visitor.caller, namespace, &visitor.clock()).await?;
    let mut asked = Vec::new();
    for open in all.iter().filter(|open| open.reasons.iter().any(|reason| reason.kind == Waits::Input)) {
        let execution = open.info.execution.clone().unwrap_or_default();
        for pending in pending(visitor, namespace, &execution).await {
            asked.push(question(visitor, namespace, &execution, pending));
        }
    }
    let mut status = StatusCode::OK;
    if let Some(refused) = refused {
        status = StatusCode::UNPROCESSABLE_ENTITY;
        for one in asked.iter_mut().filter(|one| one.task == refused.task) {
            one.error.clone_from(&refused.said);
            for field in &mut one.form.fields {
                field.value = refused.sent.raw(&field.name).to_owned();
            }
        }
    }
    let layout = Layout::of(visitor, console, namespace, "Waiting for you", "Waiting for you").await.said(Some(said));
    page_with(status, &Page { layout, asked, more })
}

/// What a workflow asks, as its worker says.
async fn pending(visitor: &Visitor, namespace: &str, execution: &WorkflowExecution) -> Vec<Pending> {
    let query = WorkflowQuery { query_type: QUERY.to_owned(), ..Default::default() };
    let request = QueryWorkflowRequest {
        namespace: namespace.to_owned(),
        execution: Some(execution.clone()),
        query: Some(query),
        ..Default::default()
    };
    let answer = visitor.caller.ask_within(&request, PATIENCE).await;
    let payload = answer.ok().and_then(|answer| answer.query_result?.payloads.into_iter().next());
    let read =
        payload.as_ref().and_then(payload::to_json).and_then(|json| serde_json::from_value::<Answered>(json).ok());
    read.map(|answered| answered.pending_inputs).unwrap_or_default()
}

fn question(visitor: &Visitor, namespace: &str, execution: &WorkflowExecution, pending: Pending) -> Asked {
    let fields: Vec<Field> = schema::fields(&pending.input_schema);
    let buttons = match fields.as_slice() {
        [only] if only.kind == Kind::Choice => only.options.clone(),
        _ => Vec::new(),
    };
    let explains = pending.input_schema["description"].as_str().unwrap_or_default();
    Asked {
        label: shown::line(pending.label.as_deref().filter(|label| !label.is_empty()).unwrap_or("Input")),
        workflow: shown::line(&execution.workflow_id),
        address: link::execution(&visitor.base, namespace, &execution.workflow_id, &execution.run_id),
        run: json!([execution.workflow_id, execution.run_id]).to_string(),
        form: Form {
            title: String::new(),
            explains: shown::text(explains),
            verb: "Answer",
            destroys: false,
            fields: fields
                .into_iter()
                .map(|field| Field { name: format!("{}:{}", pending.task_id, field.name), ..field })
                .collect(),
        },
        buttons,
        task: pending.task_id,
        error: String::new(),
    }
}

/// Answers one.
pub(crate) async fn answer(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
    body: Bytes,
) -> Answer {
    let sent = visitor.change(&console, &body)?;
    let task = sent.raw("task").to_owned();
    match submit(&visitor, &namespace, &task, &sent).await {
        Ok(()) => {
            let page = format!("{}/inputs", link::namespace(&visitor.base, &namespace));
            see(&link::with(&page, "said", "answered"))
        }
        Err(said) => {
            let refused = Refused { task: &task, sent: &sent, said: shown::text(&said) };
            render(&console, &visitor, &namespace, "", Some(refused)).await
        }
    }
}

/// Sends an answer to the workflow that asked.
///
/// # Errors
/// Why it was not taken.
async fn submit(visitor: &Visitor, namespace: &str, task: &str, sent: &Sent) -> Result<(), String> {
    let named: Result<(String, String), _> = serde_json::from_str(sent.raw("run"));
    let (workflow_id, run_id) =
        named.map_err(|_| "The form does not say which run asked: reload the page.".to_owned())?;
    let execution = WorkflowExecution { workflow_id, run_id };
    let all = pending(visitor, namespace, &execution).await;
    let Some(asked) = all.into_iter().find(|pending| pending.task_id == task) else {
        return Err("It was answered meanwhile, or its workflow has gone on without.".to_owned());
    };
    let own = sent.within(&format!("{task}:"));
    let input = schema::value(&asked.input_schema, &own)?;
    let args = Payloads { payloads: vec![payload::of_json(&json!({ "task_id": task, "input": input }))] };
    let meta = Meta { update_id: Uuid::new_v4().to_string(), identity: visitor.identity() };
    let request = UpdateWorkflowExecutionRequest {
        namespace: namespace.to_owned(),
        workflow_execution: Some(execution),
        wait_policy: Some(WaitPolicy { lifecycle_stage: Stage::Completed.into() }),
        request: Some(Request {
            meta: Some(meta),
            input: Some(Input { name: UPDATE.to_owned(), args: Some(args), ..Default::default() }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = visitor.caller.ask_within(&request, ANSWER_PATIENCE).await;
    let answer = answer.map_err(|status| Failure::from(status).words().2)?;
    match answer.outcome.and_then(|outcome| outcome.value) {
        Some(outcome::Value::Failure(fault)) => Err(failure::line(&fault)),
        _ => Ok(()),
    }
}
