//! Requests to the handlers of operations.

use std::time::Duration;

use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderValue, Method, Request};
use bytes::Bytes;
use http_body_util::Full;
use ostro_engine::nexus::callback::SYSTEM_URL;
use temporalio_protos::temporal::api::nexus::v1::{self as nexus, request::Variant};
use url::Url;

use super::client::Outgoing;
use super::content::Content;
use super::link::set_links;
use super::sender::CallbackUrl;
use super::{CALLBACK_PREFIX, FAILURE_SUPPORT, OPERATION_TOKEN, REQUEST_ID, set};

/// The header that says how much time there is.
const REQUEST_TIMEOUT: &str = "request-timeout";
const USER_AGENT: &str = "ostro";

/// The request that asks what `request` asks; `url` is the endpoint's target, `namespace` that of the caller.
///
/// # Errors
/// What cannot be sent, in words.
pub(super) fn request(
    url: &str,
    namespace: &str,
    callback: &CallbackUrl,
    request: &nexus::Request,
) -> Result<Outgoing, String> {
    match &request.variant {
        Some(Variant::StartOperation(start)) => {
            let mut url = target(url, &[&start.service, &start.operation])?;
            let callback = if start.callback == SYSTEM_URL { callback.of(namespace)? } else { start.callback.clone() };
            url.query_pairs_mut().append_pair("callback", &callback);
            let mut headers = HeaderMap::new();
            let content = Content::of(start.payload.as_ref());
            content.set_headers(&mut headers)?;
            set(&mut headers, REQUEST_ID, &start.request_id)?;
            for (key, value) in &start.callback_header {
                set(&mut headers, &format!("{CALLBACK_PREFIX}{key}"), value)?;
            }
            set_links(&mut headers, &start.links);
            set(&mut headers, FAILURE_SUPPORT, "true")?;
            post(url.as_str(), headers, request, content.body)
        }
        Some(Variant::CancelOperation(cancel)) => {
            let url = target(url, &[&cancel.service, &cancel.operation, "cancel"])?;
            let mut headers = HeaderMap::new();
            set(&mut headers, OPERATION_TOKEN, &cancel.operation_token)?;
            post(url.as_str(), headers, request, Vec::new())
        }
        None => Err("the request asks nothing".to_owned()),
    }
}

/// The target with more parts at the end of its path.
fn target(base: &str, parts: &[&str]) -> Result<Url, String> {
    let invalid = |error: &dyn std::fmt::Display| format!("{base:?} is no URL that can be called: {error}");
    let mut url = Url::parse(base).map_err(|error| invalid(&error))?;
    url.path_segments_mut().map_err(|()| invalid(&"it has no path"))?.pop_if_empty().extend(parts);
    Ok(url)
}

fn post(url: &str, mut headers: HeaderMap, request: &nexus::Request, body: Vec<u8>) -> Result<Outgoing, String> {
    set(&mut headers, "user-agent", USER_AGENT)?;
    for (key, value) in &request.header {
        set(&mut headers, key, value)?;
    }
    with(url, headers, body)
}

/// A POST of all this.
pub(super) fn with(url: &str, mut headers: HeaderMap, body: Vec<u8>) -> Result<Outgoing, String> {
    if body.is_empty() {
        // Some servers refuse a POST that does not say so.
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| format!("{url:?} is no URL that can be called: {error}"))?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// How much time the engine gives the request.
pub(super) fn time_out(request: &nexus::Request) -> Duration {
    let left = request.header.get(REQUEST_TIMEOUT).and_then(|text| text.strip_suffix("ms")?.parse().ok());
    Duration::from_millis(left.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parts_of_the_path() {
        for (base, whole) in [
            ("http://h", "http://h/My%20Shop/a%2Fb"),
            ("http://h/base/", "http://h/base/My%20Shop/a%2Fb"),
            ("https://h:1/base?k=v", "https://h:1/base/My%20Shop/a%2Fb?k=v"),
        ] {
            assert_eq!(target(base, &["My Shop", "a/b"]).unwrap().as_str(), whole);
        }
        assert!(target("http://", &[]).is_err() && target("mailto:a", &[]).is_err());
    }
}
