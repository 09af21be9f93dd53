//! A local activity: run within the worker, known to the server as a marker with its result.
//!
//! In a replay its marker is looked for ahead, so that its result is seen in the activation in which it was seen at first. If there is none the
//! worker died before it could write it, and the activity runs again.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use temporalio_protos::coresdk::external_data::LocalActivityMarkerData;
use temporalio_protos::temporal::api::{
    common::v1::Payload,
    enums::v1::{CommandType, RetryState},
    failure::v1::{Failure, failure::FailureInfo},
    history::v1::HistoryEvent,
};

use super::transition::{step, transitions};
use super::{Context, Effect, Effects, failures, unexpected_command, unexpected_event};
use crate::replay::decision::{ActivityCancellation, Annotations, LocalActivity};
use crate::replay::error::{Error, Result};
use crate::replay::flags::CoreFlag;
use crate::replay::job::{ActivityOutcome, Job};

mod marker;

pub(crate) use marker::{Recorded, recorded};

transitions! { Local, "a local activity":
    Running -- Resolve --> MarkerCreated;
    Running -- Cancel --> Running;
    Running -- CancelAtOnce --> MarkerCreated;
    MarkerCreated -- Sent --> MarkerSent;
    MarkerCreated -- Resolve --> MarkerCreated;
    MarkerCreated -- Cancel --> MarkerCreated;
    MarkerCreated -- CancelAtOnce --> MarkerCreated;
    MarkerSent -- Recorded --> Recorded;
    MarkerSent -- Resolve --> MarkerSent;
    MarkerSent -- Cancel --> MarkerSent;
    MarkerSent -- CancelAtOnce --> MarkerSent;
    Awaited -- ResolveKnown --> Known;
    Awaited -- Cancel --> Awaited;
    Awaited -- CancelAtOnce --> Awaited;
    Awaited -- NotRecorded --> Running;
    Known -- Cancel --> Known;
    Known -- CancelAtOnce --> Known;
    Known -- Recorded --> Recorded;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    MarkerCreated,
    MarkerSent,
    /// Scheduled in a replay: its marker should follow.
    Awaited,
    /// The marker was found ahead, and is still to come as an event.
    Known,
    Recorded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Resolve,
    ResolveKnown,
    Cancel,
    /// The code does not wait.
    CancelAtOnce,
    Sent,
    Recorded,
    NotRecorded,
}

/// How a local activity ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LocalResult {
    Completed(Option<Payload>),
    Failed(Failure),
    TimedOut(Failure),
    Cancelled(Failure),
}

/// The end of a local activity, or of its attempts within the task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resolution {
    pub result: LocalResult,
    /// None: time does not move on.
    pub complete_time: Option<SystemTime>,
    pub attempt: u32,
    /// It is to be tried again after this.
    pub backoff: Option<Duration>,
    pub original_schedule_time: Option<SystemTime>,
    /// The activation of the task in which the code hears of it. None: recorded by an SDK that did not say.
    pub activation: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Local {
    state: State,
    request: Arc<LocalActivity>,
    original_schedule_time: SystemTime,
    annotations: Annotations,
    /// Its marker is in the history, or should be.
    replayed: bool,
    /// Time of the workflow when it was scheduled.
    began: Option<SystemTime>,
    /// Whether it completed (true) or failed (false); None: cancelled, or not known here.
    succeeded: Option<bool>,
}

impl Local {
    /// Schedules it: at once, or, in a replay, not until its marker is known to be missing.
    pub fn new(
        request: Arc<LocalActivity>,
        annotations: Annotations,
        replaying: bool,
        began: Option<SystemTime>,
        now: SystemTime,
        out: &mut Effects,
    ) -> Self {
        let original_schedule_time = request.original_schedule_time.unwrap_or(now);
        if !replaying {
            out.push(Effect::RunLocal(request.clone(), original_schedule_time));
        }
        let state = if replaying { State::Awaited } else { State::Running };
        Self { state, request, original_schedule_time, annotations, replayed: replaying, began, succeeded: None }
    }

    /// Its marker may still be found ahead.
    pub fn takes_marker(&self) -> bool {
        self.state == State::Awaited
    }

    /// Its marker is passed over as an event without a command.
    ///
    /// # Errors
    /// The marker is there, and the activity cannot have ended yet.
    pub fn marker_has_no_command(&self) -> Result<bool> {
        match self.state {
            State::MarkerSent => Ok(false),
            State::Known => Ok(true),
            state => Err(Error::fatal(format!("the marker of a local activity that is {state:?} was recorded"))),
        }
    }

    /// The history ends and has no marker of it.
    pub fn not_recorded(&mut self, out: &mut Effects) -> Result<()> {
        step::<Self>(&mut self.state, Trigger::NotRecorded)?;
        self.replayed = false;
        out.push(Effect::RunLocal(self.request.clone(), self.original_schedule_time));
        Ok(())
    }

    /// It ended here, after `runtime`. Says whether anybody was waiting.
    pub fn resolve(&mut self, mut end: Resolution, runtime: Duration, out: &mut Effects) -> Result<()> {
        let waiting = self.state == State::Running;
        step::<Self>(&mut self.state, Trigger::Resolve)?;
        if waiting {
            end.complete_time = self.began.and_then(|began| began.checked_add(runtime));
            self.resolved(end, out);
        }
        Ok(())
    }

