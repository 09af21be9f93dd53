//! A client of any Temporal-compatible address: encoded calls over HTTP/2.

use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};

use crate::caller::{EncodedCall, Transport};
use crate::codec::RawCodec;
use crate::{BoxFuture, EncodedAnswer, status};

/// Largest response that is taken, as the SDKs do.
const RESPONSE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Wait for a TCP connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection on which nothing comes for this long is asked whether it is still there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// Wait for the answer to that, before the connection counts as lost and its calls fail.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(15);
/// The header by which proxies before a cluster find the namespace of a call.
const NAMESPACE_HEADER: &str = "temporal-namespace";
/// A cancellation this close to the deadline is the deadline's.
const DEADLINE_TOLERANCE: Duration = Duration::from_millis(50);

/// Where a server is, and how it is to be spoken to.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// `host:port`, or a URL of `http` or (with TLS) `https`.
    pub address: String,
    /// With TLS, and how.
    pub tls: Option<ClientTls>,
    /// Sent with each call as `authorization: Bearer <key>`.
    pub api_key: Option<String>,
}

/// TLS as a client does it. Everything is PEM.
#[derive(Debug, Clone, Default)]
pub struct ClientTls {
    /// Authorities that the server's certificate must come from; those of the machine unless given.
    pub ca: Option<Vec<u8>>,
    /// The client's own certificate and its private key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The name in the server's certificate, where it is not the address's host.
    pub server_name: Option<String>,
}

impl From<&str> for Target {
    fn from(address: &str) -> Self {
        Self { address: address.to_owned(), ..Self::default() }
    }
}

/// A connection (HTTP/2) that reconnects by itself. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    address: String,
    headers: MetadataMap,
    gzip: bool,
}

impl Client {
    /// Connects to a server.
    ///
    /// INVALID_ARGUMENT for an address, certificate or key that is not one, UNAVAILABLE when nobody answers there.
    pub async fn connect(target: impl Into<Target>) -> Result<Self, Status> {
        let target = target.into();
        let address = &target.address;
        let failed = |why: &str| Status::unavailable(format!("cannot connect to {address}: {why}"));
        // The endpoint's own time-out ends with TCP: who accepts and then says nothing would be waited for without end.
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, endpoint(&target)?.connect())
            .await
            .map_err(|_| failed(&format!("no answer within {} s", CONNECT_TIMEOUT.as_secs())))?;
        let channel = connected.map_err(|error| failed(&root_cause(&error)))?;
        Self::with_channel(channel, target)
    }

    /// The same without connecting: the first call does, and answers UNAVAILABLE when it cannot. Needs a tokio runtime.
    pub fn connect_lazy(target: impl Into<Target>) -> Result<Self, Status> {
        let target = target.into();
        Self::with_channel(endpoint(&target)?.connect_lazy(), target)
    }

    fn with_channel(channel: Channel, target: Target) -> Result<Self, Status> {
        let mut headers = MetadataMap::new();
        if let Some(key) = &target.api_key {
            headers.insert("authorization", authorization(key)?);
        }
        Ok(Self { channel, address: target.address, headers, gzip: false })
    }

    /// The same client saying with each call which program it is, as `client-name` and `client-version`.
    pub fn with_name(self, name: &'static str, version: &'static str) -> Self {
        self.with_header("client-name", name).with_header("client-version", version)
    }

    fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(AsciiMetadataKey::from_static(name), AsciiMetadataValue::from_static(value));
        self
    }

    /// The same client compressing its requests, as the SDKs do.
    pub fn with_gzip(mut self) -> Self {
        self.gzip = true;
        self
    }

    /// The address as it was given.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Calls `method` of `service` (full protobuf name) with an encoded request and headers besides the client's own.
    ///
    /// `timeout` is sent as `grpc-timeout` and kept here too: DEADLINE_EXCEEDED when it passes. Dropping the future
    /// cancels the call on the server. [`Caller`](crate::Caller) is the typed way.
    pub async fn call(
        &self,
        service: &str,
        method: &str,
        request: Bytes,
        metadata: MetadataMap,
        timeout: Option<Duration>,
    ) -> EncodedAnswer {
        let path = PathAndQuery::try_from(format!("/{service}/{method}"))
            .map_err(|error| Status::invalid_argument(format!("{service}/{method} is no gRPC method: {error}")))?;
        let mut headers = self.headers.clone().into_headers();
        headers.extend(metadata.into_headers());
        let metadata = MetadataMap::from_headers(headers);
        let mut request = Request::from_parts(metadata, tonic::Extensions::default(), request);
        let Some(timeout) = timeout else {
            return self.unary(path, request).await;
        };
        request.set_timeout(timeout);
        let started = Instant::now();
        let answer = tokio::time::timeout(timeout, self.unary(path, request)).await;
        let answer = answer.unwrap_or_else(|_| Err(status::deadline_exceeded()));
        answer.map_err(|status| cancelled_as_deadline(status, timeout.saturating_sub(started.elapsed())))
    }

    async fn unary(&self, path: PathAndQuery, request: Request<Bytes>) -> Result<Bytes, Status> {
        let mut grpc = Grpc::new(self.channel.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(RESPONSE_BYTES_MAX);
        if self.gzip {
            grpc = grpc.send_compressed(CompressionEncoding::Gzip);
        }
        grpc.ready().await.map_err(|error| {
            Status::unavailable(format!("cannot connect to {}: {}", self.address, root_cause(&error)))
        })?;
        Ok(grpc.unary(request, path, RawCodec).await?.into_inner())
    }
}

