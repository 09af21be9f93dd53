//! Executions: start, look, speak to, stop.

mod describe;
mod execute;
mod execute_routes;
mod failure;
mod handler;
mod handler_routes;
mod history;
mod identity;
mod metrics;
mod register;
mod reset;
mod runs;
mod search_keys;
mod start;
mod status;
mod stop;
mod trace;
mod trace_routes;
mod view;
mod wait;
mod waiting;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Api;

pub(crate) use describe::{Described, describe, must_exist};
pub(crate) use failure::failure_message;
pub(crate) use register::{ExecutionRecord, RunRecord, knows_run};
pub(crate) use runs::workflows_with_status;
pub(crate) use start::{checked_input, routed};
pub(crate) use status::StatusName;

/// The operations of this module.
#[allow(deprecated, reason = "clients still call what the document calls deprecated")]
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(execute_routes::execute_workflow))
        .routes(routes!(execute_routes::execute_workflow_registration))
        .routes(routes!(register::register_execution))
        .routes(routes!(identity::executor_identity))
        .routes(routes!(identity::executor_identity_token))
        .routes(routes!(search_keys::upsert_execution_metadata, search_keys::delete_execution_metadata))
        .routes(routes!(view::get_workflow_execution))
        .routes(routes!(history::get_workflow_execution_history))
        .routes(routes!(handler_routes::signal_workflow_execution))
        .routes(routes!(handler_routes::query_workflow_execution))
        .routes(routes!(handler_routes::update_workflow_execution))
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
