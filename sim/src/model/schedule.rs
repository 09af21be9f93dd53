//! A schedule: what it is to do, what waits to be done, and what it has done.
//!
//! ```text
//! a time comes, a client asks --> Buffered --overlap policy--> taken | skipped | Buffered until what runs has ended
//! ```

use ostro_engine::time::{DAY, MILLISECOND, SECOND, Span, Time};
use temporalio_protos::temporal::api::enums::v1::ScheduleOverlapPolicy as Overlap;

use super::event::End;
use super::oracle::Start;
use super::times::Times;

/// How late an action may be where the policies do not say, and the least that they can say.
const WINDOW: Span = DAY.times(365);
const WINDOW_MIN: Span = SECOND.times(10);
/// Actions that descriptions tell of.
const SHOWN: usize = 10;
/// Actions of backfills that are asked for at a time, and the pause before the next.
const FILLED_AT_ONCE: usize = 100;
const PAUSE: Span = MILLISECOND.times(50);
/// So many waiting actions stop a backfill.
const FILLED_MAX: usize = 500;

/// What clients say of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub times: Times,
    pub workflow: String,
    pub start: Start,
    /// Its runs have the workflow id as it is, without their time.
    pub keeps_id: bool,
    pub overlap: Overlap,
    /// 0 where it is not set.
    pub window: Span,
    pub pauses_on_failure: bool,
    pub paused: bool,
    pub notes: String,
    /// Where actions are limited: those that are left.
    pub left: Option<i64>,
}

/// What clients ask of a schedule that is there.
#[derive(Debug, Clone)]
pub enum Patch {
    Pause(String),
    Unpause(String),
    /// The time that it is to be of; 0: now.
    Trigger(Time, Overlap),
    /// From, to.
    Backfill(Time, Time, Overlap),
}

/// An action to be taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Action {
    pub time: Time,
    pub overlap: Overlap,
    /// A client asked for it.
    pub manual: bool,
}

/// An action that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    pub time: Time,
    pub at: Time,
    pub workflow: String,
    /// The first run of its chain.
    pub run: i64,
    pub end: Option<End>,
}

/// How often something happened.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counts {
    pub taken: i64,
    pub skipped: i64,
    pub missed: i64,
}

#[derive(Debug)]
pub struct Schedule {
    pub plan: Plan,
    /// Grows with each change that a client sees.
    pub token: i64,
    pub request: String,
    updated: Time,
    /// Times up to here have been looked at.
    looked: Time,
    pub buffered: Vec<Action>,
    backfills: Vec<(Time, Time, Overlap)>,
    /// When its backfills go on; nothing of its own happens before.
    goes_on: Option<Time>,
    pub counts: Counts,
    /// The newest last.
    pub recent: Vec<Taken>,
    /// First runs of the chains that the next action may have to wait for.
    pub running: Vec<i64>,
    /// What the last of them returned, and whether the one after it failed.
    pub last: String,
    pub after_failure: bool,
}

/// What is to happen at once.
#[derive(Debug, Default)]
pub struct Round {
    /// With whether it is beside whatever runs.
    pub actions: Vec<(Action, bool)>,
    /// What becomes of that which runs: `true` where it is terminated.
    pub stop: Option<bool>,
}

impl Schedule {
    pub fn new(plan: Plan, request: &str, now: Time) -> Self {
        Self {
            plan,
            token: 1,
            request: request.to_owned(),
            updated: Time::UNSET,
            looked: now,
            buffered: Vec::new(),
            backfills: Vec::new(),
            goes_on: None,
            counts: Counts::default(),
            recent: Vec::new(),
            running: Vec::new(),
            last: String::new(),
            after_failure: false,
        }
    }

    /// Whether its own times count.
    fn acts(&self) -> bool {
        !self.plan.paused && self.plan.left != Some(0)
    }

    pub fn window(&self) -> Span {
        if self.plan.window == Span::ZERO { WINDOW } else { self.plan.window.max(WINDOW_MIN) }
    }

    /// The policy for an action that may have its own.
    pub fn overlap(&self, own: Overlap) -> Overlap {
        let or = |first: Overlap, second| if first == Overlap::Unspecified { second } else { first };
        or(own, or(self.plan.overlap, Overlap::Skip))
    }

    pub fn next_due(&self) -> Option<Time> {
        if self.goes_on.is_some() {
            return self.goes_on;
        }
        if self.acts() { self.plan.times.next(self.looked) } else { None }
    }

    /// Times that are to come, as descriptions show them.
    pub fn future(&self, now: Time) -> Vec<Time> {
        let from = if self.acts() { self.looked } else { self.looked.max(now) };
        let times = std::iter::successors(self.plan.times.next(from), |time| self.plan.times.next(*time));
        let most = self.plan.left.map_or(SHOWN, |left| SHOWN.min(left as usize));
        times.skip_while(|time| *time < self.updated).take(most).collect()
    }