impl Transport for Client {
    fn call(&self, call: EncodedCall<'_>) -> BoxFuture<EncodedAnswer> {
        let EncodedCall { service, method, namespace, request, timeout } = call;
        let (client, service, method) = (self.clone(), service.to_owned(), method.to_owned());
        let mut metadata = MetadataMap::new();
        // A name that no header can carry goes without: the request has it too.
        if let Ok(namespace) = AsciiMetadataValue::try_from(namespace)
            && !namespace.is_empty()
        {
            metadata.insert(NAMESPACE_HEADER, namespace);
        }
        Box::pin(async move { client.call(&service, &method, request, metadata, timeout).await })
    }
}

/// tonic's channel keeps `grpc-timeout` too and calls its end CANCELLED; servers reset the stream by their own clock.
fn cancelled_as_deadline(status: Status, left: Duration) -> Status {
    let over = status.code() == Code::Cancelled && left < DEADLINE_TOLERANCE;
    if over { status::deadline_exceeded() } else { status }
}

fn authorization(key: &str) -> Result<AsciiMetadataValue, Status> {
    let mut value = AsciiMetadataValue::try_from(format!("Bearer {key}"))
        .map_err(|_| Status::invalid_argument("the API key has characters that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn endpoint(target: &Target) -> Result<Endpoint, Status> {
    let address = &target.address;
    let invalid = |error: &dyn Error| Status::invalid_argument(format!("{address}: {}", root_cause(error)));
    let (scheme, place) = address.split_once("://").unwrap_or(("", address.as_str()));
    let secure = target.tls.is_some() || scheme == "https";
    if !matches!(scheme, "" | "http" | "https") {
        return Err(Status::invalid_argument(format!("{address} is no address: give host:port")));
    }
    let url = format!("{}://{place}", if secure { "https" } else { "http" });
    let endpoint = Endpoint::from_shared(url)
        .map_err(|error| Status::invalid_argument(format!("{address} is no address ({error}): give host:port")))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    if !secure {
        return Ok(endpoint);
    }
    endpoint.tls_config(tls_config(target.tls.clone().unwrap_or_default())).map_err(|error| invalid(&error))
}

fn tls_config(tls: ClientTls) -> ClientTlsConfig {
    let mut config = ClientTlsConfig::new();
    config = match tls.ca {
        Some(ca) => config.ca_certificate(Certificate::from_pem(ca)),
        None => config.with_native_roots(),
    };
    if let Some((certificate, key)) = tls.identity {
        config = config.identity(Identity::from_pem(certificate, key));
    }
    match tls.server_name {
        Some(name) => config.domain_name(name),
        None => config,
    }
}

fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
