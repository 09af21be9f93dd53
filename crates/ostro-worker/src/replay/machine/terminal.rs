//! The command that ends a run: completed, failed, cancelled, or continued as a new one.

use temporalio_protos::temporal::api::{
    enums::v1::{CommandType, EventType},
    history::v1::HistoryEvent,
};

use super::transition::{step, transitions};
use super::{Context, Effects, unexpected_command, unexpected_event};
use crate::replay::error::Result;

transitions! { Terminal, "the end of the run":
    Created -- Sent --> Created;
    Created -- Recorded --> Recorded;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    Recorded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Sent,
    Recorded,
}

#[derive(Debug)]
pub(crate) struct Terminal {
    state: State,
    command: CommandType,
}

impl Terminal {
    pub fn new(command: CommandType) -> Self {
        Self { state: State::Created, command }
    }

    fn event(&self) -> EventType {
        match self.command {
            CommandType::CompleteWorkflowExecution => EventType::WorkflowExecutionCompleted,
            CommandType::FailWorkflowExecution => EventType::WorkflowExecutionFailed,
            CommandType::CancelWorkflowExecution => EventType::WorkflowExecutionCanceled,
            _ => EventType::WorkflowExecutionContinuedAsNew,
        }
    }

    pub fn is_over(&self) -> bool {
        self.state == State::Recorded
    }

    pub fn on_command(&mut self, command: CommandType) -> Result<()> {
        if command != self.command {
            return unexpected_command("the end of the run", command);
        }
        step::<Self>(&mut self.state, Trigger::Sent)
    }

    pub fn on_event(&mut self, event: HistoryEvent, _: &mut Context<'_>, _: &mut Effects) -> Result<()> {
        if event.event_type() != self.event() {
            return unexpected_event("the end of the run", &event);
        }
        step::<Self>(&mut self.state, Trigger::Recorded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::machine::transition::taken;
    use crate::replay::testing::{context, event_of, run};

    #[test]
    fn takes_every_row() {
        for (command, event) in [
            (CommandType::CompleteWorkflowExecution, EventType::WorkflowExecutionCompleted),
            (CommandType::FailWorkflowExecution, EventType::WorkflowExecutionFailed),
            (CommandType::CancelWorkflowExecution, EventType::WorkflowExecutionCanceled),
            (CommandType::ContinueAsNewWorkflowExecution, EventType::WorkflowExecutionContinuedAsNew),
        ] {
            let mut end = Terminal::new(command);
            end.on_command(command).unwrap();
            assert!(end.on_event(event_of(EventType::TimerStarted), &mut context!(), &mut Vec::new()).is_err());
            run(|out| end.on_event(event_of(event), &mut context!(), out));
            assert!(end.is_over());
        }
        taken::all_of::<Terminal>();
    }
}
