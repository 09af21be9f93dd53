//! A whole server with the Workflows API and its keys in this process, on a directory of its own.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use ostro_engine::invariants;
use ostro_server::{Config, Extension, Server};
use ostro_store::Inspector;
use ostro_wire::{Caller, Guard, Services};
use ostro_workflows_api::auth::{self, Access, EVERY_NAMESPACE, Grant, Role};
use ostro_workflows_api::records::SqliteRecords;
use ostro_workflows_api::{Api, Scheduler, Settings};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower_service::Service;

/// What an answer may take; who waits longer goes away, as clients do.
const PATIENCE: Duration = Duration::from_millis(250);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads can be started")
});

/// Runs a future of a fuzz target to its end.
pub fn run<F: Future>(work: F) -> F::Output {
    RUNTIME.block_on(work)
}

/// A key of the world: its text, and where it has which role.
pub struct Key {
    pub secret: String,
    pub namespace: &'static str,
    pub role: Role,
}

/// See the module.
pub struct World {
    server: Server,
    pub router: Router,
    pub guard: Arc<dyn Guard>,
    pub keys: Vec<Key>,
    api: Arc<Api>,
    directory: TempDir,
}

const KEYS: [(&str, Role); 5] = [
    ("default", Role::Reader),
    ("default", Role::Worker),
    ("other", Role::Operator),
    ("other", Role::Admin),
    (EVERY_NAMESPACE, Role::Reader),
];

impl World {
    /// With an HTTP listener where a target speaks through a socket.
    pub async fn start(access: Access, listens: bool) -> Self {
        let directory = directory();
        let records = SqliteRecords::open(&directory.path().join("workflows-api.db"), false).expect("a new file");
        let mut keys = Vec::new();
        for (namespace, role) in KEYS {
            let grants = vec![Grant { namespace: namespace.to_owned(), role }];
            let (_, secret) = auth::create(&records, "fuzz", grants).await.expect("a key can be made");
            keys.push(Key { secret, namespace, role });
        }
        let (mut made, records) = (None, Arc::new(records));
        let server = Server::start_with(config(&directory, listens), async |serving| {
            let settings = Settings {
                namespace: "default".to_owned(),
                access,
                nexus_callers: Default::default(),
                scheduler: Scheduler::At("localhost:7233".to_owned()),
                scheduler_tls: false,
                records_retention: None,
                retention_interval: Duration::from_secs(3600),
                throttle: None,
            };
            let api = Api::new(Caller::new(serving.services), records, settings).await?;
            let routes = ostro_workflows_api::router(made.insert(api).clone());
            Ok(Extension { routes, ..Default::default() })
        });
        let server = server.await.expect("a new directory serves");
        let api = made.expect("the server asked for it");
        Self { server, router: ostro_workflows_api::router(api.clone()), guard: api.guard(), keys, api, directory }
    }

    /// The services, as the network would reach them: with the guard.
    pub fn guarded(&self) -> Services {
        self.server.services().with_guard(self.guard.clone())
    }

    pub fn services(&self) -> Services {
        self.server.services()
    }

    pub fn http_address(&self) -> std::net::SocketAddr {
        self.server.http_address().expect("this world listens")
    }

    /// The answer to a request; `None` where it did not come in time. Panics on one that says that the server failed, or whose
    /// JSON is none.
    pub async fn ask(&self, request: Request<Body>) -> Option<StatusCode> {
        let said = format!("{} {}", request.method(), request.uri());
        let mut router = self.router.clone();
        let answer = tokio::time::timeout(PATIENCE, router.call(request)).await.ok()?.expect("a router does not fail");
        let (parts, body) = answer.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("text/event-stream") {
            return Some(parts.status);
        }
        let body = tokio::time::timeout(PATIENCE, body.collect()).await.ok()?.expect("a body").to_bytes();
        assert_ne!(parts.status, StatusCode::INTERNAL_SERVER_ERROR, "{said}: {body:?}");
        if kind.starts_with("application/json") {
            serde_json::from_slice::<serde_json::Value>(&body).unwrap_or_else(|error| panic!("{said}: {error} in {body:?}"));
        }
        Some(parts.status)
    }

    /// Ends the server, looks at what it wrote as `ostro doctor` does, and lets another begin with it.
    pub async fn end(self) {
        self.api.stop();
        let Self { server, directory, .. } = self;
        server.shutdown().await;
        look_at(&directory.path().join("ostro.db"));
        let again = Server::start(config(&directory, false)).await.expect("what was served serves again");
        again.shutdown().await;
    }
}

fn config(directory: &TempDir, listens: bool) -> Config {
    let mut config = Config {
        listen: None,
        http_listen: listens.then(|| ([127, 0, 0, 1], 0).into()),
        data: directory.path().to_owned(),
        durable: false,
        readers: 1,
        ..Config::default()
    };
    config.add_namespace("other");
    config
}

/// In memory, where the machine has such a place.
fn directory() -> TempDir {
    let place = std::path::Path::new("/dev/shm");
    let directory = if place.is_dir() { tempfile::tempdir_in(place) } else { tempfile::tempdir() };
    directory.expect("a directory can be made")
}

fn look_at(path: &std::path::Path) {
    let inspector = Inspector::open(path).expect("the file is a store");
    let look = |found: ostro_store::Found| match &found.content {
        Ok((run, told)) => invariants::check(run, told).map_err(|what| format!("{} {}: {what}", found.workflow_id, found.run_id)),
        Err(what) => Err(what.clone()),
    };
    let mut wrong = Vec::new();
    inspector.runs(|found| wrong.extend(look(found).err())).expect("all runs can be read");
    assert!(wrong.is_empty(), "{wrong:?}");
}
