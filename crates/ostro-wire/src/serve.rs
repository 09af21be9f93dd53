//! The gRPC interface on the network.

use std::future::Future;

use tokio::net::TcpListener;

use crate::endpoint::Endpoint;
use crate::network::{Network, Protocol, serve_http};
use crate::{BoxError, BoxFuture, Services, Tls};

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
    network: Network,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> BoxFuture<Result<(), BoxError>> {
    serve_http(listener, tls, Protocol::Grpc, network, Endpoint::new(services), shutdown)
}
