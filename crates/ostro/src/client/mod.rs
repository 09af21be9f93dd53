//! From outside of workflows: start them, talk to them, look at them, schedule them.
//!
//! ```no_run
//! use ostro::prelude::*;
//!
//! #[workflow(name = "greet")]
//! async fn greet(name: String) -> Result<String> {
//!     Ok(format!("hello {name}"))
//! }
//!
//! # async fn example() -> Result<()> {
//! let ostro = Ostro::connect("localhost:7233").await?;
//! let handle = greet("you".to_owned()).id("greeting-1").start(&ostro).await?;
//! println!("{}", handle.result().await?);
//! # Ok(()) }
//! ```

pub(crate) mod activity;
mod handle;
mod history;
mod list;
pub(crate) mod rpc;
pub(crate) mod schedule;
pub(crate) mod search;
pub(crate) mod start;

pub use activity::{ActivityHandle, HeartbeatAnswer};
pub use handle::{Description, PendingActivity, WorkflowHandle, WorkflowStatus};
pub use history::{Event, History};
pub use list::{Filter, WorkflowSummary};
pub use schedule::{Overlap, Schedule, ScheduleDescription, ScheduleHandle, ScheduleSummary};
pub use search::{SearchAttribute, SearchAttributeKind};

pub(crate) use handle::Target;
pub(crate) use list::{count as count_workflows, list as list_workflows};

pub(crate) fn handle_target(ostro: crate::Ostro, id: String) -> Target {
    Target::new(ostro, id, None)
}
