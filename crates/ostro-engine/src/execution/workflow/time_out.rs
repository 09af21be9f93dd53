//! The run, or its whole chain, has run out of time.

use temporalio_protos::temporal::api::{
    enums::v1::{RetryState, TimeoutType, WorkflowExecutionStatus},
    history::v1::WorkflowExecutionTimedOutEventAttributes,
};

use crate::base::time::Time;
use crate::execution::history::Extras;
use crate::execution::{Transition, failures};

impl Transition<'_> {
    /// The run's deadline has passed.
    pub(crate) fn time_out_run(&mut self) {
        let expiration = self.exec.core.execution_expiration();
        let (next, retry_state) = if expiration != Time::UNSET && self.now >= expiration {
            (None, RetryState::Timeout)
        } else {
            let failure = failures::timeout("workflow timeout", TimeoutType::StartToClose, None);
            match self.next_retry_run(&failure) {
                (None, state) => (self.next_cron_run(None, Some(failure)), state),
                found => found,
            }
        };
        let attributes = WorkflowExecutionTimedOutEventAttributes {
            retry_state: retry_state as i32,
            new_execution_run_id: next.as_ref().map(|n| n.run_id.clone()).unwrap_or_default(),
        };
        self.close(WorkflowExecutionStatus::TimedOut, attributes, Extras::default(), next);
    }
}
