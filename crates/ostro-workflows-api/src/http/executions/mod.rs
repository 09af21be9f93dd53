//! Executions: start, look, speak to, stop.

pub(crate) mod execute;

pub(crate) mod handlers;

pub(crate) mod history;

pub(crate) mod identity;

pub(crate) mod metrics;

pub(crate) mod register;

pub(crate) mod reset;

pub(crate) mod runs;

pub(crate) mod search_keys;

pub(crate) mod stop;

pub(crate) mod trace;

pub(crate) mod trace_routes;

pub(crate) mod view;

pub(crate) mod waiting;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::api::Api;

/// The operations of this module.
#[allow(deprecated, reason = "clients still call what the document calls deprecated")]
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(execute::execute_workflow))
        .routes(routes!(execute::execute_workflow_registration))
        .routes(routes!(register::register_execution))
        .routes(routes!(identity::executor_identity))
        .routes(routes!(identity::executor_identity_token))
        .routes(routes!(search_keys::upsert_execution_metadata, search_keys::delete_execution_metadata))
        .routes(routes!(view::get_workflow_execution))
        .routes(routes!(history::get_workflow_execution_history))
        .routes(routes!(handlers::signal_workflow_execution))
        .routes(routes!(handlers::query_workflow_execution))
        .routes(routes!(handlers::update_workflow_execution))
        .routes(routes!(stop::terminate_workflow_execution))
        .routes(routes!(stop::batch_terminate_workflow_executions))
        .routes(routes!(stop::cancel_workflow_execution))
        .routes(routes!(stop::batch_cancel_workflow_executions))
        .routes(routes!(reset::reset_workflow))
        .routes(routes!(trace_routes::get_workflow_execution_trace_info))
        .routes(routes!(trace_routes::get_workflow_execution_trace_otel))
        .routes(routes!(trace_routes::get_workflow_execution_trace_summary))
        .routes(routes!(trace_routes::get_workflow_execution_trace_events))
        .routes(routes!(runs::list_runs))
        .routes(routes!(view::get_run))
        .routes(routes!(history::get_run_history))
        .routes(routes!(metrics::get_workflow_metrics))
}
