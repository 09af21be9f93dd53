//! What is wrong with a request can be said before anything is asked or changed. Codes and the first words of each text
//! are those of Temporal 1.32.

mod activity;
mod batch;
mod common;
mod deployment;
pub(super) mod legacy_list;
mod namespace;
mod nexus;
mod options;
mod schedule;
mod settings;
mod standalone;
mod standalone_operation;
mod start;
mod worker;
mod workflow;

use ostro_engine::config::Config;
use ostro_engine::error::Result;

pub(super) use common::{blob, namespace};

/// A request that can be checked on its own.
pub(super) trait Check {
    /// Refuses what can never be right, and fills in what a client may leave out.
    fn check(&mut self, limits: &Config) -> Result<()>;
}

#[cfg(test)]
mod tests;
