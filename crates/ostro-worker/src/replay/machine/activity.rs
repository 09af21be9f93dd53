//! An activity on a task queue.

use temporalio_protos::temporal::api::{
    command::v1::{Command, RequestCancelActivityTaskCommandAttributes, command::Attributes as Command_},
    enums::v1::{CommandType, RetryState},
    failure::v1::Failure,
    history::v1::{
        ActivityTaskCanceledEventAttributes, ActivityTaskScheduledEventAttributes, HistoryEvent,
        history_event::Attributes,
    },
};

use super::transition::{step, transitions};
use super::{Context, Effect, Effects, failures, one_payload, unexpected_command, unexpected_event};
use crate::replay::decision::{ActivityCancellation, Annotations, ScheduleActivity};
use crate::replay::error::Result;
use crate::replay::flags::CoreFlag;
use crate::replay::job::{ActivityOutcome, Job};

transitions! { Activity, "an activity":
    Created -- Sent --> Created;
    Created -- Scheduled --> Scheduled;
    Created -- Cancel --> TakenBack;
    Scheduled -- Started --> Started;
    Scheduled -- TimedOut --> Ended;
    Scheduled -- Cancel --> ScheduledCancelCreated;
    Scheduled -- Abandon --> Abandoned;
    Started -- Completed --> Ended;
    Started -- Failed --> Ended;
    Started -- TimedOut --> Ended;
    Started -- Cancel --> StartedCancelCreated;
    Started -- Abandon --> Abandoned;
    ScheduledCancelCreated -- Sent --> ScheduledCancelCreated;
    ScheduledCancelCreated -- CancelRequested --> ScheduledCancelRecorded;
    ScheduledCancelRecorded -- Started --> StartedCancelRecorded;
    ScheduledCancelRecorded -- Canceled --> Ended;
    ScheduledCancelRecorded -- TimedOut --> Ended;
    StartedCancelCreated -- Sent --> StartedCancelCreated;
    StartedCancelCreated -- CancelRequested --> StartedCancelRecorded;
    StartedCancelRecorded -- Completed --> Ended;
    StartedCancelRecorded -- Failed --> Ended;
    StartedCancelRecorded -- TimedOut --> Ended;
    StartedCancelRecorded -- Canceled --> Ended;
    Abandoned -- Started --> Abandoned;
    Abandoned -- Completed --> Ended;
    Abandoned -- Failed --> Ended;
    Abandoned -- TimedOut --> Ended;
    Abandoned -- Canceled --> Ended;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    TakenBack,
    Scheduled,
    Started,
    ScheduledCancelCreated,
    ScheduledCancelRecorded,
    StartedCancelCreated,
    StartedCancelRecorded,
    Abandoned,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Sent,
    Scheduled,
    Started,
    Completed,
    Failed,
    TimedOut,
    Cancel,
    Abandon,
    CancelRequested,
    Canceled,
}

#[derive(Debug)]
pub(crate) struct Activity {
    state: State,
    seq: u32,
    id: String,
    kind: String,
    cancellation: ActivityCancellation,
    scheduled_event_id: i64,
    annotations: Annotations,
}

impl Activity {
    /// The activity and the command that schedules it.
    pub fn new(request: ScheduleActivity, annotations: Annotations) -> (Self, Command) {
        let attributes = request.attributes;
        let activity = Self {
            state: State::Created,
            seq: request.seq,
            id: attributes.activity_id.clone(),
            kind: attributes.activity_type.as_ref().map(|kind| kind.name.clone()).unwrap_or_default(),
            cancellation: request.cancellation,
            scheduled_event_id: 0,
            annotations,
        };
        let command = activity.annotations.on(Command_::ScheduleActivityTaskCommandAttributes(attributes));
        (activity, command)
    }

    /// Asking twice changes nothing.
    pub fn cancel(&mut self, annotations: Annotations, out: &mut Effects) -> Result<()> {
        self.annotations.overridden_by(annotations);
        if !matches!(self.state, State::Created | State::Scheduled | State::Started) {
            return Ok(());
        }
        if self.state == State::Created {
            step::<Self>(&mut self.state, Trigger::Cancel)?;
            out.push(self.cancelled(ActivityTaskCanceledEventAttributes::default()));
            return Ok(());
        }
        if self.cancellation == ActivityCancellation::Abandon {
            step::<Self>(&mut self.state, Trigger::Abandon)?;
        } else {
            step::<Self>(&mut self.state, Trigger::Cancel)?;
            let scheduled_event_id = self.scheduled_event_id;
            let attributes = RequestCancelActivityTaskCommandAttributes { scheduled_event_id };
            let command = self.annotations.on(Command_::RequestCancelActivityTaskCommandAttributes(attributes));
            out.push(Effect::Command(Box::new(command)));
        }
        if self.cancellation != ActivityCancellation::Wait {
            out.push(self.cancelled(ActivityTaskCanceledEventAttributes::default()));
        }
        Ok(())
    }

