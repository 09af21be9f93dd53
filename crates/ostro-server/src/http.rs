//! The HTTP listener: `/metrics` and `/healthz`.

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

/// Serves until `shutdown` completes.
pub(crate) async fn serve(
    listener: TcpListener,
    pages: Pages,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router =
        Router::new().route("/metrics", get(metrics)).route("/healthz", get(|| async { "ok\n" })).with_state(pages);
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

async fn metrics(State(pages): State<Pages>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], pages.metrics.render(&pages.writer))
}
