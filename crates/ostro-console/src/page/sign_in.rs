//! Signing in with an API key, signing out, and how pages look.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use ostro_wire::{KEY_PREFIX, workflow_service};

use crate::answer::{Answer, Failure, page_with, see};
use crate::door::{
    Console, FORM_COOKIE, Rights, SESSION_COOKIE, SESSION_LASTS, Visitor, cookie, delete_cookie, set_cookie,
};
use crate::form::Sent;
use crate::layout::Layout;
use crate::link;

/// How long choices of looks are kept, in seconds.
const PREFERENCES_LAST: u64 = 365 * 24 * 3600;

/// A visitor who need not be signed in.
pub(crate) struct Anyone(Visitor);

impl FromRequestParts<Arc<Console>> for Anyone {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut http::request::Parts, console: &Arc<Console>) -> Result<Self, Failure> {
        Visitor::anyone(parts, console).map(Self)
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    layout: Layout,
    /// The page that was asked for.
    next: String,
    error: String,
}

/// The form.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Anyone(visitor): Anyone,
    RawQuery(query): RawQuery,
) -> Answer {
    let sent = Sent::read(query.unwrap_or_default().as_bytes())?;
    form(&console, &visitor, sent.text("next"), sent.text("said"), "", StatusCode::OK)
}

fn form(console: &Console, visitor: &Visitor, next: &str, said: &str, error: &str, status: StatusCode) -> Answer {
    let rights = Rights { read: false, operate: false, administer: false };
    let layout = Layout::bare(visitor, console, "Sign in", rights).said(Some(said));
    let next = if link::is_local(next) { next.to_owned() } else { "/".to_owned() };
    page_with(status, &Page { layout, next, error: error.to_owned() })
}

/// Signs in: the key is exchanged for a name that says nothing of it.
pub(crate) async fn sign_in(State(console): State<Arc<Console>>, Anyone(visitor): Anyone, body: Bytes) -> Answer {
    let sent = visitor.change(&console, &body)?;
    let (key, next) = (sent.text("key"), sent.text("next"));
    if let Err(said) = knows(&console, key).await {
        return form(&console, &visitor, next, "", &said, StatusCode::UNAUTHORIZED);
    }
    let name = console.sessions.open(key.to_owned(), Instant::now()).map_err(Failure::Entropy)?;
    let next = if link::is_local(next) { next } else { "/" };
    let lasts = SESSION_LASTS.as_secs();
    let cookie = set_cookie(SESSION_COOKIE, &name, &visitor.base, visitor.secure, "Strict", lasts);
    let address = format!("{}{next}", visitor.base);
    Ok((StatusCode::SEE_OTHER, [(LOCATION, address), (SET_COOKIE, cookie)]).into_response())
}

/// Whether a key may be used at all.
///
/// # Errors
/// What is wrong with it.
async fn knows(console: &Console, key: &str) -> Result<(), String> {
    let not_one = || format!("That is no API key: keys begin with {KEY_PREFIX}. `ostro token create` makes one.");
    if !key.starts_with(KEY_PREFIX) {
        return Err(not_one());
    }
    let Some(guard) = &console.settings.guard else { return Ok(()) };
    let header = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| not_one())?;
    let headers = HeaderMap::from_iter([(AUTHORIZATION, header)]);
    let greeted = guard.greet(workflow_service::SERVICE, "ListNamespaces", &headers).await;
    greeted.map_err(|status| status.message().to_owned())
}

/// Signs out.
pub(crate) async fn sign_out(
    State(console): State<Arc<Console>>,
    Anyone(visitor): Anyone,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    visitor.change(&console, &body)?;
    if let Some(name) = cookie(&headers, SESSION_COOKIE) {
        console.sessions.close(name);
    }
    let gone = delete_cookie(SESSION_COOKIE, &visitor.base);
    let address = format!("{}/login?said=signed-out", visitor.base);
    Ok((StatusCode::SEE_OTHER, [(LOCATION, address), (SET_COOKIE, gone)]).into_response())
}

/// Keeps how pages look: the theme and the zone.
pub(crate) async fn prefer(State(console): State<Arc<Console>>, Anyone(visitor): Anyone, body: Bytes) -> Answer {
    let sent = visitor.change(&console, &body)?;
    let back = Some(sent.text("back")).filter(|back| link::is_local(back)).unwrap_or("/");
    let mut response = see(&format!("{}{back}", visitor.base))?;
    let theme = Some(sent.text("theme")).filter(|theme| ["light", "dark", "auto"].contains(theme));
    let zone = Some(sent.text("zone")).filter(|zone| jiff::tz::TimeZone::get(zone).is_ok());
    for (name, value) in [("ostro_theme", theme), ("ostro_zone", zone)] {
        let Some(value) = value else { continue };
        let value = value.replace('/', "%2F");
        let cookie = set_cookie(name, &value, &visitor.base, visitor.secure, "Lax", PREFERENCES_LAST);
        append(&mut response, &cookie);
    }
    Ok(response)
}

/// Adds a cookie to an answer.
pub(crate) fn append(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// Who sends a request, for the frame around the routes. A browser without a cookie for forms is given one at once, so that the
/// handler ties its form to the same.
pub(crate) fn of_request(console: &Arc<Console>, request: Request) -> (Request, Result<Visitor, Failure>) {
    let (mut parts, body) = request.into_parts();
    let visitor = Visitor::anyone(&parts, console);
    let tie = visitor.as_ref().ok().filter(|visitor| visitor.tie.is_new).map(|visitor| visitor.tie.value.as_str());
    if let Some(value) = tie.and_then(|tie| HeaderValue::from_str(&format!("{FORM_COOKIE}={tie}")).ok()) {
        parts.headers.append(COOKIE, value);
    }
    (Request::from_parts(parts, body), visitor)
}
