//! Starting a workflow by a form.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use http::StatusCode;
use temporalio_protos::temporal::api::common::v1::WorkflowType;
use temporalio_protos::temporal::api::enums::v1::WorkflowIdConflictPolicy;
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflowservice::v1::{
    ListWorkflowExecutionsRequest, StartWorkflowExecutionRequest,
};
use uuid::Uuid;

use super::Undone;
use crate::answer::{Answer, page_with, see};
use crate::door::{Console, Visitor};
use crate::form::{Field, Form, Kind, Sent};
use crate::layout::Layout;
use crate::{link, moment, payload, shown};

/// Runs that are looked at for types and queues to offer.
const RECENT: i32 = 200;

#[derive(Template)]
#[template(path = "start.html")]
struct Page {
    layout: Layout,
    form: Form,
    address: String,
    back: String,
    error: String,
}

/// The form.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let sent = Sent::read(query.unwrap_or_default().as_bytes())?;
    let form = form(&visitor, &namespace).await.filled(&sent);
    render(&console, &visitor, &namespace, form, StatusCode::OK, "").await
}

/// Starts it.
pub(crate) async fn act(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
    body: Bytes,
) -> Answer {
    let sent = visitor.change(&console, &body)?;
    match start(&visitor, &namespace, &sent).await {
        Ok((id, run)) => see(&link::with(&link::execution(&visitor.base, &namespace, &id, &run), "said", "started")),
        Err(Undone { status, said }) => {
            let form = form(&visitor, &namespace).await.filled(&sent);
            render(&console, &visitor, &namespace, form, status, &said).await
        }
    }
}

async fn form(visitor: &Visitor, namespace: &str) -> Form {
    let (types, queues) = recent(visitor, namespace).await;
    Form {
        title: "Start a workflow".to_owned(),
        explains: "A worker that polls the task queue and knows the type runs it; until one does, it waits.".to_owned(),
        verb: "Start",
        destroys: false,
        fields: vec![
            Field::new(Kind::Line, "type", "Workflow type").required().options(types),
            Field::new(Kind::Line, "queue", "Task queue").required().options(queues),
            Field::new(Kind::Line, "id", "Workflow id").help("Empty: one is made up. While it runs, no other has it."),
            Field::new(Kind::Json, "input", "Input").help(
                "JSON, such as {\"amount\": 3}; empty for none. Several arguments are put apart by lines of ---.",
            ),
            Field::new(Kind::Line, "delay", "Start after").help("Such as 90s or 1h; empty: now."),
        ],
    }
}

/// Types and queues of the newest runs.
async fn recent(visitor: &Visitor, namespace: &str) -> (Vec<(String, String)>, Vec<(String, String)>) {
    let request =
        ListWorkflowExecutionsRequest { namespace: namespace.to_owned(), page_size: RECENT, ..Default::default() };
    let runs = visitor.caller.ask(&request).await.map(|list| list.executions).unwrap_or_default();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names.dedup();
        names.into_iter().filter(|name| !name.is_empty()).map(|name| (name, String::new())).collect()
    };
    let types = runs.iter().map(|run| run.r#type.clone().unwrap_or_default().name).collect();
    (sorted(types), sorted(runs.iter().map(|run| run.task_queue.clone()).collect()))
}

async fn start(visitor: &Visitor, namespace: &str, sent: &Sent) -> Result<(String, String), Undone> {
    let id =
        Some(sent.text("id")).filter(|id| !id.is_empty()).map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    let delay = match sent.text("delay") {
        "" => None,
        text => {
            Some(moment::parse_span(text).ok_or_else(|| Undone::unfit(format!("{text} is no span: give 90s or 1h")))?)
        }
    };
    let request = StartWorkflowExecutionRequest {
        namespace: namespace.to_owned(),
        workflow_id: id.clone(),
        workflow_type: Some(WorkflowType { name: sent.text("type").to_owned() }),
        task_queue: Some(TaskQueue { name: sent.text("queue").to_owned(), ..Default::default() }),
        input: payload::arguments(sent.raw("input")).map_err(Undone::unfit)?,
        identity: visitor.identity(),
        request_id: Uuid::new_v4().to_string(),
        workflow_id_conflict_policy: WorkflowIdConflictPolicy::Fail.into(),
        workflow_start_delay: delay,
        ..Default::default()
    };
    let answer = visitor.caller.ask(&request).await?;
    Ok((id, answer.run_id))
}

async fn render(
    console: &Console,
    visitor: &Visitor,
    namespace: &str,
    form: Form,
    status: StatusCode,
    error: &str,
) -> Answer {
    let layout = Layout::of(visitor, console, namespace, "Workflows", &form.title).await;
    let home = link::namespace(&visitor.base, namespace);
    let (address, back) = (format!("{home}/start"), format!("{home}/workflows"));
    page_with(status, &Page { layout, form, address, back, error: shown::text(error) })
}
