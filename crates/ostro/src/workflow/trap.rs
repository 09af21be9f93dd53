//! What workflow code must not touch, made to say so.
//!
//! While workflow code is polled, a tokio runtime without timers and I/O, which nothing drives, stands around it. Timers
//! and sockets panic in it at the call; tasks are noticed because they stay alive.

use std::cell::RefCell;

use tokio::runtime::{Builder, EnterGuard, Runtime};

use crate::error::Error;

thread_local! {
    static TRAP: RefCell<Option<&'static Runtime>> = const { RefCell::new(None) };
}

/// Enters the trap until dropped.
pub(crate) struct Trap {
    runtime: &'static Runtime,
    _entered: EnterGuard<'static>,
}

impl Trap {
    pub fn enter() -> Self {
        let runtime = TRAP.with_borrow_mut(|trap| *trap.get_or_insert_with(make));
        Self { runtime, _entered: runtime.enter() }
    }

    /// The mistake that was made since it was entered, if one shows.
    pub fn caught(&self, workflow: &str) -> Option<Error> {
        if self.runtime.metrics().num_alive_tasks() == 0 {
            return None;
        }
        // The tasks never end: the next poll gets a new trap.
        TRAP.set(None);
        Some(error(workflow, "started a task of tokio", "ostro::workflow::spawn(future)"))
    }
}

/// One for each thread that runs workflows, and one more after each mistake: leaked, because the guard must outlive what it guards.
fn make() -> &'static Runtime {
    Box::leak(Box::new(
        Builder::new_current_thread().build().expect("a runtime without drivers needs nothing of the system"),
    ))
}

/// A panic in workflow code, by what the program should do about it.
pub(crate) fn of_panic(workflow: &str, text: &str) -> Error {
    if text.contains("timers are disabled") || text.contains("with timers enabled") {
        return error(
            workflow,
            "used a timer of tokio",
            "ostro::workflow::sleep(duration) or ostro::workflow::timeout(duration, future)",
        );
    }
    if text.contains("IO is disabled") || text.contains("I/O is disabled") || text.contains("with IO enabled") {
        return error(workflow, "did I/O with tokio", "an activity");
    }
    Error::misuse("Panic", format_args!("workflow `{workflow}` panicked: {text}"))
}

pub(crate) fn woken_from_outside(workflow: &str) -> Error {
    error(
        workflow,
        "awaited something that is not in its history (a task, a thread, a file, a channel from outside)",
        "an activity for I/O, ostro::workflow::sleep for time, signals for messages",
    )
}

pub(crate) fn spins(workflow: &str) -> Error {
    error(
        workflow,
        "woke itself 10 000 times in a row without waiting",
        "ostro::workflow::wait_condition to wait for its state",
    )
}

fn error(workflow: &str, did: &str, instead: &str) -> Error {
    Error::misuse(
        "DeterminismError",
        format_args!("workflow `{workflow}` {did}, which gives another answer when it replays: use {instead}"),
    )
}
