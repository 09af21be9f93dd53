//! Load for a server, from a worker and a client of plain protocol that cost little themselves. Prints a line of JSON.
//!
//! ```text
//! ostro-load --address 127.0.0.1:7233 --server-pid 4711 activities --workflows 16 --activities 1000
//! ostro-load --data /tmp/data fill --kind closed --count 1000000
//! ```

mod cost;
mod fill;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::{Parser, Subcommand};
use ostro_load::messages;
use ostro_server::{Config, Server};
use ostro_wire::{Caller, Client};
use serde_json::{Value, json};
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_protos::temporal::api::workflowservice::v1::CountWorkflowExecutionsRequest;
use tonic::Status;

use cost::{Mark, Process};
use fill::Kind;
use mimalloc::MiMalloc;
use worker::{Shape, Worker};

/// As in the binary `ostro`, whose place this program can take.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Calls that wait for work, of each kind.
const POLLERS: usize = 16;

#[derive(Parser)]
#[command(about, long_about = None)]
struct Arguments {
    /// host:port of a server. Without it this process runs one.
    #[arg(long)]
    address: Option<String>,
    /// Where the server within this process keeps its data.
    #[arg(long, default_value = "./.ostro-load")]
    data: PathBuf,
    /// The process whose CPU and memory are told beside this one's.
    #[arg(long)]
    server_pid: Option<u32>,
    #[command(subcommand)]
    work: Work,
}

#[derive(Subcommand)]
enum Work {
    /// Workflows of activities one after the other.
    Activities {
        /// How many at once.
        #[arg(long, default_value_t = 1)]
        in_flight: usize,
        /// How many in all.
        #[arg(long, default_value_t = 1)]
        workflows: usize,
        /// Activities of each.
        #[arg(long, default_value_t = 1000)]
        activities: usize,
        /// Activities wait on their queue instead of going to the worker with the answer that scheduled them.
        #[arg(long)]
        queued: bool,
        /// Tells the first and the last activities of the whole by themselves: this many each.
        #[arg(long, default_value_t = 0)]
        ends: usize,
    },
    /// Makes executions.
    Fill {
        #[arg(long, value_enum)]
        kind: Kind,
        #[arg(long, default_value_t = 1_000_000)]
        count: usize,
        #[arg(long, default_value_t = 256)]
        in_flight: usize,
    },
    /// Reads a page of the list of executions, again and again.
    List {
        #[arg(long, default_value = "")]
        query: String,
        #[arg(long, default_value_t = 100)]
        page_size: i32,
        #[arg(long, default_value_t = 20)]
        times: usize,
    },
    /// Serves until it is killed.
    Serve {
        #[arg(long)]
        listen: std::net::SocketAddr,
    },
    /// Counts executions, again and again.
    Count {
        #[arg(long, default_value = "")]
        query: String,
        #[arg(long, default_value_t = 20)]
        times: usize,
    },
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    if let Work::Serve { listen } = arguments.work {
        let config = Config { listen: Some(listen), http_listen: None, data: arguments.data, ..Config::default() };
        let _server = Server::start(config).await?;
        return std::future::pending().await;
    }
    let (caller, within) = match &arguments.address {
        Some(address) => (Caller::new(Client::connect(address.as_str()).await?), None),
        None => {
            let data = arguments.data.clone();
            let search_attributes = vec![(fill::CUSTOMER.to_owned(), IndexedValueType::Keyword)];
            let quiet = Config { listen: None, http_listen: None, ..Config::default() };
            let server = Server::start(Config { data, search_attributes, ..quiet }).await?;
            (Caller::new(server.services()), Some(server))
        }
    };
    let server = arguments.server_pid.map(Process::of);
    let seen = run(arguments.work, caller, server.clone()).await?;
    println!("{}", with_memory(seen, server.as_ref()));
    if let Some(server) = within {
        server.shutdown().await;
    }
    Ok(())
}

