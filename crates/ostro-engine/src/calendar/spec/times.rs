//! The times of a specification, one after the other.

use super::{Compiled, Next, calendar, jitter};
use crate::base::time::{MILLISECOND, SECOND, Time};

/// The last second of the year 2100: there are no times after it.
const LAST: i64 = 4_133_980_799;
/// Looks at calendars, intervals and exclusions before the search is given up, in the order of a tenth of a second. The reference
/// server searches on to the year 2100; on one thread for all that would hold up everybody.
const LOOKS_MAX: usize = 2_000_000;

/// See [`Compiled::times`].
pub struct Times<'a> {
    spec: &'a Compiled,
    /// In seconds: the next comes after it. `None` when there are no more.
    after: Option<i64>,
    /// The next second of each calendar, as far as it was looked for; `i64::MAX` where none comes any more.
    upcoming: Vec<i64>,
    looks: usize,
}

impl<'a> Times<'a> {
    pub(crate) fn new(spec: &'a Compiled, after: Time) -> Self {
        let after = after.max(spec.start - SECOND).secs();
        Self { spec, after: Some(after), upcoming: vec![i64::MIN; spec.calendars.len()], looks: 0 }
    }

    /// In seconds, regardless of exclusions and end; `i64::MAX` where none comes any more.
    fn raw_next(&mut self, after: i64) -> i64 {
        for (calendar, upcoming) in self.spec.calendars.iter().zip(&mut self.upcoming) {
            if *upcoming <= after {
                *upcoming = calendar.next(after).unwrap_or(i64::MAX);
            }
        }
        self.looks += self.upcoming.len() + self.spec.intervals.len();
        let intervals =
            self.spec.intervals.iter().map(|(interval, phase)| ((after - phase) / interval + 1) * interval + phase);
        self.upcoming.iter().copied().chain(intervals).min().unwrap_or(i64::MAX)
    }

    fn is_excluded(&mut self, nominal: i64) -> bool {
        let excluded = &self.spec.excluded;
        if excluded.is_empty() {
            return false;
        }
        let Some(local) = calendar::local(&self.spec.zone, nominal) else { return false };
        let found = excluded.iter().position(|calendar| calendar.matches(local));
        self.looks += found.map_or(excluded.len(), |place| place + 1);
        found.is_some()
    }

    /// Never beyond the nominal time that follows.
    fn with_jitter(&mut self, nominal: i64) -> Next {
        let mut milliseconds = 0;
        if self.spec.jitter > 0 {
            let to_next = self.raw_next(nominal).saturating_sub(nominal).saturating_mul(1000);
            milliseconds = jitter::milliseconds(&self.spec.seed, nominal, self.spec.jitter.min(to_next));
        }
        let nominal = Time::from_secs(nominal);
        Next { nominal, time: nominal + MILLISECOND * milliseconds }
    }
}

impl Iterator for Times<'_> {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        let mut after = self.after.take()?;
        while self.looks < LOOKS_MAX {
            let nominal = self.raw_next(after);
            if nominal > LAST || (self.spec.end.is_set() && Time::from_secs(nominal) > self.spec.end) {
                return None;
            }
            if !self.is_excluded(nominal) {
                let next = self.with_jitter(nominal);
                self.after = Some(next.time.secs());
                return Some(next);
            }
            after = nominal;
        }
        None
    }
}
