//! What an execution could not tell another one, because that one is set aside.
//!
//! ```text
//! told --the other one is set aside--> held --a minute later--> tried again
//! ```
//!
//! Nothing more is stored than when to try again: what is left to tell is what is still pending, or the end of the run.

use temporalio_protos::temporal::api::history::v1::history_event::Attributes;

use crate::base::time::{MINUTE, Span};
use crate::execution::{Effect, Transition};

/// How long until it is tried again.
const PATIENCE: Span = MINUTE;

impl Transition<'_> {
    /// Something is left to tell.
    pub(crate) fn hold(&mut self) {
        self.exec.core.held_due = (self.now + PATIENCE).nanos();
    }

    /// It is time to try again.
    pub(crate) fn held_due(&mut self) {
        self.exec.core.held_due = 0;
        let id = self.id();
        self.effect(Effect::Held(id));
    }

    /// Tells the end of the run, whose closing event has these attributes, to those who have not heard of it.
    pub(crate) fn tell_end_again(&mut self, outcome: Attributes) {
        let goes_on = !self.exec.core.next_run_id.is_empty();
        let closed = self.closed(goes_on, outcome, Vec::new());
        self.effect(Effect::Closed(Box::new(closed)));
    }

    /// The same for an activity or an operation without a workflow.
    pub(crate) fn call_back_of_standalone(&mut self) {
        let callbacks = self.exec.callbacks_of_standalone(&self.namespace.name);
        let id = self.id();
        self.effect(Effect::CallBack(id, callbacks));
    }
}
