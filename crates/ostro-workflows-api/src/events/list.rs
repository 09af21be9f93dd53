//! Events that were kept, a page at a time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::WorkflowEvent;
use crate::api::Api;
use crate::auth::Reader;
use crate::error::{Error, Result};
use crate::extract::Query;
use crate::openapi::Refusals;
use crate::records::{Entry, Filter, Journal};

const LIMIT_MAX: usize = 1000;
/// Events of one execution that a trace shows, at most.
const TRACE_MAX: usize = 20_000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventListParams {
    #[serde(default)]
    root_workflow_exec_id: Option<String>,
    #[serde(default)]
    workflow_exec_id: Option<String>,
    #[serde(default)]
    workflow_run_id: Option<String>,
    /// 1 to 1000; 100 unless given.
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ListWorkflowEventResponse {
    events: Vec<WorkflowEvent>,
    next_cursor: Option<String>,
}

/// Events in the order in which they arrived.
#[utoipa::path(get, path = "/v1/workflows/events/list", tag = "events", params(EventListParams),
    responses((status = 200, body = ListWorkflowEventResponse), Refusals))]
pub(crate) async fn get_workflow_events(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Query(params): Query<EventListParams>,
) -> Result<Json<ListWorkflowEventResponse>> {
    let limit = params.limit.unwrap_or(100);
    if limit == 0 || limit > LIMIT_MAX {
        return Err(Error::at(&["query", "limit"], format!("give 1 to {LIMIT_MAX}, not {limit}"), "value_error"));
    }
    let filter = Filter {
        root: params.root_workflow_exec_id,
        execution: params.workflow_exec_id,
        run: params.workflow_run_id,
        after: sequence(params.cursor.as_deref(), &["query", "cursor"])?.unwrap_or(0),
        limit: limit + 1,
        ..Filter::all(Journal::Event, &caller.namespace)
    };
    let mut entries = api.records.read(filter).await?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next_cursor = entries.last().filter(|_| more).map(|entry| entry.sequence.to_string());
    let events = entries.iter().map(parse).collect::<Result<_>>()?;
    Ok(Json(ListWorkflowEventResponse { events, next_cursor }))
}

/// The events of one execution, those of the SDK's machinery among them if wanted, in order.
pub(crate) async fn events_of(
    api: &Api,
    namespace: &str,
    execution: &str,
    internal: bool,
) -> Result<Vec<(bool, WorkflowEvent)>> {
    let mut entries = Vec::new();
    let journals: &[Journal] = if internal { &[Journal::Event, Journal::InternalEvent] } else { &[Journal::Event] };
    for journal in journals {
        let filter =
            Filter { execution: Some(execution.to_owned()), limit: TRACE_MAX, ..Filter::all(*journal, namespace) };
        entries.extend(api.records.read(filter).await?);
    }
    entries.sort_by_key(|entry| entry.sequence);
    entries.iter().map(|entry| Ok((entry.journal == Journal::InternalEvent, parse(entry)?))).collect()
}

/// The event of an entry.
pub(super) fn parse(entry: &Entry) -> Result<WorkflowEvent> {
    serde_json::from_str(&entry.body).map_err(|error| Error::internal("read an event", &error))
}

/// The sequence number that a client gives back; absent or empty is none.
pub(crate) fn sequence(text: Option<&str>, place: &[&str]) -> Result<Option<u64>> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => {
            let number = text.parse().ok().filter(|number| i64::try_from(*number).is_ok());
            number.map(Some).ok_or_else(|| Error::at(place, "not the number of an event", "value_error"))
        }
    }
}
