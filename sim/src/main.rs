//! Runs the simulation: `cargo run -p ostro-sim -- --seeds 1000`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use ostro_engine::time::Span;
use ostro_sim::{Faults, Options, run, shrink};

/// Run simulated worlds, each from its seed, until one breaks.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Run this seed only.
    #[arg(long)]
    seed: Option<u64>,
    /// Whether anything goes wrong in the world.
    #[arg(long, value_enum, default_value_t = Switch::On)]
    faults: Switch,
    /// Print what happens.
    #[arg(long)]
    trace: bool,
    /// Print what the runs have reached: events by type and errors.
    #[arg(long)]
    reached: bool,
    /// Go on after a failing seed, and do not shrink.
    #[arg(long)]
    keep_going: bool,
    /// Fewer workflow ids, calls, or a shorter world than the seed says: what shrinking found.
    #[arg(long)]
    workflows: Option<u64>,
    #[arg(long)]
    calls: Option<u64>,
    #[arg(long)]
    horizon_ms: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // An engine's panic is a finding with a seed; its text is printed with it.
    if !arguments.trace {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let seeds = arguments.seed.map_or(arguments.start..arguments.start + arguments.seeds, |seed| seed..seed + 1);
    let (begin, mut faults, mut failed) = (Instant::now(), Faults::default(), 0);
    let (mut calls, mut events, mut executions) = (0, 0, 0);
    let mut reached = BTreeMap::new();
    for seed in seeds.clone() {
        let options = options(&arguments, seed);
        match run(&options) {
            Ok(report) => {
                faults.add(&report.faults);
                (calls, events, executions) =
                    (calls + report.calls, events + report.events, executions + report.executions);
                for (what, count) in &report.reached {
                    *reached.entry(what.clone()).or_insert(0) += count;
                }
                if arguments.seed.is_some() {
                    println!("{report:#?}");
                }
            }
            Err(error) => {
                failed += 1;
                println!("seed {seed}: {error}");
                if !arguments.keep_going && !arguments.trace {
                    report_shrunk(&options);
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    if arguments.reached {
        reached.iter().for_each(|(what, count): (&String, &u64)| println!("{count:>10} {what}"));
    }
    let count = seeds.end - seeds.start;
    println!(
        "{count} seeds in {:.1} s, {failed} failed: {executions} executions, {events} events, {calls} engine calls, {} faults\n{faults:?}",
        begin.elapsed().as_secs_f64(),
        faults.total(),
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn options(arguments: &Arguments, seed: u64) -> Options {
    let mut options = Options::of_seed(seed, arguments.faults == Switch::On);
    options.trace = arguments.trace;
    options.workflows = arguments.workflows.unwrap_or(options.workflows);
    options.calls = arguments.calls.unwrap_or(options.calls);
    options.horizon = arguments.horizon_ms.map_or(options.horizon, |ms| Span::from_nanos(ms * 1_000_000));
    options
}

fn report_shrunk(failing: &Options) {
    let (small, error) = shrink(failing);
    println!(
        "shrunk: {error}\n  cargo run -p ostro-sim -- --seed {} --faults {} --workflows {} --calls {} --horizon-ms {} --trace",
        small.seed,
        if small.faults { "on" } else { "off" },
        small.workflows,
        small.calls,
        small.horizon / 1_000_000,
    );
}
