//! The HTTP listener, and the pages `/metrics` and `/healthz`.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::{Listener, ListenerExt};
use ostro_store::Writer;
use ostro_wire::{Guard, Tls, TlsListener, workflow_service};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;
use tokio_stream::StreamExt;

use crate::hosts::Hosts;
use crate::metrics::Metrics;

/// What the pages are made of.
#[derive(Clone)]
pub(crate) struct Pages {
    pub metrics: Arc<Metrics>,
    pub writer: Arc<Writer>,
    /// Decides who reads the metrics; everybody without one. Health is for everybody.
    pub guard: Option<Arc<dyn Guard>>,
}

/// The pages of every server.
pub(crate) fn routes(pages: Pages) -> Router {
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(|| async { "ok\n" })).with_state(pages)
}

/// Serves under these names, with `tls` if there is any, until `shutdown` completes and the requests in flight are answered.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    hosts: Hosts,
    routes: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let routes = hosts.guard(routes);
    match tls {
        // Messages of a stream are small and must not wait for each other's acknowledgement.
        None => {
            let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
            axum::serve(listener, routes).with_graceful_shutdown(shutdown).await
        }
        Some(tls) => {
            let listener = TlsListener::start(listener, &tls, &["http/1.1"]).map_err(std::io::Error::other)?;
            axum::serve(Secure(listener), routes).with_graceful_shutdown(shutdown).await
        }
    }
}

/// [`TlsListener`] as axum takes connections.
struct Secure(TlsListener);

impl Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.0.next().await {
            Some(accepted) => accepted,
            // The listener lives as long as this does; were it gone, nobody else would come.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.0.local_addr())
    }
}

/// They name no namespace and no execution: any key will do, where one is needed.
async fn metrics(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    if let Some(guard) = &pages.guard {
        let admitted = guard.admit(workflow_service::SERVICE, "GetSystemInfo", &headers, &Bytes::new()).await;
        if let Err(status) = admitted {
            return (StatusCode::UNAUTHORIZED, format!("{}\n", status.message())).into_response();
        }
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], pages.metrics.render(&pages.writer)).into_response()
}
