//! Where code runs: known to it for the duration of each poll, and to nobody else.
//!
//! A future wrapper enters its context before it polls what is inside, and leaves it after. So a context is that of the
//! future, never of a thread or a task: branches of a join each have their own.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

use crate::activity::attempt::Attempt;
use crate::workflow::scope::Scope;

thread_local! {
    static CURRENT: RefCell<Option<Ambient>> = const { RefCell::new(None) };
}

/// Where the code that is being polled runs.
#[derive(Clone)]
pub(crate) enum Ambient {
    /// In an entrypoint, a signal handler or an update handler.
    Workflow(Scope),
    /// In a query or a validator: it may look, and do nothing.
    ReadOnly,
    Activity(Arc<Attempt>),
}

pub(crate) fn current() -> Option<Ambient> {
    CURRENT.with_borrow(Clone::clone)
}

/// The workflow scope of the code that is being polled.
pub(crate) fn scope() -> Option<Scope> {
    CURRENT.with_borrow(|current| match current {
        Some(Ambient::Workflow(scope)) => Some(scope.clone()),
        _ => None,
    })
}

pub(crate) fn attempt() -> Option<Arc<Attempt>> {
    CURRENT.with_borrow(|current| match current {
        Some(Ambient::Activity(attempt)) => Some(attempt.clone()),
        _ => None,
    })
}

/// Enters a context until the guard is dropped.
pub(crate) fn enter(ambient: Ambient) -> Entered {
    Entered(CURRENT.replace(Some(ambient)))
}

pub(crate) struct Entered(Option<Ambient>);

impl Drop for Entered {
    fn drop(&mut self) {
        // At the end of a thread the variable may be gone already.
        let _ = CURRENT.try_with(|current| current.replace(self.0.take()));
    }
}

/// A future of an activity, with its attempt around each poll.
pub(crate) struct InAttempt<T> {
    pub attempt: Arc<Attempt>,
    pub future: BoxFuture<'static, T>,
}

impl<T> Future for InAttempt<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let _entered = enter(Ambient::Activity(self.attempt.clone()));
        self.future.as_mut().poll(cx)
    }
}
