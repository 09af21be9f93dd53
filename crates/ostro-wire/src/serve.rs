//! The network shell.

use std::future::Future;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::endpoint::Endpoint;
use crate::{BoxError, BoxFuture, Services, Tls, TlsListener};

/// Silence on a connection after which it is pinged; a dead worker's polls end within this and [`PING_TIMEOUT`].
const PING_INTERVAL: Duration = Duration::from_secs(60);
/// Wait for the answer to a ping before the connection is closed.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Calls in flight on one connection; more wait in the client.
const CONNECTION_CALLS_MAX: u32 = 10_000;

/// Serves `services`, and reflection (v1 and v1alpha), on `listener`, with `tls` if there is any, until `shutdown` completes
/// and the calls in flight are answered.
///
/// Requests may be compressed with gzip, answers never are. A call whose client goes away is dropped. The future waits
/// for long polls at the end: let them answer on shutdown, or drop the future. Boxed so that hyper is compiled in this
/// crate only.
pub fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    services: Services,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> BoxFuture<Result<(), BoxError>> {
    serve_until(listener, tls, services, Box::pin(shutdown))
}

fn serve_until(
    listener: TcpListener,
    tls: Option<Tls>,
    services: Services,
    shutdown: BoxFuture<()>,
) -> BoxFuture<Result<(), BoxError>> {
    Box::pin(async move {
        let router = Server::builder()
            .http2_keepalive_interval(Some(PING_INTERVAL))
            .http2_keepalive_timeout(Some(PING_TIMEOUT))
            .max_concurrent_streams(CONNECTION_CALLS_MAX)
            .add_routes(routes(services));
        let Some(tls) = tls else {
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            return Ok(router.serve_with_incoming_shutdown(incoming, shutdown).await?);
        };
        let listener = TlsListener::start(listener, &tls, &["h2"])?;
        Ok(router
            .serve_with_incoming_shutdown(listener.map(|(stream, _)| Ok::<_, std::io::Error>(stream)), shutdown)
            .await?)
    })
}

fn routes(services: Services) -> Routes {
    let mut routes = Routes::default();
    let router = routes.axum_router_mut();
    *router = std::mem::take(router).fallback_service(Endpoint::new(services));
    routes
}
