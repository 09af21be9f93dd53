//! Signals.

use temporalio_protos::temporal::api::{common::v1::Link, history::v1::WorkflowExecutionSignaledEventAttributes};

use crate::execution::history::Extras;
use crate::execution::{Execution, Transition};
use crate::stored::persistence::{ItemKey, ItemKind};

impl Execution {
    /// The signal's event has got its id.
    pub(crate) fn number_signal(&mut self, request_id: &str, event_id: i64) {
        if let Some(known) = self.signal_requests.get_mut(request_id) {
            *known = event_id;
            self.touch(ItemKind::SignalRequest, ItemKey::Name(request_id.to_owned()));
        }
    }
}

impl Transition<'_> {
    /// Adds a signal; the caller has dealt with request ids and limits. Returns the event's id.
    pub(crate) fn signal(&mut self, signal: WorkflowExecutionSignaledEventAttributes, links: Vec<Link>) -> i64 {
        self.exec.core.signal_count += 1;
        self.exec.remember_signal(&signal.request_id);
        let id = self.record_with(signal, Extras { links, ..Default::default() });
        self.schedule_workflow_task();
        id
    }

    /// A signal that came with a start: a run that is there and waits to begin does so now.
    pub(crate) fn signal_with_start(&mut self, signal: WorkflowExecutionSignaledEventAttributes, links: Vec<Link>) {
        self.end_first_wait();
        self.signal(signal, links);
    }
}
