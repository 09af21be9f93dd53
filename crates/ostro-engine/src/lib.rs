//! What an execution is and how it moves.
//!
//! The engine is pure: it reads no clock, does no I/O and draws no randomness of its own. Time, identifiers' entropy and
//! stored rows come in with the call; writes and answers go out in one [`Output`](engine::Output), which the shell
//! commits as one unit before any answer leaves.

// The protocol deprecates fields that its clients still send.
#![allow(deprecated)]

mod base;
pub mod batch;
mod calendar;
pub mod call;
pub mod config;
mod deployment;
pub mod engine;
pub mod execution;
pub mod invariants;
pub mod namespace;
pub mod nexus;
mod queue;
pub mod schedule;
pub mod search;
mod settings;
pub mod stored;

pub use base::error::{Error, ErrorKind};
pub use base::{error, ids, nesting, rfc3339, seal, time, token};
pub use calendar::{cron, spec};
pub use config::quota;
pub use stored::persistence;
