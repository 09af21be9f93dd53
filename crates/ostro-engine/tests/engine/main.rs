//! The engine from outside: calls in, answers and writes out, each test against a store in memory.

// Helpers of tests may panic as the tests themselves do; the protocol deprecates fields that its clients still send.
#![allow(clippy::unwrap_used, deprecated)]

mod cron;
mod executions;
mod found_by_simulation;
mod import;
mod lost_workers;
mod nexus;
mod nexus_incoming;
mod nexus_outside;
mod operators;
mod pause;
mod quotas;
mod rebuild;
mod resets;
mod schedules;
mod set_aside;
mod standalone;
mod standalone_nexus;
mod update_with_start;
mod updates;
mod versions;
mod waiting_runs;
mod world;
