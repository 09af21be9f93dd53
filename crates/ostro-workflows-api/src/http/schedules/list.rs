//! The list of schedules.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use temporalio_protos::temporal::api::schedule::v1::ScheduleListEntry;
use utoipa::{IntoParams, ToSchema};

use crate::http::Refusals;
use crate::http::access::Reader;
use crate::http::extract::query::Query;
use crate::http::paging::page;
use crate::model::error::{Code, Error, Result};
use crate::model::schedule::ScheduleDefinitionOutput;
use crate::service::api::Api;
use crate::service::schedules::{describe, entries, from_engine};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScheduleStatus {
    Active,
    Paused,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScheduleListParams {
    #[serde(default)]
    workflow_name: Option<String>,
    /// Nobody is noted as the maker of a schedule: one that is given matches none.
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    #[param(inline)]
    status: Option<ScheduleStatus>,
    /// Part of the id or of the workflow's name.
    #[serde(default)]
    search: Option<String>,
    /// 1 to 1000; 50 unless given.
    #[serde(default)]
    page_size: Option<usize>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowScheduleListResponse {
    schedules: Vec<ScheduleDefinitionOutput>,
    next_page_token: Option<String>,
}

/// The schedules of a namespace, by id.
#[utoipa::path(get, path = "/v1/workflows/schedules", tag = "schedules", params(ScheduleListParams),
    responses((status = 200, body = WorkflowScheduleListResponse), Refusals))]
pub(crate) async fn get_schedules(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Query(params): Query<ScheduleListParams>,
) -> Result<Json<WorkflowScheduleListResponse>> {
    let mut entries = entries(&api, &caller.namespace).await?;
    entries.retain(|entry| wanted(entry, &params));
    entries.sort_by(|one, other| one.schedule_id.cmp(&other.schedule_id));
    let (entries, next_page_token) = page(entries, params.page_size, params.next_page_token.as_deref())?;
    let mut schedules = Vec::with_capacity(entries.len());
    for entry in entries {
        // Deleted between the list and now is deleted.
        match describe(&api, &caller.namespace, &entry.schedule_id).await {
            Ok(described) => schedules.push(from_engine::output(
                entry.schedule_id,
                described.schedule.unwrap_or_default(),
                &described.info.unwrap_or_default(),
            )),
            Err(Error::Refused { code: Code::ScheduleNotFound, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Json(WorkflowScheduleListResponse { schedules, next_page_token }))
}

fn wanted(entry: &ScheduleListEntry, params: &ScheduleListParams) -> bool {
    let info = entry.info.clone().unwrap_or_default();
    let workflow = info.workflow_type.unwrap_or_default().name;
    let search = params.search.as_deref().unwrap_or_default().to_lowercase();
    params.user_id.is_none()
        && params.workflow_name.as_ref().is_none_or(|name| *name == workflow)
        && params.status.is_none_or(|status| info.paused == (status == ScheduleStatus::Paused))
        && (entry.schedule_id.to_lowercase().contains(&search) || workflow.to_lowercase().contains(&search))
}
