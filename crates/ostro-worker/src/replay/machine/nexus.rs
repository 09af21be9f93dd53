//! A Nexus operation.

use temporalio_protos::temporal::api::{
    command::v1::{Command, RequestCancelNexusOperationCommandAttributes, command::Attributes as Command_},
    enums::v1::CommandType,
    failure::v1::{Failure, NexusOperationFailureInfo, failure::FailureInfo},
    history::v1::{HistoryEvent, history_event::Attributes},
};

use super::transition::{step, transitions};
use super::{Context, Effect, Effects, failures, unexpected_command, unexpected_event};
use crate::replay::decision::{Annotations, NexusCancellation, ScheduleNexus};
use crate::replay::error::Result;
use crate::replay::job::{Job, NexusOutcome, NexusStart};

transitions! { Nexus, "a Nexus operation":
    Created -- Sent --> Created;
    Created -- Scheduled --> Scheduled;
    Created -- Cancel --> TakenBack;
    Scheduled -- Cancel --> Scheduled;
    Scheduled -- Sent --> Scheduled;
    Scheduled -- CancelRequested --> Scheduled;
    Scheduled -- Started --> Started;
    Scheduled -- Ended --> Ended;
    Started -- Cancel --> Started;
    Started -- Leave --> Left;
    Started -- Sent --> Started;
    Started -- CancelRequested --> Started;
    Started -- CancelAnswered --> Started;
    Started -- CancelTaken --> Left;
    Started -- Ended --> Ended;
    Left -- Cancel --> Left;
    Left -- Sent --> Left;
    Left -- CancelRequested --> Left;
    Left -- CancelAnswered --> Left;
    Left -- Ended --> Ended;
    Ended -- Cancel --> Ended;
    Ended -- CancelAnswered --> Ended;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    TakenBack,
    Scheduled,
    Started,
    /// Cancelled by code that waits no longer: what becomes of it is told nobody.
    Left,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Sent,
    Scheduled,
    Started,
    Ended,
    Cancel,
    /// The code cancels it and does not wait.
    Leave,
    CancelRequested,
    /// The handler was asked, or could not be.
    CancelAnswered,
    /// The handler was asked, and that is what the code waits for.
    CancelTaken,
}

#[derive(Debug)]
pub(crate) struct Nexus {
    state: State,
    seq: u32,
    scheduled_event_id: i64,
    endpoint: String,
    service: String,
    operation: String,
    token: String,
    cancellation: NexusCancellation,
    asked: bool,
    annotations: Annotations,
}

impl Nexus {
    /// The operation and the command that schedules it.
    pub fn new(request: ScheduleNexus, annotations: Annotations) -> (Self, Command) {
        let attributes = request.attributes;
        let operation = Self {
            state: State::Created,
            seq: request.seq,
            scheduled_event_id: 0,
            endpoint: attributes.endpoint.clone(),
            service: attributes.service.clone(),
            operation: attributes.operation.clone(),
            token: String::new(),
            cancellation: request.cancellation,
            asked: false,
            annotations,
        };
        let command = operation.annotations.on(Command_::ScheduleNexusOperationCommandAttributes(attributes));
        (operation, command)
    }

    /// Asking twice changes nothing.
    pub fn cancel(&mut self, annotations: Annotations, out: &mut Effects) -> Result<()> {
        self.annotations.overridden_by(annotations);
        let before = self.state;
        let leaves = matches!(self.cancellation, NexusCancellation::Abandon | NexusCancellation::Try);
        let trigger = if before == State::Started && leaves && !self.asked { Trigger::Leave } else { Trigger::Cancel };
        step::<Self>(&mut self.state, trigger)?;
        match before {
            State::Created => {
                let failure = self.cancelled("Nexus Operation cancelled before scheduled");
                out.push(Effect::Job(Job::NexusStarted(self.seq, NexusStart::Failed(failure))));
            }
            State::Scheduled | State::Started if !self.asked => {
                self.asked = true;
                self.ask(leaves, out);
            }
            State::Scheduled | State::Started | State::TakenBack | State::Left | State::Ended => {}
        }
        Ok(())
    }

    fn ask(&self, leaves: bool, out: &mut Effects) {
        if self.cancellation != NexusCancellation::Abandon {
            let scheduled_event_id = self.scheduled_event_id;
            let attributes = RequestCancelNexusOperationCommandAttributes { scheduled_event_id };
            let command = self.annotations.on(Command_::RequestCancelNexusOperationCommandAttributes(attributes));
            out.push(Effect::Command(Box::new(command)));
        }
        if leaves {
            out.push(
                self.resolved(NexusOutcome::Cancelled(self.cancelled("Nexus operation cancelled after starting"))),
            );
        }
    }

    pub fn is_taken_back(&self) -> bool {
        self.state == State::TakenBack
    }

    /// Once its handler was asked, what came of that may follow at any time.
    pub fn is_over(&self) -> bool {
        self.state == State::TakenBack || (self.state == State::Ended && !self.asked)
    }

    pub fn on_command(&mut self, command: CommandType) -> Result<()> {
        match command {
            CommandType::ScheduleNexusOperation | CommandType::RequestCancelNexusOperation => {
                step::<Self>(&mut self.state, Trigger::Sent)
            }
            other => unexpected_command("a Nexus operation", other),
        }
    }

