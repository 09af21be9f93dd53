//! The one tonic service: takes any path `/<service>/<method>`, reads one message, asks [`Services`], writes one message.
//! Reflection alone is a service of its own.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::codegen::{Body as HttpBody, Service, StdError, http};
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Request, Response, Status};

use crate::codec::RawCodec;
use crate::delivery::Watched;
use crate::network::Held;
use crate::{BoxFuture, CallContext, Delivery, Services, reflection, status};

/// Serves every method of [`Services`] over HTTP/2.
#[derive(Clone)]
pub(crate) struct Endpoint {
    services: Services,
}

impl Endpoint {
    pub(crate) fn new(services: Services) -> Self {
        Self { services }
    }
}

impl<B> Service<http::Request<B>> for Endpoint
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<StdError> + Send,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        if !is_grpc(request.headers()) {
            return Box::pin(std::future::ready(Ok(not_grpc())));
        }
        let (service, method) = split_path(request.uri().path());
        let greeting = self.services.greet((service, method), request.headers());
        let limit = self.services.request_bytes_max(service);
        let services = self.services.clone();
        Box::pin(async move {
            if let Some(greeting) = greeting
                && let Err(refusal) = greeting.await
            {
                return Ok(refusal.into_http());
            }
            match reflection::is_asked(request.uri().path()) {
                true => reflection::routes().call(request).await,
                false => Ok(answer(services, request, limit).await),
            }
        })
    }
}

/// A page of another site cannot send this content type without asking first, and is not told that it may.
fn is_grpc(headers: &http::HeaderMap) -> bool {
    let kind = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/grpc"))
}

fn not_grpc() -> http::Response<Body> {
    let mut response = http::Response::new(Body::empty());
    *response.status_mut() = http::StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response
}

async fn answer<B>(services: Services, request: http::Request<B>, limit: usize) -> http::Response<Body>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<StdError> + Send,
{
    let reached = Arc::new(AtomicBool::new(false));
    let delivery = Delivery::watching();
    let path = request.uri().path().to_owned();
    let method = RawMethod { services, path, delivery: delivery.clone(), reached: Arc::clone(&reached) };
    let mut grpc = Grpc::new(RawCodec)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(limit)
        .max_encoding_message_size(usize::MAX);
    let response = grpc.unary(method, request).await;
    if delivery.is_watched() {
        return response.map(|body| Body::new(Watched::new(body, delivery)));
    }
    if reached.load(Ordering::Relaxed) {
        return response;
    }
    size_refusal(&response, limit).map_or(response, Status::into_http)
}

/// The words of a Temporal server for a request that tonic refused for its size; `None` when it refused for another reason.
fn size_refusal(response: &http::Response<Body>, limit: usize) -> Option<Status> {
    let refusal = Status::from_header_map(response.headers())?;
    match refusal.code() {
        Code::OutOfRange => Some(status::request_too_large(size_in(refusal.message())?, limit)),
        Code::ResourceExhausted if refusal.message().starts_with(DECOMPRESSING) => {
            Some(status::decompressed_too_large(limit))
        }
        _ => None,
    }
}

/// How tonic begins to say that a request grows beyond its limit.
const DECOMPRESSING: &str = "Error decompressing";

/// The size in tonic's "... found 5000000 bytes, the limit is: ...".
fn size_in(message: &str) -> Option<usize> {
    let (_, after) = message.split_once("found ")?;
    after.split_once(' ')?.0.parse().ok()
}

/// One call on its way to [`Services::call`].
struct RawMethod {
    services: Services,
    path: String,
    delivery: Delivery,
    /// Set once the request was read, so that a status of a method is never mistaken for one of tonic's.
    reached: Arc<AtomicBool>,
}

impl UnaryService<Bytes> for RawMethod {
    type Response = Bytes;
    type Future = BoxFuture<Result<Response<Bytes>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        self.reached.store(true, Ordering::Relaxed);
        let (metadata, extensions, message) = request.into_parts();
        if let Some(Err(refusal)) = extensions.get::<Held>().map(|held| held.grow_to(message.len())) {
            return Box::pin(std::future::ready(Err(refusal)));
        }
        let delivery = self.delivery.clone();
        let context = CallContext { delivery, ..CallContext::from_network(metadata.into_headers()) };
        let (service, method) = split_path(&self.path);
        let answer = self.services.call(service, method, context, message);
        Box::pin(async move { answer.await.map(Response::new) })
    }
}

/// `/package.Service/Method` in its two parts; a part that is missing is empty and found unknown later.
fn split_path(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.rsplit_once('/').unwrap_or((path, ""))
}
