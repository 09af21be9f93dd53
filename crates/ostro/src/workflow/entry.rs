//! What `#[workflow]` leaves of a function or an `impl` block.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use crate::error::{Error, Result};
use crate::payload::{Payload, Payloads};
use crate::workflow::options::WorkflowOptions;

/// The state of a run, without its type.
pub type State = Rc<dyn Any>;

/// A workflow without its types: everything behind it is compiled once, in this crate.
pub struct WorkflowEntry {
    /// By which workers and histories know it.
    pub name: &'static str,
    /// What the attribute says; a start may say otherwise.
    pub options: fn() -> WorkflowOptions,
    /// Makes the state of a run from its arguments.
    pub create: fn(Payloads) -> Result<State>,
    /// The entrypoint.
    pub run: fn(State, Payloads) -> LocalBoxFuture<'static, Result<Payload>>,
    /// Its signals, queries and updates.
    pub handlers: &'static [HandlerEntry],
}

/// A handler without its types.
pub struct HandlerEntry {
    /// By which clients call it.
    pub name: &'static str,
    /// What it is, and its code.
    pub kind: HandlerKind,
}

/// The code of a validator.
pub type Validate = fn(State, Payloads) -> Result<()>;

/// The code of a handler.
pub enum HandlerKind {
    /// `#[signal]`.
    Signal(fn(State, Payloads) -> LocalBoxFuture<'static, Result<()>>),
    /// `#[query]`.
    Query(fn(State, Payloads) -> Result<Payload>),
    /// `#[update]`.
    Update {
        /// Its body.
        handle: fn(State, Payloads) -> LocalBoxFuture<'static, Result<Payload>>,
        /// Refuses an update before it is in the history.
        validate: Option<Validate>,
    },
}

impl fmt::Debug for WorkflowEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "workflow `{}`", self.name)
    }
}

impl WorkflowEntry {
    /// The handler of that name.
    pub fn handler(&self, name: &str) -> Option<&'static HandlerKind> {
        self.handlers.iter().find(|handler| handler.name == name).map(|handler| &handler.kind)
    }

    /// The names of its handlers of one kind, for errors.
    pub fn names(&self, is: fn(&HandlerKind) -> bool) -> String {
        let names: Vec<&str> =
            self.handlers.iter().filter(|handler| is(&handler.kind)).map(|handler| handler.name).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}

/// The state behind what the SDK keeps.
pub fn state<T: 'static>(state: &State) -> Rc<T> {
    state.clone().downcast().expect("`create` of the same entry made it")
}

/// What a validator may return: nothing, or a `Result` of nothing.
pub fn validation(outcome: impl Validation) -> Result<()> {
    outcome.into_result()
}

#[diagnostic::on_unimplemented(message = "a validator returns `Result<()>`: an error refuses the update")]
pub trait Validation {
    fn into_result(self) -> Result<()>;
}

impl<E: Into<Error>> Validation for Result<(), E> {
    fn into_result(self) -> Result<()> {
        self.map_err(Into::into)
    }
}
