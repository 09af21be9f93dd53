//! Sends one request and reads its response to the end, within its time.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Request;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::ext::ReasonPhrase;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ostro_engine::nexus::outgoing::NotDelivered;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::response::Response;

/// What a response may have beside its payload.
const ROOM_BYTES: usize = 64 << 10;

/// A request that leaves.
pub(super) type Outgoing = Request<Full<Bytes>>;

/// Keeps connections open for the next request to the same host.
#[derive(Clone)]
pub(super) struct Client {
    client: HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
    body_bytes_max: usize,
}

impl Client {
    /// `payload_bytes_max` is how much of a response is read, roughly.
    pub(super) fn new(payload_bytes_max: usize) -> Self {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls()).https_or_http().enable_http1().build();
        let client = HyperClient::builder(TokioExecutor::new()).build(connector);
        Self { client, body_bytes_max: payload_bytes_max + ROOM_BYTES }
    }

    pub(super) async fn send(&self, request: Outgoing, within: Duration) -> Result<Response, NotDelivered> {
        let uri = request.uri().clone();
        match tokio::time::timeout(within, self.exchange(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(NotDelivered { message: "http: response body too large".to_owned(), retryable: false })
            }
            Ok(Err(error)) => Err(retryable(format!("Post {:?}: {}", uri.to_string(), chain(&*error)))),
            Err(_) => Err(retryable("request timed out".to_owned())),
        }
    }

    async fn exchange(&self, request: Outgoing) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
        let (parts, body) = self.client.request(request).await?.into_parts();
        let body = Limited::new(body, self.body_bytes_max).collect().await?.to_bytes();
        let reason = parts.extensions.get::<ReasonPhrase>().map(|reason| String::from_utf8_lossy(reason.as_bytes()));
        let reason = reason.unwrap_or_default().into_owned();
        Ok(Response { status: parts.status, reason, headers: parts.headers, body })
    }
}

pub(super) fn retryable(message: String) -> NotDelivered {
    NotDelivered { message, retryable: true }
}

/// An error with what is behind it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}

/// With the certificates that the system trusts; without any, requests by HTTPS fail and say so.
fn tls() -> ClientConfig {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (trusted, _) = roots.add_parsable_certificates(found.certs);
    if trusted == 0 {
        tracing::warn!(errors = ?found.errors, "no certificate is trusted: requests by HTTPS to Nexus handlers will fail");
    }
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the protocol versions that it was compiled with")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