    /// Looks at all times that have come.
    pub fn come_to(&mut self, now: Time) {
        if !self.acts() {
            self.looked = self.looked.max(now);
            return;
        }
        while let Some(time) = self.plan.times.next(self.looked).filter(|time| *time <= now) {
            self.looked = time;
            if time < self.updated {
                // Of before the update that brought it.
            } else if now - time > self.window() {
                self.counts.missed += 1;
            } else {
                self.buffered.push(Action { time, overlap: Overlap::Unspecified, manual: false });
            }
        }
    }

    pub fn update(&mut self, plan: Plan, now: Time) {
        (self.plan, self.updated) = (plan, now);
        self.token += 1;
    }

    pub fn patch(&mut self, patch: Patch, now: Time) {
        match patch {
            Patch::Pause(notes) => self.set_paused(true, notes),
            Patch::Unpause(notes) => self.set_paused(false, notes),
            Patch::Trigger(time, overlap) => {
                self.buffered.push(Action {
                    time: if time == Time::UNSET { now } else { time },
                    overlap,
                    manual: true,
                });
            }
            Patch::Backfill(from, to, overlap) => self.backfills.push((from, to, overlap)),
        }
    }

    fn set_paused(&mut self, paused: bool, notes: String) {
        (self.plan.paused, self.plan.notes) = (paused, notes);
        self.token += 1;
    }

    fn fills(&self) -> bool {
        !self.backfills.is_empty() && self.buffered.len() < FILLED_MAX
    }

    /// Asks for the next actions of its backfills; both ends of their ranges count.
    pub fn fill_back(&mut self) {
        let mut left = FILLED_AT_ONCE;
        while left > 0 && self.fills() {
            let (from, to, overlap) = self.backfills[0];
            let Some(time) = self.plan.times.next(from - Span::from_nanos(1)).filter(|time| *time <= to) else {
                self.backfills.remove(0);
                continue;
            };
            self.buffered.push(Action { time, overlap, manual: true });
            self.backfills[0].0 = time + Span::from_nanos(1);
            left -= 1;
        }
    }

    /// Pauses before it asks for more, where a backfill has more.
    pub fn pause(&mut self, now: Time) {
        self.goes_on = self.fills().then_some(now + PAUSE);
    }

    /// What of the buffer can be done now; the rest is skipped, or waits on.
    pub fn round(&mut self) -> Round {
        let (mut round, mut single) = (Round::default(), None);
        let runs = !self.running.is_empty();
        for action in std::mem::take(&mut self.buffered) {
            match self.overlap(action.overlap) {
                Overlap::AllowAll => round.actions.push((action, true)),
                _ if !runs && single.is_none() => single = Some(action),
                Overlap::BufferAll => self.buffered.push(action),
                Overlap::BufferOne if self.buffered.is_empty() => self.buffered.push(action),
                // The one that is to be stopped for it has not even begun.
                Overlap::CancelOther | Overlap::TerminateOther if !runs => single = Some(action),
                policy @ (Overlap::CancelOther | Overlap::TerminateOther) => {
                    round.stop = Some(round.stop == Some(true) || policy == Overlap::TerminateOther);
                    self.buffered.push(action);
                }
                _ => self.counts.skipped += 1,
            }
        }
        if round.stop.is_some() {
            round.actions.clear();
        }
        round.actions.extend(single.map(|action| (action, false)));
        round
    }

    /// Whether an action may be taken, which counts against the limit.
    pub fn may_take(&mut self, manual: bool) -> bool {
        if manual {
            return true;
        }
        let may = self.acts();
        if let Some(left) = self.plan.left.as_mut().filter(|_| may) {
            *left -= 1;
            self.token += 1;
        }
        may
    }

    pub fn took(&mut self, taken: Taken, beside: bool) {
        self.counts.taken += 1;
        if !beside {
            self.running.push(taken.run);
        }
        self.recent.push(taken);
        let older = self.recent.len().saturating_sub(SHOWN);
        self.recent.drain(..older);
    }

    /// Whether the end of that chain means anything to it.
    pub fn awaits(&self, first: i64) -> bool {
        self.running.contains(&first) || self.recent.iter().any(|taken| taken.run == first && taken.end.is_none())
    }

    /// The chain of runs that began with that one has ended.
    pub fn ended(&mut self, first: i64, workflow: &str, end: End, result: &str) {
        self.recent.iter_mut().filter(|taken| taken.run == first).for_each(|taken| taken.end = Some(end));
        let Some(at) = self.running.iter().position(|run| *run == first) else { return };
        self.running.remove(at);
        let why = match end {
            End::Failed(_) => Some(format!("paused due to workflow failure: {workflow}: ")),
            End::TimedOut(_) => Some(format!("paused due to workflow timeout: {workflow}")),
            _ => None,
        };
        if let Some(notes) = why.filter(|_| self.plan.pauses_on_failure && !self.plan.paused) {
            self.set_paused(true, notes);
        }
        match end {
            End::Completed => (self.last, self.after_failure) = (result.to_owned(), false),
            End::Failed(_) => self.after_failure = true,
            _ => {}
        }
    }
}
