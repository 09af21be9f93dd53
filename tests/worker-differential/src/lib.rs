//! The worker core beside the official one.
//!
//! Random workflow code runs on the worker core against a server that is made up; then the official core gets the same tasks and must give the
//! same activations and the same answers, one by one. Every history that comes of it is replayed in both at each of its tasks.

// The protocol deprecates fields that servers and other SDKs still use.
#![allow(deprecated)]

pub mod author;
pub mod code;
mod commands;
pub mod compare;
pub mod convert;
pub mod cost;
mod mirror;
pub mod official;
pub mod ours;
pub mod program;
pub mod rng;
pub mod seeds;

/// Name and version of the SDK under test, in both cores.
pub const SDK: (&str, &str) = (official::SDK_NAME, official::SDK_VERSION);
