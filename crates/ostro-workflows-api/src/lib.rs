//! The Workflows HTTP API: what the official `mistralai-workflows` worker and `mistralai` client speak, over any
//! implementation of Temporal's `WorkflowService`.
//!
//! ```text
//!  worker, client, console ── HTTP ──▶ router ─▶ auth ─▶ one handler per operation
//!                                                          │            │
//!                                     Caller (WorkflowService calls)   Records (documents, journals)
//! ```
//!
//! What an execution is and how it moves is the engine's; the API adds what Temporal has no place for: registrations
//! with their schemas, deployments and workers, events, search keys, logs and spans, API keys.

mod api;
pub mod auth;
mod clock;
pub mod error;
mod events;
mod executions;
mod extract;
mod openapi;
mod payload;
pub mod records;
mod registry;
mod retention;
mod schedules;
mod schema;
mod telemetry;

pub use api::{Api, Scheduler, Settings};
pub use openapi::{document, router};
