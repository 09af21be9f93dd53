//! Worker processes killed in the middle of things, on an Ostro server over TCP and on the reference server.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ostro::workflow::{WorkflowCall, WorkflowFn};
use ostro::{Ostro, WorkflowHandle};
use ostro_server::{Config, Server};
use tempfile::TempDir;

/// `host:port` of a Temporal server. Those tests are ignored unless asked for: `make rust-on-temporal` brings one.
const TEMPORAL: &str = "OSTRO_TEST_TEMPORAL";

struct Cluster {
    /// Nothing where the server is another's.
    _server: Option<Server>,
    address: String,
    ostro: Ostro,
    directory: TempDir,
}

/// The workflows of the worker process, as a client sees them.
macro_rules! remote {
    ($($name:ident = $registered:literal ($($argument:ident: $kind:ty),*) -> $output:ty;)*) => {
        $(
            #[ostro::workflow(name = $registered)]
            async fn $name($($argument: $kind),*) -> ostro::Result<$output> {
                $(let _ = $argument;)*
                unimplemented!("another process runs it")
            }
        )*
    };
}
remote! {
    killed_session = "killed-session"(steps: u32) -> Vec<u32>;
    killed_local = "killed-local"(calls: u32) -> u32;
    killed_heartbeat = "killed-heartbeat"(total: u32) -> (u32, u32);
    isolates = "isolates"(abort_below: u32) -> (u32, u32);
}

impl Cluster {
    async fn of_ostro() -> Self {
        let directory = TempDir::new().unwrap();
        let config = Config {
            data: directory.path().join("data"),
            listen: Some("127.0.0.1:0".parse().unwrap()),
            http_listen: None,
            ..Config::default()
        };
        let server = Server::start(config).await.unwrap();
        let address = server.grpc_address().unwrap().to_string();
        Self::at(address, Some(server), directory).await
    }

    async fn of_temporal() -> Self {
        let address = std::env::var(TEMPORAL).expect("OSTRO_TEST_TEMPORAL=host:port of a Temporal server");
        Self::at(address, None, TempDir::new().unwrap()).await
    }

