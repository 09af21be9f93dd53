//! Commands: what a worker decided in a workflow task.
//!
//! All are checked before any is applied, so that a refused command leaves nothing behind.

mod activity;
mod check;
mod child;
mod close;
mod external;
mod marker;
mod nexus;
mod properties;
mod timer;

pub(crate) use activity::Timeouts;
pub(crate) use check::{Checker, check_retry_policy};

use temporalio_protos::temporal::api::{
    command::v1::{Command, command::Attributes},
    enums::v1::{CommandType, WorkflowTaskFailedCause},
    workflowservice::v1::RespondWorkflowTaskCompletedRequest,
};

use super::Transition;
use super::history::Extras;
use super::workflow_task::StartedBy;
use crate::base::error::{Error, Result};

/// Why a command is refused; the workflow task fails with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub cause: WorkflowTaskFailedCause,
    pub message: String,
    /// Trying again cannot help: the run ends with it rather than fail its task for ever.
    pub fatal: bool,
}

impl Refusal {
    pub(crate) fn new(cause: WorkflowTaskFailedCause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into(), fatal: false }
    }

    pub(crate) fn fatal(cause: WorkflowTaskFailedCause, message: impl Into<String>) -> Self {
        Self { fatal: true, ..Self::new(cause, message) }
    }
}

impl std::fmt::Display for Refusal {
    /// `Cause: message`, as the reference server answers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&camel_case(self.cause.as_str_name().trim_start_matches("WORKFLOW_TASK_FAILED_CAUSE_")))?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

/// What commands brought about beside events.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// Activities that the same worker starts at once, by scheduled event id.
    pub eager_activities: Vec<(i64, StartedBy)>,
}

impl Transition<'_> {
    pub(super) fn check_completion(
        &self,
        request: &RespondWorkflowTaskCompletedRequest,
    ) -> std::result::Result<(), Refusal> {
        let mut checker = Checker::new(self.exec, self.namespace, self.endpoints, self.config, self.executions_left);
        for command in &request.commands {
            checker.check(command, &request.messages)?;
        }
        checker.check_messages(&request.messages)
    }

    pub(super) fn apply_commands(&mut self, request: &RespondWorkflowTaskCompletedRequest, completed: i64) -> Applied {
        let mut applied = Applied::default();
        let by = StartedBy {
            identity: request.identity.clone(),
            deployment: request.deployment_options.clone(),
            sticky: false,
        };
        let mut handled = Vec::new();
        self.apply_rejections(&request.messages);
        for command in &request.commands {
            if !self.exec.is_open() {
                break;
            }
            self.apply_command(command, request, completed, &by, &mut applied, &mut handled);
        }
        let rest: Vec<_> = request.messages.iter().filter(|m| !handled.contains(&m.id)).cloned().collect();
        self.apply_update_messages(&rest, completed);
        applied
    }

    fn apply_command(
        &mut self,
        command: &Command,
        request: &RespondWorkflowTaskCompletedRequest,
        completed: i64,
        by: &StartedBy,
        applied: &mut Applied,
        handled: &mut Vec<String>,
    ) {
        let extras = Extras {
            user_metadata: command.user_metadata.clone(),
            event_group_markers: command.event_group_markers.clone(),
            ..Default::default()
        };
        use Attributes::*;
        let Some(attributes) = command.attributes.clone() else { return };
        match attributes {
            ScheduleActivityTaskCommandAttributes(a) => self.schedule_activity(a, completed, extras, by, applied),
            RequestCancelActivityTaskCommandAttributes(a) => self.request_cancel_activity(a, completed, extras),
            StartTimerCommandAttributes(a) => self.start_timer(a, completed, extras),
            CancelTimerCommandAttributes(a) => self.cancel_timer(a, completed, extras, &request.identity),
            RecordMarkerCommandAttributes(a) => self.record_marker(a, completed, extras),
            StartChildWorkflowExecutionCommandAttributes(a) => self.initiate_child(a, completed, extras),
            SignalExternalWorkflowExecutionCommandAttributes(a) => self.initiate_signal(a, completed, extras),
            RequestCancelExternalWorkflowExecutionCommandAttributes(a) => self.initiate_cancel(a, completed, extras),
            UpsertWorkflowSearchAttributesCommandAttributes(a) => self.upsert_search_attributes(a, completed, extras),
            ModifyWorkflowPropertiesCommandAttributes(a) => self.modify_properties(a, completed, extras),
            CompleteWorkflowExecutionCommandAttributes(a) => self.complete_by_command(a, completed, extras),
            FailWorkflowExecutionCommandAttributes(a) => self.fail_by_command(a, completed, extras),
            CancelWorkflowExecutionCommandAttributes(a) => self.cancel_by_command(a, completed, extras),
            ContinueAsNewWorkflowExecutionCommandAttributes(a) => self.continue_by_command(a, completed, extras),
            ProtocolMessageCommandAttributes(a) => {
                let message = request.messages.iter().find(|m| m.id == a.message_id).cloned();
                handled.push(a.message_id);
                self.apply_update_messages(message.as_slice(), completed);
            }
            ScheduleNexusOperationCommandAttributes(a) => self.schedule_nexus(a, completed, extras),
            RequestCancelNexusOperationCommandAttributes(a) => self.cancel_nexus(a, completed, extras),
        }
    }
}

/// Refuses commands after one that ends the run. It is not the workflow's fault but its worker's: the task stays as it is.
///
/// # Errors
/// INVALID_ARGUMENT, in the reference server's words.
pub(crate) fn check_sequence(commands: &[Command]) -> Result<()> {
    let Some(closing) = commands.iter().position(|command| closes(command.command_type())) else { return Ok(()) };
    if closing + 1 == commands.len() {
        return Ok(());
    }
    let names: Vec<String> = commands.iter().map(|command| type_name(command.command_type())).collect();
    let (all, last) = (names.join(", "), &names[closing]);
    Err(Error::invalid(format!("invalid command sequence: [{all}], command {last} must be the last command.")))
}

/// `StartTimer`, as the reference server writes it.
fn type_name(command: CommandType) -> String {
    camel_case(command.as_str_name().trim_start_matches("COMMAND_TYPE_"))
}

/// `NON_DETERMINISTIC_ERROR` as `NonDeterministicError`.
pub(crate) fn camel_case(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_owned() + &rest.to_lowercase()
    };
    name.split('_').map(word).collect()
}

/// Whether the command ends the run.
fn closes(command: CommandType) -> bool {
    matches!(
        command,
        CommandType::CompleteWorkflowExecution
            | CommandType::FailWorkflowExecution
            | CommandType::CancelWorkflowExecution
            | CommandType::ContinueAsNewWorkflowExecution
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_read_as_the_reference_server_writes_them() {
        let bare = Refusal::new(WorkflowTaskFailedCause::UnhandledCommand, "");
        assert_eq!(bare.to_string(), "UnhandledCommand");
        let full = Refusal::new(WorkflowTaskFailedCause::BadStartTimerAttributes, "TimerId is not set.");
        assert_eq!(full.to_string(), "BadStartTimerAttributes: TimerId is not set.");
    }
}
