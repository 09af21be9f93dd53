//! Nexus operations without a workflow: an execution that is one operation and nothing else.
//!
//! ```text
//! (none)  --start--> Running --completed, failed, cancelled, timed out, terminated--> closed
//! ```
//!
//! Its requests to the handler, their retries and time-outs are those of any operation (see [`super::nexus`]). It has no
//! history: where an operation of a workflow writes an event, this one keeps what the event says.

use temporalio_protos::temporal::api::{
    common::v1::{Link, Payloads},
    enums::v1::{EventType, RetryState, WorkflowExecutionStatus as Status},
    failure::v1::Failure,
    history::v1::{NexusOperationScheduledEventAttributes, history_event::Attributes},
};

use crate::base::error::{Error, Result};
use crate::execution::nexus::What;
use crate::execution::standalone::activity::{DIVISION_ATTRIBUTE, SCHEDULED, keyword, terminated};
use crate::execution::workflow::new_run::NewRun;
use crate::execution::workflow::start;
use crate::execution::{Execution, Transition};
use crate::stored::execution::{NexusOperation, Properties, Standalone, StandaloneNexusOperation, Start};

/// What keeps ids of operations apart from those of workflows and activities; as long as that of activities.
const ID_PREFIX: &str = "\u{1}nexus-op/";
/// Keeps them out of lists of workflows and activities.
pub const DIVISION: &str = "nexus-operation";
/// What operations are looked for by, as it is kept among their search attributes.
pub const ENDPOINT_ATTRIBUTE: &str = "TemporalNexusEndpoint";
pub const SERVICE_ATTRIBUTE: &str = "TemporalNexusService";
pub const REQUEST_ID_ATTRIBUTE: &str = "TemporalNexusRequestId";

/// The id under which an operation is kept among executions.
pub fn execution_id(operation_id: &str) -> String {
    format!("{ID_PREFIX}{operation_id}")
}

/// The operation id that an execution is kept under.
pub fn operation_id(execution_id: &str) -> &str {
    execution_id.strip_prefix(ID_PREFIX).unwrap_or(execution_id)
}

impl Execution {
    pub(crate) fn is_standalone_nexus_operation(&self) -> bool {
        self.core.standalone.as_ref().is_some_and(|standalone| standalone.operation.is_some())
    }

    /// The one operation: as it is, or as it ended.
    pub fn standalone_nexus_operation(&self) -> Option<&NexusOperation> {
        let ended = || self.core.standalone.as_ref()?.operation.as_ref()?.ended.as_ref();
        self.nexus.get(&SCHEDULED).or_else(ended)
    }

    /// What its handler linked it to.
    pub(crate) fn links_of_standalone_nexus_operation(&self) -> Vec<Link> {
        let operation = self.core.standalone.as_ref().and_then(|standalone| standalone.operation.as_ref());
        operation.map(|operation| operation.links.clone()).unwrap_or_default()
    }
}

