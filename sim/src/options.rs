//! What to simulate, and what came of it.

use std::collections::BTreeMap;

use ostro_engine::time::{SECOND, Span};

use crate::plant::Plant;
use crate::rng::Rng;

/// Everything that decides a run.
#[derive(Debug, Clone)]
pub struct Options {
    pub seed: u64,
    pub faults: bool,
    /// Workflow ids that clients use.
    pub workflows: u64,
    /// Calls that clients make.
    pub calls: u64,
    /// How long clients begin calls, and faults happen.
    pub horizon: Span,
    /// The usual time between faults.
    pub calm: Span,
    pub trace: bool,
    pub plant: Option<Plant>,
}

impl Options {
    /// A world whose size is drawn from its seed.
    pub fn of_seed(seed: u64, faults: bool) -> Self {
        let mut rng = Rng::named(seed, "options");
        Self {
            seed,
            faults,
            workflows: rng.range(1, 5) as u64,
            calls: rng.range(5, 40) as u64,
            horizon: rng.span(10 * SECOND, 600 * SECOND),
            calm: rng.span(SECOND / 10, 60 * SECOND),
            trace: false,
            plant: None,
        }
    }
}

/// Faults that happened.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    pub crashes: u64,
    pub clock_jumps: u64,
    pub worker_deaths: u64,
    pub drops: u64,
    pub duplicates: u64,
    pub failed_tasks: u64,
    pub slow_tasks: u64,
    /// Commits that failed: the process stopped.
    pub failed_commits: u64,
}

impl Faults {
    pub fn total(&self) -> u64 {
        self.crashes
            + self.clock_jumps
            + self.worker_deaths
            + self.drops
            + self.duplicates
            + self.failed_tasks
            + self.slow_tasks
            + self.failed_commits
    }

    pub fn add(&mut self, other: &Self) {
        self.crashes += other.crashes;
        self.clock_jumps += other.clock_jumps;
        self.worker_deaths += other.worker_deaths;
        self.drops += other.drops;
        self.duplicates += other.duplicates;
        self.failed_tasks += other.failed_tasks;
        self.slow_tasks += other.slow_tasks;
        self.failed_commits += other.failed_commits;
    }
}

/// What happened in a run that went well.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// Events by type, and calls by how they were answered: what the run has reached.
    pub reached: BTreeMap<String, u64>,
    /// Of all committed writes, in order.
    pub digest: u64,
    pub steps: u64,
    /// Calls that the engine handled, ticks included.
    pub calls: u64,
    pub commits: u64,
    pub events: u64,
    pub executions: u64,
    pub virtual_time: Span,
    pub faults: Faults,
}
