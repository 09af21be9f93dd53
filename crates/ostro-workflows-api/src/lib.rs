//! The Workflows HTTP API: what the official `mistralai-workflows` worker and `mistralai` client speak, over any
//! implementation of Temporal's `WorkflowService`.
//!
//! ```text
//!  worker, client, console ── HTTP ──▶ http/     parses a call, asks a service, shapes the answer; OpenAPI
//!                                        │
//!                                     service/   what the API does
//!                                        │
//!             Caller (the engine) ◀──────┴──▶ store/   documents and journals, changed by transactions
//!                                                │
//!                                             model/   data and what follows from it alone
//! ```
//!
//! A floor imports from those below it only (`tests/floors.rs`), and axum stays on the uppermost.
//!
//! What an execution is and how it moves is the engine's; the API adds what Temporal has no place for: registrations
//! with their schemas, deployments and workers, events, search keys, logs and spans, API keys.

mod http;

mod model;

mod service;

mod store;

pub use http::{document, router};
pub use service::api::{Api, Scheduler, Settings};

/// Who calls, and what it may do.
pub mod auth {
    pub use crate::model::access::{Access, ApiKey, EVERY_NAMESPACE, Grant, KeyState, Role};
    pub use crate::service::keys::endpoints::Callers;
    pub use crate::service::keys::{KeyFailure, after_restore, create, list, resume, revoke};
}

/// Where the API keeps its records.
pub mod records {
    pub use crate::store::{
        CopyError, Error, RecordLimits, Records, RecordsReport, RecordsStats, SqliteRecords, backup, compact,
        companion, examine, restore, tell_of_executions,
    };
}
