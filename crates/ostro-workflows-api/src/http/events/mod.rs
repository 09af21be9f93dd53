//! Events: what workers send, what the engine knows besides, and the streams of both.

pub(crate) mod intake;

pub(crate) mod list;

pub(crate) mod route_token;

pub(crate) mod stream;

pub(crate) mod stream_routes;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::api::Api;

/// The operations of this module.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(intake::send_event))
        .routes(routes!(intake::send_events_batch))
        .routes(routes!(intake::send_event_v2))
        .routes(routes!(intake::send_events_batch_v2))
        .routes(routes!(route_token::event_route_token))
        .routes(routes!(list::get_workflow_events))
        .routes(routes!(stream_routes::get_stream_events))
        .routes(routes!(stream_routes::stream_execution))
}
