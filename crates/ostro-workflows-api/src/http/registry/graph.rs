//! Graphs of workflows: how the code of a registration flows, as its worker drew it.
//!
//! Workers send them when they are told to (`UPLOAD_GRAPH=true`), without the code itself. Summaries by a language model
//! (`…/graphs/{id}/summaries`) are not made: that route is absent, and workers then do without.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::Refusals;
use crate::http::access::{Reader, Worker};
use crate::http::extract::query::Query;
use crate::http::extract::{Json as Body, Path};
use crate::model::error::{Code, Error, Result};
use crate::model::moment::Moment;
use crate::model::record::{Kind, put};
use crate::service::api::Api;

/// A graph, or why there is none.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct WorkflowGraphUploadRequest {
    workflow_registration_id: Uuid,
    /// The version of the graph's format.
    version: i64,
    /// Nodes, edges and the like; `null` where the worker could not draw it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    graph_data: Option<Map<String, Value>>,
    /// Why there is no graph, or only a part of it.
    #[serde(default)]
    error: Option<String>,
}

/// A graph as it was sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct WorkflowGraphResponse {
    #[serde(flatten)]
    graph: WorkflowGraphUploadRequest,
    workflow_name: String,
    uploaded_at: Moment,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct GraphParams {
    /// The registration whose graph it is; the latest that has one unless given.
    #[serde(default)]
    workflow_registration_id: Option<Uuid>,
}

/// Keeps the graph of a registration, over the one before.
#[utoipa::path(post, path = "/v1/workflows/{workflow_identifier}/graphs", tag = "workers",
    params(("workflow_identifier" = String, Path, description = "Its name or identifier")),
    request_body = WorkflowGraphUploadRequest,
    responses((status = 200, body = WorkflowGraphResponse), Refusals))]
pub(crate) async fn upload_workflow_graph(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    Path(identifier): Path<String>,
    Body(graph): Body<WorkflowGraphUploadRequest>,
) -> Result<Json<WorkflowGraphResponse>> {
    let workflow = api.registry.workflow(&caller.namespace, &identifier).await?;
    let id = graph.workflow_registration_id;
    let registration = api.registry.registration(&caller.namespace, id).await?;
    if registration.workflow_id != workflow.id {
        let message = format!("registration {id} is of workflow {}", registration.workflow_name);
        return Err(Error::new(Code::RegistrationNotFound, message));
    }
    let kept = WorkflowGraphResponse { graph, workflow_name: workflow.name, uploaded_at: Moment::now() };
    let terms = vec![format!("workflow:{}", workflow.id)];
    api.store.write(vec![put(Kind::Graph, &caller.namespace, id.to_string(), terms, &kept)?]).await?;
    Ok(Json(kept))
}

/// The graph of a workflow.
#[utoipa::path(get, path = "/v1/workflows/{workflow_identifier}/graphs", tag = "workflows",
    params(("workflow_identifier" = String, Path, description = "Its name or identifier"), GraphParams),
    responses((status = 200, body = WorkflowGraphResponse), Refusals))]
pub(crate) async fn get_workflow_graph(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(identifier): Path<String>,
    Query(params): Query<GraphParams>,
) -> Result<Json<WorkflowGraphResponse>> {
    let workflow = api.registry.workflow(&caller.namespace, &identifier).await?;
    let term = Some(format!("workflow:{}", workflow.id));
    let all: Vec<WorkflowGraphResponse> = api.store.all(Kind::Graph, &caller.namespace, term).await?;
    let wanted = |graph: &&WorkflowGraphResponse| {
        params.workflow_registration_id.is_none_or(|id| graph.graph.workflow_registration_id == id)
    };
    let latest = all.iter().filter(wanted).max_by_key(|graph| graph.uploaded_at).cloned();
    latest.map(Json).ok_or_else(|| {
        let message = format!("no graph of workflow {identifier}: start its worker with UPLOAD_GRAPH=true");
        Error::new(Code::GraphNotFound, message)
    })
}
