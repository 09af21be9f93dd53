//! Commands that only leave an event: search attributes and memo.

use temporalio_protos::temporal::api::{
    enums::v1::{CommandType, EventType},
    history::v1::HistoryEvent,
};

use super::transition::{step, transitions};
use super::{Context, Effects, unexpected_command, unexpected_event};
use crate::replay::error::Result;

transitions! { Note, "a change of memo or search attributes":
    Created -- Sent --> Issued;
    Issued -- Recorded --> Recorded;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    Issued,
    Recorded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Sent,
    Recorded,
}

#[derive(Debug)]
pub(crate) struct Note {
    state: State,
    command: CommandType,
}

impl Note {
    pub fn new(command: CommandType) -> Self {
        Self { state: State::Created, command }
    }

    pub fn is_over(&self) -> bool {
        self.state == State::Recorded
    }

    pub fn on_command(&mut self, command: CommandType) -> Result<()> {
        if command != self.command {
            return unexpected_command("a change of memo or search attributes", command);
        }
        step::<Self>(&mut self.state, Trigger::Sent)
    }

    pub fn on_event(&mut self, event: HistoryEvent, _: &mut Context<'_>, _: &mut Effects) -> Result<()> {
        let (expected, name) = match self.command {
            CommandType::ModifyWorkflowProperties => (EventType::WorkflowPropertiesModified, "a change of the memo"),
            _ => (EventType::UpsertWorkflowSearchAttributes, "a change of search attributes"),
        };
        if event.event_type() != expected {
            return unexpected_event(name, &event);
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
            (CommandType::ModifyWorkflowProperties, EventType::WorkflowPropertiesModified),
            (CommandType::UpsertWorkflowSearchAttributes, EventType::UpsertWorkflowSearchAttributes),
        ] {
            let mut note = Note::new(command);
            note.on_command(command).unwrap();
            run(|out| note.on_event(event_of(event), &mut context!(), out));
            assert!(note.is_over());
        }
        taken::all_of::<Note>();
    }
}
