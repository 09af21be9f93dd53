//! The streams that clients ask for.

use std::sync::Arc;

use axum::extract::State;
use http::HeaderMap;
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};

use crate::http::Refusals;
use crate::http::access::Reader;
use crate::http::events::stream::{Finer, Messages, StreamEventSsePayload, Subscription, stream};
use crate::http::extract::Path;
use crate::http::extract::query::Query;
use crate::http::paging::sequence;
use crate::model::error::Result;
use crate::model::event::EventType;
use crate::model::record::{Filter, Journal};
use crate::service::api::Api;

/// Which part of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum EventSource {
    /// What was kept; then it ends.
    Database,
    /// What comes.
    Live,
    /// What was kept, then what comes.
    Hybrid,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExecutionStreamParams {
    #[serde(default)]
    #[param(inline)]
    event_source: Option<EventSource>,
    /// Only what came after the message with this id.
    #[serde(default)]
    last_event_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub(crate) enum Scope {
    #[serde(rename = "activity")]
    Activity,
    #[serde(rename = "workflow")]
    Workflow,
    #[serde(rename = "*")]
    All,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventStreamParams {
    /// Events of activities, of workflows, or (`*`) both.
    #[serde(default)]
    #[param(inline)]
    scope: Option<Scope>,
    #[serde(default, deserialize_with = "unless_any")]
    activity_name: Option<String>,
    #[serde(default, deserialize_with = "unless_any")]
    activity_id: Option<String>,
    #[serde(default, deserialize_with = "unless_any")]
    workflow_name: Option<String>,
    #[serde(default, deserialize_with = "unless_any")]
    workflow_exec_id: Option<String>,
    #[serde(default, deserialize_with = "unless_any")]
    root_workflow_exec_id: Option<String>,
    #[serde(default, deserialize_with = "unless_any")]
    parent_workflow_exec_id: Option<String>,
    #[serde(default, deserialize_with = "unless_any")]
    stream: Option<String>,
    /// Only events with this sequence number or a higher one.
    #[serde(default)]
    start_seq: Option<u64>,
    #[serde(default)]
    workflow_event_types: Vec<EventType>,
}

/// `*` means any.
fn unless_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| text != "*" && !text.is_empty()))
}

/// Events as server-sent events. It ends with the execution, when it is of one; otherwise with the client.
#[utoipa::path(get, path = "/v1/workflows/events/stream", tag = "events",
    params(EventStreamParams, ("last-event-id" = Option<String>, Header, description = "Only what came after it")),
    responses((status = 200, body = StreamEventSsePayload, content_type = "text/event-stream"), Refusals))]
pub(crate) async fn get_stream_events(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    headers: HeaderMap,
    Query(params): Query<EventStreamParams>,
) -> Result<Messages> {
    let resumed = resumed(&headers)?;
    let after = resumed.unwrap_or_else(|| params.start_seq.unwrap_or(0).saturating_sub(1));
    let until_closed = params.root_workflow_exec_id.clone().or_else(|| params.workflow_exec_id.clone());
    if let Some(execution) = &until_closed {
        crate::service::engine::must_exist(&api, &caller.namespace, execution).await?;
    }
    let filter = Filter {
        root: params.root_workflow_exec_id,
        execution: params.workflow_exec_id,
        after: after.min(i64::MAX.unsigned_abs()),
        ..Filter::all(Journal::Event, &caller.namespace)
    };
    let finer = Finer {
        scope: match params.scope {
            None | Some(Scope::All) => None,
            Some(scope) => Some(scope == Scope::Activity),
        },
        activity_name: params.activity_name,
        activity_id: params.activity_id,
        workflow_name: params.workflow_name,
        parent: params.parent_workflow_exec_id,
        stream: params.stream,
    };
    let types = params.workflow_event_types;
    stream(&api, caller, Subscription { filter, types, finer, live: true, until_closed })
}

/// The events of an execution and of those below it as server-sent events, until it is closed.
#[utoipa::path(get, path = "/v1/workflows/executions/{execution_id}/stream", tag = "executions",
    params(("execution_id" = String, Path), ExecutionStreamParams),
    responses((status = 200, body = StreamEventSsePayload, content_type = "text/event-stream"), Refusals))]
pub(crate) async fn stream_execution(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    headers: HeaderMap,
    Path(execution): Path<String>,
    Query(params): Query<ExecutionStreamParams>,
) -> Result<Messages> {
    let place = crate::service::engine::must_exist(&api, &caller.namespace, &execution).await?;
    let resumed = match sequence(params.last_event_id.as_deref(), &["query", "last_event_id"])? {
        Some(after) => Some(after),
        None => resumed(&headers)?,
    };
    let live_only = params.event_source == Some(EventSource::Live) && resumed.is_none();
    let after = if live_only { *api.store.progress().borrow() } else { resumed.unwrap_or(0) };
    // A root's stream has its whole tree; another's has its own.
    let (root, own) = if place.is_root { (Some(execution.clone()), None) } else { (None, Some(execution.clone())) };
    let filter = Filter { root, execution: own, after, ..Filter::all(Journal::Event, &caller.namespace) };
    let subscription = Subscription {
        filter,
        types: Vec::new(),
        finer: Finer::default(),
        live: params.event_source != Some(EventSource::Database),
        until_closed: Some(execution),
    };
    stream(&api, caller, subscription)
}

/// Where a client that was cut off was.
fn resumed(headers: &HeaderMap) -> Result<Option<u64>> {
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    sequence(header, &["header", "last-event-id"])
}
