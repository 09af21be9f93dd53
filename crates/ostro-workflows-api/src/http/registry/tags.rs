//! Tags of workflows: words by which people find them.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::Refusals;
use crate::http::access::Operator;
use crate::http::extract::{Json as Body, Path};
use crate::model::error::{Error, Result};
use crate::service::api::Api;

/// Characters in a tag, as in the official packages.
const TAG_CHARACTERS_MAX: usize = 100;
/// Tags of a workflow: each list of workflows has them all.
const TAGS_MAX: usize = 100;

/// What to add; tags that the workflow has already stay.
#[derive(Deserialize, ToSchema)]
pub(crate) struct WorkflowTagsAddRequest {
    tags: Vec<String>,
}

/// Adds tags to a workflow, each once, without blanks around it.
#[utoipa::path(post, path = "/v1/workflows/{workflow_identifier}/tags", tag = "workflows",
    params(("workflow_identifier" = String, Path, description = "Its name or identifier")),
    request_body = WorkflowTagsAddRequest,
    responses((status = 204, description = "Added"), Refusals))]
pub(crate) async fn add_workflow_tags(
    State(api): State<Arc<Api>>,
    Operator(caller): Operator,
    Path(identifier): Path<String>,
    Body(request): Body<WorkflowTagsAddRequest>,
) -> Result<StatusCode> {
    let added = checked(request.tags)?;
    let mut full = false;
    let change = api.registry.change_workflow(&caller.namespace, &identifier, |workflow| {
        let tags = merged(workflow.tags.clone(), added);
        full = tags.len() > TAGS_MAX;
        if !full {
            workflow.tags = tags;
        }
    });
    change.await?;
    if full { Err(too_many()) } else { Ok(StatusCode::NO_CONTENT) }
}

/// Tags as they are kept: each once, without blanks around it. 422 for one that is empty or too long, and for too many.
pub(crate) fn checked(tags: Vec<String>) -> Result<Vec<String>> {
    let tags: Vec<String> = tags.iter().map(|tag| tag.trim().to_owned()).collect();
    if tags.iter().any(String::is_empty) {
        return Err(refused("Tags cannot be empty or whitespace-only"));
    }
    if tags.iter().any(|tag| tag.chars().count() > TAG_CHARACTERS_MAX) {
        return Err(refused(&format!("Tags must be at most {TAG_CHARACTERS_MAX} characters")));
    }
    let tags = merged(Vec::new(), tags);
    if tags.len() > TAGS_MAX { Err(too_many()) } else { Ok(tags) }
}

fn merged(mut tags: Vec<String>, added: Vec<String>) -> Vec<String> {
    for tag in added {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

fn too_many() -> Error {
    refused(&format!("a workflow has at most {TAGS_MAX} tags"))
}

fn refused(message: &str) -> Error {
    Error::at(&["body", "tags"], message, "value_error")
}
