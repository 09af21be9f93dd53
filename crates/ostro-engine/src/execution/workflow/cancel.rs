//! Requests to cancel the run: the workflow is told and decides.

use temporalio_protos::temporal::api::{
    common::v1::Link, history::v1::WorkflowExecutionCancelRequestedEventAttributes,
};

use crate::execution::Transition;
use crate::execution::history::Extras;

impl Transition<'_> {
    /// Asks the workflow to cancel itself. A second request changes nothing.
    pub(crate) fn request_cancel(
        &mut self,
        request: WorkflowExecutionCancelRequestedEventAttributes,
        request_id: &str,
        links: Vec<Link>,
    ) {
        if self.exec.core.cancel_requested {
            return;
        }
        self.exec.core.cancel_requested = true;
        self.exec.core.cancel_request_id = request_id.to_owned();
        self.record_with(request, Extras { links, ..Default::default() });
        self.end_first_wait();
        self.schedule_workflow_task();
    }
}
