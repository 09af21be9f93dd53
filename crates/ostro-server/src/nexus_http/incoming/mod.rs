//! What comes in: the ends of operations that handlers outside send, and requests for operations that workers here handle.

mod answer;
mod asked;
mod completion;
mod dispatch;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{any, post};
use ostro_engine::error::{Error, ErrorKind};
use ostro_wire::{Guard, Throttle};
use temporalio_protos::temporal::api::enums::v1::NexusHandlerErrorRetryBehavior as Retry;

use super::failure::NexusFailure;
use super::response::status_of;
use super::{JSON, RETRYABLE};
use crate::config::NexusCallers;
use crate::shell::EngineHandle;

const BAD_REQUEST: &str = "BAD_REQUEST";
const NOT_FOUND: &str = "NOT_FOUND";
const INTERNAL: &str = "INTERNAL";

/// What the routes work with.
#[derive(Clone)]
pub(crate) struct Incoming {
    pub engine: EngineHandle,
    pub payload_bytes_max: usize,
    /// Decides who may call operations; everybody without one.
    pub guard: Option<Arc<dyn Guard>>,
    /// The namespaces whose callers may call through an endpoint, besides those of its target.
    pub callers: Arc<NexusCallers>,
    /// Counts requests of namespaces.
    pub throttle: Option<Arc<dyn Throttle>>,
}

/// The routes, those of the reference server.
pub(crate) fn routes(incoming: Incoming) -> Router {
    let limit = DefaultBodyLimit::max(incoming.payload_bytes_max);
    let by_endpoint = "/nexus/endpoints/{endpoint}/services/";
    let by_queue = "/namespaces/{namespace}/task-queues/{queue}/nexus-services/";
    let mut router = Router::new()
        .route("/namespaces/{namespace}/nexus/callback", post(completion::in_namespace))
        .route("/nexus/callback", post(completion::anywhere));
    for rest in ["", "{*rest}"] {
        router = router
            .route(&format!("{by_endpoint}{rest}"), any(dispatch::by_endpoint))
            .route(&format!("{by_queue}{rest}"), any(dispatch::by_queue));
    }
    router.layer(limit).with_state(incoming)
}

/// Why a request is not served, as an error of a Nexus handler.
struct Refusal {
    kind: &'static str,
    message: String,
    retry: Retry,
}

impl Refusal {
    fn of(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry: Retry::Unspecified }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::of(BAD_REQUEST, message)
    }

    fn into_response(self) -> Response {
        let failure = NexusFailure::handler(self.kind, &self.message, self.retry);
        refused(status_of(self.kind), self.retry, &failure)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let kind = match error.kind {
            ErrorKind::NotFound => NOT_FOUND,
            ErrorKind::Unavailable => "UNAVAILABLE",
            ErrorKind::ResourceExhausted => "RESOURCE_EXHAUSTED",
            ErrorKind::Internal => INTERNAL,
            _ => BAD_REQUEST,
        };
        Self::of(kind, error.message)
    }
}

/// A failure as a response.
fn refused(status: StatusCode, retry: Retry, failure: &NexusFailure) -> Response {
    let mut response = Response::new(serde_json::to_string(failure).unwrap_or_default().into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(JSON));
    let retryable = match retry {
        Retry::Unspecified => return response,
        Retry::Retryable => "true",
        Retry::NonRetryable => "false",
    };
    headers.insert(RETRYABLE, HeaderValue::from_static(retryable));
    response
}
