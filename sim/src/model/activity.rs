//! Activities of a run: their attempts, and when those are over.
//!
//! ```text
//! Waiting --a worker takes it--> Running --completed, failed, timed out for good--> ended
//!                                Running --failed, timed out--> BackingOff --due--> Waiting
//! ```

use ostro_engine::time::{SECOND, Span, Time};
use temporalio_protos::temporal::api::enums::v1::{RetryState, TimeoutType};

use super::event::{Ended, What};
use super::run::{Now, Run};

/// The longest wait between two attempts.
const BACKOFF_MAX: Span = SECOND.times(100);

/// What a workflow asks of an activity.
#[derive(Debug, Clone, Default)]
pub struct ActivityPlan {
    pub id: String,
    pub start_to_close: Span,
    pub schedule_to_close: Span,
    pub schedule_to_start: Span,
    pub heartbeat: Span,
    /// 0: without limit.
    pub attempts_max: i32,
}

#[derive(Debug, Clone)]
pub struct Activity {
    pub plan: ActivityPlan,
    pub attempt: i32,
    pub scheduled: Time,
    pub attempt_scheduled: Time,
    pub state: State,
    pub cancel_requested: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    /// For a worker.
    Waiting,
    BackingOff,
    Running {
        since: Time,
        heartbeat: Time,
    },
}

/// Why an attempt is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Over {
    Failed { for_good: bool },
    TimedOut(TimeoutType),
}

impl ActivityPlan {
    /// No part takes longer than the whole, and the whole no longer than the run; what is not set is as long as that.
    pub fn within(mut self, run_timeout: Span) -> Self {
        let shorter = |span: Span, limit: Span| {
            if span > Span::ZERO && limit > Span::ZERO { span.min(limit) } else { span.max(limit) }
        };
        self.schedule_to_close = shorter(self.schedule_to_close, run_timeout);
        self.schedule_to_start = shorter(self.schedule_to_start, self.schedule_to_close);
        self.start_to_close = shorter(self.start_to_close, self.schedule_to_close);
        if self.heartbeat > Span::ZERO && self.start_to_close > Span::ZERO {
            self.heartbeat = self.heartbeat.min(self.start_to_close);
        }
        self
    }
}

impl Activity {
    pub fn dues(&self) -> [(Time, Option<TimeoutType>); 5] {
        let after = |from: Time, span: Span| if span > Span::ZERO { from + span } else { Time::UNSET };
        let (mut close, mut beat, mut start, mut backoff) = (Time::UNSET, Time::UNSET, Time::UNSET, Time::UNSET);
        match self.state {
            State::Running { since, heartbeat } => {
                close = after(since, self.plan.start_to_close);
                beat = after(heartbeat.max(since), self.plan.heartbeat);
            }
            State::Waiting => start = after(self.attempt_scheduled, self.plan.schedule_to_start),
            State::BackingOff => backoff = self.attempt_scheduled,
        }
        [
            (start, Some(TimeoutType::ScheduleToStart)),
            (self.expires(), Some(TimeoutType::ScheduleToClose)),
            (close, Some(TimeoutType::StartToClose)),
            (beat, Some(TimeoutType::Heartbeat)),
            (backoff, None),
        ]
    }

    fn expires(&self) -> Time {
        if self.plan.schedule_to_close > Span::ZERO {
            self.scheduled + self.plan.schedule_to_close
        } else {
            Time::UNSET
        }
    }

    /// The wait before the next attempt, or why there is none.
    fn next_attempt(&self, over: Over, now: Time) -> Result<Span, RetryState> {
        use TimeoutType::{ScheduleToClose, ScheduleToStart};
        if self.cancel_requested {
            return Err(RetryState::CancelRequested);
        }
        if matches!(over, Over::Failed { for_good: true } | Over::TimedOut(ScheduleToClose | ScheduleToStart)) {
            return Err(RetryState::NonRetryableFailure);
        }
        retry(self.attempt, self.plan.attempts_max, self.expires(), now)
    }
}

