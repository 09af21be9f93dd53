//! Who asks for a page, as handlers take it.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use jiff::tz::TimeZone;
use ostro_wire::network::Held;
use ostro_wire::{Caller, workflow_service};
use tonic::Code;

use super::{Console, FORM_COOKIE, Rights, SESSION_COOKIE, cookie, guarded};
use crate::answer::Failure;
use crate::door::secret;
use crate::form::Sent;
use crate::moment::Clock;

/// Longest prefix that a proxy may name, in bytes.
const PREFIX_BYTES_MAX: usize = 200;

/// Who asks, and how it wants to see the answer.
pub(crate) struct Visitor {
    /// Calls with what the visitor may.
    pub caller: Caller,
    /// The prefix under which a proxy serves the console; empty, or with a slash before it and none behind.
    pub base: String,
    /// To what the tokens of forms are tied, and whether the browser must still be told.
    pub tie: Tie,
    /// Whether somebody is signed in with a key.
    pub signed_in: bool,
    pub secure: bool,
    pub preferences: Preferences,
    now: SystemTime,
    /// The page's own path and query.
    pub path: String,
    headers: HeaderMap,
}

/// The cookie that the tokens of forms are tied to.
pub(crate) struct Tie {
    pub value: String,
    pub is_new: bool,
}

/// How pages look, as cookies say.
#[derive(Debug, Clone)]
pub(crate) struct Preferences {
    /// `light`, `dark`, or empty for what the system says.
    pub theme: &'static str,
    pub zone: TimeZone,
    /// The name of the zone, such as `Europe/Berlin`.
    pub zone_name: String,
}

impl FromRequestParts<Arc<Console>> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Failure> {
        let visitor = Self::anyone(parts, console)?;
        match &console.settings.guard {
            Some(guard) => {
                let greeted = guard.greet(workflow_service::SERVICE, "ListNamespaces", &visitor.headers).await;
                match greeted {
                    Err(status) if status.code() == Code::Unauthenticated => {
                        Err(Failure::NotSignedIn { path: visitor.path, said: status.message().to_owned() })
                    }
                    Err(status) => Err(status.into()),
                    Ok(()) => Ok(visitor),
                }
            }
            None => Ok(visitor),
        }
    }
}

impl Visitor {
    /// The visitor, whether or not it may see anything: for the pages by which one signs in.
    ///
    /// # Errors
    /// Too many bytes under way.
    pub(crate) fn anyone(parts: &Parts, console: &Arc<Console>) -> Result<Self, Failure> {
        if let Some(Err(refusal)) = parts.extensions.get::<Held>().map(Held::check) {
            return Err(refusal.into());
        }
        let session = cookie(&parts.headers, SESSION_COOKIE);
        let key = session.and_then(|name| console.sessions.key(name, Instant::now()));
        let credentials = key.as_deref().and_then(bearer).map(|value| (AUTHORIZATION, value));
        let headers: HeaderMap = credentials.into_iter().collect();
        let tie = match session.filter(|_| key.is_some()).or_else(|| cookie(&parts.headers, FORM_COOKIE)) {
            Some(value) => Tie { value: value.to_owned(), is_new: false },
            None => Tie { value: secret::name().map_err(Failure::Entropy)?, is_new: true },
        };
        let settings = &console.settings;
        let caller = guarded(&console.engine, settings.guard.clone(), settings.throttle.clone(), headers.clone());
        Ok(Self {
            caller: caller.with_timeout(super::CALL_TIMEOUT),
            base: base_of(&parts.headers),
            tie,
            signed_in: key.is_some(),
            secure: is_secure(&parts.headers, settings.tls),
            preferences: Preferences::of(&parts.headers),
            now: (settings.now)(),
            path: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            headers,
        })
    }

    /// What it may do in a namespace.
    pub(crate) async fn rights(&self, console: &Console, namespace: &str) -> Rights {
        Rights::of(console.settings.guard.as_ref(), &self.headers, namespace).await
    }

    /// The token of its forms.
    pub(crate) fn token(&self, console: &Console) -> String {
        console.secret.token(&self.tie.value)
    }

    /// What a form asks to be changed: the one way to read it, so that nothing changes that no form of this console's asks for.
    ///
    /// # Errors
    /// [`Failure::Unreadable`], [`Failure::Forged`].
    pub(crate) fn change(&self, console: &Console, body: &[u8]) -> Result<Sent, Failure> {
        let sent = Sent::read(body)?;
        match console.secret.is_token(&self.tie.value, sent.text("token")) {
            true => Ok(sent),
            false => Err(Failure::Forged),
        }
    }

    /// Its clock: the time at which it came, in its zone.
    pub(crate) fn clock(&self) -> Clock {
        Clock { now: self.now, zone: self.preferences.zone.clone() }
    }

    /// Who acts, as histories and lists name it.
    pub(crate) fn identity(&self) -> String {
        "console".to_owned()
    }
}

impl Preferences {
    fn of(headers: &HeaderMap) -> Self {
        let theme = match cookie(headers, "ostro_theme") {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "",
        };
        let name = cookie(headers, "ostro_zone").map(|name| name.replace("%2F", "/")).unwrap_or_default();
        match TimeZone::get(&name) {
            Ok(zone) => Self { theme, zone, zone_name: name },
            Err(_) => Self { theme, zone: TimeZone::UTC, zone_name: "UTC".to_owned() },
        }
    }
}

fn bearer(key: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("Bearer {key}")).ok()
}

/// The prefix that a proxy took off the path, as it says in `X-Forwarded-Prefix`.
pub(crate) fn base_of(headers: &HeaderMap) -> String {
    let said = headers.get("x-forwarded-prefix").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let prefix = said.trim().trim_end_matches('/');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~');
    let is_path = prefix.starts_with('/') && !prefix.contains("//") && prefix.bytes().all(fits);
    if is_path && prefix.len() <= PREFIX_BYTES_MAX { prefix.to_owned() } else { String::new() }
}

/// Whether the browser reaches the console by TLS.
pub(crate) fn is_secure(headers: &HeaderMap, tls: bool) -> bool {
    tls || headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_path_and_nothing_else() {
        for (said, base) in [
            ("/ostro", "/ostro"),
            ("/a/b/", "/a/b"),
            ("/", ""),
            ("", ""),
            ("ostro", ""),
            ("//evil.example", ""),
            ("/a\"><script>", ""),
            ("https://evil.example", ""),
        ] {
            let headers = HeaderMap::from_iter([("x-forwarded-prefix".parse().unwrap(), said.parse().unwrap())]);
            assert_eq!(base_of(&headers), base, "{said}");
        }
    }
}