    pub fn on_event(&mut self, event: HistoryEvent, _: &mut Context<'_>, out: &mut Effects) -> Result<()> {
        let id = event.event_id;
        match event.attributes {
            Some(Attributes::NexusOperationScheduledEventAttributes(_)) => {
                self.scheduled_event_id = id;
                step::<Self>(&mut self.state, Trigger::Scheduled)
            }
            Some(Attributes::NexusOperationStartedEventAttributes(started)) => {
                step::<Self>(&mut self.state, Trigger::Started)?;
                self.token.clone_from(&started.operation_token);
                out.push(Effect::Job(Job::NexusStarted(self.seq, NexusStart::Started(started.operation_token))));
                Ok(())
            }
            Some(Attributes::NexusOperationCancelRequestedEventAttributes(_)) => {
                step::<Self>(&mut self.state, Trigger::CancelRequested)
            }
            Some(Attributes::NexusOperationCancelRequestCompletedEventAttributes(_)) => self.cancel_taken(out),
            Some(Attributes::NexusOperationCancelRequestFailedEventAttributes(failed)) => {
                self.cancel_failed(failed.failure, out)
            }
            _ => self.ended(event, out),
        }
    }

    fn ended(&mut self, event: HistoryEvent, out: &mut Effects) -> Result<()> {
        let missing = |how: &str| Failure {
            message: format!("Nexus operation {how} but failure field was not populated"),
            ..Failure::default()
        };
        let boxed = |failure: Option<Failure>, how| Box::new(failure.unwrap_or_else(|| missing(how)));
        let outcome = match event.attributes {
            Some(Attributes::NexusOperationCompletedEventAttributes(completed)) => {
                NexusOutcome::Completed(completed.result.unwrap_or_default())
            }
            Some(Attributes::NexusOperationFailedEventAttributes(failed)) => {
                NexusOutcome::Failed(boxed(failed.failure, "failed"))
            }
            Some(Attributes::NexusOperationCanceledEventAttributes(canceled)) => {
                NexusOutcome::Cancelled(boxed(canceled.failure, "was cancelled"))
            }
            Some(Attributes::NexusOperationTimedOutEventAttributes(late)) => {
                NexusOutcome::TimedOut(boxed(late.failure, "timed out"))
            }
            _ => return unexpected_event("a Nexus operation", &event),
        };
        let before = self.state;
        step::<Self>(&mut self.state, Trigger::Ended)?;
        match (before, outcome) {
            (State::Left, _) => {}
            (State::Scheduled, NexusOutcome::Completed(result)) => {
                out.push(Effect::Job(Job::NexusStarted(self.seq, NexusStart::Sync)));
                out.push(self.resolved(NexusOutcome::Completed(result)));
            }
            (
                State::Scheduled,
                NexusOutcome::Failed(failure) | NexusOutcome::Cancelled(failure) | NexusOutcome::TimedOut(failure),
            ) => out.push(Effect::Job(Job::NexusStarted(self.seq, NexusStart::Failed(failure)))),
            (_, outcome) => out.push(self.resolved(outcome)),
        }
        Ok(())
    }

    /// Who waits for that only is told.
    fn waits_for_request(&self) -> bool {
        self.state == State::Started && self.cancellation == NexusCancellation::WaitRequested
    }

    fn cancel_taken(&mut self, out: &mut Effects) -> Result<()> {
        let waits = self.waits_for_request();
        step::<Self>(&mut self.state, if waits { Trigger::CancelTaken } else { Trigger::CancelAnswered })?;
        if waits {
            let failure = self.cancelled("Nexus operation cancellation request completed");
            out.push(self.resolved(NexusOutcome::Cancelled(failure)));
        }
        Ok(())
    }

    fn cancel_failed(&mut self, failure: Option<Failure>, out: &mut Effects) -> Result<()> {
        let waits = self.waits_for_request();
        step::<Self>(&mut self.state, Trigger::CancelAnswered)?;
        if waits {
            let message = "Nexus operation cancellation request failed";
            let cause = failure.unwrap_or_else(|| Failure { message: message.to_owned(), ..Failure::default() });
            out.push(self.resolved(NexusOutcome::Failed(self.failure(message, cause))));
        }
        Ok(())
    }

    fn resolved(&self, outcome: NexusOutcome) -> Effect {
        Effect::Job(Job::NexusResolved(self.seq, outcome))
    }

    fn cancelled(&self, message: &str) -> Box<Failure> {
        self.failure(message, failures::cancelled(None))
    }

    fn failure(&self, message: &str, cause: Failure) -> Box<Failure> {
        let info = NexusOperationFailureInfo {
            scheduled_event_id: self.scheduled_event_id,
            endpoint: self.endpoint.clone(),
            service: self.service.clone(),
            operation: self.operation.clone(),
            operation_token: self.token.clone(),
            ..NexusOperationFailureInfo::default()
        };
        failures::failure(message, Some(cause), FailureInfo::NexusOperationExecutionFailureInfo(info))
    }
}

#[cfg(test)]
#[path = "nexus_tests.rs"]
mod tests;
