//! Whole servers on a temporary directory, called in process and over their sockets.

#![allow(clippy::unwrap_used)]

mod extremes;
mod fixture;
mod history;
mod lifecycle;
mod limits;
mod nesting;
mod nexus_incoming;
mod nexus_outside;
mod refusals;
mod retention;
mod tasks;
mod time_skipping;
