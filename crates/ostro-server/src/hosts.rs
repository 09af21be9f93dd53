//! Under which names the HTTP interface answers, and to whose pages.
//!
//! A browser beside the server is everybody's: any page that it shows can send requests to this machine. Two checks keep
//! such pages out, on every route:
//!
//! * **The name.** A page can have its own name lead to this machine's address (DNS rebinding), and then its requests are of
//!   the same site. They still carry that name as their `Host`: only names that are this server's are answered.
//! * **The site.** Requests of pages of other sites carry `Origin` or `Sec-Fetch-Site`: they are refused. A link to the server
//!   may be followed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use crate::config::Config;

const SEC_FETCH_SITE: &str = "sec-fetch-site";
const SEC_FETCH_MODE: &str = "sec-fetch-mode";
/// The code of a request under a name that is not the server's.
const UNKNOWN_HOST: &str = "WF_1008";
/// The code of what is forbidden.
const FORBIDDEN: &str = "WF_1002";

/// The names of an HTTP interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// Where it listens.
    address: IpAddr,
    /// Names and patterns, in small letters.
    allowed: Vec<String>,
    /// The site of `public_url`: behind a proxy, pages come from there.
    public: Option<Site>,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Site {
    host: String,
    port: u16,
}

impl Hosts {
    /// Those of an interface that listens on `address`, as the configuration says.
    pub fn new(address: SocketAddr, config: &Config) -> Self {
        let public = config.public_url.as_deref().and_then(site);
        let allowed = config.allowed_hosts.iter().map(|name| name.to_ascii_lowercase());
        let allowed = allowed.chain(public.iter().map(|site| site.host.clone())).collect();
        Self { address: address.ip(), allowed, public }
    }

    /// Puts the checks before every route.
    pub(crate) fn guard(self, routes: Router) -> Router {
        routes.layer(middleware::from_fn_with_state(Arc::new(self), check))
    }

    fn allows(&self, name: &str) -> bool {
        let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        if let Ok(address) = literal.parse::<IpAddr>() {
            // An address is no name that somebody could have led here; on which of its own a machine is reached, it need not
            // know.
            return address.to_canonical().is_loopback() || self.address.is_unspecified() || address == self.address;
        }
        let is = |pattern: &String| match pattern.strip_prefix('*') {
            Some(rest) => name.ends_with(rest),
            None => name == pattern,
        };
        name == "localhost" || name.ends_with(".localhost") || self.allowed.iter().any(is)
    }

    /// Why a request is not answered.
    fn refusal(&self, request: &Request) -> Option<Response> {
        let host = match host(request) {
            Ok(host) => host,
            Err(message) => return Some(refused(StatusCode::BAD_REQUEST, UNKNOWN_HOST, message.to_owned())),
        };
        let name = name(&host);
        if !self.allows(&name) {
            return Some(refused(StatusCode::MISDIRECTED_REQUEST, UNKNOWN_HOST, unknown_host(&name)));
        }
        if self.is_of_other_site(request, &host) {
            let message =
                "requests of pages of other sites are not answered: this server's pages, and programs, may ask";
            return Some(refused(StatusCode::FORBIDDEN, FORBIDDEN, message.to_owned()));
        }
        None
    }

    fn is_of_other_site(&self, request: &Request, host: &Authority) -> bool {
        let headers = request.headers();
        if headers.contains_key(ORIGIN) {
            let origin = text(headers, &ORIGIN);
            let from = site(origin);
            let own = from.is_some() && (from == self.public || from == of_host(host, origin));
            if !own || headers.get_all(ORIGIN).iter().count() > 1 {
                return true;
            }
        }
        let said = |name: &'static str| text(headers, &HeaderName::from_static(name));
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        // A person who follows a link to the server.
        let follows = reads && said(SEC_FETCH_MODE) == "navigate";
        matches!(said(SEC_FETCH_SITE), "cross-site" | "same-site") && !follows
    }
}

