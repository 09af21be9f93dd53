//! Lists of runs.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use temporalio_protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;
use utoipa::{IntoParams, ToSchema};

use crate::http::Refusals;
use crate::http::access::Reader;
use crate::http::executions::view::ExecutionView;
use crate::http::extract::query::Query;
use crate::http::paging::Order;
use crate::model::error::{Code, Error, Result};
use crate::model::execution::{Described, StatusName};
use crate::model::moment::Moment;
use crate::model::record::{Kind, Query as RecordQuery};
use crate::model::search_keys::term;
use crate::service::api::Api;
use crate::service::executions::find::{PAGE_MAX, SELECTED_MAX, quoted, tagged};

const SEARCH_KEYS_MAX: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunSortBy {
    StartTime,
    EndTime,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunParams {
    /// The workflow's name or identifier.
    #[serde(default)]
    workflow_identifier: Option<String>,
    #[serde(default)]
    root_execution_id: Option<String>,
    /// The beginning of the execution's id.
    #[serde(default)]
    search: Option<String>,
    #[serde(default)]
    status: Vec<StatusName>,
    #[serde(default)]
    deployment_name: Option<String>,
    /// By start (the default) or end. A Temporal cluster on SQL has one order only and refuses another.
    #[serde(default)]
    #[param(inline)]
    sort_by: Option<RunSortBy>,
    #[serde(default)]
    #[param(inline)]
    order: Option<Order>,
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    start_time_after: Option<Moment>,
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    start_time_before: Option<Moment>,
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    end_time_after: Option<Moment>,
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    end_time_before: Option<Moment>,
    /// The API key that started it.
    #[serde(default)]
    user_id: Option<String>,
    /// Only of workflows with all of these tags.
    #[serde(default)]
    workflow_tags: Vec<String>,
    /// Whether executions that the SDK starts for itself are listed; they are unless told otherwise.
    #[serde(default)]
    include_internal: Option<bool>,
    /// 1 to 1000; 50 unless given.
    #[serde(default)]
    page_size: Option<u32>,
    #[serde(default)]
    next_page_token: Option<String>,
    /// `key:value`, up to three, all of which must hold; the value may be the beginning of the whole one.
    #[serde(default)]
    search_key: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowExecutionListResponse {
    executions: Vec<ExecutionView>,
    next_page_token: Option<String>,
}

/// The runs of a namespace, the latest first.
#[utoipa::path(get, path = "/v1/workflows/runs", tag = "runs", params(RunParams),
    responses((status = 200, body = WorkflowExecutionListResponse), Refusals))]
pub(crate) async fn list_runs(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Query(params): Query<RunParams>,
) -> Result<Json<WorkflowExecutionListResponse>> {
    let namespace = &caller.namespace;
    let page_size = params.page_size.unwrap_or(50);
    if page_size == 0 || page_size > PAGE_MAX {
        return Err(Error::at(&["query", "page_size"], format!("give 1 to {PAGE_MAX}"), "value_error"));
    }
    let Some(query) = list_filter(&api, namespace, &params).await? else {
        return Ok(Json(WorkflowExecutionListResponse { executions: Vec::new(), next_page_token: None }));
    };
    let token = params.next_page_token.as_deref().unwrap_or_default();
    let next_page_token = URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| Error::at(&["query", "next_page_token"], "not a token that this list gave", "value_error"))?;
    let page_size = i32::try_from(page_size).unwrap_or(i32::MAX);
    let request = ListWorkflowExecutionsRequest { namespace: namespace.clone(), page_size, next_page_token, query };
    let page = api
        .engine
        .ask(&request)
        .await
        .map_err(|status| Error::of_engine(&status, "the list of runs", Code::ExecutionNotFound))?;
    let executions = page.executions.iter().map(|info| ExecutionView::of(namespace, Described::of(info))).collect();
    let token = Some(page.next_page_token).filter(|token| !token.is_empty());
    let next_page_token = token.map(|token| URL_SAFE_NO_PAD.encode(token));
    Ok(Json(WorkflowExecutionListResponse { executions, next_page_token }))
}