impl Transition<'_> {
    /// Begins: the request to its handler goes out at once.
    pub(crate) fn start_standalone_nexus_operation(
        &mut self,
        run: NewRun,
        scheduled: NexusOperationScheduledEventAttributes,
    ) {
        let mut started = run.started.clone();
        let mut attributes = started.search_attributes.take().unwrap_or_default();
        for (name, value) in [
            (DIVISION_ATTRIBUTE, DIVISION),
            (ENDPOINT_ATTRIBUTE, &scheduled.endpoint),
            (SERVICE_ATTRIBUTE, &scheduled.service),
            (REQUEST_ID_ATTRIBUTE, &scheduled.request_id),
        ] {
            attributes.indexed_fields.insert(name.to_owned(), keyword(value));
        }
        self.exec.core = start::new_core(&run, &started, self.now);
        let core = &mut self.exec.core;
        let operation = Some(StandaloneNexusOperation::default());
        core.standalone = Some(Box::new(Standalone { operation, ..Default::default() }));
        core.request_ids.values_mut().for_each(|info| info.event_type = EventType::Unspecified as i32);
        self.exec.properties = Properties { search_attributes: Some(attributes), ..Default::default() };
        self.exec.add_callbacks(&started.completion_callbacks, &run.request_id, self.now);
        self.exec.start = Start { event: Some(started), links: run.links };
        self.exec.touch_start();
        self.exec.insert_nexus_operation(NexusOperation::new(SCHEDULED, scheduled, self.now));
        self.send_nexus_request(SCHEDULED, What::Start);
    }

    /// What would be an event of a workflow's history changes the execution, or is nothing.
    pub(crate) fn note_standalone_nexus_operation(&mut self, attributes: Attributes, links: Vec<Link>) {
        use Attributes::*;
        if let Some(operation) = self.standalone_nexus_operation_mut() {
            operation.links.extend(links);
        }
        match attributes {
            NexusOperationCompletedEventAttributes(a) => {
                let result = Payloads { payloads: a.result.into_iter().collect() };
                self.close_standalone(Status::Completed, Some(result), None, RetryState::Unspecified as i32);
            }
            NexusOperationFailedEventAttributes(a) => self.close_unsuccessful(Status::Failed, a.failure),
            NexusOperationCanceledEventAttributes(a) => self.close_unsuccessful(Status::Canceled, a.failure),
            NexusOperationTimedOutEventAttributes(a) => self.close_unsuccessful(Status::TimedOut, a.failure),
            _ => {}
        }
    }

    /// Ends it with the cause in the failure that a workflow would be told.
    fn close_unsuccessful(&mut self, status: Status, told: Option<Failure>) {
        let cause = told.and_then(|failure| failure.cause).map(|cause| *cause).unwrap_or_default();
        let now = self.now;
        let ended = self.standalone_nexus_operation_mut().and_then(|operation| operation.ended.as_mut());
        if let Some(operation) = ended.filter(|operation| !operation.is_started()) {
            let request = operation.request_mut(What::Start);
            request.last_attempt_complete_time = now.nanos();
            request.last_attempt_failure = Some(cause.clone());
        }
        self.close_standalone(status, None, Some(cause), RetryState::Unspecified as i32);
    }

    /// Remembers the operation as it was at its end.
    pub(crate) fn keep_ended_operation(&mut self, ended: &NexusOperation) {
        if let Some(operation) = self.standalone_nexus_operation_mut() {
            operation.ended = Some(ended.clone());
        }
    }

    fn standalone_nexus_operation_mut(&mut self) -> Option<&mut StandaloneNexusOperation> {
        self.exec.core.standalone.as_mut()?.operation.as_mut()
    }

    /// Asks its handler to cancel it, once the handler works on it.
    ///
    /// # Errors
    /// FAILED_PRECONDITION for one that has ended, or whose cancellation another request asked for.
    pub(crate) fn request_standalone_nexus_operation_cancel(&mut self, request_id: &str, reason: &str) -> Result<()> {
        let before = self.exec.core.standalone.clone().unwrap_or_default();
        if !request_id.is_empty() && before.cancel_request_id == request_id {
            return Ok(());
        }
        let now = self.now;
        let Some(operation) = self.exec.nexus_operation_mut(SCHEDULED) else {
            return Err(Error::failed_precondition("operation already completed"));
        };
        if operation.cancel.is_some() {
            let message = format!("cancellation already requested with request ID {}", before.cancel_request_id);
            return Err(Error::failed_precondition(message));
        }
        operation.request_cancel(0, now);
        let started = operation.is_started();
        if let Some(standalone) = self.exec.core.standalone.as_mut() {
            request_id.clone_into(&mut standalone.cancel_request_id);
            reason.clone_into(&mut standalone.cancel_reason);
        }
        if started {
            self.send_nexus_request(SCHEDULED, What::Cancel);
        }
        Ok(())
    }

    /// Ends it at once; its handler is not told.
    ///
    /// # Errors
    /// FAILED_PRECONDITION for one that has ended.
    pub(crate) fn terminate_standalone_nexus_operation(
        &mut self,
        request_id: &str,
        reason: &str,
        identity: &str,
    ) -> Result<()> {
        if !self.exec.is_open() {
            let by = self.exec.core.standalone.clone().unwrap_or_default().terminate_request_id;
            return match self.exec.status() {
                Status::Terminated if !request_id.is_empty() && by == request_id => Ok(()),
                Status::Terminated => {
                    Err(Error::failed_precondition(format!("already terminated with request ID {by}")))
                }
                status => Err(Error::failed_precondition(format!("invalid transition from {}", name_of(status)))),
            };
        }
        self.end_nexus_operation(SCHEDULED);
        if let Some(standalone) = self.exec.core.standalone.as_mut() {
            request_id.clone_into(&mut standalone.terminate_request_id);
        }
        let failure = terminated(reason, identity);
        self.close_standalone(Status::Terminated, None, Some(failure), RetryState::Unspecified as i32);
        Ok(())
    }
}

/// A status as the reference server's errors name it.
fn name_of(status: Status) -> &'static str {
    match status {
        Status::Completed => "Succeeded",
        Status::Failed => "Failed",
        Status::Canceled => "Canceled",
        _ => "TimedOut",
    }
}
