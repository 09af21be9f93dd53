//! Exports of telemetry: protobuf, JSON, gzipped or not, of every signal.

#![no_main]

use std::io::Write;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use libfuzzer_sys::fuzz_target;
use ostro_fuzz::world::{World, run};
use ostro_workflows_api::auth::Access;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let signal = ["traces", "logs", "metrics"][usize::from(kind % 3)];
    let content_type = if kind & 4 == 0 { "application/x-protobuf" } else { "application/json" };
    let request = Request::post(format!("/telemetry/v1/{signal}")).header("content-type", content_type);
    let request = match (kind >> 3) % 3 {
        0 => request.body(Body::from(rest.to_vec())),
        1 => request.header("content-encoding", "gzip").body(Body::from(zipped(rest))),
        _ => request.header("content-encoding", "gzip").body(Body::from(rest.to_vec())),
    };
    run(async {
        let world = World::start(Access::Open, false).await;
        let status = world.ask(request.expect("a request")).await;
        if status == Some(StatusCode::OK) {
            // What was taken can be read.
            for path in ["/v1/workflows/logs", "/v1/workflows/metrics", "/v1/workflows/traces"] {
                world.ask(Request::get(path).body(Body::empty()).expect("a request")).await;
            }
        }
        world.end().await;
    });
});

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}
