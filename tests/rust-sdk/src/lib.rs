//! The workflows and activities of the tests: every feature of the seed page, in Rust.

pub mod features;
pub mod seed;
