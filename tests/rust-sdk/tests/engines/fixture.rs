//! The engines.

use std::future::Future;

use ostro::{Ostro, Result, WorkerBuilder};
use ostro_server::{Config, Server};
use tempfile::TempDir;

use crate::histories;

/// `host:port` of a Temporal server. Those tests are ignored unless asked for: `make rust-on-temporal` brings one.
const TEMPORAL: &str = "OSTRO_TEST_TEMPORAL";

#[derive(Clone, Copy, PartialEq)]
pub enum Engine {
    Embedded,
    Tcp,
    Temporal,
}

pub struct Fixture {
    pub ostro: Ostro,
    pub engine: Engine,
    server: Option<Server>,
    directory: TempDir,
}

impl Fixture {
    async fn open(engine: Engine) -> Result<Self> {
        let directory = TempDir::new()?;
        let queue = format!("test-{}", uuid::Uuid::new_v4());
        let builder = Ostro::builder().task_queue(queue);
        let (builder, server) = match engine {
            Engine::Embedded => (builder.file(directory.path().join("test.db")), None),
            Engine::Tcp => {
                let listen = Some("127.0.0.1:0".parse()?);
                let config =
                    Config { data: directory.path().to_owned(), listen, http_listen: None, ..Config::default() };
                let server = Server::start(config).await?;
                let address = server.grpc_address().expect("it listens").to_string();
                (builder.address(&address)?, Some(server))
            }
            Engine::Temporal => {
                let address = std::env::var(TEMPORAL).expect("OSTRO_TEST_TEMPORAL=host:port of a Temporal server");
                (builder.address(&address)?, None)
            }
        };
        Ok(Self { ostro: builder.open().await?, engine, server, directory })
    }

    /// A worker that forgets a workflow after each task shows what does not replay.
    pub fn worker(&self) -> WorkerBuilder {
        self.ostro.worker()
    }

    /// An id that no other test uses.
    pub fn id(&self, name: &str) -> String {
        format!("{name}-{}", uuid::Uuid::new_v4())
    }

    /// Runs `test` with a worker that remembers workflows, and with one that does not.
    pub async fn cached_and_not<F: Future<Output = ()>>(&self, test: impl Fn() -> F) {
        for cached in [100, 0] {
            let worker = self.worker().max_cached_workflows(cached).spawn().expect("a worker");
            test().await;
            worker.shutdown().await.expect("an orderly end");
        }
    }

    async fn close(self) {
        self.ostro.shutdown().await;
        if let Some(server) = self.server {
            server.shutdown().await;
        }
        drop(self.directory);
    }
}

/// Runs `test`, which has this name, on an engine. What it left in histories on the reference server is compared with what it
/// leaves on an Ostro server over TCP.
pub fn run<F: Future<Output = ()>>(engine: Engine, name: &str, test: impl FnOnce(std::sync::Arc<Fixture>) -> F) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime");
    let left = runtime.block_on(async {
        let fixture = std::sync::Arc::new(Fixture::open(engine).await.expect("an engine"));
        let limit = std::time::Duration::from_secs(60);
        tokio::time::timeout(limit, test(fixture.clone())).await.expect("the test ends within a minute");
        let is_compared = engine == Engine::Temporal || std::env::var(histories::WRITE_TO).is_ok();
        let left = match is_compared {
            true => Some(histories::collect(&fixture.ostro).await.expect("the histories of the test")),
            false => None,
        };
        if let Ok(fixture) = std::sync::Arc::try_unwrap(fixture).map_err(drop) {
            fixture.close().await;
        }
        left
    });
    let Some(left) = left else { return };
    match std::env::var(histories::WRITE_TO) {
        Ok(file) => std::fs::write(file, serde_json::to_vec(&left).expect("JSON")).expect("a file to write to"),
        Err(_) => {
            let (_, module) = name.split_once("::").expect("a test in a module");
            histories::compare(&format!("{module}::tcp"), &left);
        }
    }
}

/// Defines each test once for each engine.
macro_rules! on_every_engine {
    ($($(#[$meta:meta])* async fn $name:ident($fixture:ident) $body:block)*) => {
        $(mod $name {
            #[allow(unused_imports)]
            use super::*;
            use $crate::fixture::{Engine, run};

            async fn test($fixture: std::sync::Arc<$crate::fixture::Fixture>) $body

            #[test]
            fn embedded() {
                run(Engine::Embedded, module_path!(), test);
            }
            #[test]
            fn tcp() {
                run(Engine::Tcp, module_path!(), test);
            }
            #[test]
            #[ignore = "needs a Temporal server: make rust-on-temporal"]
            fn temporal() {
                run(Engine::Temporal, module_path!(), test);
            }
        })*
    };
}
pub(crate) use on_every_engine;
