//! How long and how much CPU an activity and a workflow take in the Rust SDK, and in plain `temporalio-sdk` beside it.
//!
//! With `--json` one line for each row: wall and CPU time of this process (worker and client; with `--address embedded` the engine,
//! too) in microseconds for each activity or workflow. `bench/rust-sdk/run.py` runs it on all engines side by side.

mod disk;
mod ours;
mod plain;
mod process;
mod rows;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use mimalloc::MiMalloc;

/// What programs that care would take, under both SDKs.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures one SDK on one engine.
#[derive(Parser, Clone)]
struct Arguments {
    /// `embedded`, or host:port of an Ostro or a Temporal server.
    #[arg(long, default_value = "embedded")]
    address: String,
    /// Which SDK.
    #[arg(long, value_enum, default_value = "ostro")]
    sdk: Sdk,
    /// How the engine is called in the output. Default: the address.
    #[arg(long, default_value = "")]
    engine: String,
    /// Where an embedded engine keeps its data, and whose disk is probed.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    directory: PathBuf,
    /// What is measured: all but `memory` where nothing is named.
    #[arg(long, value_enum, value_delimiter = ',')]
    rows: Vec<Row>,
    /// Regular activities of one workflow, one after the other.
    #[arg(long, default_value_t = 1000)]
    regular: u32,
    /// Local activities of one workflow, one after the other.
    #[arg(long, default_value_t = 10_000)]
    local: u32,
    /// Workflows without activities, one after the other.
    #[arg(long, default_value_t = 500)]
    empty: u32,
    /// Workflows of one activity, `--in-flight` at a time.
    #[arg(long, default_value_t = 10_000)]
    workflows: u32,
    #[arg(long, default_value_t = 256)]
    in_flight: usize,
    /// Activities over which the memory row looks at the memory of this process, at each tenth.
    #[arg(long, default_value_t = 1_000_000)]
    memory: u32,
    /// Lines of JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Sdk {
    Ostro,
    Temporalio,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Row {
    Regular,
    Local,
    Empty,
    Workflows,
    /// The memory of this process over many regular activities.
    Memory,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = Arguments::parse();
    if arguments.rows.is_empty() {
        arguments.rows = vec![Row::Regular, Row::Local, Row::Empty, Row::Workflows];
    }
    match arguments.sdk {
        Sdk::Ostro => ours::run(&arguments).await?,
        Sdk::Temporalio => plain::run(&arguments).await?,
    }
    Ok(())
}