async fn run(work: Work, caller: Caller, server: Option<Process>) -> Result<Value, Status> {
    match work {
        Work::Activities { in_flight, workflows, activities, queued, ends } => {
            let shape = Shape { activities, eager: !queued };
            sequences(caller, shape, workflows, in_flight, ends, server).await
        }
        Work::Fill { kind, count, in_flight } => {
            let before = Mark::now(server.as_ref());
            fill::fill(caller, kind, count, in_flight).await?;
            Ok(spent(&before, &Mark::now(server.as_ref()), count))
        }
        Work::List { query, page_size, times } => {
            let read = || async {
                let request = messages::list(&query, page_size);
                let page = caller.ask(&request).await?;
                Ok::<i64, Status>(page.executions.len() as i64)
            };
            repeat(times, server, read).await
        }
        Work::Serve { .. } => unreachable!("served above"),
        Work::Count { query, times } => {
            let read = || async {
                let (namespace, query) = (messages::NAMESPACE.to_owned(), query.clone());
                let request = CountWorkflowExecutionsRequest { namespace, query };
                let count = caller.ask(&request).await?;
                Ok::<i64, Status>(count.count)
            };
            repeat(times, server, read).await
        }
    }
}

async fn sequences(
    caller: Caller,
    shape: Shape,
    workflows: usize,
    in_flight: usize,
    ends: usize,
    server: Option<Process>,
) -> Result<Value, Status> {
    let total = workflows * shape.activities;
    // The first ones are warm-up.
    let marks = if ends == 0 { vec![] } else { vec![8, 8 + ends, total - 1 - ends, total - 1] };
    let worker = Worker::new(caller, shape, marks, server.clone());
    worker.poll(POLLERS.max(in_flight / 8));
    let before = Mark::now(server.as_ref());
    let gate = Arc::new(tokio::sync::Semaphore::new(in_flight));
    let mut all = Vec::with_capacity(workflows);
    for _ in 0..workflows {
        let permit = gate.clone().acquire_owned().await.map_err(|error| Status::internal(error.to_string()))?;
        let worker = worker.clone();
        all.push(tokio::spawn(async move {
            let result = worker.execute().await;
            drop(permit);
            result
        }));
    }
    for one in all {
        one.await.map_err(|error| Status::internal(error.to_string()))??;
    }
    let mut seen = spent(&before, &Mark::now(server.as_ref()), total);
    seen["wall_us_per_workflow"] = json!(before.at.elapsed().as_secs_f64() * 1e6 / workflows as f64);
    if let [first, second, third, fourth] = worker.marks()[..] {
        seen["first"] = spent(&first, &second, ends);
        seen["last"] = spent(&third, &fourth, ends);
    }
    Ok(seen)
}

/// Wall times of a read in milliseconds: the median and the worst.
async fn repeat<F>(times: usize, server: Option<Process>, read: impl Fn() -> F) -> Result<Value, Status>
where
    F: Future<Output = Result<i64, Status>>,
{
    let before = Mark::now(server.as_ref());
    let (mut seen, mut found) = (Vec::with_capacity(times), 0);
    for _ in 0..times.max(1) {
        let began = Instant::now();
        found = read().await?;
        seen.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let mut value = spent(&before, &Mark::now(server.as_ref()), times);
    seen.sort_by(f64::total_cmp);
    value["found"] = json!(found);
    value["median_ms"] = json!(seen[seen.len() / 2]);
    value["worst_ms"] = json!(seen[seen.len() - 1]);
    Ok(value)
}

fn spent(before: &Mark, after: &Mark, count: usize) -> Value {
    let [wall, server, own] = after.since(before, count);
    json!({ "count": count, "wall_us": wall, "server_cpu_us": server, "driver_cpu_us": own })
}

fn with_memory(mut seen: Value, server: Option<&Process>) -> Value {
    if let Some(server) = server {
        seen["server_rss_mib"] = json!(server.rss_mib());
        seen["server_rss_mib_max"] = json!(server.rss_mib_max());
    }
    seen["driver_rss_mib_max"] = json!(Process::own().rss_mib_max());
    seen
}
