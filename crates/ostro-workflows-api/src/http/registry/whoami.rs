//! What a worker asks first: where the engine is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use http::header::HOST;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::Refusals;
use crate::http::access::Worker;
use crate::service::api::{Api, Scheduler};

/// Where a worker polls for tasks, and what the API can do.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkerInfo {
    /// `host:port` of the engine's gRPC interface.
    scheduler_url: String,
    namespace: String,
    /// Whether the engine wants TLS.
    tls: bool,
    features: WorkerFeatures,
}

/// What the API can do for workers.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkerFeatures {
    /// Whether workers are to send graphs of their workflows. They are taken, but not asked for: a worker decides.
    upload_graph: Option<bool>,
    /// How events are to be sent: `v2` is a token for each run, and fewer bytes.
    events_api_version: Option<String>,
}

/// Tells a worker where the engine is and in which namespace it works.
#[utoipa::path(get, path = "/v1/workflows/workers/whoami", tag = "workers",
    responses((status = 200, body = WorkerInfo), Refusals))]
pub(crate) async fn whoami(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    headers: HeaderMap,
) -> Json<WorkerInfo> {
    let features = WorkerFeatures { upload_graph: Some(false), events_api_version: Some("v2".to_owned()) };
    let scheduler_url = scheduler(&api.settings.scheduler, &headers);
    let tls = api.settings.scheduler_tls;
    Json(WorkerInfo { scheduler_url, namespace: caller.namespace, tls, features })
}

fn scheduler(scheduler: &Scheduler, headers: &HeaderMap) -> String {
    match scheduler {
        Scheduler::At(address) => address.clone(),
        Scheduler::SameHost(port) => {
            let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("127.0.0.1");
            // The port behind the last colon, unless that colon is within an IPv6 address.
            let name = match host.rsplit_once(':') {
                Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
                _ => host,
            };
            format!("{name}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_sent_to_the_host_that_it_reached() {
        for (host, expected) in [
            ("api.example:8233", "api.example:7233"),
            ("[::1]:8233", "[::1]:7233"),
            ("[::1]", "[::1]:7233"),
            ("plain", "plain:7233"),
        ] {
            let headers = HeaderMap::from_iter([(HOST, host.parse().expect("a header"))]);
            assert_eq!(scheduler(&Scheduler::SameHost(7233), &headers), expected);
        }
    }
}
