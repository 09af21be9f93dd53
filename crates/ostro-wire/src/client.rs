//! A client of any Temporal-compatible address, generic over message types only at its rim.

use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::PathAndQuery;
use prost::Message;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::codec::RawCodec;
use crate::status;

/// Largest response that is taken, as the SDKs do.
const RESPONSE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Wait for a TCP connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A cancellation this close to the deadline is the deadline's.
const DEADLINE_TOLERANCE: Duration = Duration::from_millis(50);

/// A connection (HTTP/2, without TLS) that reconnects by itself. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    address: String,
    gzip: bool,
}

impl Client {
    /// Connects to `address` (`host:port`, or `http://host:port`).
    ///
    /// INVALID_ARGUMENT for an address that is not one, UNAVAILABLE when nobody answers there.
    pub async fn connect(address: &str) -> Result<Self, Status> {
        let channel = endpoint(address)?
            .connect()
            .await
            .map_err(|error| Status::unavailable(format!("cannot connect to {address}: {}", root_cause(&error))))?;
        Ok(Self { channel, address: address.to_owned(), gzip: false })
    }

    /// The same without connecting: the first call does, and answers UNAVAILABLE when it cannot. Needs a tokio runtime.
    pub fn connect_lazy(address: &str) -> Result<Self, Status> {
        let channel = endpoint(address)?.connect_lazy();
        Ok(Self { channel, address: address.to_owned(), gzip: false })
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

    /// Calls `method` of `service` (full protobuf name).
    ///
    /// `timeout` is sent as `grpc-timeout` and kept here too: DEADLINE_EXCEEDED when it passes. Dropping the future
    /// cancels the call on the server.
    pub async fn call<Req: Message, Resp: Message + Default>(
        &self,
        service: &str,
        method: &str,
        request: &Req,
        metadata: MetadataMap,
        timeout: Option<Duration>,
    ) -> Result<Resp, Status> {
        let response = self.call_raw(service, method, request.encode_to_vec().into(), metadata, timeout).await?;
        Resp::decode(response)
            .map_err(|error| Status::internal(format!("{method} answered bytes that do not decode: {error}")))
    }

    /// [`Client::call`] with messages already encoded.
    pub async fn call_raw(
        &self,
        service: &str,
        method: &str,
        request: Bytes,
        metadata: MetadataMap,
        timeout: Option<Duration>,
    ) -> Result<Bytes, Status> {
        let path = PathAndQuery::try_from(format!("/{service}/{method}"))
            .map_err(|error| Status::invalid_argument(format!("{service}/{method} is no gRPC method: {error}")))?;
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

/// tonic's channel keeps `grpc-timeout` too and calls its end CANCELLED; servers reset the stream by their own clock.
fn cancelled_as_deadline(status: Status, left: Duration) -> Status {
    let over = status.code() == Code::Cancelled && left < DEADLINE_TOLERANCE;
    if over { status::deadline_exceeded() } else { status }
}

fn endpoint(address: &str) -> Result<Endpoint, Status> {
    if address.starts_with("https://") {
        return Err(Status::invalid_argument(format!(
            "{address}: TLS is not built in; put a proxy in front, or use http://"
        )));
    }
    let url = if address.starts_with("http://") { address.to_owned() } else { format!("http://{address}") };
    let endpoint = Endpoint::from_shared(url)
        .map_err(|error| Status::invalid_argument(format!("{address} is no address ({error}): give host:port")))?;
    Ok(endpoint.connect_timeout(CONNECT_TIMEOUT).tcp_nodelay(true))
}

fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
