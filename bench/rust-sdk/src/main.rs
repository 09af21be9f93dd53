//! How long and how much CPU an activity and a workflow take in the Rust SDK, and in plain `temporalio-sdk` beside it.
//!
//! Prints one line of JSON per row: wall and CPU time of this process (worker and client; with `--address embedded` the engine, too) in
//! microseconds for each local activity, regular activity or workflow.

mod ours;
mod plain;

use std::future::Future;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use serde_json::json;

/// Measures one SDK on one engine.
#[derive(Parser)]
struct Arguments {
    /// `embedded`, or host:port of an Ostro or a Temporal server.
    #[arg(long, default_value = "embedded")]
    address: String,
    /// Which SDK.
    #[arg(long, value_enum, default_value = "ostro")]
    sdk: Sdk,
    /// How the engine is called in the output.
    #[arg(long, default_value = "")]
    engine: String,
    /// Activities in one workflow, and workflows, that are measured.
    #[arg(long, default_value_t = 300)]
    count: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Sdk {
    Ostro,
    Temporalio,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Wall and CPU time.
struct Spent {
    wall: Duration,
    cpu: Duration,
}

async fn measure<E>(work: impl Future<Output = Result<(), E>>) -> Result<Spent, E> {
    let (started, before) = (Instant::now(), cpu());
    work.await?;
    Ok(Spent { wall: started.elapsed(), cpu: cpu() - before })
}

/// CPU time of this process so far.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    // Fields 14 and 15 of proc(5), in hundredths of a second.
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

fn report(arguments: &Arguments, row: &str, spent: &Spent, count: u32) {
    let per = |time: Duration| (time.as_secs_f64() * 1e6 / f64::from(count) * 10.0).round() / 10.0;
    let sdk = match arguments.sdk {
        Sdk::Ostro => "ostro",
        Sdk::Temporalio => "temporalio-sdk",
    };
    let engine = if arguments.engine.is_empty() { &arguments.address } else { &arguments.engine };
    let line = json!({
        "sdk": sdk, "engine": engine, "row": row, "count": count,
        "wall_us": per(spent.wall), "cpu_us": per(spent.cpu),
    });
    println!("{line}");
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    match arguments.sdk {
        Sdk::Ostro => ours::run(&arguments).await?,
        Sdk::Temporalio => plain::run(&arguments).await?,
    }
    Ok(())
}