    pub fn is_taken_back(&self) -> bool {
        self.state == State::TakenBack
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::TakenBack | State::Ended)
    }

    pub fn on_command(&mut self, command: CommandType) -> Result<()> {
        match command {
            CommandType::ScheduleActivityTask | CommandType::RequestCancelActivityTask => {
                step::<Self>(&mut self.state, Trigger::Sent)
            }
            other => unexpected_command("an activity", other),
        }
    }

    pub fn on_event(&mut self, event: HistoryEvent, context: &mut Context<'_>, out: &mut Effects) -> Result<()> {
        let (trigger, outcome) = match event.attributes {
            Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => {
                step::<Self>(&mut self.state, Trigger::Scheduled)?;
                self.scheduled_event_id = event.event_id;
                return self.check(&scheduled, context);
            }
            Some(Attributes::ActivityTaskStartedEventAttributes(_)) => {
                return step::<Self>(&mut self.state, Trigger::Started);
            }
            Some(Attributes::ActivityTaskCancelRequestedEventAttributes(_)) => {
                return step::<Self>(&mut self.state, Trigger::CancelRequested);
            }
            Some(Attributes::ActivityTaskCompletedEventAttributes(completed)) => (
                Trigger::Completed,
                self.outcome(ActivityOutcome::Completed(one_payload(completed.result, "an activity")?)),
            ),
            Some(Attributes::ActivityTaskFailedEventAttributes(failed)) => {
                let (state, events) = (failed.retry_state(), (failed.started_event_id, failed.scheduled_event_id));
                (Trigger::Failed, self.failed("Activity task failed", failed.failure, failed.identity, state, events))
            }
            Some(Attributes::ActivityTaskTimedOutEventAttributes(late)) => {
                let (state, events) = (late.retry_state(), (late.started_event_id, late.scheduled_event_id));
                (Trigger::TimedOut, self.failed("Activity task timed out", late.failure, String::new(), state, events))
            }
            Some(Attributes::ActivityTaskCanceledEventAttributes(canceled)) => {
                (Trigger::Canceled, self.cancelled(canceled))
            }
            _ => return unexpected_event("an activity", &event),
        };
        let tells = self.tells();
        step::<Self>(&mut self.state, trigger)?;
        out.extend(tells.then_some(outcome));
        Ok(())
    }

    /// Whether the code still waits: not if it was told at once that it cancelled the activity.
    fn tells(&self) -> bool {
        match self.state {
            State::Abandoned => false,
            State::ScheduledCancelRecorded | State::StartedCancelRecorded => {
                self.cancellation == ActivityCancellation::Wait
            }
            _ => true,
        }
    }

    fn check(&self, scheduled: &ActivityTaskScheduledEventAttributes, context: &mut Context<'_>) -> Result<()> {
        if !context.flags.allows(CoreFlag::IdAndTypeChecks, context.is_last_task) {
            return Ok(());
        }
        let kind = scheduled.activity_type.as_ref().map_or("", |kind| &kind.name);
        super::same("activity", "id", &scheduled.activity_id, &self.id)?;
        super::same("activity", "type", kind, &self.kind)
    }

    fn outcome(&self, outcome: ActivityOutcome) -> Effect {
        Effect::Job(Job::ActivityResolved { seq: self.seq, local: false, outcome })
    }

    fn failed(
        &self,
        message: &str,
        cause: Option<Failure>,
        identity: String,
        state: RetryState,
        events: (i64, i64),
    ) -> Effect {
        let info = failures::activity_info(&self.kind, &self.id, identity, state, events);
        self.outcome(ActivityOutcome::Failed(failures::failure(message, cause, info)))
    }

    fn cancelled(&self, canceled: ActivityTaskCanceledEventAttributes) -> Effect {
        let events = (canceled.started_event_id, canceled.scheduled_event_id);
        let state = RetryState::CancelRequested;
        let info = failures::activity_info(&self.kind, &self.id, canceled.identity, state, events);
        let cause = Some(failures::cancelled(canceled.details));
        self.outcome(ActivityOutcome::Cancelled(failures::failure("Activity cancelled", cause, info)))
    }
}

#[cfg(test)]
#[path = "activity_tests.rs"]
mod tests;