async fn check(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    match hosts.refusal(&request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

/// The name under which the request came: of a target that names it, too, as then that is what counts.
fn host(request: &Request) -> Result<Authority, &'static str> {
    const UNREADABLE: &str =
        "the Host header is not one host and port: send the name under which the server is reached";
    let mut given = request.headers().get_all(HOST).iter();
    let header = match (given.next(), given.next()) {
        (Some(value), None) => {
            Some(value.to_str().ok().and_then(|value| value.parse::<Authority>().ok()).ok_or(UNREADABLE)?)
        }
        (None, _) => None,
        (Some(_), Some(_)) => return Err(UNREADABLE),
    };
    let host = match (header, request.uri().authority()) {
        (Some(header), Some(target)) if header != *target => return Err(UNREADABLE),
        (Some(host), _) => host,
        (None, Some(target)) => target.clone(),
        (None, None) => return Err("the request has no Host header: send the name under which the server is reached"),
    };
    if host.as_str().contains('@') { Err(UNREADABLE) } else { Ok(host) }
}

/// The host in small letters, without the dot that may end it.
fn name(host: &Authority) -> String {
    let name = host.host().to_ascii_lowercase();
    name.strip_suffix('.').map(str::to_owned).unwrap_or(name)
}

/// The site that a page says it is from, as in `https://host:port`.
fn site(origin: &str) -> Option<Site> {
    let (scheme, rest) = origin.split_once("://")?;
    let authority: Authority = rest.split('/').next()?.parse().ok()?;
    Some(Site { host: name(&authority), port: authority.port_u16().or_else(|| default_port(scheme))? })
}

/// The site that a request came to, for a page whose origin this is.
fn of_host(host: &Authority, origin: &str) -> Option<Site> {
    let (scheme, _) = origin.split_once("://")?;
    Some(Site { host: name(host), port: host.port_u16().or_else(|| default_port(scheme))? })
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn unknown_host(name: &str) -> String {
    format!(
        "{name:?} is no name of this server: reach it by its address or as localhost, or add the name to allowed_hosts in its \
         configuration (--allowed-host)"
    )
}

/// In the form of the Workflows API's refusals, which has what those of Nexus have.
fn refused(status: StatusCode, code: &str, message: String) -> Response {
    let body = serde_json::json!({
        "object": "Error",
        "message": message,
        "detail": message,
        "type": "invalid_request_error",
        "code": code,
    });
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(address: &str, allowed: &[&str], public_url: Option<&str>) -> Hosts {
        let config = Config {
            allowed_hosts: allowed.iter().map(|&name| name.to_owned()).collect(),
            public_url: public_url.map(str::to_owned),
            ..Config::default()
        };
        Hosts::new(address.parse().unwrap(), &config)
    }

    fn answer(hosts: &Hosts, method: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = axum::http::Request::builder().method(method).uri("/x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let refusal = hosts.refusal(&request.body(axum::body::Body::empty()).unwrap());
        refusal.map_or(200, |response| response.status().as_u16())
    }

    #[test]
    fn only_names_of_the_server_are_answered() {
        let loopback = hosts("127.0.0.1:8233", &["ostro.internal", "*.example.com"], Some("https://public.example/x"));
        for (host, expected) in [
            ("localhost:8233", 200),
            ("LOCALHOST", 200),
            ("localhost.:8233", 200),
            ("a.localhost", 200),
            ("127.0.0.1:8233", 200),
            ("127.9.9.9", 200),
            ("[::1]:8233", 200),
            ("[::ffff:127.0.0.1]", 200),
            ("ostro.internal", 200),
            ("a.b.example.com:1", 200),
            ("public.example", 200),
            ("example.com", 421),
            ("evilexample.com", 421),
            ("evil.example:8233", 421),
            ("localhost.evil.example", 421),
            ("127.0.0.1.evil.example", 421),
            ("notlocalhost", 421),
            ("10.0.0.1", 421),
            ("0.0.0.0:8233", 421),
            ("user@localhost", 400),
            ("localhost, evil.example", 400),
            ("", 400),
        ] {
            assert_eq!(answer(&loopback, "GET", &[("host", host)]), expected, "{host}");
        }
        assert_eq!(answer(&loopback, "GET", &[]), 400);
        assert_eq!(answer(&loopback, "GET", &[("host", "localhost"), ("host", "evil.example")]), 400);
    }

    #[test]
    fn an_interface_on_every_address_is_reached_by_every_address_but_not_by_every_name() {
        let everywhere = hosts("0.0.0.0:8233", &[], None);
        for (host, expected) in [("10.9.9.9:8233", 200), ("[fd00::1]", 200), ("evil.example", 421), ("ostro", 421)] {
            assert_eq!(answer(&everywhere, "GET", &[("host", host)]), expected, "{host}");
        }
        assert_eq!(answer(&hosts("10.9.9.9:8233", &[], None), "GET", &[("host", "10.9.9.9:8233")]), 200);
        assert_eq!(answer(&hosts("0.0.0.0:1", &["*"], None), "GET", &[("host", "any.example")]), 200);
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let server = hosts("127.0.0.1:8233", &[], Some("https://ostro.example"));
        let host = ("host", "localhost:8233");
        for (method, headers, expected) in [
            ("POST", vec![], 200),
            ("POST", vec![("origin", "http://localhost:8233")], 200),
            ("POST", vec![("origin", "https://ostro.example")], 200),
            ("POST", vec![("origin", "http://localhost:3000")], 403),
            ("POST", vec![("origin", "http://evil.example")], 403),
            ("POST", vec![("origin", "null")], 403),
            ("POST", vec![("origin", "http://localhost:8233"), ("origin", "http://evil.example")], 403),
            ("GET", vec![("origin", "http://evil.example")], 403),
            ("OPTIONS", vec![("origin", "http://evil.example")], 403),
            ("POST", vec![("sec-fetch-site", "cross-site")], 403),
            ("POST", vec![("sec-fetch-site", "same-site")], 403),
            ("POST", vec![("sec-fetch-site", "same-origin")], 200),
            ("GET", vec![("sec-fetch-site", "none")], 200),
            ("GET", vec![("sec-fetch-site", "cross-site")], 403),
            ("GET", vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], 200),
            ("POST", vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], 403),
        ] {
            let headers: Vec<_> = std::iter::once(host).chain(headers).collect();
            assert_eq!(answer(&server, method, &headers), expected, "{method} {headers:?}");
        }
        let proxied = [("host", "ostro.example"), ("origin", "https://ostro.example")];
        assert_eq!(answer(&server, "POST", &proxied), 200);
    }
}
