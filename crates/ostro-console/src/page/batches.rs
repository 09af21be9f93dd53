//! *Batches*: one operation on many executions. How many there are is said before, and how far it is afterwards.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use http::StatusCode;
use temporalio_protos::temporal::api::batch::v1::{
    BatchOperationCancellation, BatchOperationDeletion, BatchOperationSignal, BatchOperationTermination,
};
use temporalio_protos::temporal::api::enums::v1::BatchOperationState as BatchState;
use temporalio_protos::temporal::api::workflowservice::v1::start_batch_operation_request::Operation;
use temporalio_protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, DescribeBatchOperationRequest, ListBatchOperationsRequest,
    StartBatchOperationRequest, StopBatchOperationRequest,
};
use uuid::Uuid;

use crate::answer::{Answer, Failure, page, page_with, see};
use crate::door::{Console, Visitor};
use crate::form::{Field, Form, Kind, Sent};
use crate::layout::Layout;
use crate::page::status::Badge;
use crate::{link, moment, payload, shown};

/// Batches of a page.
const PAGE: i32 = 100;
/// What can be done: word, text.
const OPERATIONS: [(&str, &str); 4] = [
    ("cancel", "Cancel: their code is asked to end"),
    ("terminate", "Terminate: they end at once"),
    ("signal", "Send a signal"),
    ("delete", "Delete them and their histories"),
];

#[derive(Template)]
#[template(path = "batches.html")]
struct List {
    layout: Layout,
    rows: Vec<Row>,
}

/// A batch in the list.
struct Row {
    id: String,
    address: String,
    kind: String,
    state: Badge,
    started: moment::Shown,
    closed: moment::Shown,
}

#[derive(Template)]
#[template(path = "batch.html")]
struct One {
    layout: Layout,
    id: String,
    kind: String,
    state: Badge,
    running: bool,
    stop: String,
    list: String,
    done: i64,
    failed: i64,
    total: i64,
    counts: String,
    facts: Vec<(&'static str, String)>,
    started: moment::Shown,
}

#[derive(Template)]
#[template(path = "batch_new.html")]
struct New {
    layout: Layout,
    form: Form,
    query: String,
    count: String,
    address: String,
    back: String,
    error: String,
}

fn state(state: BatchState) -> Badge {
    match state {
        BatchState::Running => Badge { name: "Running", class: "running" },
        BatchState::Completed => Badge { name: "Completed", class: "done" },
        BatchState::Failed => Badge { name: "Failed", class: "failed" },
        BatchState::Unspecified => Badge { name: "Unknown", class: "" },
    }
}

/// The list.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
) -> Answer {
    let request = ListBatchOperationsRequest { namespace: namespace.clone(), page_size: PAGE, ..Default::default() };
    let list = visitor.caller.ask(&request).await?;
    let clock = visitor.clock();
    let row = |info: temporalio_protos::temporal::api::batch::v1::BatchOperationInfo| Row {
        address: link::thing(&visitor.base, &namespace, "batches", &info.job_id, ""),
        kind: shown::name(info.operation_type().as_str_name(), "BATCH_OPERATION_TYPE_"),
        state: state(info.state()),
        started: clock.shown(info.start_time.as_ref()),
        closed: clock.shown(info.close_time.as_ref()),
        id: shown::line(&info.job_id),
    };
    let rows = list.operation_info.into_iter().map(row).collect();
    let layout = Layout::of(&visitor, &console, &namespace, "Batches", "Batches").await;
    page(&List { layout: layout.live("poll".to_owned()), rows })
}

