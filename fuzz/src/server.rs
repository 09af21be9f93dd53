//! A whole server in this process, on a directory and a clock of its own, and a run of calls to it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use ostro_engine::call::ResolveNamespace;
use ostro_engine::invariants;
use ostro_engine::time::{DAY, MINUTE, SECOND, Time};
use ostro_server::clock::Clock;
use ostro_server::{Config, Server};
use ostro_store::Inspector;
use ostro_wire::{BoxFuture, CallContext};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::message::{Learned, message};
use crate::source::Source;
use crate::words::FREQUENT;

/// Calls in one run, at most.
const CALLS_MAX: usize = 60;
/// The code of an error of the server's own.
const INTERNAL: i32 = 13;

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(ostro_wire::DESCRIPTORS).expect("they were compiled"));

/// Every method that is served.
pub static METHODS: LazyLock<Vec<MethodDescriptor>> = LazyLock::new(|| {
    let served = ostro_wire::methods().filter(|(service, _)| !service.contains("grpc."));
    served
        .filter_map(|(service, method)| {
            POOL.get_service_by_name(service)?.methods().find(|found| found.name() == method)
        })
        .collect()
});

static FREQUENTLY: LazyLock<Vec<MethodDescriptor>> = LazyLock::new(|| {
    let find = |name: &&str| METHODS.iter().find(|method| method.name() == *name).cloned();
    FREQUENT.iter().map(|name| find(name).expect("a method of the protocol")).collect()
});

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads can be started")
});

/// A type of Temporal's protocol by its full name.
pub fn descriptor(name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(name).expect("a type of the protocol")
}

struct Moved(AtomicI64);

impl Clock for Moved {
    fn now(&self) -> Time {
        Time::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

type Answered = BoxFuture<(MethodDescriptor, Option<Bytes>)>;

/// Runs the calls that `bytes` stand for. Panics where anything of the server does, where an answer is INTERNAL or does
/// not decode, and where the data is unsound afterwards, or does not open again.
pub fn run(bytes: &[u8]) {
    let directory = directory();
    let clock = Arc::new(Moved(AtomicI64::new(1_800_000_000 * SECOND.nanos())));
    RUNTIME.block_on(async {
        serve(&directory, &clock, bytes).await;
        look_at(&directory.path().join("ostro.db"));
        let again = Server::start_with_clock(config(&directory), clock).await.expect("what was served serves again");
        again.shutdown().await;
    });
}

/// A store's file after the calls that `bytes` stand for.
pub fn file_after(bytes: &[u8]) -> Vec<u8> {
    let directory = directory();
    let clock = Arc::new(Moved(AtomicI64::new(1_800_000_000 * SECOND.nanos())));
    RUNTIME.block_on(serve(&directory, &clock, bytes));
    std::fs::read(directory.path().join("ostro.db")).expect("the server wrote it")
}

async fn serve(directory: &TempDir, clock: &Arc<Moved>, bytes: &[u8]) {
    let server = Server::start_with_clock(config(directory), clock.clone()).await.expect("a new directory serves");
    calls(&server, clock, &mut Source::new(bytes)).await;
    server.shutdown().await;
}

/// In memory, where the machine has such a place.
fn directory() -> TempDir {
    let place = std::path::Path::new("/dev/shm");
    let directory = if place.is_dir() { tempfile::tempdir_in(place) } else { tempfile::tempdir() };
    directory.expect("a directory can be made")
}

fn config(directory: &TempDir) -> Config {
    Config {
        listen: None,
        http_listen: None,
        data: directory.path().to_owned(),
        durable: false,
        readers: 1,
        ..Config::default()
    }
}

async fn calls(server: &Server, clock: &Moved, source: &mut Source<'_>) {
    let (mut learned, mut waiting) = (Learned::default(), FuturesUnordered::<Answered>::new());
    for _ in 0..CALLS_MAX {
        if source.is_empty() {
            break;
        }
        match source.byte() {
            240..=249 => {
                let span = [SECOND / 10, SECOND, 5 * SECOND, MINUTE, 20 * MINUTE, DAY][source.below(6)];
                clock.0.fetch_add(span.nanos(), Ordering::Relaxed);
                server.engine().wake();
            }
            first => {
                let method = match first {
                    250.. => &METHODS[source.below(METHODS.len())],
                    _ => &FREQUENTLY[usize::from(first) % FREQUENTLY.len()],
                };
                let request = request(method, source, &learned);
                waiting.push(call(server, method.clone(), request));
            }
        }
        settle(server, &mut waiting, &mut learned).await;
    }
}

/// Polls what waits until the engine has done all that was asked.
async fn settle(server: &Server, waiting: &mut FuturesUnordered<Answered>, learned: &mut Learned) {
    // A first look, so that the call just made is on its way before the one that tells its end.
    look(waiting, learned);
    let barrier = server.engine().call(ResolveNamespace { namespace: "default".to_owned() });
    drop(barrier.await);
    look(waiting, learned);
}

fn look(waiting: &mut FuturesUnordered<Answered>, learned: &mut Learned) {
    while let Some(Some((method, answer))) = waiting.next().now_or_never() {
        let Some(answer) = answer else { continue };
        let answer = DynamicMessage::decode(method.output(), answer).expect("an answer decodes");
        learned.learn(&answer);
    }
}

fn request(method: &MethodDescriptor, source: &mut Source<'_>, learned: &Learned) -> Bytes {
    if source.rarely(32) {
        source.raw(200).to_vec().into()
    } else {
        message(&method.input(), source, learned).encode_to_vec().into()
    }
}

fn call(server: &Server, method: MethodDescriptor, request: Bytes) -> Answered {
    let service = method.parent_service().full_name().to_owned();
    let answer = server.services().call(&service, method.name(), CallContext::in_process(), request.clone());
    Box::pin(async move {
        let answer = match answer.await {
            Ok(answer) => Some(answer),
            Err(status) => {
                let damaged =
                    status.code() as i32 == INTERNAL && !status.message().starts_with("grpc: error unmarshalling");
                assert!(!damaged, "{} answered {status:?} to {request:?}", method.name());
                None
            }
        };
        (method, answer)
    })
}

/// What `ostro doctor` looks at.
fn look_at(path: &std::path::Path) {
    let inspector = Inspector::open(path).expect("the file is a store");
    let wrong = |found: &ostro_store::Found, what: String| panic!("{} {}: {what}", found.workflow_id, found.run_id);
    inspector
        .runs(|found| match &found.content {
            Ok((run, told)) => {
                if let Err(what) = invariants::check(run, told) {
                    wrong(&found, what);
                }
            }
            Err(what) => wrong(&found, what.clone()),
        })
        .expect("all runs can be read");
}
