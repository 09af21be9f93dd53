//! How a workflow has been doing.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use temporalio_protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;
use utoipa::{IntoParams, ToSchema};

use crate::http::Refusals;
use crate::http::access::Reader;
use crate::http::extract::Path;
use crate::http::extract::query::Query;
use crate::model::error::{Code, Error, Result};
use crate::model::event::EventType;
use crate::model::execution::{Described, StatusName};
use crate::model::moment::Moment;
use crate::model::record::{Filter, Journal};
use crate::service::api::Api;
use crate::service::executions::find::quoted;

const PAGE: i32 = 1000;

/// Runs that are looked at; the latest ones.
const RUNS_MAX: usize = 20_000;

/// Points of the curve.
const BUCKETS: i64 = 60;

const DAY_SECONDS: i64 = 86_400;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MetricsParams {
    /// A day before the end unless given.
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    start_time: Option<Moment>,
    /// Now unless given.
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    end_time: Option<Moment>,
}

/// How a workflow has been doing, over the runs that started within the time asked for (the latest 20 000).
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowMetrics {
    execution_count: ScalarMetric,
    success_count: ScalarMetric,
    error_count: ScalarMetric,
    /// Of runs that are closed.
    average_latency_ms: ScalarMetric,
    /// Mean latency in milliseconds by time, in up to 60 steps.
    latency_over_time: TimeSeriesMetric,
    /// Retries of activities for each run.
    retry_rate: ScalarMetric,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ScalarMetric {
    value: f64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TimeSeriesMetric {
    /// Unix seconds, milliseconds.
    #[schema(value_type = Vec<Vec<f64>>)]
    value: Vec<(i64, f64)>,
}

/// How a workflow has been doing.
#[utoipa::path(get, path = "/v1/workflows/{workflow_identifier}/metrics", tag = "workflows",
    params(("workflow_identifier" = String, Path, description = "Its name or identifier"), MetricsParams),
    responses((status = 200, body = WorkflowMetrics), Refusals))]
pub(crate) async fn get_workflow_metrics(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(identifier): Path<String>,
    Query(params): Query<MetricsParams>,
) -> Result<Json<WorkflowMetrics>> {
    let namespace = &caller.namespace;
    let name = api.registry.workflow(namespace, &identifier).await?.name;
    let end = params.end_time.unwrap_or_else(Moment::now);
    let day_before = end.0.checked_sub(jiff::SignedDuration::from_secs(DAY_SECONDS)).unwrap_or(end.0);
    let start = params.start_time.unwrap_or(Moment(day_before));
    if start > end {
        return Err(Error::at(&["query", "start_time"], "is after end_time", "value_error"));
    }
    let runs = runs(&api, namespace, &name, start, end).await?;
    let retries = retries(&api, namespace, &name, start, end).await?;
    Ok(Json(measure(&runs, retries, start, end)))
}

async fn runs(api: &Api, namespace: &str, name: &str, start: Moment, end: Moment) -> Result<Vec<Described>> {
    let mut request = ListWorkflowExecutionsRequest {
        namespace: namespace.to_owned(),
        page_size: PAGE,
        query: format!("WorkflowType = {} AND StartTime >= '{}' AND StartTime <= '{}'", quoted(name), start.0, end.0),
        ..Default::default()
    };
    let mut runs = Vec::new();
    loop {
        let page = api
            .engine
            .ask(&request)
            .await
            .map_err(|status| Error::of_engine(&status, "the list of runs", Code::ExecutionNotFound))?;
        runs.extend(page.executions.iter().map(Described::of));
        if page.next_page_token.is_empty() || runs.len() >= RUNS_MAX {
            return Ok(runs);
        }
        request.next_page_token = page.next_page_token;
    }
}

async fn retries(api: &Api, namespace: &str, name: &str, start: Moment, end: Moment) -> Result<usize> {
    let filter = Filter {
        source: Some(name.to_owned()),
        kinds: vec![EventType::ActivityTaskRetrying.name().to_owned()],
        at_after: Some(start.nanoseconds()),
        at_before: Some(end.nanoseconds()),
        limit: RUNS_MAX,
        ..Filter::all(Journal::Event, namespace)
    };
    Ok(api.store.read(filter).await?.len())
}

fn measure(runs: &[Described], retries: usize, start: Moment, end: Moment) -> WorkflowMetrics {
    let count = |statuses: &[StatusName]| {
        let wanted = |run: &&Described| run.status.is_some_and(|status| statuses.contains(&status));
        ScalarMetric { value: float(runs.iter().filter(wanted).count()) }
    };
    let step = ((end.0.as_second() - start.0.as_second()) / BUCKETS).max(1);
    let mut buckets: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for run in runs {
        if let Some(end) = run.end_time {
            let latency = end.0.duration_since(run.start_time.0).as_secs_f64() * 1000.0;
            let at = start.0.as_second() + (run.start_time.0.as_second() - start.0.as_second()) / step * step;
            buckets.entry(at).or_default().push(latency);
        }
    }
    let all: Vec<f64> = buckets.values().flatten().copied().collect();
    WorkflowMetrics {
        execution_count: ScalarMetric { value: float(runs.len()) },
        success_count: count(&[StatusName::Completed]),
        error_count: count(&[StatusName::Failed, StatusName::TimedOut, StatusName::Terminated]),
        average_latency_ms: ScalarMetric { value: mean(&all) },
        latency_over_time: TimeSeriesMetric {
            value: buckets.into_iter().map(|(at, latencies)| (at, mean(&latencies))).collect(),
        },
        retry_rate: ScalarMetric { value: if runs.is_empty() { 0.0 } else { float(retries) / float(runs.len()) } },
    }
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / float(values.len()) }
}

#[allow(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
fn float(count: usize) -> f64 {
    count as f64
}
