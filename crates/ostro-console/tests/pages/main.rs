//! Every page from fixed data, as HTML: what changes in one is looked at (`cargo insta review`).

mod fixed;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, to_bytes};
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{Request, Response, StatusCode};
use ostro_console::{Console, Settings, router};
use ostro_wire::{Caller, Services};
use tower::ServiceExt;

/// When the pages are looked at: two minutes after the fixed executions began.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(fixed::BEGAN as u64 + 120)
}

fn console() -> Router {
    let services = Services::new(Arc::new(fixed::Fixed)).with_operator(Arc::new(fixed::Fixed));
    let settings =
        Settings { namespace: "default".into(), guard: None, throttle: None, tls: false, now, version: "0.0.0" };
    router(Console::new(Caller::new(services), settings).expect("random bytes"))
}

async fn get(path: &str) -> Response<Body> {
    let request = Request::get(path).header(COOKIE, "ostro_form=fixed").body(Body::empty()).expect("a request");
    console().oneshot(request).await.expect("an answer")
}

/// What is within `<main>`, without the token, which is another each time, and without empty lines.
async fn main_of(path: &str) -> String {
    let response = get(path).await;
    let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    let html = String::from_utf8(body.to_vec()).expect("text");
    let inner = html.split_once("<main").and_then(|(_, rest)| rest.split_once("</main>")).expect("a main").0;
    let lines = inner.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
    lines.map(without_token).collect::<Vec<_>>().join("\n")
}

fn without_token(line: &str) -> String {
    const BEFORE: &str = "name=\"token\" value=\"";
    match line.split_once(BEFORE) {
        Some((before, after)) => format!("{before}{BEFORE}TOKEN{}", &after[after.find('"').unwrap_or(0)..]),
        None => line.to_owned(),
    }
}

#[tokio::test]
async fn pages_are_as_they_were_looked_at() {
    for (name, path) in [
        ("executions", "/namespaces/default/workflows?status=Failed&columns=Customer"),
        ("timeline", "/namespaces/default/workflows/order-1/run-1"),
        ("history", "/namespaces/default/workflows/order-1/run-1/history"),
        ("history_full", "/namespaces/default/workflows/order-1/run-1/history?view=full"),
        ("data", "/namespaces/default/workflows/order-1/run-1/data"),
        ("relations", "/namespaces/default/workflows/order-1/run-1/relations"),
        ("signal", "/namespaces/default/workflows/order-1/run-1/act/signal"),
        ("terminate", "/namespaces/default/workflows/order-1/run-1/act/terminate"),
        ("reset", "/namespaces/default/workflows/order-1/run-1/act/reset"),
        ("start", "/namespaces/default/start"),
        ("waits", "/namespaces/default/waits"),
        ("inputs", "/namespaces/default/inputs"),
        ("sign_in", "/login?next=/namespaces/default/workflows"),
        ("no_page", "/namespaces/default/nothing"),
    ] {
        insta::assert_snapshot!(name, main_of(path).await);
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_of_safety() {
    for (path, status) in [
        ("/", StatusCode::SEE_OTHER),
        ("/assets/console.css", StatusCode::OK),
        ("/assets/nothing.css", StatusCode::NOT_FOUND),
        ("/namespaces/default/workflows", StatusCode::OK),
        ("/namespaces/default/nothing", StatusCode::NOT_FOUND),
        ("/namespaces/default/schedules", StatusCode::NOT_IMPLEMENTED),
    ] {
        let answer = get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
    }
}

#[tokio::test]
async fn a_change_without_the_token_of_a_form_is_refused() {
    let path = "/namespaces/default/workflows/order-1/run-1/act/terminate";
    for body in ["", "token=", "token=0000", "reason=x"] {
        let request = Request::post(path).header(COOKIE, "ostro_form=fixed").body(Body::from(body)).expect("a request");
        let answer = console().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{body}");
    }
}

#[tokio::test]
async fn a_browser_gets_the_cookie_that_its_forms_are_tied_to_and_keeps_it() {
    let bare = Request::get("/login").body(Body::empty()).expect("a request");
    let answer = console().oneshot(bare).await.expect("an answer");
    let cookie = answer.headers()[SET_COOKIE].to_str().expect("text");
    assert!(
        cookie.starts_with("ostro_form=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert!(get("/login").await.headers().get(SET_COOKIE).is_none());
}

#[tokio::test]
async fn the_first_page_is_that_of_the_namespace_and_a_prefix_goes_before_all_addresses() {
    assert_eq!(get("/").await.headers()[LOCATION], "/namespaces/default/workflows");
    let request = Request::get("/").header("x-forwarded-prefix", "/ostro").body(Body::empty()).expect("a request");
    let answer = console().oneshot(request).await.expect("an answer");
    assert_eq!(answer.headers()[LOCATION], "/ostro/namespaces/default/workflows");
}
