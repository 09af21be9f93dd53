//! Replay: *history in, what the code may see out; what the code decided in, commands out.*
//!
//! Everything is a call of [`Run`], one for each run that a worker has in its cache; time comes in with the call. It writes and reads what
//! the official worker core writes and reads, so a run may pass from one to the other and back at any task.
//!
//! | room | what |
//! |---|---|
//! | [`run`] | tasks, queries, waiting for local activities, completions |
//! | `execution` | a run as its history and its code make it: sequences, look-ahead, commands in order |
//! | `machine` | one state machine a file, its table at the top |
//! | `local` | attempts of local activities: retries, time-outs |
//! | `history` | where a workflow task's events end |
//! | [`job`], [`decision`] | what the code sees and says |

pub mod decision;
pub mod error;
mod execution;
mod flags;
mod history;
pub mod job;
mod local;
mod machine;
pub mod run;
mod seed;
pub mod settings;
#[cfg(test)]
mod testing;
mod times;

pub use decision::{Decision, Request, Requested};
pub use error::{Error, Mismatch, Result};
pub use flags::Sdk;
pub use job::{Activation, Job};
pub use run::{Run, Step, Task};
pub use settings::{DeploymentVersion, Identity, Settings};
