//! Checks a workflow task's commands against the execution and against each other, changing nothing.

use std::collections::HashSet;

use prost::Message as _;
use temporalio_protos::temporal::api::{
    command::v1::{Command, command::Attributes},
    common::v1::{Payloads, RetryPolicy},
    enums::v1::WorkflowTaskFailedCause as Cause,
    protocol::v1::Message,
};

use super::{Refusal, closes};
use crate::base::time::{Span, from_duration};
use crate::config::Config;
use crate::execution::Execution;
use crate::namespace::Namespace;
use crate::nexus::Endpoints;

/// Goes over the commands in order and remembers what the earlier ones would do.
pub(crate) struct Checker<'a> {
    pub(super) exec: &'a Execution,
    pub(super) namespace: &'a Namespace,
    pub(super) endpoints: &'a Endpoints,
    pub(super) config: &'a Config,
    pub(super) timers_started: HashSet<&'a str>,
    pub(super) timers_cancelled: HashSet<&'a str>,
    pub(super) activities_scheduled: HashSet<&'a str>,
    pub(super) children: usize,
    /// Executions that may still be opened in the namespace, by its quota.
    pub(super) executions_left: Option<i64>,
    pub(super) signals: usize,
    pub(super) cancels: usize,
    pub(super) nexus_operations: usize,
    pub(super) nexus_cancelled: HashSet<i64>,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(
        exec: &'a Execution,
        namespace: &'a Namespace,
        endpoints: &'a Endpoints,
        config: &'a Config,
        executions_left: Option<i64>,
    ) -> Self {
        Self {
            exec,
            namespace,
            endpoints,
            config,
            timers_started: HashSet::new(),
            timers_cancelled: HashSet::new(),
            activities_scheduled: HashSet::new(),
            children: exec.children.len(),
            executions_left,
            signals: exec.signals.len(),
            cancels: exec.cancels.len(),
            nexus_operations: exec.nexus.len(),
            nexus_cancelled: HashSet::new(),
        }
    }

    pub(crate) fn check(&mut self, command: &'a Command, messages: &'a [Message]) -> Result<(), Refusal> {
        // Events that the worker has not seen must come first. An update that it has not seen ends with the run.
        if closes(command.command_type()) && !self.exec.buffered.is_empty() {
            return Err(Refusal::new(Cause::UnhandledCommand, ""));
        }
        use Attributes::*;
        match command.attributes.as_ref() {
            Some(ScheduleActivityTaskCommandAttributes(a)) => self.schedule_activity(a),
            Some(RequestCancelActivityTaskCommandAttributes(a)) => self.request_cancel_activity(a),
            Some(StartTimerCommandAttributes(a)) => self.start_timer(a),
            Some(CancelTimerCommandAttributes(a)) => self.cancel_timer(a),
            Some(RecordMarkerCommandAttributes(a)) => self.record_marker(a),
            Some(StartChildWorkflowExecutionCommandAttributes(a)) => self.start_child(a),
            Some(SignalExternalWorkflowExecutionCommandAttributes(a)) => self.signal_external(a),
            Some(RequestCancelExternalWorkflowExecutionCommandAttributes(a)) => self.cancel_external(a),
            Some(UpsertWorkflowSearchAttributesCommandAttributes(a)) => self.upsert_search_attributes(a),
            Some(ModifyWorkflowPropertiesCommandAttributes(a)) => self.modify_properties(a),
            Some(CompleteWorkflowExecutionCommandAttributes(a)) => self.complete(a),
            Some(FailWorkflowExecutionCommandAttributes(a)) => self.fail(a),
            Some(CancelWorkflowExecutionCommandAttributes(a)) => self.cancel(a),
            Some(ContinueAsNewWorkflowExecutionCommandAttributes(a)) => self.continue_as_new(a),
            Some(ProtocolMessageCommandAttributes(a)) => self.protocol_message(&a.message_id, messages),
            Some(ScheduleNexusOperationCommandAttributes(a)) => self.schedule_nexus(a),
            Some(RequestCancelNexusOperationCommandAttributes(a)) => self.cancel_nexus(a),
            None => Err(Refusal::new(
                Cause::Unspecified,
                format!("command of type {} has no attributes", command.command_type().as_str_name()),
            )),
        }
    }

    fn protocol_message(&self, id: &str, messages: &[Message]) -> Result<(), Refusal> {
        if messages.iter().any(|m| m.id == id) {
            return Ok(());
        }
        let message = match id {
            "" => "MessageID is not set on ProtocolMessageCommand.".to_owned(),
            _ => format!("ProtocolMessageCommand referenced absent message ID {id}"),
        };
        Err(Refusal::new(Cause::BadUpdateWorkflowExecutionMessage, message))
    }

    /// Checks that each message speaks of an update that was sent, or accepted, and is of a known kind.
    pub(crate) fn check_messages(&self, messages: &[Message]) -> Result<(), Refusal> {
        crate::execution::update::check_messages(self.exec, messages)
            .map_err(|message| Refusal::new(Cause::BadUpdateWorkflowExecutionMessage, message))
    }

    pub(super) fn name(&self, cause: Cause, what: &str, value: &str) -> Result<(), Refusal> {
        if value.is_empty() {
            return Err(Refusal::new(cause, format!("{what} is not set on {}.", command_of(cause))));
        }
        self.length(cause, what, value)
    }

    pub(super) fn length(&self, cause: Cause, what: &str, value: &str) -> Result<(), Refusal> {
        if value.len() > self.config.id_length_max {
            let limit = self.config.id_length_max;
            return Err(Refusal::new(
                cause,
                format!("{what} exceeds length limit of {limit} bytes: it has {}.", value.len()),
            ));
        }
        Ok(())
    }

    pub(super) fn payloads(&self, cause: Cause, what: &str, payloads: &Option<Payloads>) -> Result<(), Refusal> {
        self.bytes(cause, what, payloads.as_ref().map_or(0, |p| p.encoded_len()))
    }

    pub(super) fn bytes(&self, cause: Cause, what: &str, bytes: usize) -> Result<(), Refusal> {
        let limit = self.config.blob_bytes_max;
        if bytes > limit {
            // The reference server's words, which SDKs' users match on.
            return Err(Refusal::fatal(cause, format!("{what} exceeds size limit.")));
        }
        Ok(())
    }

    pub(super) fn retry_policy(&self, cause: Cause, policy: &Option<RetryPolicy>) -> Result<(), Refusal> {
        policy.as_ref().map_or(Ok(()), |p| check_retry_policy(p).map_err(|message| Refusal::new(cause, message)))
    }
}

