//! Lists of workflows and registrations.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::Refusals;
use crate::http::access::Reader;
use crate::http::extract::query::Query;
use crate::http::paging::{Order, page};
use crate::http::registry::view::{RegistrationView, WorkflowBasicDefinition};
use crate::model::error::Result;
use crate::model::execution::StatusName;
use crate::model::record::Kind;
use crate::model::registration::{Registration, Workflow};
use crate::service::api::Api;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkflowSortBy {
    DisplayName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeploymentStatus {
    Active,
    Inactive,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WorkflowParams {
    /// Only workflows with an execution in one of these states.
    #[serde(default)]
    status: Vec<StatusName>,
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract; nothing is shared between namespaces")]
    include_shared: Option<bool>,
    #[serde(default)]
    available_in_chat_assistant: Option<bool>,
    /// Only those registered by one of these deployments.
    #[serde(default)]
    deployment_name: Vec<String>,
    /// Only those that a living worker serves, or only those that none does.
    #[serde(default)]
    #[param(inline)]
    deployment_status: Option<DeploymentStatus>,
    /// Only those in the archive, or (the default) only those that are not.
    #[serde(default)]
    archived: Option<bool>,
    /// Only those with all of these tags.
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract; there is one order")]
    #[param(inline)]
    sort_by: Option<WorkflowSortBy>,
    #[serde(default)]
    #[param(inline)]
    order: Option<Order>,
    #[serde(default)]
    cursor: Option<String>,
    /// 1 to 1000; 50 unless given.
    #[serde(default)]
    limit: Option<usize>,
    /// Only those that a living worker serves.
    #[serde(default)]
    active_only: Option<bool>,
    /// Part of the name, the name shown or the description.
    #[serde(default)]
    search: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowListResponse {
    workflows: Vec<WorkflowBasicDefinition>,
    next_cursor: Option<String>,
}

/// The workflows of a namespace, by the name shown. What the SDK registers for itself is left out.
#[utoipa::path(get, path = "/v1/workflows", tag = "workflows", params(WorkflowParams),
    responses((status = 200, body = WorkflowListResponse), Refusals))]
pub(crate) async fn get_workflows(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Query(params): Query<WorkflowParams>,
) -> Result<Json<WorkflowListResponse>> {
    let namespace = &caller.namespace;
    let of_deployments = of_deployments(&api, namespace, &params).await?;
    let with_status = match params.status.as_slice() {
        [] => None,
        statuses => Some(crate::service::executions::find::workflows_with_status(&api, namespace, statuses).await?),
    };
    let mut workflows: Vec<Workflow> = api.store.all(Kind::Workflow, namespace, None).await?;
    workflows.retain(|workflow| {
        matches(workflow, &params)
            && of_deployments.as_ref().is_none_or(|ids| ids.contains(&workflow.id))
            && with_status.as_ref().is_none_or(|names| names.contains(&workflow.name))
    });
    let key = |workflow: &Workflow| {
        (workflow.display_name.clone().unwrap_or_else(|| workflow.name.clone()), workflow.name.clone())
    };
    match params.order {
        Some(Order::Desc) => workflows.sort_by_key(|workflow| Reverse(key(workflow))),
        _ => workflows.sort_by_key(key),
    }
    let (page, next_cursor) = page(workflows, params.limit, params.cursor.as_deref())?;
    let workflows = page.into_iter().map(WorkflowBasicDefinition::of).collect();
    Ok(Json(WorkflowListResponse { workflows, next_cursor }))
}

fn matches(workflow: &Workflow, params: &WorkflowParams) -> bool {
    let search = params.search.as_deref().unwrap_or_default().to_lowercase();
    let found = |text: Option<&String>| text.is_some_and(|text| text.to_lowercase().contains(&search));
    !workflow.is_technical
        && workflow.archived == params.archived.unwrap_or(false)
        && params.available_in_chat_assistant.is_none_or(|wanted| wanted == workflow.available_in_chat_assistant)
        && params.tags.iter().all(|tag| workflow.tags.contains(tag))
        && (search.is_empty()
            || found(Some(&workflow.name))
            || found(workflow.display_name.as_ref())
            || found(workflow.description.as_ref()))
}

/// The workflows of the deployments asked for; `None` when deployments do not matter.
async fn of_deployments(api: &Api, namespace: &str, params: &WorkflowParams) -> Result<Option<HashSet<Uuid>>> {
    let active = match (params.active_only, params.deployment_status) {
        (Some(true), _) | (_, Some(DeploymentStatus::Active)) => Some(true),
        (_, Some(DeploymentStatus::Inactive)) => Some(false),
        _ => None,
    };
    if active.is_none() && params.deployment_name.is_empty() {
        return Ok(None);
    }
    let living = api.registry.active_registrations(namespace).await?;
    let registrations: Vec<Registration> = api.store.all(Kind::Registration, namespace, None).await?;
    let served = |registration: &&Registration| {
        params.deployment_name.is_empty() || params.deployment_name.contains(&registration.deployment_name)
    };
    let (alive, idle): (Vec<&Registration>, Vec<&Registration>) =
        registrations.iter().filter(served).partition(|registration| living.contains(&registration.id));
    let alive: HashSet<Uuid> = alive.into_iter().map(|registration| registration.workflow_id).collect();
    let idle: HashSet<Uuid> = idle.into_iter().map(|registration| registration.workflow_id).collect();
    Ok(Some(match active {
        Some(true) => alive,
        Some(false) => idle.difference(&alive).copied().collect(),
        None => idle.union(&alive).copied().collect(),
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RegistrationListParams {
    #[serde(default)]
    workflow_id: Option<Uuid>,
    #[serde(default)]
    task_queue: Option<String>,
    /// Only those that a living worker serves.
    #[serde(default)]
    active_only: Option<bool>,
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract; nothing is shared between namespaces")]
    include_shared: Option<bool>,
    /// Part of the workflow's name.
    #[serde(default)]
    workflow_search: Option<String>,
    /// Only those of archived workflows, or only those of others.
    #[serde(default)]
    archived: Option<bool>,
    /// Adds the workflow to each.
    #[serde(default)]
    with_workflow: Option<bool>,
    #[serde(default)]
    available_in_chat_assistant: Option<bool>,
    /// 1 to 1000; 50 unless given.
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowRegistrationListResponse {
    workflow_registrations: Vec<RegistrationView>,
    next_cursor: Option<String>,
    /// The same, under its older name.
    workflow_versions: Vec<RegistrationView>,
}

/// The registrations of a namespace, the latest first.
#[utoipa::path(get, path = "/v1/workflows/registrations", tag = "workflows", params(RegistrationListParams),
    responses((status = 200, body = WorkflowRegistrationListResponse), Refusals))]
pub(crate) async fn get_workflow_registrations(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Query(params): Query<RegistrationListParams>,
) -> Result<Json<WorkflowRegistrationListResponse>> {
    let namespace = &caller.namespace;
    let living = api.registry.active_registrations(namespace).await?;
    let workflows: Vec<Workflow> = api.store.all(Kind::Workflow, namespace, None).await?;
    let workflows: HashSet<Uuid> = workflows
        .into_iter()
        .filter(|workflow| {
            let search = params.workflow_search.as_deref().unwrap_or_default().to_lowercase();
            let wanted = params.available_in_chat_assistant;
            workflow.name.to_lowercase().contains(&search)
                && params.archived.is_none_or(|archived| archived == workflow.archived)
                && wanted.is_none_or(|wanted| wanted == workflow.available_in_chat_assistant)
        })
        .map(|workflow| workflow.id)
        .collect();
    let mut registrations: Vec<Registration> = api.store.all(Kind::Registration, namespace, None).await?;
    registrations.retain(|registration| {
        workflows.contains(&registration.workflow_id)
            && params.workflow_id.is_none_or(|id| id == registration.workflow_id)
            && params.task_queue.as_ref().is_none_or(|queue| *queue == registration.task_queue)
            && (!params.active_only.unwrap_or(false) || living.contains(&registration.id))
    });
    registrations.sort_by_key(|registration| Reverse((registration.created_at, registration.id)));
    let (page, next_cursor) = page(registrations, params.limit, params.cursor.as_deref())?;
    let (mut workflow_registrations, mut workflow_versions) = (Vec::new(), Vec::new());
    let with_workflow = params.with_workflow.unwrap_or(false);
    for registration in page {
        workflow_versions.push(RegistrationView::of(&api, namespace, registration.clone(), with_workflow).await?);
        workflow_registrations.push(RegistrationView::of(&api, namespace, registration, with_workflow).await?);
    }
    Ok(Json(WorkflowRegistrationListResponse { workflow_registrations, next_cursor, workflow_versions }))
}
