//! The archive, several workflows at once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::Refusals;
use crate::http::access::Operator;
use crate::http::extract::Json as Body;
use crate::http::registry::view::WorkflowView;
use crate::model::error::{Error, Result};
use crate::service::api::Api;

const WORKFLOWS_MAX: usize = 100;

/// The workflows to archive or to take back, 1 to 100.
#[derive(Deserialize, ToSchema)]
#[schema(as = WorkflowBulkArchiveRequest)]
pub(crate) struct BulkRequest {
    workflow_ids: Vec<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowBulkArchiveResponse {
    archived: Vec<WorkflowView>,
    errored: Vec<WorkflowBulkError>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowBulkUnarchiveResponse {
    unarchived: Vec<WorkflowView>,
    errored: Vec<WorkflowBulkError>,
}

/// Why one workflow stayed as it was.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowBulkError {
    workflow_id: Uuid,
    message: String,
    workflow: Option<WorkflowView>,
}

/// Archives workflows, each for itself.
#[utoipa::path(put, path = "/v1/workflows/archive", tag = "workflows", request_body = BulkRequest,
    responses((status = 200, body = WorkflowBulkArchiveResponse), Refusals))]
pub(crate) async fn bulk_archive_workflows(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Body(request): Body<BulkRequest>,
) -> Result<Json<WorkflowBulkArchiveResponse>> {
    let (archived, errored) = set_all(&api, &caller.namespace, request, true).await?;
    Ok(Json(WorkflowBulkArchiveResponse { archived, errored }))
}

/// Takes workflows back from the archive, each for itself.
#[utoipa::path(put, path = "/v1/workflows/unarchive", tag = "workflows", request_body = BulkRequest,
    responses((status = 200, body = WorkflowBulkUnarchiveResponse), Refusals))]
pub(crate) async fn bulk_unarchive_workflows(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Body(request): Body<BulkRequest>,
) -> Result<Json<WorkflowBulkUnarchiveResponse>> {
    let (unarchived, errored) = set_all(&api, &caller.namespace, request, false).await?;
    Ok(Json(WorkflowBulkUnarchiveResponse { unarchived, errored }))
}

async fn set_all(
    api: &Api,
    namespace: &str,
    request: BulkRequest,
    archived: bool,
) -> Result<(Vec<WorkflowView>, Vec<WorkflowBulkError>)> {
    let ids = request.workflow_ids;
    if ids.is_empty() || ids.len() > WORKFLOWS_MAX {
        let message = format!("give 1 to {WORKFLOWS_MAX} workflows, not {}", ids.len());
        return Err(Error::at(&["body", "workflow_ids"], message, "value_error"));
    }
    let (mut done, mut errored) = (Vec::new(), Vec::new());
    for workflow_id in ids {
        match api
            .registry
            .change_workflow(namespace, &workflow_id.to_string(), |workflow| workflow.archived = archived)
            .await
        {
            Ok(workflow) => done.push(WorkflowView::of(workflow, namespace)),
            Err(Error::Refused { message, .. }) => {
                errored.push(WorkflowBulkError { workflow_id, message, workflow: None });
            }
            Err(error) => return Err(error),
        }
    }
    Ok((done, errored))
}
