//! Cancellation.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::FusedFuture;
use temporalio_workflow::WorkflowCancellationToken;

use crate::context::{self, Ambient};
use crate::workflow::scope::Scope;

/// Whether this workflow, or the [`CancelScope`] that this code is in, was asked to cancel.
///
/// What is awaited then fails with an error of kind [`Cancelled`](crate::ErrorKind::Cancelled), so most code needs no more than `?`. A workflow that returns that
/// error is cancelled; one that returns something else has ended with that.
pub fn is_cancelled() -> bool {
    context::scope().is_some_and(|scope| scope.token.is_cancelled())
}

/// Waits until the workflow, or the scope, is asked to cancel; gives the reason.
pub async fn cancelled() -> Option<String> {
    poll_fn(|cx| {
        let Some(scope) = context::scope() else { return Poll::Pending };
        if scope.token.is_cancelled() {
            return Poll::Ready(scope.token.reason());
        }
        scope.run.wait_for_change(cx.waker());
        Poll::Pending
    })
    .await
}

/// Runs a future that cancellation from outside does not reach: for cleaning up.
///
/// ```
/// # use ostro::prelude::*;
/// # #[activity] async fn book() -> Result<()> { Ok(()) }
/// # #[activity] async fn unbook() -> Result<()> { Ok(()) }
/// #[workflow]
/// async fn trip() -> Result<()> {
///     let booked = book().await;
///     if let Err(error) = booked {
///         workflow::shield(unbook()).await?; // also when cancelled
///         return Err(error);
///     }
///     Ok(())
/// }
/// ```
pub fn shield<F: Future>(future: F) -> impl Future<Output = F::Output> {
    CancelScope::detached().run(future)
}

/// A part of a workflow that can be cancelled by itself. Scopes inside of it are cancelled with it.
///
/// ```
/// # use ostro::prelude::*;
/// # #[activity] async fn search(site: String) -> Result<String> { Ok(site) }
/// #[workflow]
/// async fn first_answer(a: String, b: String) -> Result<String> {
///     let scope = workflow::CancelScope::new();
///     let slow = workflow::spawn(scope.run(search(a)))?;
///     let quick = search(b).await?;
///     scope.cancel();
///     Ok(slow.await.unwrap_or(quick)) // what was cancelled has failed
/// }
/// ```
#[derive(Clone)]
pub struct CancelScope {
    token: WorkflowCancellationToken,
}

impl CancelScope {
    /// One that is also cancelled with what is around it.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let token = context::scope().map(|scope| scope.token.child_token()).unwrap_or_default();
        Self { token }
    }

    /// One that is only cancelled by [`cancel`](Self::cancel).
    pub fn detached() -> Self {
        Self { token: WorkflowCancellationToken::new() }
    }

    /// Cancels what runs in it.
    pub fn cancel(&self) {
        self.token.cancel();
        if let Some(scope) = context::scope() {
            scope.run.changed();
        }
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Runs a future in it.
    pub fn run<F: Future>(&self, future: F) -> CancelScopeFuture<F> {
        CancelScopeFuture { token: self.token.clone(), future: Box::pin(future), done: false }
    }
}

/// The future of [`CancelScope::run`].
#[must_use = "futures do nothing unless awaited"]
pub struct CancelScopeFuture<F> {
    token: WorkflowCancellationToken,
    future: Pin<Box<F>>,
    done: bool,
}

impl<F: Future> FusedFuture for CancelScopeFuture<F> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<F: Future> Future for CancelScopeFuture<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let scope = context::scope().map(|scope| Scope { token: self.token.clone(), ..scope });
        let _entered = scope.map(|scope| context::enter(Ambient::Workflow(scope)));
        let polled = self.future.as_mut().poll(cx);
        self.done = polled.is_ready();
        polled
    }
}
