//! Schedules: executions started by the clock.

mod definition;
mod from_engine;
mod list;
mod of_registration;
mod routes;
mod steer;
mod to_engine;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Api;

pub(crate) use definition::ScheduleDefinition;
pub(crate) use of_registration::of_registration;

/// The operations of this module.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list::get_schedules, routes::schedule_workflow))
        .routes(routes!(routes::get_schedule, routes::unschedule_workflow, routes::update_schedule))
        .routes(routes!(steer::pause_schedule))
        .routes(routes!(steer::resume_schedule))
        .routes(routes!(steer::trigger_schedule))
}
