//! The engine in a simulated world: workers, clients, a disk and faults, all from one seed.
//!
//! The same seed gives the same run to the byte; a run that breaks an invariant is an error that says which. See
//! `docs/internals/simulation.md`.

mod activities;
mod calls;
mod check;
mod client;
mod facts;
mod faults;
mod grammar;
mod interpreter;
pub mod model;
mod network;
mod nexus;
mod options;
mod plant;
mod program;
mod rng;
mod rows;
mod server;
mod shrink;
mod store;
mod versions;
mod vocabulary;
mod worker;
mod world;

pub use options::{Faults, Options, Report};
pub use plant::Plant;
pub use shrink::shrink;

/// Runs one world to its end.
///
/// # Errors
/// What was wrong: an invariant that did not hold, or the engine's own panic.
pub fn run(options: &Options) -> Result<Report, String> {
    let options = options.clone();
    let outcome = std::panic::catch_unwind(move || world::World::new(options)?.run());
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(format!("panic: {}", text.unwrap_or("without a message")))
    })
}
