//! Signals.

use temporalio_protos::temporal::api::{common::v1::Link, history::v1::WorkflowExecutionSignaledEventAttributes};

use super::history::Extras;
use super::Transition;

impl Transition<'_> {
    /// Adds a signal; the caller has dealt with request ids and limits. Returns the event's id.
    pub fn signal(&mut self, signal: WorkflowExecutionSignaledEventAttributes, links: Vec<Link>) -> i64 {
        self.exec.core.signal_count += 1;
        self.exec.remember_signal(&signal.request_id);
        let id = self.record_with(signal, Extras { links, ..Default::default() });
        self.schedule_workflow_task();
        id
    }
}
