//! One connection: its handshake, its requests, its end.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tonic::codegen::{Body as HttpBody, Service, StdError};

use super::body::{RequestBody, ResponseBody};
use super::budget::{Held, Share};
use super::registry::{Entry, Over, Presence};
use super::{Network, Protocol};
use crate::BoxFuture;

/// Silence on a connection of HTTP/2 after which it is pinged; a dead worker's polls end within this and [`PING_TIMEOUT`].
const PING_INTERVAL: Duration = Duration::from_secs(60);
/// Wait for the answer to a ping before the connection is closed.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Names and values of one request's headers.
const HEADER_BYTES_MAX: u32 = 64 << 10;
/// Time for a client to say goodbye on a connection that is closed from this side.
const FAREWELL: Duration = Duration::from_secs(2);

/// A connection that was accepted.
pub(super) struct Connection<S> {
    pub stream: TcpStream,
    pub entry: Entry,
    pub tls: Option<TlsAcceptor>,
    pub protocol: Protocol,
    pub network: Network,
    pub service: S,
    /// True once no more is to be asked.
    pub stopping: watch::Receiver<bool>,
}

impl<S, B> Connection<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<StdError>,
{
    /// Serves it to its end.
    pub(super) async fn run(mut self) {
        let presence = self.entry.presence().clone();
        // What fails here is the client's business.
        drop(self.stream.set_nodelay(true));
        let Some(tls) = self.tls.take() else {
            let (stream, rest) = self.split();
            return rest.serve(stream, &presence).await;
        };
        let (stream, rest) = self.split();
        tokio::select! {
            shaken = tls.accept(stream) => match shaken {
                Ok(stream) => rest.serve(stream, &presence).await,
                Err(error) => tracing::debug!(%error, source = ?presence.source(), "a TLS handshake failed"),
            },
            over = presence.over() => {
                tracing::debug!(source = ?presence.source(), ?over, "a TLS handshake took too long");
            }
        }
    }

    fn split(self) -> (TcpStream, Rest<S>) {
        let Self { stream, entry, protocol, network, service, stopping, .. } = self;
        (stream, Rest { _entry: entry, protocol, network, service, stopping })
    }
}

/// A connection without its stream.
struct Rest<S> {
    _entry: Entry,
    protocol: Protocol,
    network: Network,
    service: S,
    stopping: watch::Receiver<bool>,
}

impl<S, B> Rest<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<StdError>,
{
    async fn serve<I>(mut self, stream: I, presence: &Arc<Presence>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let requests = Requests {
            presence: presence.clone(),
            share: Share::new(presence.source(), self.network.budget.clone()),
            protocol: self.protocol,
            network: self.network.clone(),
            service: self.service.clone(),
        };
        let builder = builder(self.protocol, &self.network);
        let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), requests));
        let over = tokio::select! {
            ended = &mut connection => return say(ended),
            over = presence.over() => Some(over),
            // An error says that the server is gone.
            _ = self.stopping.wait_for(|stopping| *stopping) => None,
        };
        connection.as_mut().graceful_shutdown();
        match over {
            // Who never asked anything is owed nothing.
            Some(Over::Silent | Over::Evicted) => {}
            Some(Over::Idle) => drop(tokio::time::timeout(FAREWELL, connection).await),
            None => say(connection.await),
        }
    }
}

fn say(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

fn builder(protocol: Protocol, network: &Network) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    if protocol == Protocol::Grpc {
        builder = builder.http2_only();
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_header_list_size(HEADER_BYTES_MAX)
        .max_concurrent_streams(network.limits.streams_per_connection_max);
    // How long a head may take is the connection's to say, whether it is the first or a later one.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(HEADER_BYTES_MAX as usize);
    builder
}

/// What the requests of one connection are served by.
#[derive(Clone)]
struct Requests<S> {
    presence: Arc<Presence>,
    share: Arc<Share>,
    protocol: Protocol,
    network: Network,
    service: S,
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Requests<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
{
    type Response = Response<ResponseBody<B>>;
    type Error = io::Error;
    type Future = BoxFuture<Result<Self::Response, Self::Error>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let open = self.presence.open();
        let held = Held::begin(self.share.clone());
        let mut request =
            request.map(|incoming| RequestBody::new(incoming, held.clone(), self.protocol, &self.network));
        request.extensions_mut().insert(held.clone());
        let mut service = self.service.clone();
        Box::pin(async move {
            let ready = std::future::poll_fn(|context| service.poll_ready(context)).await;
            let answer = match ready {
                Ok(()) => service.call(request).await,
                Err(never) => Err(never),
            };
            answer
                .map(|answer| answer.map(|body| ResponseBody { body: Box::pin(body), _request: open, _held: held }))
                .map_err(|never| match never {})
        })
    }
}
