//! Events: what workers send, what the engine knows besides, and the streams of both.

mod closing;
mod event;
mod intake;
mod list;
mod open_streams;
mod route_token;
mod stream;
mod stream_routes;
mod watch;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Api;

pub(crate) use closing::{conclude_run, run_closings};
pub(crate) use event::{EventType, WorkflowEvent};
pub(crate) use list::{events_of, sequence};
pub(crate) use open_streams::OpenStreams;
pub(crate) use route_token::RouteTokens;
pub(crate) use stream::{Messages, failure as stream_failure, messages, revoked};
pub(crate) use watch::{close_event, wait_closed};

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