/// Doubling waits from one second on, up to a hundred.
pub fn retry(attempt: i32, attempts_max: i32, expires: Time, now: Time) -> Result<Span, RetryState> {
    let wait = (SECOND * (1 << (attempt - 1).min(10))).min(BACKOFF_MAX);
    if expires != Time::UNSET && now + wait > expires {
        Err(RetryState::Timeout)
    } else if attempts_max > 0 && attempt >= attempts_max {
        Err(RetryState::MaximumAttemptsReached)
    } else {
        Ok(wait)
    }
}

impl Run {
    /// An activity that waits for a worker.
    pub fn offered_activity(&self) -> Option<i64> {
        self.activities.iter().find(|(_, activity)| activity.state == State::Waiting).map(|(id, _)| *id)
    }

    pub fn schedule_activity(&mut self, plan: ActivityPlan, now: &Now) {
        let plan = plan.within(self.start.run_timeout);
        let id = self.record(What::ActivityScheduled { id: plan.id.clone() }, now);
        self.plans.insert(id, plan.clone());
        let activity = Activity {
            plan,
            attempt: 1,
            scheduled: now.time,
            attempt_scheduled: now.time,
            state: State::Waiting,
            cancel_requested: false,
        };
        self.activities.insert(id, activity);
    }

    /// The workflow wants it cancelled: at once where no attempt runs.
    pub fn cancel_activity(&mut self, scheduled: i64, now: &mut Now) {
        self.record(What::ActivityCancelRequested { scheduled }, now);
        let Some(activity) = self.activities.get_mut(&scheduled) else { return };
        activity.cancel_requested = true;
        if !matches!(activity.state, State::Running { .. }) {
            self.activities.remove(&scheduled);
            self.record(What::ActivityEnded { scheduled, started: 0, how: Ended::Canceled }, now);
            self.schedule_task(now);
        }
    }

    pub fn end_activity(&mut self, scheduled: i64, how: Ended, now: &mut Now) {
        let Some(activity) = self.activities.remove(&scheduled) else { return };
        let started = match activity.state {
            State::Running { since, .. } => {
                self.record_at(What::ActivityStarted { scheduled, attempt: activity.attempt }, since)
            }
            _ => 0,
        };
        self.record(What::ActivityEnded { scheduled, started, how }, now);
        self.schedule_task(now);
    }

    /// An attempt is over without success: there is another one, or there is not.
    pub fn attempt_over(&mut self, scheduled: i64, over: Over, now: &mut Now) {
        let Some(activity) = self.activities.get_mut(&scheduled) else { return };
        match activity.next_attempt(over, now.time) {
            Ok(wait) => {
                activity.attempt += 1;
                activity.attempt_scheduled = now.time + wait;
                activity.state = State::BackingOff;
            }
            Err(state) => self.end_activity(scheduled, given_up(over, state), now),
        }
    }

    pub(super) fn activity_due(&mut self, scheduled: i64, now: &mut Now) {
        let Some(activity) = self.activities.get_mut(&scheduled) else { return };
        let passed = activity.dues().into_iter().filter(|(time, _)| *time != Time::UNSET && *time <= now.time);
        let timeouts = passed.clone().filter_map(|(time, kind)| Some((time, kind?)));
        match timeouts.min_by_key(|(time, _)| *time) {
            Some((_, kind)) => self.attempt_over(scheduled, Over::TimedOut(kind), now),
            None => activity.state = State::Waiting,
        }
    }
}

/// How an activity ends that is not tried again.
fn given_up(over: Over, state: RetryState) -> Ended {
    use TimeoutType::{ScheduleToClose, ScheduleToStart};
    match over {
        Over::Failed { .. } => Ended::Failed(state),
        // Its own time is over: it says so, whatever the policy.
        Over::TimedOut(kind @ (ScheduleToClose | ScheduleToStart)) => Ended::TimedOut(kind, RetryState::Timeout),
        // There is no time for another attempt: that of the whole is as good as over.
        Over::TimedOut(_) if state == RetryState::Timeout => Ended::TimedOut(ScheduleToClose, state),
        Over::TimedOut(kind) => Ended::TimedOut(kind, state),
    }
}
