//! Polls workflow code: with its context, its waker and its trap around it.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::future::LocalBoxFuture;

use crate::activity::attempt::panic_text;
use crate::context::{self, Ambient};
use crate::error::{Error, Result};
use crate::workflow::scope::Scope;
use crate::workflow::trap::{self, Trap};

const SPINS_MAX: u32 = 10_000;
/// Workflow code that computes for longer holds up every other workflow of its worker.
const LONG: Duration = Duration::from_secs(1);

/// The entrypoint, or a handler of a signal or an update.
pub(crate) struct Routine<T> {
    scope: Scope,
    future: LocalBoxFuture<'static, Result<T>>,
    /// The entrypoint also polls what was spawned.
    is_main: bool,
}

impl<T> Routine<T> {
    pub fn entrypoint(scope: Scope, future: LocalBoxFuture<'static, Result<T>>) -> Self {
        Self { scope, future, is_main: true }
    }

    pub fn handler(scope: Scope, future: LocalBoxFuture<'static, Result<T>>) -> Self {
        scope.run.handlers.set(scope.run.handlers.get() + 1);
        Self { scope, future, is_main: false }
    }

    fn poll_code(&mut self) -> Poll<Result<T>> {
        let run = self.scope.run.clone();
        let workflow = run.entry.name;
        let waker = Waker::from(run.wakes.clone());
        let mut cx = Context::from_waker(&waker);
        run.wake_conditions();
        run.wakes.forget_inside();

        let _entered = context::enter(Ambient::Workflow(self.scope.clone()));
        let trap = Trap::enter();
        let begun = Instant::now();
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if self.is_main {
                poll_background(&self.scope, &mut cx);
            }
            self.future.as_mut().poll(&mut cx)
        }));
        if let Some(error) = trap.caught(workflow) {
            return Poll::Ready(Err(error));
        }
        let took = begun.elapsed();
        if took > LONG {
            tracing::warn!(
                workflow,
                ?took,
                "a workflow holds up the others of its worker: leave long computations to activities"
            );
        }
        polled.unwrap_or_else(|panic| Poll::Ready(Err(trap::of_panic(workflow, &panic_text(panic)))))
    }
}

fn poll_background(scope: &Scope, cx: &mut Context<'_>) {
    let run = &scope.run;
    let mut futures = run.background.take();
    futures.retain_mut(|future| future.as_mut().poll(cx).is_pending());
    // What was spawned meanwhile comes after them.
    let spawned = run.background.replace(futures);
    run.background.borrow_mut().extend(spawned);
}

impl<T> Future for Routine<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let run = self.scope.run.clone();
        if run.wakes.is_from_outside() {
            return Poll::Ready(Err(trap::woken_from_outside(run.entry.name)));
        }
        if self.is_main
            && let Some(error) = run.fatal.take()
        {
            return Poll::Ready(Err(error));
        }
        run.wakes.begin(cx.waker());
        let polled = self.poll_code();
        let again = run.wakes.end();
        if polled.is_ready() {
            return polled;
        }
        if !again {
            run.spins.set(0);
            return Poll::Pending;
        }
        run.spins.set(run.spins.get() + 1);
        if run.spins.get() > SPINS_MAX {
            return Poll::Ready(Err(trap::spins(run.entry.name)));
        }
        run.progress();
        Poll::Pending
    }
}

impl<T> Drop for Routine<T> {
    fn drop(&mut self) {
        match self.is_main {
            true => self.scope.run.forget(),
            false => self.scope.run.handlers.set(self.scope.run.handlers.get() - 1),
        }
    }
}

/// Runs code that may look and do nothing: queries, validators.
pub(crate) fn look<T>(workflow: &str, code: impl FnOnce() -> Result<T>) -> Result<T> {
    let _entered = context::enter(Ambient::ReadOnly);
    catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|panic| {
        Err(Error::misuse(
            "Panic",
            format_args!("a query or validator of workflow `{workflow}` panicked: {}", panic_text(panic)),
        ))
    })
}
