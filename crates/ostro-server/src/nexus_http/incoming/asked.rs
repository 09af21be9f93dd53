//! What a request asks of a handler: its path, query and headers, read as the reference server reads them.

use std::collections::HashMap;

use axum::http::{HeaderMap, Method, Uri, header};
use ostro_engine::nexus::links::unescape;
use ostro_engine::time::{MILLISECOND, MINUTE, SECOND, Span};
use temporalio_protos::temporal::api::common::v1::Payload;
use temporalio_protos::temporal::api::nexus::v1::{CancelOperationRequest, Request, StartOperationRequest};
use temporalio_protos::temporal::api::nexus::v1::{request::Capabilities, request::Variant};

use super::super::{CALLBACK_PREFIX, FAILURE_SUPPORT, LINK, OPERATION_TOKEN, REQUEST_ID, REQUEST_TIMEOUT, link, text};
use super::{NOT_FOUND, Refusal};

/// Longest that a request waits for its answer.
const WITHIN_MAX: Span = MINUTE;
/// How much of its caller's time a request leaves for the way back.
const MARGIN: Span = SECOND;
/// Headers between servers and proxies: none of a handler's business.
const HIDDEN: [&str; 6] =
    ["host", "accept-encoding", "x-forwarded-for", "xdc-redirection", "xdc-redirection-api", FAILURE_SUPPORT];
const CONTENT_PREFIX: &str = "content-";

/// What a handler is asked, but for its input.
#[derive(Debug, PartialEq)]
pub(super) enum Asked {
    Start { service: String, operation: String, callback: String },
    Cancel { service: String, operation: String, token: String },
}

impl Asked {
    /// Reads what stands in the path after the place of the services, and in the query.
    pub(super) fn read(method: &Method, rest: &[&str], uri: &Uri, headers: &HeaderMap) -> Result<Self, Refusal> {
        if method != Method::POST {
            return Err(Refusal::bad(format!("invalid request method: expected POST, got \"{method}\"")));
        }
        let not_found = || Refusal::of(NOT_FOUND, "not found");
        let [service, operation, more @ ..] = rest else { return Err(not_found()) };
        let (service, operation) = (part(service)?, part(operation)?);
        let token = match more {
            [] => return Ok(Self::Start { service, operation, callback: query(uri, "callback").unwrap_or_default() }),
            ["cancel"] => match text(headers, OPERATION_TOKEN) {
                "" => query(uri, "token").filter(|token| !token.is_empty()),
                token => Some(token.to_owned()),
            },
            // How SDKs asked at first.
            [token, "cancel"] => Some(part(token)?),
            _ => return Err(not_found()),
        };
        let token = token.ok_or_else(|| Refusal::bad("missing operation token"))?;
        Ok(Self::Cancel { service, operation, token })
    }

    /// The whole request, but for the input of the operation; `key_is_ours`: a key among the headers was for this server.
    #[allow(deprecated, reason = "SDKs that know no newer form still read it")]
    pub(super) fn request(self, headers: &HeaderMap, endpoint: &str, key_is_ours: bool) -> Result<Request, Refusal> {
        let mut header = handed_on(headers, &self);
        if key_is_ours {
            header.remove(header::AUTHORIZATION.as_str());
        }
        let variant = match self {
            Self::Start { service, operation, callback } => {
                let invalid = |_| Refusal::bad(format!("invalid {LINK:?} header"));
                Variant::StartOperation(StartOperationRequest {
                    service,
                    operation,
                    callback,
                    request_id: text(headers, REQUEST_ID).to_owned(),
                    callback_header: with_prefix(headers, CALLBACK_PREFIX),
                    links: link::links(headers).map_err(invalid)?,
                    payload: None,
                })
            }
            Self::Cancel { service, operation, token } => Variant::CancelOperation(CancelOperationRequest {
                service,
                operation,
                operation_id: token.clone(),
                operation_token: token,
            }),
        };
        Ok(Request {
            header,
            capabilities: Some(Capabilities { temporal_failure_responses: takes_new_failures(headers) }),
            variant: Some(variant),
            endpoint: endpoint.to_owned(),
            scheduled_time: None,
        })
    }
}

/// Gives the operation its input, if the request starts one.
pub(super) fn set_input(request: &mut Request, input: Payload) {
    if let Some(Variant::StartOperation(start)) = &mut request.variant {
        start.payload = Some(input);
    }
}

/// Whether the caller knows failures in their newer form.
pub(super) fn takes_new_failures(headers: &HeaderMap) -> bool {
    text(headers, FAILURE_SUPPORT) == "true"
}

