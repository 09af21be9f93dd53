//! The HTTP listener, and the pages `/metrics` and `/healthz`.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ostro_wire::network::{Protocol, serve_http};
use ostro_wire::{BoxError, Guard, Network, Tls, workflow_service};
use tokio::net::TcpListener;

use crate::hosts::Hosts;
use crate::metrics::{Metrics, Sources};

/// What the pages are made of.
#[derive(Clone)]
pub(crate) struct Pages {
    pub metrics: Arc<Metrics>,
    pub sources: Arc<Sources>,
    /// Decides who reads the metrics; everybody without one. Health is for everybody.
    pub guard: Option<Arc<dyn Guard>>,
}

/// The pages of every server.
pub(crate) fn routes(pages: Pages) -> Router {
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(|| async { "ok\n" })).with_state(pages)
}

/// A listener of HTTP and what belongs to it.
pub struct Listening {
    pub listener: TcpListener,
    pub tls: Option<Tls>,
    pub network: Network,
}

/// Serves under these names, with TLS if there is any, until `shutdown` completes and the requests in flight are answered.
///
/// # Errors
/// TLS files that cannot be used.
pub async fn serve(
    listening: Listening,
    hosts: Hosts,
    routes: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), BoxError> {
    let Listening { listener, tls, network } = listening;
    serve_http(listener, tls, Protocol::Web, network, hosts.guard(routes), shutdown).await
}

/// They name no namespace and no execution: any key will do, where one is needed.
async fn metrics(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    if let Some(guard) = &pages.guard {
        let admitted = guard.admit(workflow_service::SERVICE, "GetSystemInfo", &headers, &Bytes::new()).await;
        if let Err(status) = admitted {
            return (StatusCode::UNAUTHORIZED, format!("{}\n", status.message())).into_response();
        }
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], pages.metrics.render(&pages.sources)).into_response()
}
