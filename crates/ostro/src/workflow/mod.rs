//! Workflows: the functions that coordinate.
//!
//! ```
//! use ostro::prelude::*;
//!
//! # #[activity] async fn charge(order: String) -> Result<()> { Ok(()) }
//! #[workflow(name = "order", execution_timeout = "30d")]
//! async fn order(id: String) -> Result<String> {
//!     charge(id.clone()).await?;
//!     workflow::sleep(Duration::from_secs(3 * 24 * 3600)).await?;
//!     Ok(format!("{id} is done"))
//! }
//! ```
//!
//! A workflow's code runs again from the start whenever its worker has forgotten it, with the results of what it had already
//! done taken from its history. So everything in it must follow from its arguments, from what it awaits here, and from
//! [`now`], [`random`] and [`uuid4`]. What does not is refused: by the compiler where it can be seen (`SystemTime::now()`, `tokio::spawn`,
//! `rand::random`, `tokio::select!` in the body), else when it happens, as a failure of the workflow with the type name
//! `DeterminismError` that says what to use instead.
//!
//! # State and messages
//!
//! With an `impl` block a workflow has state, and handlers that run while its entrypoint waits:
//!
//! ```
//! use ostro::prelude::*;
//!
//! # #[activity] async fn store(n: i64) -> Result<()> { Ok(()) }
//! #[derive(Default)]
//! struct Counter {
//!     n: Var<i64>,
//! }
//!
//! #[workflow(name = "counter")]
//! impl Counter {
//!     #[entrypoint]
//!     async fn execute(&self, goal: i64) -> Result<i64> {
//!         workflow::wait_condition(|| self.n.get() >= goal).await?;
//!         Ok(self.n.get())
//!     }
//!
//!     #[signal]
//!     fn add(&self, k: i64) {
//!         self.n.update(|n| *n += k);
//!     }
//!
//!     #[query]
//!     fn value(&self) -> i64 {
//!         self.n.get()
//!     }
//!
//!     #[update]
//!     async fn add_and_store(&self, k: i64) -> Result<i64> {
//!         self.n.update(|n| *n += k);
//!         store(self.n.get()).await?;
//!         Ok(self.n.get())
//!     }
//!
//!     #[validator(add_and_store)]
//!     fn check(&self, k: &i64) -> Result<()> {
//!         if *k < 0 {
//!             return Err(Error::new("only upwards"));
//!         }
//!         Ok(())
//!     }
//! }
//! ```
//!
//! What a client sends is written as it is called, without `self`: `Counter::execute(10).start(&ostro)`, then
//! `handle.signal(Counter::add(5))`, `handle.query(Counter::value())`, `handle.update(Counter::add_and_store(1))`.
//! `#[init] fn new(goal: i64) -> Self` makes the state from the arguments where `Default` does not do. Workflows that are functions take
//! signals by [`signals`] and answer queries by [`on_query`].
//!
//! # Options of the attribute
//!
//! `name` (default: the function's or type's), `execution_timeout`, `run_timeout`, `task_timeout`, and `schedules = ["0 * * * *"]`: cron
//! expressions of which [`run_worker`](crate::run_worker) makes schedules.

pub(crate) mod adapter;
pub(crate) mod call;
mod cancel;
mod child;
pub(crate) mod entry;
mod functions;
pub(crate) mod local;
mod messages;
pub(crate) mod operations;
mod options;
mod parallel;
pub(crate) mod remote;
mod routine;
pub(crate) mod run;
pub(crate) mod scope;
pub(crate) mod session;
mod spawn;
mod trap;
mod var;
mod wakes;

pub use call::{WorkflowCall, WorkflowFn};
pub use cancel::{CancelScope, cancelled, is_cancelled, shield};
pub use child::{ChildHandle, ExternalHandle, external};
pub use functions::{
    Sleep, WorkflowInfo, all_handlers_finished, continue_as_new_suggested, deprecate_patch, info, is_replaying, memo,
    now, patched, random, search_attributes, set_current_details, sleep, timeout, upsert_memo,
    upsert_search_attributes, uuid4, wait_condition,
};
pub use futures_util::future::{join_all, try_join_all};
pub use futures_util::{join, select_biased as select, try_join};
pub use messages::{Query, Signal, Signals, Update, on_query, signals};
pub use options::{IdPolicy, ParentClosePolicy, WorkflowOptions};
pub use parallel::{Progress, in_parallel};
pub use spawn::{Spawned, spawn};
pub use temporalio_workflow::RetryPolicy;
pub use var::Var;
