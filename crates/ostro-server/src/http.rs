//! The HTTP listener, and the pages `/metrics` and `/healthz`.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use ostro_store::Writer;
use tokio::net::TcpListener;

use crate::metrics::Metrics;

/// What the pages are made of.
#[derive(Clone)]
pub(crate) struct Pages {
    pub metrics: Arc<Metrics>,
    pub writer: Arc<Writer>,
}

/// The pages of every server.
pub(crate) fn routes(pages: Pages) -> Router {
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(|| async { "ok\n" })).with_state(pages)
}

/// Serves until `shutdown` completes and the requests in flight are answered.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, routes).with_graceful_shutdown(shutdown).await
}

async fn metrics(State(pages): State<Pages>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], pages.metrics.render(&pages.writer))
}
