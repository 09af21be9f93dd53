//! Durable workflows and activities.
//!
//! An **activity** does the work: a call to a service, a query, a computation. A **workflow** coordinates activities; it
//! survives crashes, restarts and deployments, because everything it did is in a history from which it is rebuilt.
//!
//! ```no_run
//! use ostro::prelude::*;
//!
//! #[activity(start_to_close_timeout = "10s", retry_policy_max_attempts = 5)]
//! async fn lookup(domain: String) -> Result<bool> {
//!     Ok(domain.ends_with(".org"))
//! }
//!
//! #[workflow(name = "check-email")]
//! async fn check_email(email: String) -> Result<bool> {
//!     let domain = email.split('@').next_back().unwrap_or_default().to_owned();
//!     lookup(domain).await // durable: retried, and not run again once it has succeeded
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     ostro::run_worker().await
//! }
//! ```
//!
//! With nothing else installed this runs on an engine inside the program, with its data in `./.ostro`. Set
//! `OSTRO_ADDRESS` to a file, or to the address of an Ostro server or a Temporal cluster, to run it elsewhere.
//!
//! # Where to read on
//!
//! * [`activity`]: options, heartbeats, dependencies, rate limits, processes of their own
//! * [`workflow`]: timers, signals, queries, updates, child workflows, cancellation, versions
//! * [`run_activities_locally`], [`run_sticky_worker_session`]: where activities run
//! * [`Ostro`]: the engine, the client; [`Worker`]: what runs your code
//! * [`testing`]: a clock to turn, activities to replace, histories to replay
//!
//! # One call, three places
//!
//! `lookup(domain).await` in a workflow schedules a durable activity. In an activity it runs inline, as a plain call: only the
//! outer one is retried. Anywhere else it runs directly, with its retries. Where a call is decides when it is *awaited* (to
//! be exact: when it is first polled), never when it is made, so helpers, closures and joins need nothing passed to them.

#![warn(missing_docs)]

extern crate self as ostro;

pub mod activity;
pub mod client;
mod context;
mod depends;
mod error;
mod failure;
mod ostro_handle;
mod payload;
mod rate_limit;
mod registry;
pub mod testing;
pub mod worker;
pub mod workflow;

pub use client::{WorkflowHandle, WorkflowStatus};
pub use depends::depends;
pub use error::{Error, ErrorKind, Result, TimeoutKind};
pub use ostro_embedded::{ADDRESS_VARIABLE, Address};
pub use ostro_handle::{Builder, Ostro};
pub use ostro_macros::{activity, workflow};
pub use payload::PAYLOAD_BYTES_MAX;
pub use rate_limit::RateLimit;
pub use worker::{Worker, WorkerBuilder, run_worker};
pub use workflow::local::{Locally, run_activities_locally};
pub use workflow::session::{SessionScope, StickyWorkerSession, get_sticky_worker_session, run_sticky_worker_session};

/// What most programs import.
pub mod prelude {
    pub use crate::workflow::Var;
    pub use crate::{
        Error, Ostro, RateLimit, Result, StickyWorkerSession, Worker, activity, get_sticky_worker_session,
        run_activities_locally, run_sticky_worker_session, run_worker, workflow,
    };
    pub use serde_json::json;
    pub use std::time::Duration;
}

/// What the attributes' expansion names. Not for programs.
#[doc(hidden)]
pub mod __private {
    pub use crate::activity::entry::{ActivityEntry, on_a_thread};
    pub use crate::depends::{resolve_for_call, resolve_for_worker};
    pub use crate::payload::{
        Arguments, ByEquality, ByForm, ByParts, Payload, Payloads, Probe, encode_output, writable,
    };
    pub use crate::registry::Registered;
    pub use crate::workflow::entry::{HandlerEntry, HandlerKind, WorkflowEntry, state, validation};
    pub use futures_util::future::{BoxFuture, LocalBoxFuture};
    pub use inventory;
}

/// The guides' examples, compiled with the documentation's.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../../docs/guides/rust/README.md")]
    mod start {}
    #[doc = include_str!("../../../docs/guides/rust/activities.md")]
    mod activities {}
    #[doc = include_str!("../../../docs/guides/rust/local-activities.md")]
    mod local_activities {}
    #[doc = include_str!("../../../docs/guides/rust/sticky-sessions.md")]
    mod sticky_sessions {}
    #[doc = include_str!("../../../docs/guides/rust/rate-limits-and-dependencies.md")]
    mod rate_limits_and_dependencies {}
    #[doc = include_str!("../../../docs/guides/rust/workflows.md")]
    mod workflows {}
    #[doc = include_str!("../../../docs/guides/rust/engines-and-clients.md")]
    mod engines_and_clients {}
    #[doc = include_str!("../../../docs/guides/rust/testing.md")]
    mod testing {}
}
