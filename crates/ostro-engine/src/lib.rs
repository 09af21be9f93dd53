//! What an execution is and how it moves.
//!
//! The engine is pure: it reads no clock, does no I/O and draws no randomness of its own. Time, identifiers' entropy and
//! stored rows come in with the call; writes and answers go out in one [`Output`](engine::Output), which the shell
//! commits as one unit before any answer leaves.

// The protocol deprecates fields that its clients still send.
#![allow(deprecated)]

pub mod batch;
pub mod command;
pub mod config;
pub mod cron;
pub mod deployment;
pub mod engine;
pub mod error;
pub mod execution;
mod go_duration;
pub mod ids;
pub mod map_order;
pub mod namespace;
pub mod nesting;
pub mod nexus;
pub mod persistence;
pub mod queue;
pub mod quota;
pub mod reply;
pub mod rfc3339;
pub mod schedule;
pub mod seal;
pub mod search;
pub mod settings;
pub mod sound;
pub mod time;
pub mod token;
mod zone;

pub use error::{Error, ErrorKind};