/// What is wrong with a retry policy, in the reference server's words.
pub(crate) fn check_retry_policy(policy: &RetryPolicy) -> Result<(), &'static str> {
    let initial = from_duration(&policy.initial_interval);
    let maximum = from_duration(&policy.maximum_interval);
    if policy.maximum_attempts == 1 {
        return Ok(());
    }
    if initial < Span::ZERO {
        return Err("InitialInterval cannot be negative on retry policy.");
    }
    if policy.backoff_coefficient != 0.0 && (policy.backoff_coefficient.is_nan() || policy.backoff_coefficient < 1.0) {
        return Err("BackoffCoefficient cannot be less than 1 on retry policy.");
    }
    if maximum < Span::ZERO {
        return Err("MaximumInterval cannot be negative on retry policy.");
    }
    if maximum > Span::ZERO && maximum < initial {
        return Err("MaximumInterval cannot be less than InitialInterval on retry policy.");
    }
    if policy.maximum_attempts < 0 {
        return Err("MaximumAttempts cannot be negative on retry policy.");
    }
    Ok(())
}

/// The command whose attributes are bad in this way, by the name that the reference server gives it.
fn command_of(cause: Cause) -> &'static str {
    match cause {
        Cause::BadScheduleActivityAttributes => "ScheduleActivityTaskCommand",
        Cause::BadStartTimerAttributes => "StartTimerCommand",
        Cause::BadCancelTimerAttributes => "CancelTimerCommand",
        Cause::BadRecordMarkerAttributes => "RecordMarkerCommand",
        Cause::BadStartChildExecutionAttributes => "StartChildWorkflowExecutionCommand",
        Cause::BadSignalWorkflowExecutionAttributes => "SignalExternalWorkflowExecutionCommand",
        Cause::BadRequestCancelExternalWorkflowExecutionAttributes => "RequestCancelExternalWorkflowExecutionCommand",
        _ => "command",
    }
}
