//! The server: one engine thread, one store writer, and the gRPC frontend around them.

mod batch;
pub mod clock;
pub mod config;
mod error;
mod frontend;
mod hosts;
mod http;
pub mod metrics;
mod network;
mod nexus_http;
mod rates;
mod retention;
mod server;
mod setup;
pub mod shell;
mod workers;

pub use config::Config;
pub use error::Error;
pub use hosts::Hosts;
pub use http::{Listening, serve as serve_http};
pub use metrics::MoreMetrics;
pub use ostro_store::BeginsWithNothing;
pub use server::{Extension, Server, Serving};
pub use setup::store_path;

/// The version of Ostro.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What clients are told: the Temporal server whose protocol is spoken, which tools compare, and what it really is.
pub const SERVER_VERSION: &str = concat!("1.32.0+ostro.", env!("CARGO_PKG_VERSION"));
