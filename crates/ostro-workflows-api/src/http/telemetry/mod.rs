//! OpenTelemetry from workers: traces, logs and metrics, kept and shown under their executions and deployments.

pub(crate) mod intake;

pub(crate) mod log_routes;

pub(crate) mod metric;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::api::Api;

/// The operations of this module.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(intake::traces))
        .routes(routes!(intake::logs))
        .routes(routes!(intake::metrics))
        .routes(routes!(log_routes::get_workflow_execution_logs))
        .routes(routes!(log_routes::stream_workflow_execution_logs))
        .routes(routes!(log_routes::get_deployment_logs))
        .routes(routes!(log_routes::stream_deployment_logs))
        .routes(routes!(metric::get_deployment_metrics))
}
