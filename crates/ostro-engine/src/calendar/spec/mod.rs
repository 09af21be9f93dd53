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
mod times;

#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use temporalio_protos::temporal::api::schedule::v1::{IntervalSpec, ScheduleSpec};

use crate::base::time::{MILLISECOND, Span, Time, from_duration, from_timestamp};
use crate::calendar::zone;
use calendar::Calendar;
pub use canonical::{canonical, clean};
pub use times::Times;

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
    zone: TimeZone,
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
            jitter: from_duration(&spec.jitter).max(Span::ZERO) / MILLISECOND,
            seed,
            zone,
        })
    }

    /// The first time after `after`, where there is one.
    pub fn next(&self, after: Time) -> Option<Next> {
        self.times(after).next()
    }

    /// The times after `after`, the first of them first.
    pub fn times(&self, after: Time) -> Times<'_> {
        Times::new(self, after)
    }
}

fn seconds(interval: &IntervalSpec) -> (i64, i64) {
    let (every, phase) = (from_duration(&interval.interval).secs(), from_duration(&interval.phase).secs());
    (every.max(1), phase.max(0))
}