/// One of them.
pub(crate) async fn one(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path((namespace, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let sent = Sent::read(query.unwrap_or_default().as_bytes())?;
    let id = if id == link::ELSEWHERE { sent.raw("id").to_owned() } else { id };
    let request = DescribeBatchOperationRequest { namespace: namespace.clone(), job_id: id.clone() };
    let batch = visitor.caller.ask(&request).await?;
    let clock = visitor.clock();
    let layout = Layout::of(&visitor, &console, &namespace, "Batches", "Batch").await.said(Some(sent.text("said")));
    let running = batch.state() == BatchState::Running;
    let (done, failed) = (batch.complete_operation_count, batch.failure_operation_count);
    page(&One {
        layout: if running { layout.live("poll".to_owned()) } else { layout },
        kind: shown::name(batch.operation_type().as_str_name(), "BATCH_OPERATION_TYPE_"),
        state: state(batch.state()),
        running,
        stop: link::thing(&visitor.base, &namespace, "batches", &id, "/stop"),
        list: format!("{}/batches", link::namespace(&visitor.base, &namespace)),
        counts: format!(
            "{} of {} done, {failed} failed",
            shown::count(done),
            shown::count(batch.total_operation_count)
        ),
        done,
        failed,
        total: batch.total_operation_count.max(1),
        facts: vec![
            ("Executions", shown::text(&batch.query)),
            ("Reason", shown::line(&batch.reason)),
            ("By", shown::line(&batch.identity)),
        ],
        started: clock.shown(batch.start_time.as_ref()),
        id: shown::line(&id),
    })
}

/// The form: what to do with those that a filter selects, and how many they are.
pub(crate) async fn new(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let sent = Sent::read(query.unwrap_or_default().as_bytes())?;
    ask(&console, &visitor, &namespace, &sent, StatusCode::OK, "").await
}

async fn ask(
    console: &Console,
    visitor: &Visitor,
    namespace: &str,
    sent: &Sent,
    status: StatusCode,
    error: &str,
) -> Answer {
    let query = sent.text("query");
    let count = count(visitor, namespace, query).await?;
    let options = OPERATIONS.map(|(word, text)| (word.to_owned(), text.to_owned())).to_vec();
    let form = Form {
        title: "Do something with many executions".to_owned(),
        explains: String::new(),
        verb: "Begin",
        destroys: true,
        fields: vec![
            Field::new(Kind::Choice, "operation", "What to do").options(options).required(),
            Field::new(Kind::Line, "signal", "Name of the signal").help("For a signal only."),
            Field::new(Kind::Json, "input", "Input of the signal").help("JSON; empty for none."),
            Field::new(Kind::Line, "reason", "Reason").required(),
        ],
    };
    let layout = Layout::of(visitor, console, namespace, "Batches", "New batch").await;
    let home = link::namespace(&visitor.base, namespace);
    let new = New {
        layout,
        form: form.filled(sent),
        query: query.to_owned(),
        count: shown::count(count),
        address: format!("{home}/batches/new"),
        back: format!("{home}/workflows"),
        error: shown::text(error),
    };
    page_with(status, &new)
}

async fn count(visitor: &Visitor, namespace: &str, query: &str) -> Result<i64, Failure> {
    let request = CountWorkflowExecutionsRequest { namespace: namespace.to_owned(), query: query.to_owned() };
    Ok(visitor.caller.ask(&request).await?.count)
}

/// Begins it.
pub(crate) async fn begin(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
    body: Bytes,
) -> Answer {
    let sent = visitor.change(&console, &body)?;
    let refused = |said: String| (StatusCode::UNPROCESSABLE_ENTITY, said);
    let begun = async {
        let job_id = Uuid::new_v4().to_string();
        let request = StartBatchOperationRequest {
            namespace: namespace.clone(),
            visibility_query: sent.text("query").to_owned(),
            job_id: job_id.clone(),
            reason: sent.text("reason").to_owned(),
            operation: Some(operation(&visitor, &sent).map_err(refused)?),
            ..Default::default()
        };
        let answer = visitor.caller.ask(&request).await;
        answer.map(|_| job_id).map_err(|status| {
            let (code, _, said) = Failure::from(status).words();
            (code, said)
        })
    };
    match begun.await {
        Ok(job) => see(&link::thing(&visitor.base, &namespace, "batches", &job, "")),
        Err((status, said)) => ask(&console, &visitor, &namespace, &sent, status, &said).await,
    }
}

fn operation(visitor: &Visitor, sent: &Sent) -> Result<Operation, String> {
    let identity = visitor.identity();
    Ok(match sent.text("operation") {
        "cancel" => Operation::CancellationOperation(BatchOperationCancellation { identity }),
        "terminate" => Operation::TerminationOperation(BatchOperationTermination { identity, ..Default::default() }),
        "delete" => Operation::DeletionOperation(BatchOperationDeletion { identity }),
        "signal" if sent.text("signal").is_empty() => return Err("Name the signal.".to_owned()),
        "signal" => Operation::SignalOperation(BatchOperationSignal {
            signal: sent.text("signal").to_owned(),
            input: payload::arguments(sent.raw("input"))?,
            identity,
            ..Default::default()
        }),
        _ => return Err("Choose what to do.".to_owned()),
    })
}

/// Stops it: what is done stays done.
pub(crate) async fn stop(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path((namespace, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    let asked = Sent::read(query.unwrap_or_default().as_bytes())?;
    visitor.change(&console, &body)?;
    let id = if id == link::ELSEWHERE { asked.raw("id").to_owned() } else { id };
    let request = StopBatchOperationRequest {
        namespace: namespace.clone(),
        job_id: id.clone(),
        reason: "stopped in the console".to_owned(),
        identity: visitor.identity(),
    };
    visitor.caller.ask(&request).await?;
    see(&link::thing(&visitor.base, &namespace, "batches", &id, ""))
}