    async fn at(address: String, server: Option<Server>, directory: TempDir) -> Self {
        let queue = format!("killed-{}", uuid::Uuid::new_v4());
        let ostro = Ostro::builder().address(&address).unwrap().task_queue(queue).open().await.unwrap();
        Self { _server: server, address, ostro, directory }
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn worker(&self) -> Worker {
        Worker(spawn(&["serve"], &self.address, self.ostro.task_queue(), &self.log()))
    }

    async fn start_workflow<W: WorkflowFn>(&self, call: WorkflowCall<W>) -> WorkflowHandle<W> {
        call.start(&self.ostro).await.unwrap()
    }

    /// The lines of the log, with who wrote each, once one holds `text`.
    async fn wait_for(&self, text: &str) -> Vec<(u32, String)> {
        wait_for(&self.log(), text).await
    }
}

async fn wait_for(log: &std::path::Path, text: &str) -> Vec<(u32, String)> {
    let started = Instant::now();
    loop {
        let lines = read(log);
        if lines.iter().any(|(_, line)| line.contains(text)) {
            return lines;
        }
        assert!(started.elapsed() < Duration::from_secs(40), "no line with {text:?} in {lines:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn read(log: &std::path::Path) -> Vec<(u32, String)> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let line = |line: &str| line.split_once(' ').map(|(pid, line)| (pid.parse().unwrap(), line.to_owned()));
    text.lines().filter_map(line).collect()
}

fn spawn(arguments: &[&str], address: &str, queue: &str, log: &std::path::Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sdk-worker"))
        .args(arguments)
        .env("OSTRO_ADDRESS", address)
        .env("DEPLOYMENT_NAME", queue)
        .env("OSTRO_TEST_LOG", log)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A process that is killed at the end of the test.
struct Worker(Child);

impl Worker {
    fn id(&self) -> u32 {
        self.0.id()
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lines(log: &[(u32, String)], text: &str) -> usize {
    log.iter().filter(|(_, line)| line.contains(text)).count()
}

/// Defines each test once for each server.
macro_rules! on_both_servers {
    ($(async fn $name:ident($cluster:ident) $body:block)*) => {
        $(mod $name {
            use super::*;

            async fn test($cluster: Cluster) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn ostro() {
                test(Cluster::of_ostro().await).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs a Temporal server: make rust-on-temporal"]
            async fn temporal() {
                test(Cluster::of_temporal().await).await;
            }
        })*
    };
}

on_both_servers! {
    async fn a_session_moves_to_a_living_worker_and_is_told(cluster) {
        let mut workers = [cluster.worker(), cluster.worker()];
        let handle = cluster.start_workflow(killed_session(6)).await;
        let log = cluster.wait_for("step 2").await;
        let first = log[0].0;
        let killed = Instant::now();
        workers.iter_mut().find(|worker| worker.id() == first).unwrap().kill();

        let steps = handle.result().await.unwrap();
        let moved_after = killed.elapsed();
        let other = workers.iter().map(Worker::id).find(|id| *id != first).unwrap();
        assert_eq!(steps[..2], [first, first]);
        assert_eq!(steps[2..], [other; 4]);
        let log = read(&cluster.log());
        // Told once: the call that was running when the worker died, on the worker that has it now.
        assert_eq!(lines(&log, "cold true"), 1, "{log:?}");
        assert_eq!(lines(&log, "load"), 2, "{log:?}");
        assert_eq!((lines(&log, "step 1 "), lines(&log, "step 2 "), lines(&log, "step 3 ")), (1, 2, 1), "{log:?}");
        assert!(moved_after < Duration::from_secs(25), "{moved_after:?}");
    }

    async fn a_local_activity_runs_again_where_its_task_goes(cluster) {
        let mut worker = cluster.worker();
        let handle = cluster.start_workflow(killed_local(4)).await;
        cluster.wait_for("local 1").await;
        worker.kill();
        let _next = cluster.worker();
        assert_eq!(handle.result().await.unwrap(), 6);
        let log = read(&cluster.log());
        // What was not in the history when the worker died ran twice, the rest once.
        let runs: Vec<usize> = (0..4).map(|number| lines(&log, &format!("local {number}"))).collect();
        assert!((1..=2).contains(&runs[0]) && runs[1..] == [2, 1, 1], "{log:?}");
    }

    async fn a_heartbeating_activity_goes_on_from_its_last_heartbeat(cluster) {
        let mut worker = cluster.worker();
        let handle = cluster.start_workflow(killed_heartbeat(12)).await;
        cluster.wait_for("beat 8").await;
        worker.kill();
        let _next = cluster.worker();
        let (attempt, from) = handle.result().await.unwrap();
        assert_eq!(attempt, 2);
        // The last heartbeat that left the worker: at most 0.8 x heartbeat_timeout old.
        assert!((3..=9).contains(&from), "went on from {from}");
    }

    async fn an_activity_in_a_process_of_its_own_crashes_alone(cluster) {
        let worker = cluster.worker();
        let (attempt, process) = cluster.start_workflow(isolates(3)).await.result().await.unwrap();
        assert_eq!(attempt, 3);
        assert_ne!(process, worker.id());
        let log = read(&cluster.log());
        assert_eq!(lines(&log, "isolated"), 3);
        assert!(log.iter().all(|(process, _)| *process != worker.id()), "{log:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_engine_goes_on_after_its_process_was_killed() {
    let directory = TempDir::new().unwrap();
    let (file, log) = (directory.path().join("own.db"), directory.path().join("log"));
    let file = file.to_string_lossy().into_owned();
    let mut first = Worker(spawn(&["own"], &file, "own", &log));
    wait_for(&log, "local 1").await;
    first.kill();
    let second = spawn(&["own"], &file, "own", &log);
    let output = tokio::task::spawn_blocking(move || second.wait_with_output().unwrap()).await.unwrap();
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.contains("result 6"), "{output}");
    assert_eq!(lines(&read(&log), "local 3"), 1);
}
