//! What `#[activity]` leaves of a function.

use std::fmt;

use futures_util::future::BoxFuture;

use crate::activity::options::ActivityOptions;
use crate::context;
use crate::error::{Error, Result};
use crate::payload::{Payload, Payloads};

/// An activity without its types: everything behind it is compiled once, in this crate.
pub struct ActivityEntry {
    /// By which workers and histories know it.
    pub name: &'static str,
    /// What the attribute says; a call may say otherwise.
    pub options: fn() -> ActivityOptions,
    /// Reads the arguments, runs the body, writes the result.
    pub invoke: fn(Payloads) -> BoxFuture<'static, Result<Payload>>,
}

impl fmt::Debug for ActivityEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "activity `{}`", self.name)
    }
}

/// Runs the body of an activity that blocks.
pub async fn on_a_thread<T: Send + 'static>(body: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let ambient = context::attempt();
    let joined = tokio::task::spawn_blocking(move || {
        let _entered = ambient.map(|attempt| context::enter(context::Ambient::Activity(attempt)));
        body()
    })
    .await;
    match joined {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Error::cancelled("the worker shut down before the activity began")),
    }
}
