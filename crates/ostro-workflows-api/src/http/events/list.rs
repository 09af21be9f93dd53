//! Events that were kept, a page at a time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::Refusals;
use crate::http::access::Reader;
use crate::http::extract::query::Query;
use crate::http::paging::sequence;
use crate::model::error::{Error, Result};
use crate::model::event::WorkflowEvent;
use crate::model::record::{Filter, Journal};
use crate::service::api::Api;
use crate::service::journal::parse;

const LIMIT_MAX: usize = 1000;

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
    let mut entries = api.store.read(filter).await?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next_cursor = entries.last().filter(|_| more).map(|entry| entry.sequence.to_string());
    let events = entries.iter().map(parse).collect::<Result<_>>()?;
    Ok(Json(ListWorkflowEventResponse { events, next_cursor }))
}
