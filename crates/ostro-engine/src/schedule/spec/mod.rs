//! When a schedule acts: pure computation over its specification.
//!
//! ```text
//! ScheduleSpec --canonical--> structured calendars and intervals --compile--> Compiled --next--> times
//! ```
//!
//! Rules, limits and words are those of Temporal 1.32, so that the same specification gives the same times to the second,
//! jitter included.

mod calendar;
mod canonical;
mod cron_string;
mod jitter;
mod ranges;

#[cfg(test)]
mod tests;

use temporalio_protos::temporal::api::schedule::v1::{IntervalSpec, ScheduleSpec};

use crate::time::{SECOND, Time, from_duration, from_timestamp};
use crate::zone;
use calendar::Calendar;
pub use canonical::{canonical, clean};

/// The last second of the year 2100: there are no times after it.
const LAST: i64 = 4_133_980_799;
/// Times that exclusions may rule out one after the other before the search is given up. The reference server searches
/// on to the year 2100; on one thread for all that would hold up everybody.
const EXCLUDED_MAX: usize = 200_000;

/// A time of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// As specified: it names the run.
    pub nominal: Time,
    /// With jitter: when the schedule acts.
    pub time: Time,
}

/// A specification ready for questions.
#[derive(Debug, Clone)]
pub struct Compiled {
    calendars: Vec<Calendar>,
    excluded: Vec<Calendar>,
    /// Interval and phase in seconds.
    intervals: Vec<(i64, i64)>,
    start: Time,
    /// 0 without an end.
    end: Time,
    /// Milliseconds.
    jitter: i64,
    /// What makes jitter differ from schedule to schedule.
    seed: String,
}

impl Compiled {
    /// Compiles a canonical specification.
    ///
    /// # Errors
    /// A time zone that there is not.
    pub fn new(spec: &ScheduleSpec, seed: String) -> Result<Self, String> {
        let zone = canonical::zone_of(spec)?;
        let compile = |calendar| Calendar::new(calendar, zone.clone());
        Ok(Self {
            calendars: spec.structured_calendar.iter().map(compile).collect(),
            excluded: spec.exclude_structured_calendar.iter().map(compile).collect(),
            intervals: spec.interval.iter().map(seconds).collect(),
            start: from_timestamp(&spec.start_time),
            end: from_timestamp(&spec.end_time),
            jitter: from_duration(&spec.jitter).max(0) / 1_000_000,
            seed,
        })
    }

    /// The first time after `after`, where there is one.
    pub fn next(&self, after: Time) -> Option<Next> {
        let mut after = after.max(self.start.saturating_sub(SECOND)).div_euclid(SECOND);
        for _ in 0..EXCLUDED_MAX {
            let nominal = self.raw_next(after)?;
            if nominal > LAST || (self.end != 0 && nominal.saturating_mul(SECOND) > self.end) {
                return None;
            }
            if !self.excluded.iter().any(|calendar| calendar.matches(nominal)) {
                return Some(self.with_jitter(nominal));
            }
            after = nominal;
        }
        None
    }

    /// The times after `after`, the first of them first.
    pub fn times(&self, after: Time) -> impl Iterator<Item = Next> + '_ {
        std::iter::successors(self.next(after), |last| self.next(last.time))
    }

    /// In seconds, regardless of exclusions and end.
    fn raw_next(&self, after: i64) -> Option<i64> {
        let calendars = self.calendars.iter().filter_map(|calendar| calendar.next(after));
        let intervals =
            self.intervals.iter().map(|(interval, phase)| ((after - phase) / interval + 1) * interval + phase);
        calendars.chain(intervals).min()
    }

    /// Never beyond the nominal time that follows.
    fn with_jitter(&self, nominal: i64) -> Next {
        let to_next = self.raw_next(nominal).map_or(i64::MAX, |next| (next - nominal).saturating_mul(1000));
        let milliseconds = jitter::milliseconds(&self.seed, nominal, self.jitter.min(to_next));
        let nominal = nominal * SECOND;
        Next { nominal, time: nominal + milliseconds * 1_000_000 }
    }
}

fn seconds(interval: &IntervalSpec) -> (i64, i64) {
    let (every, phase) = (from_duration(&interval.interval) / SECOND, from_duration(&interval.phase) / SECOND);
    (every.max(1), phase.max(0))
}
