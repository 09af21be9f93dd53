//! Logs of executions and deployments, a page at a time or as they come.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::sse::Event;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

use crate::http::Refusals;
use crate::http::access::Reader;
use crate::http::events::stream::{Messages, failure as stream_failure, messages, revoked};
use crate::http::extract::Path;
use crate::http::extract::query::Query;
use crate::http::paging::{Order, sequence};
use crate::model::access::Caller;
use crate::model::error::{Error, Result};
use crate::model::moment::Moment;
use crate::model::record::{Entry, Filter, Journal};
use crate::model::telemetry::log::LogRecordView;
use crate::service::api::Api;
use crate::service::journal::watch::wait_closed;

const LIMIT_MAX: usize = 1000;

const PAGE: usize = 500;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogParams {
    /// Only of this run.
    #[serde(default)]
    run_id: Option<String>,
    /// Only of this activity (its id within the execution).
    #[serde(default)]
    activity_id: Option<String>,
    /// Only of this worker.
    #[serde(default)]
    worker_name: Option<String>,
    /// Only of this workflow.
    #[serde(default)]
    workflow_name: Option<String>,
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    after: Option<Moment>,
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    before: Option<Moment>,
    #[serde(default)]
    #[param(inline)]
    order: Option<Order>,
    #[serde(default)]
    cursor: Option<String>,
    /// 1 to 1000; 50 unless given.
    #[serde(default)]
    limit: Option<usize>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogStreamParams {
    #[serde(default)]
    run_id: Option<String>,
    #[serde(default)]
    activity_id: Option<String>,
    #[serde(default)]
    worker_name: Option<String>,
    #[serde(default)]
    workflow_name: Option<String>,
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    after: Option<Moment>,
    /// Only what came after the message with this id.
    #[serde(default)]
    last_event_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LogSearchResponse {
    results: Vec<LogRecordView>,
    next_cursor: Option<String>,
}

/// What the journal has no column for.
struct Finer {
    attributes: Vec<(&'static [&'static str], String)>,
}

impl Finer {
    fn new(activity: Option<String>, worker: Option<String>, workflow: Option<String>) -> Self {
        let wanted: [(&[&str], Option<String>); 3] = [
            (&["activityID", "activity.id", "wf.activity.execution_id"], activity),
            (&["workerName"], worker),
            (&["workflowType", "workflowName", "workflow.type", "wf.workflow.type"], workflow),
        ];
        Self { attributes: wanted.into_iter().filter_map(|(keys, value)| Some((keys, value?))).collect() }
    }

    fn wants(&self, record: &LogRecordView) -> bool {
        self.attributes
            .iter()
            .all(|(keys, wanted)| keys.iter().any(|key| record.log_attributes.get(*key) == Some(wanted)))
    }
}

/// The logs of an execution, by time of arrival.
#[utoipa::path(get, path = "/v1/workflows/executions/{execution_id}/logs", tag = "executions",
    params(("execution_id" = String, Path), LogParams), responses((status = 200, body = LogSearchResponse), Refusals))]
pub(crate) async fn get_workflow_execution_logs(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(execution): Path<String>,
    Query(params): Query<LogParams>,
) -> Result<Json<LogSearchResponse>> {
    let filter = Filter { execution: Some(execution), ..Filter::all(Journal::Log, &caller.namespace) };
    search(&api, filter, params).await
}

/// The logs of a deployment, by time of arrival.
#[utoipa::path(get, path = "/v1/workflows/deployments/{name}/logs", tag = "deployments",
    params(("name" = String, Path), LogParams), responses((status = 200, body = LogSearchResponse), Refusals))]
pub(crate) async fn get_deployment_logs(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(name): Path<String>,
    Query(params): Query<LogParams>,
) -> Result<Json<LogSearchResponse>> {
    let filter = Filter { source: Some(name), ..Filter::all(Journal::Log, &caller.namespace) };
    search(&api, filter, params).await
}

