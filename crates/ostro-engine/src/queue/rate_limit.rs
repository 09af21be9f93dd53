//! The rate of one queue: a slot in time for each task.

use crate::base::time::{MILLISECOND, SECOND, Span, Time};

/// Timers are not finer than this: at rates whose interval is shorter, slots that were slept through may be used up
/// to this much later. At most 1 % more than the rate within one second; exact over time. Slower rates are evenly spaced.
const CATCH_UP: Span = MILLISECOND.times(10);

/// At most `rate` tasks per second, burst 1.
#[derive(Debug, Clone, Default)]
pub(super) struct RateLimit {
    /// As a worker wants it.
    asked: Option<f64>,
    /// As an operator has set it, which goes before.
    set: Option<f64>,
    /// The slot of the last task.
    last: Option<Time>,
}

/// What a grant has changed, to be undone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grant {
    before: Option<Time>,
}

impl RateLimit {
    pub(crate) fn rate(&self) -> Option<f64> {
        self.set.or(self.asked)
    }

    /// Whether it is an operator's.
    pub(crate) fn is_set(&self) -> bool {
        self.set.is_some()
    }

    /// Sets the limit that an operator wants; `None` leaves it to the workers.
    pub(crate) fn set(&mut self, rate: Option<f64>) {
        self.set = rate;
    }

    /// Sets the limit that a worker wants; negative and not-a-number say nothing, infinite lifts it.
    pub(crate) fn ask(&mut self, rate: f64) {
        if rate == f64::INFINITY {
            self.asked = None;
        } else if rate >= 0.0 {
            self.asked = Some(rate);
        }
    }

    /// The earliest moment of the next task: `Time::MIN` for any, `Time::MAX` for never.
    pub(crate) fn next(&self) -> Time {
        match (self.rate(), self.last) {
            (None, _) => Time::MIN,
            (Some(0.0), _) => Time::MAX,
            (Some(_), None) => Time::MIN,
            (Some(rate), Some(last)) => last + interval(rate),
        }
    }

    /// Takes the slot of a task that leaves at `now`, which is not before [`Self::next`].
    pub(crate) fn grant(&mut self, now: Time) -> Grant {
        let before = self.last;
        let catch_up = self.rate().is_some_and(|rate| interval(rate) < CATCH_UP);
        let earliest = if catch_up { now - CATCH_UP } else { now };
        self.last = Some(self.next().clamp(earliest, now));
        Grant { before }
    }

    /// Gives the slot of the last grant back.
    pub(crate) fn undo(&mut self, grant: Grant) {
        self.last = grant.before;
    }
}

fn interval(rate: f64) -> Span {
    // Rounded up to whole nanoseconds. A cast of a float saturates.
    Span::from_nanos((SECOND.nanos() as f64 / rate).ceil() as i64)
}
