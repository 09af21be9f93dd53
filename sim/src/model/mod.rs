//! A plain model of the protocol: what a server must answer, and what histories must say, without a store, queues,
//! caches, or a thought for speed. It is a specification that runs.
//!
//! ```text
//! random calls ──┬──> the engine over the real store ──> answers, histories ─┐
//!                └──> Oracle ──────────────────────────> answers, histories ─┴─ equal?
//! ```
//!
//! [`Oracle`] is the whole: who may start, who is the newest run of a workflow, time, and (in [`follow`]) what follows from
//! one run in others. [`run`] is one run: its parts, its end; [`activity`] and [`task`] are its activities and workflow
//! task, [`nexus`] its operations, of which [`handlers`] are asked. [`schedule`] is one schedule, [`times`] says when it
//! acts. [`event`] is a history in the few words that both sides agree on. Which of several waiting tasks a worker gets is
//! left to the engine: the model says whether the task may be given out, and what it must hold.

mod activity;
pub mod event;
mod follow;
mod handlers;
mod nexus;
mod oracle;
mod reset;
mod run;
pub mod schedule;
mod scheduled;
mod task;
pub mod times;
mod update;

pub use activity::{ActivityPlan, State};
pub use handlers::{Asked, Callback, GivenRequest, Says};
pub use nexus::{Asks, Operation, OperationPlan, Request, Stage};
pub use oracle::{Attempt, CHILD_INPUT, Oracle, Refusal, Start, Started, Told, Verdict};
pub use run::Run;
pub use task::{Decision, Ending, Given, protocol};
