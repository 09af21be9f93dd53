//! A signal to another workflow.

use temporalio_protos::temporal::api::{
    command::v1::{Command, SignalExternalWorkflowExecutionCommandAttributes, command::Attributes as Command_},
    enums::v1::{CommandType, SignalExternalWorkflowExecutionFailedCause as Cause},
    failure::v1::Failure,
    history::v1::{HistoryEvent, history_event::Attributes},
};

use super::transition::{step, transitions};
use super::{Context, Effect, Effects, failures, unexpected_command, unexpected_event};
use crate::replay::decision::Annotations;
use crate::replay::error::Result;
use crate::replay::job::{ExternalFailure, Job};

transitions! { SignalExternal, "a signal to another workflow":
    Created -- Sent --> Created;
    Created -- Cancel --> TakenBack;
    Created -- Initiated --> Recorded;
    Recorded -- Cancel --> Recorded;
    Recorded -- Signaled --> Signaled;
    Recorded -- Failed --> Failed;
    TakenBack -- Cancel --> TakenBack;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    Recorded,
    TakenBack,
    Signaled,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Sent,
    Cancel,
    Initiated,
    Signaled,
    Failed,
}

#[derive(Debug)]
pub(crate) struct SignalExternal {
    state: State,
    seq: u32,
}

impl SignalExternal {
    /// The signal and its command.
    pub fn new(
        seq: u32,
        attributes: SignalExternalWorkflowExecutionCommandAttributes,
        annotations: &Annotations,
    ) -> (Self, Command) {
        let command = annotations.on(Command_::SignalExternalWorkflowExecutionCommandAttributes(attributes));
        (Self { state: State::Created, seq }, command)
    }

    /// Takes it back if it was not sent; else nothing comes of it.
    pub fn cancel(&mut self, out: &mut Effects) -> Result<()> {
        let before = self.state;
        step::<Self>(&mut self.state, Trigger::Cancel)?;
        if before == State::Created {
            let message = "Signal was cancelled before being sent".to_owned();
            let failure = Box::new(Failure { message, ..failures::cancelled(None) });
            let failure = ExternalFailure { failure, cause: Cause::Unspecified };
            out.push(Effect::Job(Job::SignalResolved(self.seq, Some(failure))));
        }
        Ok(())
    }

    pub fn is_taken_back(&self) -> bool {
        self.state == State::TakenBack
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::TakenBack | State::Signaled | State::Failed)
    }

    pub fn on_command(&mut self, command: CommandType) -> Result<()> {
        if command != CommandType::SignalExternalWorkflowExecution {
            return unexpected_command("a signal to another workflow", command);
        }
        step::<Self>(&mut self.state, Trigger::Sent)
    }

    pub fn on_event(&mut self, event: HistoryEvent, _: &mut Context<'_>, out: &mut Effects) -> Result<()> {
        let (trigger, failure) = match &event.attributes {
            Some(Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(_)) => {
                return step::<Self>(&mut self.state, Trigger::Initiated);
            }
            Some(Attributes::ExternalWorkflowExecutionSignaledEventAttributes(_)) => (Trigger::Signaled, None),
            Some(Attributes::SignalExternalWorkflowExecutionFailedEventAttributes(failed)) => {
                (Trigger::Failed, Some(failure(failed.cause())))
            }
            _ => return unexpected_event("a signal to another workflow", &event),
        };
        step::<Self>(&mut self.state, trigger)?;
        out.push(Effect::Job(Job::SignalResolved(self.seq, failure)));
        Ok(())
    }
}

fn failure(cause: Cause) -> ExternalFailure<Cause> {
    let reason = match cause {
        Cause::Unspecified => "unknown",
        Cause::ExternalWorkflowExecutionNotFound | Cause::NamespaceNotFound => "it was not found",
        Cause::SignalCountLimitExceeded => "The per-workflow signal limit was exceeded",
    };
    let message = format!("Unable to signal external workflow because {reason}");
    ExternalFailure { failure: failures::application(message, &format!("{cause:?}")), cause }
}

#[cfg(test)]
mod tests {
    use temporalio_protos::temporal::api::enums::v1::EventType;

    use super::*;
    use crate::replay::machine::transition::taken;
    use crate::replay::testing::{context, event_of, run};

    fn signal() -> SignalExternal {
        SignalExternal::new(4, SignalExternalWorkflowExecutionCommandAttributes::default(), &Annotations::default()).0
    }

    #[test]
    fn takes_every_row() {
        for end in [EventType::ExternalWorkflowExecutionSignaled, EventType::SignalExternalWorkflowExecutionFailed] {
            let mut signal = signal();
            signal.on_command(CommandType::SignalExternalWorkflowExecution).unwrap();
            let initiated = event_of(EventType::SignalExternalWorkflowExecutionInitiated);
            run(|out| signal.on_event(initiated, &mut context!(), out));
            assert!(run(|out| signal.cancel(out)).is_empty());
            let told = run(|out| signal.on_event(event_of(end), &mut context!(), out));
            assert!(matches!(told[..], [Effect::Job(Job::SignalResolved(4, _))]));
            assert!(signal.is_over());
        }
        let mut back = signal();
        assert!(matches!(run(|out| back.cancel(out))[..], [Effect::Job(Job::SignalResolved(4, Some(_)))]));
        assert!(run(|out| back.cancel(out)).is_empty());
        assert!(back.is_taken_back());
        taken::all_of::<SignalExternal>();
    }
}
