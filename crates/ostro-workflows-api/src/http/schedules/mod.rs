//! Schedules: executions started by the clock.

pub(crate) mod list;

pub(crate) mod routes;

pub(crate) mod steer;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::api::Api;

/// The operations of this module.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list::get_schedules, routes::schedule_workflow))
        .routes(routes!(routes::get_schedule, routes::unschedule_workflow, routes::update_schedule))
        .routes(routes!(steer::pause_schedule))
        .routes(routes!(steer::resume_schedule))
        .routes(routes!(steer::trigger_schedule))
}
