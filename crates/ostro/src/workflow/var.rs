//! State of a workflow.

use std::cell::RefCell;
use std::fmt;

use crate::context::{self, Ambient};

/// A field of a workflow's state that handlers and the entrypoint share. Whoever waits for a condition looks again when it changes.
///
/// # Panics
/// [`set`](Self::set) and [`update`](Self::update) panic in queries and validators, which only look.
#[derive(Default)]
pub struct Var<T>(RefCell<T>);

impl<T> Var<T> {
    /// One with this value.
    pub fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    /// A copy of the value.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.0.borrow().clone()
    }

    /// Looks at the value.
    pub fn with<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.0.borrow())
    }

    /// Puts another value in its place.
    pub fn set(&self, value: T) {
        self.update(|kept| *kept = value);
    }

    /// Takes the value out and leaves the default.
    pub fn take(&self) -> T
    where
        T: Default,
    {
        self.update(std::mem::take)
    }

    /// Changes the value.
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let ambient = context::current();
        if matches!(ambient, Some(Ambient::ReadOnly)) {
            panic!("a query or validator only looks: change the state in a signal or an update");
        }
        let result = change(&mut self.0.borrow_mut());
        if let Some(Ambient::Workflow(scope)) = ambient {
            scope.run.changed();
        }
        result
    }
}

impl<T: fmt::Debug> fmt::Debug for Var<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.borrow().fmt(f)
    }
}

impl<T> From<T> for Var<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}
