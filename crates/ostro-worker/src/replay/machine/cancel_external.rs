//! A request to cancel another workflow.

use temporalio_protos::temporal::api::{
    command::v1::{Command, RequestCancelExternalWorkflowExecutionCommandAttributes, command::Attributes as Command_},
    enums::v1::{CancelExternalWorkflowExecutionFailedCause as Cause, CommandType},
    history::v1::{HistoryEvent, history_event::Attributes},
};

use super::transition::{step, transitions};
use super::{Context, Effect, Effects, failures, unexpected_command, unexpected_event};
use crate::replay::decision::{Annotations, ExternalCancel};
use crate::replay::error::Result;
use crate::replay::job::{ExternalFailure, Job};

transitions! { CancelExternal, "a request to cancel another workflow":
    Created -- Sent --> Created;
    Created -- Initiated --> Recorded;
    Recorded -- Requested --> Requested;
    Recorded -- Failed --> Failed;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    Recorded,
    Requested,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Sent,
    Initiated,
    Requested,
    Failed,
}

#[derive(Debug)]
pub(crate) struct CancelExternal {
    state: State,
    /// None: the core asks, for a child. The code hears nothing of it.
    seq: Option<u32>,
}

impl CancelExternal {
    /// The request and its command. `seq` is None where the code cancels a child.
    pub fn new(seq: Option<u32>, target: ExternalCancel, annotations: &Annotations) -> (Self, Command) {
        let attributes = RequestCancelExternalWorkflowExecutionCommandAttributes {
            namespace: target.namespace,
            workflow_id: target.workflow_id,
            run_id: target.run_id,
            child_workflow_only: seq.is_none(),
            reason: target.reason,
            ..Default::default()
        };
        let command = annotations.on(Command_::RequestCancelExternalWorkflowExecutionCommandAttributes(attributes));
        (Self { state: State::Created, seq }, command)
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Requested | State::Failed)
    }

    pub fn on_command(&mut self, command: CommandType) -> Result<()> {
        if command != CommandType::RequestCancelExternalWorkflowExecution {
            return unexpected_command("a request to cancel another workflow", command);
        }
        step::<Self>(&mut self.state, Trigger::Sent)
    }

    pub fn on_event(&mut self, event: HistoryEvent, _: &mut Context<'_>, out: &mut Effects) -> Result<()> {
        let (trigger, failure) = match &event.attributes {
            Some(Attributes::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(_)) => {
                return step::<Self>(&mut self.state, Trigger::Initiated);
            }
            Some(Attributes::ExternalWorkflowExecutionCancelRequestedEventAttributes(_)) => (Trigger::Requested, None),
            Some(Attributes::RequestCancelExternalWorkflowExecutionFailedEventAttributes(failed)) => {
                (Trigger::Failed, Some(failure(failed.cause())))
            }
            _ => return unexpected_event("a request to cancel another workflow", &event),
        };
        step::<Self>(&mut self.state, trigger)?;
        out.extend(self.seq.map(|seq| Effect::Job(Job::CancelResolved(seq, failure))));
        Ok(())
    }
}

fn failure(cause: Cause) -> ExternalFailure<Cause> {
    let reason = match cause {
        Cause::Unspecified => "unknown",
        Cause::ExternalWorkflowExecutionNotFound | Cause::NamespaceNotFound => "not found",
    };
    let message = format!("Unable to cancel external workflow because {reason}");
    ExternalFailure { failure: failures::application(message, &format!("{cause:?}")), cause }
}

#[cfg(test)]
mod tests {
    use temporalio_protos::temporal::api::enums::v1::EventType;

    use super::*;
    use crate::replay::machine::transition::taken;
    use crate::replay::testing::{context, event_of, run};

    #[test]
    fn takes_every_row() {
        for (seq, end) in [
            (Some(4), EventType::ExternalWorkflowExecutionCancelRequested),
            (Some(4), EventType::RequestCancelExternalWorkflowExecutionFailed),
            (None, EventType::RequestCancelExternalWorkflowExecutionFailed),
        ] {
            let (mut cancel, _) = CancelExternal::new(seq, ExternalCancel::default(), &Annotations::default());
            cancel.on_command(CommandType::RequestCancelExternalWorkflowExecution).unwrap();
            let initiated = event_of(EventType::RequestCancelExternalWorkflowExecutionInitiated);
            run(|out| cancel.on_event(initiated, &mut context!(), out));
            let told = run(|out| cancel.on_event(event_of(end), &mut context!(), out));
            assert_eq!(told.len(), usize::from(seq.is_some()), "the code hears of its own requests only");
            assert!(cancel.is_over());
        }
        taken::all_of::<CancelExternal>();
    }
}
