//! `run_activities_locally`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::FusedFuture;

use crate::context::{self, Ambient};

/// Runs every activity that is awaited inside in the worker of the workflow, without the task queue.
///
/// For what takes well under a second and needs no scaling of its own: a local activity costs tens of microseconds where a regular one costs
/// about a millisecond. Time-outs, retries, dependencies and panics are as for regular activities; `heartbeat_timeout`
/// and `sticky_to_worker` have no meaning, and a `rate_limit` is counted by each process for itself. An activity whose
/// workflow task is not completed, because the worker died, runs again.
///
/// Takes a call or a block. In an activity, and outside of workflows, it changes nothing.
///
/// ```
/// use ostro::prelude::*;
///
/// #[activity]
/// async fn quick_lookup(email: String) -> Result<String> {
///     Ok(email.to_lowercase())
/// }
///
/// #[activity]
/// async fn external_api_call(email: String) -> Result<bool> {
///     Ok(!email.is_empty())
/// }
///
/// #[workflow]
/// async fn mixed(email: String) -> Result<bool> {
///     let email = run_activities_locally(quick_lookup(email)).await?;
///     let both = run_activities_locally(async {
///         quick_lookup(quick_lookup(email).await?).await
///     });
///     external_api_call(both.await?).await // regular
/// }
/// ```
pub fn run_activities_locally<F: Future>(future: F) -> Locally<F> {
    Locally { future: Box::pin(future), done: false }
}

/// The future of [`run_activities_locally`].
#[must_use = "futures do nothing unless awaited"]
pub struct Locally<F> {
    future: Pin<Box<F>>,
    done: bool,
}

impl<F: Future> FusedFuture for Locally<F> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<F: Future> Future for Locally<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let scope = context::scope();
        let _entered = scope
            .map(|scope| context::enter(Ambient::Workflow(crate::workflow::scope::Scope { local: true, ..scope })));
        let polled = self.future.as_mut().poll(cx);
        self.done = polled.is_ready();
        polled
    }
}
