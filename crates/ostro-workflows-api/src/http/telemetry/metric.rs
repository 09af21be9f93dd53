//! Metrics of workers: the latest point of each.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::Refusals;
use crate::http::access::Reader;
use crate::http::extract::Path;
use crate::model::error::Result;
use crate::model::record::Kind;
use crate::model::telemetry::metric::MetricPoint;
use crate::service::api::Api;

#[derive(Serialize, ToSchema)]
pub(crate) struct DeploymentMetricsResponse {
    metrics: Vec<MetricPoint>,
}

/// The latest point of each metric that the deployment's workers sent.
#[utoipa::path(get, path = "/v1/workflows/deployments/{name}/metrics", tag = "deployments",
    params(("name" = String, Path)), responses((status = 200, body = DeploymentMetricsResponse), Refusals))]
pub(crate) async fn get_deployment_metrics(
    State(api): State<Arc<Api>>,
    Reader(caller): Reader,
    Path(name): Path<String>,
) -> Result<Json<DeploymentMetricsResponse>> {
    let metrics = api.store.all(Kind::Metric, &caller.namespace, Some(format!("deployment:{name}"))).await?;
    Ok(Json(DeploymentMetricsResponse { metrics }))
}
