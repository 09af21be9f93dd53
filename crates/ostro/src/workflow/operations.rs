//! What a workflow has under way, kept with its run.
//!
//! A call of an activity must be `Send`, because activities make such calls too; what waits for its result in a workflow is not. So
//! the call holds a number, and the run holds the future.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::LocalBoxFuture;
use temporalio_workflow::CancellableFuture;

use crate::context;
use crate::error::{Error, Result};
use crate::payload::Payload;

type Operation = LocalBoxFuture<'static, Result<Payload>>;

#[derive(Default)]
pub(crate) struct Operations {
    next: Cell<u64>,
    open: RefCell<HashMap<u64, Operation>>,
}

impl Operations {
    pub fn insert(&self, operation: Operation) -> u64 {
        let key = self.next.get();
        self.next.set(key + 1);
        self.open.borrow_mut().insert(key, operation);
        key
    }

    fn poll(&self, key: u64, cx: &mut Context<'_>) -> Poll<Result<Payload>> {
        // Taken out while it is polled: an operation may begin others.
        let Some(mut operation) = self.open.borrow_mut().remove(&key) else {
            return Poll::Ready(Err(Error::new("an operation was polled after its end")));
        };
        let polled = operation.as_mut().poll(cx);
        if polled.is_pending() {
            self.open.borrow_mut().insert(key, operation);
        }
        polled
    }

    /// Forgets everything that is open, without cancelling it.
    pub fn clear(&self) {
        let open = self.open.take();
        drop(open);
    }

    fn remove(&self, key: u64) {
        let operation = self.open.borrow_mut().remove(&key);
        drop(operation);
    }
}

/// An operation of the run that is being polled.
pub(crate) struct OperationId {
    run: u64,
    key: u64,
}

impl OperationId {
    pub fn new(run: u64, key: u64) -> Self {
        Self { run, key }
    }

    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<Payload>> {
        match context::scope() {
            Some(scope) if scope.run.number == self.run => scope.run.operations.poll(self.key, cx),
            _ => Poll::Ready(Err(Error::misuse(
                "NotInWorkflow",
                "a call that began in a workflow was awaited outside of it: await it where it began",
            ))),
        }
    }
}

impl Drop for OperationId {
    fn drop(&mut self) {
        // Only code that is running gives up an operation. When a run leaves the cache nobody is in it, and nothing is cancelled.
        if let Some(scope) = context::scope().filter(|scope| scope.run.number == self.run) {
            scope.run.operations.remove(self.key);
        }
    }
}

/// A future of the SDK that is cancelled when workflow code drops it before its end.
pub(crate) struct CancelOnDrop<F: CancellableFuture> {
    run: u64,
    future: Pin<Box<F>>,
    done: bool,
}

impl<F: CancellableFuture> CancelOnDrop<F> {
    pub fn new(run: u64, future: F) -> Self {
        Self { run, future: Box::pin(future), done: false }
    }
}

impl<F: CancellableFuture> Future for CancelOnDrop<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.future.as_mut().poll(cx);
        self.done = polled.is_ready();
        polled
    }
}

impl<F: CancellableFuture> Drop for CancelOnDrop<F> {
    fn drop(&mut self) {
        if !self.done && context::scope().is_some_and(|scope| scope.run.number == self.run) {
            self.future.cancel();
        }
    }
}
