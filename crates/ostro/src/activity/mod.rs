//! Activities: the functions that do the work.
//!
//! ```
//! use ostro::prelude::*;
//! use ostro::activity;
//!
//! #[activity(
//!     name = "index",
//!     start_to_close_timeout = "10m",
//!     heartbeat_timeout = "30s",
//!     retry_policy_max_attempts = 5,
//!     retry_policy_backoff_coefficient = 2.0
//! )]
//! async fn index(pages: Vec<String>) -> Result<usize> {
//!     let done = activity::last_heartbeat::<usize>().unwrap_or(0); // where the last attempt was
//!     for (number, page) in pages.iter().enumerate().skip(done) {
//!         println!("{page}");
//!         activity::heartbeat(number + 1);
//!     }
//!     Ok(pages.len())
//! }
//! ```
//!
//! Arguments and results are whatever `serde` writes as JSON: each argument is one payload, as every Temporal SDK does, so
//! workflows in other languages can call it. Limit: 2 MiB for the arguments together, 2 MiB for the result. It must be safe to
//! run twice: a worker that dies after it did the work and before it said so leaves an attempt to repeat.
//!
//! # Options
//!
//! Of the attribute; each can be set again on a call ([`ActivityCall`]). Durations are texts such as `"250ms"`, `"30s"`,
//! `"10m"`, `"1h 30m"`, `"7d"`, checked while compiling, or expressions of type `Duration`.
//!
//! | option | default | |
//! |---|---|---|
//! | `name` | the function's | what histories, other languages and mocks call it |
//! | `start_to_close_timeout` | `"5m"` | the most that one attempt may take |
//! | `schedule_to_close_timeout` | none | the most that all attempts may take together |
//! | `schedule_to_start_timeout` | none | the most that a task may wait for a worker |
//! | `heartbeat_timeout` | none | the most between two [`heartbeat`]s. Not for local activities |
//! | `retry_policy_max_attempts` | 3 | 0 is without end |
//! | `retry_policy_backoff_coefficient` | 2.0 | by what the wait grows |
//! | `retry_policy_initial_interval` | `"1s"` | the first wait |
//! | `retry_policy_max_interval` | 100 × the first | the longest wait |
//! | `retry_policy_non_retryable` | none | type names of errors that end it at once: `["NotFound"]` |
//! | `sticky_to_worker` | false | runs where its [session](crate::run_sticky_worker_session) is |
//! | `rate_limit` | none | a [`RateLimit`](crate::RateLimit) |
//! | `isolation` | `"none"` | `"process"`: each attempt in a process of its own ([`Isolation`]) |
//! | `cancellation` | `"drop"` | `"cooperate"`: the body goes on when cancelled, and looks at [`is_cancelled`] |
//!
//! # Functions without `async`
//!
//! run on a thread of their own, so they may block. Everything here works in them.
//!
//! # What is refused while compiling
//!
//! Arguments and results that are not JSON:
//!
//! ```compile_fail,E0277
//! # use ostro::prelude::*;
//! struct NotJson;
//!
//! #[activity]
//! async fn takes(value: NotJson) {
//!     drop(value);
//! }
//! ```
//!
//! Providers of dependencies that take arguments:
//!
//! ```compile_fail
//! # use ostro::prelude::*;
//! fn needs_an_argument(number: u32) -> u32 {
//!     number
//! }
//!
//! #[activity]
//! async fn depends_on_it(#[depends(needs_an_argument)] number: u32) -> u32 {
//!     number
//! }
//! ```
//!
//! # Panics
//!
//! A panic fails the attempt with the type name `Panic`, and is retried like any error. The worker goes on.

pub(crate) mod attempt;
mod call;
pub(crate) mod entry;
mod functions;
mod isolate;
mod options;
mod standalone;
mod task;
pub(crate) mod tasks;

pub use call::{ActivityCall, ActivityFn};
pub use functions::{
    ActivityInfo, ActivityToken, SessionInfo, cancelled, cold_start, complete_later, heartbeat, info, is_cancelled,
    last_heartbeat, session, spawn, token,
};
pub use isolate::serve_isolated;
pub use options::{ActivityOptions, Isolation};