    /// Its marker says how it ended.
    pub fn resolve_known(&mut self, end: Resolution, out: &mut Effects) -> Result<()> {
        step::<Self>(&mut self.state, Trigger::ResolveKnown)?;
        self.resolved(end, out);
        Ok(())
    }

    pub fn cancel(&mut self, activation: u64, out: &mut Effects) -> Result<()> {
        let before = self.state;
        let waits = self.request.cancellation == ActivityCancellation::Wait;
        step::<Self>(&mut self.state, if waits { Trigger::Cancel } else { Trigger::CancelAtOnce })?;
        let ask = Effect::CancelLocal(self.request.seq);
        match before {
            State::Running if waits => out.push(ask),
            State::Running => {
                out.extend((self.request.cancellation == ActivityCancellation::Try).then_some(ask));
                self.resolved(self.cancelled_at_once(activation), out);
            }
            State::Awaited | State::Known => out.push(ask),
            State::MarkerCreated | State::MarkerSent | State::Recorded => {}
        }
        Ok(())
    }

    fn cancelled_at_once(&self, activation: u64) -> Resolution {
        Resolution {
            result: LocalResult::Cancelled(failures::empty_cancellation()),
            complete_time: None,
            attempt: self.request.attempt,
            backoff: None,
            original_schedule_time: Some(self.original_schedule_time),
            activation: Some(activation),
        }
    }

    pub fn is_over(&self) -> bool {
        self.state == State::Recorded
    }

    pub fn on_command(&mut self, command: CommandType) -> Result<()> {
        if command != CommandType::RecordMarker {
            return unexpected_command("a local activity", command);
        }
        step::<Self>(&mut self.state, Trigger::Sent)
    }

    pub fn on_event(&mut self, event: HistoryEvent, context: &mut Context<'_>, _: &mut Effects) -> Result<()> {
        let Some(recorded) = recorded(&event) else { return unexpected_event("a local activity", &event) };
        let recorded = recorded?;
        let before = self.state;
        step::<Self>(&mut self.state, Trigger::Recorded)?;
        self.check(&recorded, before == State::MarkerSent, context)
    }

    fn check(&self, recorded: &Recorded, ran_here: bool, context: &mut Context<'_>) -> Result<()> {
        let (seq, kind) = (self.request.seq, &self.request.activity_type);
        if ran_here && self.succeeded.is_some_and(|succeeded| succeeded == recorded.failed) {
            let (here, there) = if recorded.failed { ("completed", "failed") } else { ("failed", "completed") };
            let what = format!("local activity `{kind}` {here} here, and in the history it {there}");
            return Err(Error::nondeterminism(what));
        }
        if recorded.data.seq != seq {
            let what = format!("the history has local activity {} where the code has {seq}", recorded.data.seq);
            return Err(Error::nondeterminism(what));
        }
        if !context.flags.allows(CoreFlag::IdAndTypeChecks, !self.replayed) {
            return Ok(());
        }
        super::same("local activity", "id", &recorded.data.activity_id, &self.request.activity_id)?;
        super::same("local activity", "type", &recorded.data.activity_type, kind)
    }

    fn resolved(&mut self, end: Resolution, out: &mut Effects) {
        let seq = self.request.seq;
        self.succeeded = match &end.result {
            LocalResult::Completed(_) => Some(true),
            LocalResult::Failed(_) | LocalResult::TimedOut(_) => Some(false),
            LocalResult::Cancelled(_) => None,
        };
        out.push(Effect::Job(Job::ActivityResolved { seq, local: true, outcome: self.outcome(&end) }));
        out.extend(end.complete_time.map(Effect::Time));
        let was_left = matches!(end.result, LocalResult::Cancelled(_) | LocalResult::TimedOut(_))
            && self.request.cancellation == ActivityCancellation::Abandon;
        out.extend(was_left.then_some(Effect::ForgetLocal(seq)));
        if !self.replayed {
            out.push(Effect::Command(Box::new(marker::command(&self.request, end, &self.annotations))));
        }
    }

    fn outcome(&self, end: &Resolution) -> ActivityOutcome {
        if let Some(backoff) = end.backoff {
            let original_schedule_time = end.original_schedule_time;
            return ActivityOutcome::Backoff {
                attempt: end.attempt.saturating_add(1),
                backoff,
                original_schedule_time,
            };
        }
        match &end.result {
            LocalResult::Completed(result) => ActivityOutcome::Completed(result.clone()),
            LocalResult::Failed(failure) => ActivityOutcome::Failed(Box::new(failure.clone())),
            LocalResult::TimedOut(failure) => {
                ActivityOutcome::Failed(self.wrapped("Local Activity timed out", failure))
            }
            LocalResult::Cancelled(failure) => {
                ActivityOutcome::Cancelled(self.wrapped("Local Activity cancelled", failure))
            }
        }
    }

    /// Time-outs and cancellations say where they happened, like those of other activities.
    fn wrapped(&self, message: &str, failure: &Failure) -> Box<Failure> {
        let bare = matches!(
            failure.failure_info,
            Some(FailureInfo::TimeoutFailureInfo(_) | FailureInfo::CanceledFailureInfo(_))
        );
        if !bare {
            return Box::new(failure.clone());
        }
        let (kind, id) = (&self.request.activity_type, &self.request.activity_id);
        let info = failures::activity_info(kind, id, String::new(), RetryState::CancelRequested, (0, 0));
        failures::failure(message, Some(failure.clone()), info)
    }
}

#[cfg(test)]
#[path = "local_activity_tests.rs"]
mod tests;