/// How long the request may wait for its answer.
pub(super) fn within(headers: &HeaderMap) -> Result<Span, Refusal> {
    let given = match text(headers, REQUEST_TIMEOUT) {
        "" => Span::ZERO,
        given => span(given).ok_or_else(|| Refusal::bad("invalid request timeout header"))?,
    };
    Ok(if given.is_zero() { WITHIN_MAX } else { (given - MARGIN).clamp(Span::ZERO, WITHIN_MAX) })
}

/// A number of milliseconds, seconds or minutes, as Nexus writes it.
fn span(text: &str) -> Option<Span> {
    let units = [("ms", MILLISECOND), ("s", SECOND), ("m", MINUTE)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: f64 = number.parse().ok().filter(|_| digits(whole) && digits(fraction))?;
    Some(Span::from_nanos((number * unit.nanos() as f64) as i64))
}

fn part(text: &str) -> Result<String, Refusal> {
    unescape(text).ok_or_else(|| Refusal::bad("failed to parse URL path"))
}

fn query(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The headers that a handler is told, the first value of each.
fn handed_on(headers: &HeaderMap, asked: &Asked) -> HashMap<String, String> {
    let starts = matches!(asked, Asked::Start { .. });
    let is_told = |name: &str| match starts {
        true => !name.starts_with(CONTENT_PREFIX) && !name.starts_with(CALLBACK_PREFIX),
        // It is told the token apart.
        false => name != OPERATION_TOKEN,
    };
    let told = headers.keys().map(header::HeaderName::as_str).filter(|name| !HIDDEN.contains(name) && is_told(name));
    told.map(|name| (name.to_owned(), text(headers, name).to_owned())).collect()
}

fn with_prefix(headers: &HeaderMap, prefix: &str) -> HashMap<String, String> {
    let names = headers.keys().filter_map(|name| Some((name.as_str().strip_prefix(prefix)?, name.as_str())));
    names.map(|(short, name)| (short.to_owned(), text(headers, name).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, headers: &[(&'static str, &str)]) -> Result<Asked, (&'static str, String)> {
        let uri: Uri = path.parse().unwrap();
        let rest: Vec<&str> = uri.path().split('/').skip(1).collect();
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Asked::read(&Method::POST, &rest, &uri, &headers).map_err(|refusal| (refusal.kind, refusal.message))
    }

    #[test]
    fn paths_say_what_is_asked() {
        let (service, operation) = ("My Shop".to_owned(), "a/b".to_owned());
        let start = Asked::Start { service: service.clone(), operation: operation.clone(), callback: "u?a=b".into() };
        assert_eq!(read("/My%20Shop/a%2Fb?other=1&callback=u%3Fa%3Db", &[]), Ok(start));
        let cancel =
            |token: &str| Asked::Cancel { service: service.clone(), operation: operation.clone(), token: token.into() };
        for (path, token) in [
            ("/My%20Shop/a%2Fb/cancel", "by header"),
            ("/My%20Shop/a%2Fb/cancel?token=by+query", "by header"),
            ("/My%20Shop/a%2Fb/by%20path/cancel", "by path"),
        ] {
            assert_eq!(read(path, &[("nexus-operation-token", "by header")]), Ok(cancel(token)), "{path}");
        }
        assert_eq!(read("/My%20Shop/a%2Fb/cancel?token=by+query", &[]), Ok(cancel("by query")));
    }

    #[test]
    fn other_paths_are_refused() {
        for (path, kind) in [
            ("/", "NOT_FOUND"),
            ("/s", "NOT_FOUND"),
            ("/s/o/p", "NOT_FOUND"),
            ("/s/o/t/p/cancel", "NOT_FOUND"),
            ("/s/o/cancel", "BAD_REQUEST"),
            ("/s/o/cancel?token=", "BAD_REQUEST"),
            ("/s/%zz", "BAD_REQUEST"),
        ] {
            assert_eq!(read(path, &[]).unwrap_err().0, kind, "{path}");
        }
    }

    #[test]
    fn time_outs_as_nexus_writes_them() {
        for (text, expected) in [
            ("1500ms", Some(1500 * MILLISECOND)),
            ("2.5s", Some(2500 * MILLISECOND)),
            ("0.5m", Some(30 * SECOND)),
            ("1h", None),
            ("-1s", None),
            (".5s", None),
            ("5.s", None),
            ("1e3s", None),
            ("s", None),
            ("1", None),
        ] {
            assert_eq!(span(text), expected, "{text}");
        }
        let within = |text: &str| {
            let headers = HeaderMap::from_iter([(REQUEST_TIMEOUT.parse().unwrap(), text.parse().unwrap())]);
            within(&headers).ok()
        };
        assert_eq!((within("10s"), within("5m"), within("10ms")), (Some(9 * SECOND), Some(MINUTE), Some(Span::ZERO)));
        assert_eq!((within("0s"), within("soon")), (Some(MINUTE), None));
    }
}