async fn search(api: &Api, filter: Filter, params: LogParams) -> Result<Json<LogSearchResponse>> {
    let limit = params.limit.unwrap_or(50);
    if limit == 0 || limit > LIMIT_MAX {
        return Err(Error::at(&["query", "limit"], format!("give 1 to {LIMIT_MAX}, not {limit}"), "value_error"));
    }
    let finer = Finer::new(params.activity_id, params.worker_name, params.workflow_name);
    let mut filter = Filter {
        run: params.run_id,
        at_after: params.after.map(Moment::nanoseconds),
        at_before: params.before.map(Moment::nanoseconds),
        descending: params.order == Some(Order::Desc),
        after: sequence(params.cursor.as_deref(), &["query", "cursor"])?.unwrap_or(0),
        limit: PAGE,
        ..filter
    };
    let mut results = Vec::new();
    loop {
        let entries = api.store.read(filter.clone()).await?;
        let last_page = entries.len() < PAGE;
        for entry in entries {
            filter.after = entry.sequence;
            let record = parse(&entry)?;
            if finer.wants(&record) {
                results.push(record);
                if results.len() == limit {
                    let next_cursor = Some(entry.sequence.to_string());
                    return Ok(Json(LogSearchResponse { results, next_cursor }));
                }
            }
        }
        if last_page {
            return Ok(Json(LogSearchResponse { results, next_cursor: None }));
        }
    }
}

/// The logs of an execution as they come, until it is closed.
#[utoipa::path(get, path = "/v1/workflows/executions/{execution_id}/logs/stream", tag = "executions",
    params(("execution_id" = String, Path), LogStreamParams),
    responses((status = 200, body = LogRecordView, content_type = "text/event-stream"), Refusals))]
pub(crate) async fn stream_workflow_execution_logs(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    headers: HeaderMap,
    Path(execution): Path<String>,
    Query(params): Query<LogStreamParams>,
) -> Result<Messages> {
    crate::service::engine::must_exist(&api, &caller.namespace, &execution).await?;
    let filter = Filter { execution: Some(execution.clone()), ..Filter::all(Journal::Log, &caller.namespace) };
    stream(api, caller, &headers, filter, params, Some(execution))
}

/// The logs of a deployment as they come.
#[utoipa::path(get, path = "/v1/workflows/deployments/{name}/logs/stream", tag = "deployments",
    params(("name" = String, Path), LogStreamParams),
    responses((status = 200, body = LogRecordView, content_type = "text/event-stream"), Refusals))]
pub(crate) async fn stream_deployment_logs(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(params): Query<LogStreamParams>,
) -> Result<Messages> {
    let filter = Filter { source: Some(name), ..Filter::all(Journal::Log, &caller.namespace) };
    stream(api, caller, &headers, filter, params, None)
}

fn stream(
    api: Arc<Api>,
    caller: Caller,
    headers: &HeaderMap,
    filter: Filter,
    params: LogStreamParams,
    until_closed: Option<String>,
) -> Result<Messages> {
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let resumed = params.last_event_id.as_deref().or(header);
    let filter = Filter {
        run: params.run_id,
        at_after: params.after.map(Moment::nanoseconds),
        after: sequence(resumed, &["query", "last_event_id"])?.unwrap_or(0),
        limit: PAGE,
        ..filter
    };
    let finer = Finer::new(params.activity_id, params.worker_name, params.workflow_name);
    let (namespace, own) = (filter.namespace.clone(), api.clone());
    messages(&api, &namespace, |sender| async move {
        let api = own;
        tokio::select! {
            () = sender.closed() => {}
            () = api.stopped() => {}
            () = api.revoked(caller.key) => drop(sender.send(Ok(stream_failure(&revoked()))).await),
            outcome = feed(&api, filter, &finer, until_closed, &sender) => {
                if let Err(error) = outcome {
                    drop(sender.send(Ok(stream_failure(&error))).await);
                }
            }
        }
    })
}

async fn feed(
    api: &Api,
    mut filter: Filter,
    finer: &Finer,
    until_closed: Option<String>,
    sender: &mpsc::Sender<Result<Event, Infallible>>,
) -> Result<()> {
    let mut progress = api.store.progress();
    let namespace = filter.namespace.clone();
    let closed = async {
        match until_closed {
            Some(execution) => wait_closed(api, &namespace, &execution).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(closed);
    let mut last_round = false;
    loop {
        progress.mark_unchanged();
        loop {
            let entries = api.store.read(filter.clone()).await?;
            let Some(last) = entries.last() else { break };
            filter.after = last.sequence;
            for entry in &entries {
                let record = parse(entry)?;
                if finer.wants(&record) && sender.send(Ok(message(entry))).await.is_err() {
                    return Ok(());
                }
            }
        }
        if last_round {
            return Ok(());
        }
        tokio::select! {
            changed = progress.changed() => if changed.is_err() { return Ok(()) },
            outcome = &mut closed => { outcome?; last_round = true }
        }
    }
}

fn message(entry: &Entry) -> Event {
    Event::default().event("log").id(entry.sequence.to_string()).data(entry.body.clone())
}

fn parse(entry: &Entry) -> Result<LogRecordView> {
    serde_json::from_str(&entry.body).map_err(|error| Error::internal("read a log record", &error))
}
