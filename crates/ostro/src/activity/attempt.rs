//! One run of an activity's body.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;

use crate::activity::ActivityInfo;
use crate::activity::entry::ActivityEntry;
use crate::activity::functions::SessionInfo;
use crate::activity::isolate;
use crate::activity::options::{ActivityOptions, Isolation};
use crate::activity::task::Task;
use crate::context::InAttempt;
use crate::depends::Dependencies;
use crate::error::{Error, Result};
use crate::payload::{Payload, Payloads};
use crate::testing::Mocks;
use crate::worker::Shared;

/// What the code of an activity can ask about itself.
pub(crate) struct Attempt {
    /// `None` where it runs outside of a worker, or in a process of its own.
    pub task: Option<Arc<Task>>,
    /// What completes it from outside. `None` where nothing does.
    pub token: Option<Vec<u8>>,
    pub info: ActivityInfo,
    pub session: Option<SessionInfo>,
    pub dependencies: Arc<Dependencies>,
    pub mocks: Arc<Mocks>,
    /// The worker that runs it.
    pub shared: Option<Arc<Shared>>,
    /// Heartbeats of a process of its own go here.
    pub relay: Option<isolate::Relay>,
    /// The details of the last heartbeat of the attempt before; outside of a worker, also those of this one.
    pub last_details: Mutex<Option<Payload>>,
}

impl Attempt {
    /// A run outside of a worker.
    pub fn standalone(info: ActivityInfo, last_details: Option<Payload>) -> Self {
        Self {
            task: None,
            token: None,
            info,
            session: None,
            dependencies: Arc::default(),
            mocks: Arc::default(),
            shared: None,
            relay: None,
            last_details: Mutex::new(last_details),
        }
    }

    pub fn last_details(&self) -> Option<Payload> {
        self.last_details.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn heartbeat(&self, details: Payload) {
        match (&self.relay, &self.task) {
            (Some(relay), _) => relay.heartbeat(&details),
            (None, Some(task)) => task.heartbeat(details),
            (None, None) => *self.last_details.lock().unwrap_or_else(PoisonError::into_inner) = Some(details),
        }
    }

    /// Runs the body; what replaces it in a test; or a process with it.
    pub async fn run(
        self: Arc<Self>,
        entry: &'static ActivityEntry,
        options: &ActivityOptions,
        payloads: Vec<Payload>,
    ) -> Result<Payload> {
        let future = match self.mocks.find(entry.name) {
            Some(mock) => mock(Payloads::new(payloads)),
            None if options.isolation == Isolation::Process && self.relay.is_none() => {
                isolate::run(entry.name, payloads, self.clone())
            }
            None => (entry.invoke)(Payloads::new(payloads)),
        };
        let running = InAttempt { attempt: self, future };
        match AssertUnwindSafe(running).catch_unwind().await {
            Ok(result) => result,
            Err(panic) => Err(panicked(panic)),
        }
    }
}

/// What a panic of an activity is to its caller.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Error {
    Error::new(format_args!("it panicked: {}", panic_text(panic))).with_type("Panic")
}

/// What a panic said. What was thrown may itself panic when it is dropped.
pub(crate) fn panic_text(panic: Box<dyn Any + Send>) -> String {
    let text = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "something that is no text".to_owned(),
    };
    if let Err(another) = catch_unwind(AssertUnwindSafe(move || drop(panic))) {
        std::mem::forget(another);
    }
    text
}
