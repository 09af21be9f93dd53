//! Requests of the Workflows API, by its document and beside it, into the router.

#![no_main]

use axum::body::Body;
use axum::http::Request;
use libfuzzer_sys::fuzz_target;
use ostro_fuzz::json::{ROUTES, Route, text, value};
use ostro_fuzz::source::Source;
use ostro_fuzz::world::{World, run};
use ostro_workflows_api::auth::Access;

/// Requests in one run, at most.
const REQUESTS_MAX: usize = 16;

fuzz_target!(|bytes: &[u8]| {
    run(async {
        let mut source = Source::new(bytes);
        let access = if source.rarely(4) { Access::KeyRequired } else { Access::Open };
        let world = World::start(access, false).await;
        for _ in 0..REQUESTS_MAX {
            if source.is_empty() {
                break;
            }
            if let Some(request) = request(&world, &mut source) {
                world.ask(request).await;
            }
        }
        world.end().await;
    });
});

fn request(world: &World, source: &mut Source<'_>) -> Option<Request<Body>> {
    let route = &ROUTES[source.below(ROUTES.len())];
    let method = if source.rarely(24) { "PUT" } else { route.method.as_str() };
    let mut request = Request::builder().method(method).uri(uri(route, source));
    if source.rarely(3) {
        let key = &world.keys[source.below(world.keys.len())];
        request = request.header("authorization", format!("Bearer {}", key.secret));
    }
    for name in ["x-ostro-namespace", "last-event-id", "origin", "host", "content-type", "accept"] {
        if source.rarely(12) {
            request = request.header(name, text(source));
        }
    }
    let body = match &route.body {
        _ if source.rarely(12) => source.raw(400).to_vec(),
        Some(schema) => value(schema, source, 0).to_string().into_bytes(),
        None => Vec::new(),
    };
    request = request.header("content-type", "application/json");
    request.body(body.into()).ok()
}

fn uri(route: &Route, source: &mut Source<'_>) -> String {
    let mut path = String::new();
    for part in route.path.split('/').skip(1) {
        path.push('/');
        path.push_str(&if part.starts_with('{') { escape(&text(source)) } else { part.to_owned() });
    }
    let mut sign = '?';
    for name in &route.query {
        if source.rarely(3) {
            path.push_str(&format!("{sign}{name}={}", escape(&text(source))));
            sign = '&';
        }
    }
    path
}

fn escape(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
