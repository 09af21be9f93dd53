//! Why it waits: one sentence for each thing that an execution, a task queue or a schedule waits for.
//!
//! Pure functions over answers of the plain protocol, so that they hold on any Temporal server. [`gather`], the one module that
//! asks for anything, gets the answers through a [`Caller`](ostro_wire::Caller). No other part of Ostro makes such sentences.

mod activity;
mod closed;
pub mod duration;
mod evidence;
mod execution;
pub mod failure;
pub mod gather;
mod input;
mod moment;
mod nexus;
mod outstanding;
pub mod printable;
mod reason;
mod schedule;
mod task_queue;
mod version;
mod workflow_task;

pub use evidence::Evidence;
pub use execution::reasons;
pub use outstanding::Outstanding;
pub use reason::{Kind, Reason};
pub use schedule::schedule;
pub use task_queue::{QueueView, task_queue};

#[cfg(test)]
mod tests;
