//! Futures beside the entrypoint.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_util::future::FusedFuture;

use crate::context::{self, Ambient};
use crate::error::Result;
use crate::workflow::scope::{self, Scope};

struct Slot<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// What a spawned future will give. Dropping it lets the future go on.
#[must_use = "await it for the result; a workflow's end does not wait for what it spawned"]
pub struct Spawned<T> {
    slot: Rc<RefCell<Slot<T>>>,
    taken: bool,
}

impl<T> FusedFuture for Spawned<T> {
    fn is_terminated(&self) -> bool {
        self.taken
    }
}

impl<T> Future for Spawned<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let shared = self.slot.clone();
        let mut slot = shared.borrow_mut();
        match slot.value.take() {
            Some(value) => {
                self.taken = true;
                Poll::Ready(value)
            }
            None => {
                slot.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Runs a future beside the entrypoint. It keeps the scope that it was spawned in: local, sticky, cancelled with it.
///
/// # Errors
/// Outside of a workflow.
pub fn spawn<F>(future: F) -> Result<Spawned<F::Output>>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let scope = scope::required("workflow::spawn()")?;
    let slot = Rc::new(RefCell::new(Slot { value: None, waker: None }));
    let result = slot.clone();
    let scoped = Scoped { scope: scope.clone(), future: Box::pin(future) };
    scope.run.background.borrow_mut().push(Box::pin(async move {
        let value = scoped.await;
        let mut slot = result.borrow_mut();
        slot.value = Some(value);
        if let Some(waker) = slot.waker.take() {
            waker.wake();
        }
    }));
    scope.run.progress();
    Ok(Spawned { slot, taken: false })
}

/// A future in a scope of its own.
pub(crate) struct Scoped<F> {
    pub scope: Scope,
    pub future: Pin<Box<F>>,
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = context::enter(Ambient::Workflow(self.scope.clone()));
        self.future.as_mut().poll(cx)
    }
}
