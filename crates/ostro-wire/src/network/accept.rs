//! Taking connections. Nothing that a client does holds this up: handshakes and requests run beside it.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tonic::codegen::{Body as HttpBody, Service, StdError};

use super::body::RequestBody;
use super::connection::Connection;
use super::source::Source;
use super::stats::NetworkStats;
use super::{Network, Protocol};
use crate::{BoxError, BoxFuture, Tls};

/// Pause after the machine had no socket left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Between two log lines about connections that found no place.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// A listener and all that belongs to it.
pub(super) struct Listening {
    pub listener: TcpListener,
    pub tls: Option<Tls>,
    pub protocol: Protocol,
    pub network: Network,
}

pub(super) async fn accept_until<S, B>(
    listening: Listening,
    service: S,
    mut shutdown: BoxFuture<()>,
) -> Result<(), BoxError>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<StdError>,
{
    let Listening { listener, tls, protocol, network } = listening;
    let acceptor = tls.as_ref().map(|tls| tls.acceptor(protocol.names())).transpose()?;
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut fresh = JoinSet::new();
    tls.map(|tls| fresh.spawn(tls.keep_fresh()));
    let mut complaints = Complaints::default();
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            stream = next(&listener, &network, &mut complaints) => stream,
        };
        let Some((stream, entry)) = stream else { continue };
        let (tls, stopping): (Option<TlsAcceptor>, _) = (acceptor.clone(), stopping.clone());
        let (network, service) = (network.clone(), service.clone());
        connections.spawn(Connection { stream, entry, tls, protocol, network, service, stopping }.run());
    }
    drop(listener);
    stop.send_replace(true);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// The next connection with its place; `None` where it could not be had.
async fn next(
    listener: &TcpListener,
    network: &Network,
    complaints: &mut Complaints,
) -> Option<(TcpStream, super::registry::Entry)> {
    match listener.accept().await {
        Ok((stream, address)) => match network.registry.admit(Source::of(address.ip())) {
            Ok(entry) => Some((stream, entry)),
            Err(refusal) => {
                complaints.say(&refusal, Some(address.ip()));
                None
            }
        },
        Err(error) => {
            NetworkStats::count(&network.stats.accept_failures);
            complaints.say(&error, None);
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// What is wrong is logged once in a while, with how often it was.
#[derive(Default)]
struct Complaints {
    last: Option<Instant>,
    unsaid: u64,
}

impl Complaints {
    fn say(&mut self, error: &dyn std::fmt::Display, address: Option<std::net::IpAddr>) {
        self.unsaid += 1;
        if self.last.is_some_and(|last| last.elapsed() < LOG_INTERVAL) {
            return;
        }
        self.last = Some(Instant::now());
        let (times, address) = (std::mem::take(&mut self.unsaid), address.map(|address| address.to_string()));
        tracing::warn!(
            %error, times, address = address.as_deref().unwrap_or("any"),
            "connections were not accepted: see [network] of the configuration, and the limit of open files"
        );
    }
}
