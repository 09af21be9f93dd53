//! Every test on three engines: in this process, on an Ostro server over TCP, and on the reference server.
#![allow(clippy::unwrap_used)]

#[path = "engines/features.rs"]
mod features;
#[path = "engines/fixture.rs"]
mod fixture;
#[path = "engines/histories.rs"]
mod histories;
#[path = "engines/seed.rs"]
mod seed;
