//! The network under both interfaces: who may connect, how long a connection may be silent, and how much requests may hold.
//!
//! ```text
//!  accept --> silent --first request--> busy <--> idle
//!               |  header_timeout                  |  idle_timeout
//!               +---------- closed <---------------+   (either also makes room for others)
//! ```
//!
//! A connection is silent until the head of its first request is there, its TLS handshake included, and busy while a
//! request of it is open, up to the last byte of the answer. Only what is silent or idle is ever closed for others.

mod accept;
mod body;
mod budget;
mod connection;
mod limits;
mod registry;
mod source;
mod stats;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use tokio::net::TcpListener;
use tonic::Status;
use tonic::codegen::{Body as HttpBody, Service, StdError};

pub use body::RequestBody;
pub use budget::Held;
pub use limits::NetworkLimits;
pub use stats::NetworkStats;

use crate::{BoxError, BoxFuture, Tls};
use budget::Budget;
use registry::Registry;

/// What all listeners of a server share: their connections and the bytes of their requests. Cheap to clone.
#[derive(Clone)]
pub struct Network {
    limits: Arc<NetworkLimits>,
    registry: Arc<Registry>,
    budget: Arc<Budget>,
    stats: Arc<NetworkStats>,
}

impl Network {
    /// A network without connections.
    pub fn new(limits: NetworkLimits) -> Self {
        let (limits, stats) = (Arc::new(limits), Arc::new(NetworkStats::default()));
        Self {
            registry: Arc::new(Registry::new(limits.clone(), stats.clone())),
            budget: Arc::new(Budget::new(&limits, stats.clone())),
            limits,
            stats,
        }
    }

    /// What it counts.
    pub fn stats(&self) -> &Arc<NetworkStats> {
        &self.stats
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new(NetworkLimits::default())
    }
}

/// Why a body was not read to its end, where the network refused it: RESOURCE_EXHAUSTED for too many bytes under way,
/// DEADLINE_EXCEEDED for a body that did not come in time. `None` for an error of another origin.
pub fn refusal<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Status> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

/// What is spoken on a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2 only.
    Grpc,
    /// HTTP/1.1; HTTP/2 too where the client begins with it.
    Web,
}

impl Protocol {
    /// What is offered in a TLS handshake (ALPN).
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Grpc => &["h2"],
            Self::Web => &["http/1.1"],
        }
    }
}

/// Serves `service` on `listener`, with `tls` if there is any, until `shutdown` completes and the requests in flight are
/// answered. A request carries what it holds ([`Held`]) among its extensions.
///
/// # Errors
/// TLS files that cannot be used.
pub fn serve_http<S, B>(
    listener: TcpListener,
    tls: Option<Tls>,
    protocol: Protocol,
    network: Network,
    service: S,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> BoxFuture<Result<(), BoxError>>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<StdError>,
{
    Box::pin(accept::accept_until(accept::Listening { listener, tls, protocol, network }, service, Box::pin(shutdown)))
}
