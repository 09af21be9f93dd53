//! Nexus over HTTP: what leaves for URLs outside, what handlers there send back, and what callers there ask workers here.
//!
//! ```text
//! engine --TakeOutgoing--> sender --HTTP--> handler outside           operation.rs, delivery.rs
//! engine <--answer-------- sender <--------
//! engine <--CompleteNexusOperation-- /namespaces/{namespace}/nexus/callback <-- handler outside      incoming/completion.rs
//! engine <--AskNexusWorker-- /nexus/endpoints/{id}/services/{service}/{operation} <-- caller outside incoming/dispatch.rs
//! ```
//!
//! The forms are those of the Nexus HTTP protocol, as the reference server reads and writes them.

mod client;
mod content;
mod delivery;
mod depth;
mod failure;
mod incoming;
mod link;
mod moment;
mod operation;
mod response;
mod sender;

pub(crate) use incoming::{Incoming, routes};
pub(crate) use sender::{CallbackUrl, Sender};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

const OPERATION_STATE: &str = "nexus-operation-state";
const OPERATION_TOKEN: &str = "nexus-operation-token";
const OPERATION_START_TIME: &str = "nexus-operation-start-time";
const OPERATION_CLOSE_TIME: &str = "nexus-operation-close-time";
const REQUEST_ID: &str = "nexus-request-id";
const RETRYABLE: &str = "nexus-request-retryable";
const LINK: &str = "nexus-link";
const CALLBACK_PREFIX: &str = "nexus-callback-";
/// The header that says whose fault a failure is, and the one thing that it says.
const FAILURE_SOURCE: &str = "temporal-nexus-failure-source";
const FROM_WORKER: &str = "worker";
/// The header that says how much time there is.
const REQUEST_TIMEOUT: &str = "request-timeout";
/// Says that failures are understood in their newer form.
const FAILURE_SUPPORT: &str = "temporal-nexus-failure-support";
const JSON: &str = "application/json";

const SUCCEEDED: &str = "succeeded";
const FAILED: &str = "failed";
const CANCELED: &str = "canceled";
const RUNNING: &str = "running";

/// The value of a header, where it is text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Sets a header that somebody else has named.
///
/// # Errors
/// For what can be no header.
fn set(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), String> {
    let invalid =
        || format!("{name:?} with the value {value:?} cannot be sent as a header: use visible ASCII characters");
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
    headers.insert(key, HeaderValue::from_str(value).map_err(|_| invalid())?);
    Ok(())
}

/// Whether the body is JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = text(headers, "content-type").split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(JSON)
}
