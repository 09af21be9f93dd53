//! Termination: the run ends at once, the workflow is not asked.

use temporalio_protos::temporal::api::{
    common::v1::{Link, Payloads},
    enums::v1::WorkflowExecutionStatus,
    history::v1::WorkflowExecutionTerminatedEventAttributes,
};

use super::close::SERVER_IDENTITY;
use crate::execution::Transition;
use crate::execution::history::Extras;

impl Transition<'_> {
    pub(crate) fn terminate(&mut self, reason: String, details: Option<Payloads>, identity: String, links: Vec<Link>) {
        let attributes = WorkflowExecutionTerminatedEventAttributes { reason, details, identity };
        let extras = Extras { links, ..Default::default() };
        self.close(WorkflowExecutionStatus::Terminated, attributes, extras, None);
    }

    /// Terminates a run whose history has outgrown its limits: it could not go on.
    pub(crate) fn terminate_if_too_large(&mut self) {
        if !self.exec.is_open() {
            return;
        }
        let events = self.exec.core.next_event_id - 1;
        let bytes = self.exec.core.history_bytes;
        let (count_max, bytes_max) = (self.config.history_count_max, self.config.history_bytes_max);
        let reason = if events > count_max {
            format!(
                "Workflow history count exceeds limit: {events} events of {count_max} at most; continue as new earlier."
            )
        } else if bytes > bytes_max {
            format!(
                "Workflow history size exceeds limit: {bytes} bytes of {bytes_max} at most; continue as new earlier."
            )
        } else {
            return;
        };
        self.terminate(reason, None, SERVER_IDENTITY.to_owned(), Vec::new());
    }
}
