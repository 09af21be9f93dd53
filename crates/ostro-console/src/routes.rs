//! The routes, and the frame around them: headers of safety, and pages in the place of refusals.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{CONTENT_SECURITY_POLICY, VARY};
use http::header::{HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};

use crate::action;
use crate::answer::{Answer, Failure, see};
use crate::assets::asset;
use crate::door::{Console, FORM_COOKIE, Visitor, set_cookie};
use crate::link;
use crate::page::{
    batches, execution, executions, inputs, queues, refused, schedule, schedules, sign_in, waits, workers,
};

/// Largest form: an input at its limit (2 MiB), written with escapes.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long the cookie that forms are tied to is kept, in seconds.
const FORM_COOKIE_LASTS: u64 = 30 * 24 * 3600;

/// Nothing but what the server itself sends is loaded, run, framed or sent to.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// The console's routes.
pub fn router(console: Arc<Console>) -> Router {
    const RUN: &str = "/namespaces/{namespace}/workflows/{id}/{run}";
    let of_run = |rest: &str| format!("{RUN}{rest}");
    Router::new()
        .route("/", get(home))
        .route("/assets/{name}", get(asset))
        .route("/login", get(sign_in::show).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .route("/preferences", post(sign_in::prefer))
        .route("/namespaces/{namespace}", get(namespace))
        .route("/namespaces/{namespace}/workflows", get(executions::show))
        .route("/namespaces/{namespace}/start", get(action::start::show).post(action::start::act))
        .route("/namespaces/{namespace}/inputs", get(inputs::show).post(inputs::answer))
        .route("/namespaces/{namespace}/waits", get(waits::show))
        .route("/namespaces/{namespace}/schedules", get(schedules::show))
        .route("/namespaces/{namespace}/schedules/~new", get(schedules::new).post(schedules::create))
        .route("/namespaces/{namespace}/schedules/{id}", get(schedule::show))
        .route("/namespaces/{namespace}/schedules/{id}/{action}", post(schedule::act))
        .route("/namespaces/{namespace}/queues", get(queues::show))
        .route("/namespaces/{namespace}/workers", get(workers::show))
        .route("/namespaces/{namespace}/batches", get(batches::show))
        .route("/namespaces/{namespace}/batches/new", get(batches::new).post(batches::begin))
        .route("/namespaces/{namespace}/batches/{id}", get(batches::one))
        .route("/namespaces/{namespace}/batches/{id}/stop", post(batches::stop))
        .route("/namespaces/{namespace}/workflows/{id}", get(execution::newest))
        .route(RUN, get(execution::timeline::show))
        .route(&of_run("/history"), get(execution::history::show))
        .route(&of_run("/history.json"), get(execution::history::file))
        .route(&of_run("/data"), get(execution::data::show))
        .route(&of_run("/relations"), get(execution::relations::show))
        .route(&of_run("/live"), get(execution::live::show))
        .route(&of_run("/act/{action}"), get(action::show).post(action::act))
        .route("/namespaces/{namespace}/{*rest}", get(nothing))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(console.clone(), frame))
        .with_state(console)
}

/// Leads to the namespace that the console opens with.
async fn home(State(console): State<Arc<Console>>, visitor: Visitor) -> Answer {
    see(&format!("{}/workflows", link::namespace(&visitor.base, &console.settings.namespace)))
}

async fn namespace(
    State(_): State<Arc<Console>>,
    visitor: Visitor,
    axum::extract::Path(namespace): axum::extract::Path<String>,
) -> Answer {
    see(&format!("{}/workflows", link::namespace(&visitor.base, &namespace)))
}

async fn nothing(_: Visitor) -> Answer {
    Err(Failure::NoPage)
}

/// Puts the headers of safety on every answer, the cookie of forms where there is none, and a page in the place of a refusal.
async fn frame(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    let (request, visitor) = sign_in::of_request(&console, request);
    let mut response = next.run(request).await;
    let failure = response.extensions_mut().remove::<Failure>();
    if let Ok(visitor) = &visitor {
        if let Some(failure) = failure {
            response = instead(&console, visitor, &failure);
        }
        if visitor.tie.is_new {
            let (value, base) = (&visitor.tie.value, &visitor.base);
            let cookie = set_cookie(FORM_COOKIE, value, base, visitor.secure, "Lax", FORM_COOKIE_LASTS);
            sign_in::append(&mut response, &cookie);
        }
    }
    let headers = response.headers_mut();
    let safety: [(HeaderName, &'static str); 5] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (VARY, "cookie, x-forwarded-prefix"),
    ];
    safety.into_iter().for_each(|(name, value)| drop(headers.insert(name, HeaderValue::from_static(value))));
    response
}

/// The page in the place of a refusal: signing in where that is what lacks.
fn instead(console: &Console, visitor: &Visitor, failure: &Failure) -> Response {
    let page = match failure {
        Failure::NotSignedIn { path, .. } => {
            see(&format!("{}/login{}", visitor.base, link::query(&[("next", path.as_str())])))
        }
        failure => refused::show(console, visitor, failure),
    };
    page.unwrap_or_else(IntoResponse::into_response)
}