/// The engine's filter of a list; `None` when nothing can match.
async fn list_filter(api: &Api, namespace: &str, params: &RunParams) -> Result<Option<String>> {
    let mut conditions = Vec::new();
    if let Some(identifier) = &params.workflow_identifier {
        let name = match identifier.parse::<uuid::Uuid>() {
            Ok(_) => api.registry.workflow(namespace, identifier).await?.name,
            Err(_) => identifier.clone(),
        };
        conditions.push(format!("WorkflowType = {}", quoted(&name)));
    }
    if !params.workflow_tags.is_empty() {
        let Some(types) = tagged(api, namespace, &params.workflow_tags).await? else { return Ok(None) };
        conditions.push(types);
    }
    if !params.search_key.is_empty() || params.user_id.is_some() {
        let Some(ids) = selected(api, namespace, params).await? else { return Ok(None) };
        conditions.push(ids);
    }
    if let Some(root) = &params.root_execution_id {
        conditions.push(format!("RootWorkflowId = {}", quoted(root)));
    }
    if let Some(search) = params.search.as_ref().filter(|search| !search.is_empty()) {
        conditions.push(format!("WorkflowId STARTS_WITH {}", quoted(search)));
    }
    if let Some(queue) = &params.deployment_name {
        conditions.push(format!("TaskQueue = {}", quoted(queue)));
    }
    if !params.status.is_empty() {
        let statuses: Vec<&str> = params.status.iter().map(|status| status.condition()).collect();
        conditions.push(format!("({})", statuses.join(" OR ")));
    }
    for (condition, time) in [
        ("StartTime >", params.start_time_after),
        ("StartTime <", params.start_time_before),
        ("CloseTime >", params.end_time_after),
        ("CloseTime <", params.end_time_before),
    ] {
        conditions.extend(time.map(|time| format!("{condition} '{}'", time.0)));
    }
    if !params.include_internal.unwrap_or(true) {
        conditions.extend(INTERNAL.map(|name| format!("WorkflowType != '{name}'")));
    }
    let mut filter = conditions.join(" AND ");
    let column = match params.sort_by {
        Some(RunSortBy::EndTime) => "CloseTime",
        _ => "StartTime",
    };
    match (params.sort_by, params.order) {
        // The engine's own order.
        (None | Some(RunSortBy::StartTime), None | Some(Order::Desc)) => {}
        (_, order) => {
            let direction = if order == Some(Order::Asc) { "ASC" } else { "DESC" };
            write!(filter, " ORDER BY {column} {direction}").unwrap_or_default();
        }
    }
    Ok(Some(filter))
}

/// Workflows that the SDK registers for itself.
const INTERNAL: [&str; 2] = ["__parallel_execution__", "__parallel_execution_obo__"];

async fn selected(api: &Api, namespace: &str, params: &RunParams) -> Result<Option<String>> {
    if params.search_key.len() > SEARCH_KEYS_MAX {
        let message = format!("give up to {SEARCH_KEYS_MAX} search keys, not {}", params.search_key.len());
        return Err(Error::at(&["query", "search_key"], message, "value_error"));
    }
    let mut terms = Vec::new();
    for entry in &params.search_key {
        let Some((key, value)) = entry.split_once(':') else {
            return Err(Error::at(&["query", "search_key"], "give key:value", "value_error"));
        };
        terms.push(format!("{}*", term(key, value)));
    }
    terms.extend(params.user_id.as_ref().map(|user| format!("user:{user}")));
    let mut ids: Option<HashSet<String>> = None;
    for term in terms {
        let query = RecordQuery {
            kind: Kind::Execution,
            namespace: namespace.to_owned(),
            term: Some(term),
            after: String::new(),
            limit: SELECTED_MAX,
        };
        let found: HashSet<String> = api.store.find(query).await?.into_iter().map(|found| found.key).collect();
        ids = Some(ids.map_or(found.clone(), |ids| &ids & &found));
    }
    let mut ids: Vec<String> = ids.unwrap_or_default().iter().map(|id| quoted(id)).collect();
    ids.sort();
    Ok((!ids.is_empty()).then(|| format!("WorkflowId IN ({})", ids.join(", "))))
}
