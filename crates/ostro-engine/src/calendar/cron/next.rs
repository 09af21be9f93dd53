//! The next time of a schedule.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

use super::fields::Fields;
use crate::base::time::{Span, Time};

/// A schedule that does not come due for this long never does.
const YEARS_MAX: i16 = 5;

/// The first of `last + span`, `last + 2 * span`... (on whole seconds) that is not before `now`.
pub(crate) fn every(span: Span, last: Time, now: Time) -> Time {
    let first = last.floor_secs() + span;
    if first >= now {
        return first;
    }
    let behind = now - first;
    first + span * ((behind - Span::from_nanos(1)) / span + 1)
}

/// The first time after `after` that all fields match. In a time zone with a summer time, an hour that is left out has
/// no times, and one that comes twice has them twice.
pub(crate) fn after(fields: &Fields, after: Time) -> Option<Time> {
    let second = after.secs() + 1;
    let mut search =
        Search { fields, at: Timestamp::from_second(second).ok()?.to_zoned(fields.zone.clone()), moved: false };
    let last_year = search.at.year().saturating_add(YEARS_MAX);
    // Each round either finds the time or begins a later month, day or hour.
    while search.at.year() <= last_year {
        if search.month()? && search.day()? && search.hour()? && search.minute()? {
            return i64::try_from(search.at.timestamp().as_nanosecond()).ok().map(Time::from_nanos);
        }
    }
    None
}

/// Moves forward field by field. Each step says whether the field matches now without the one above it having changed.
struct Search<'a> {
    fields: &'a Fields,
    at: Zoned,
    /// Whether the time is at the beginning of the field being looked for, no longer where the search began.
    moved: bool,
}

impl Search<'_> {
    fn month(&mut self) -> Option<bool> {
        while !self.fields.month.contains(self.at.month()) {
            if !std::mem::replace(&mut self.moved, true) {
                self.set(self.at.date().first_of_month().at(0, 0, 0, 0))?;
            }
            self.set(self.at.datetime().checked_add(1.month()).ok()?)?;
            if self.at.month() == 1 {
                return Some(false);
            }
        }
        Some(true)
    }

    fn day(&mut self) -> Option<bool> {
        while !self.fields.has_day(self.at.day(), self.at.weekday().to_sunday_zero_offset()) {
            self.moved = true;
            let next: Date = self.at.date().tomorrow().ok()?;
            self.set(next.at(0, 0, 0, 0))?;
            if self.at.day() == 1 {
                return Some(false);
            }
        }
        Some(true)
    }

    fn hour(&mut self) -> Option<bool> {
        while !self.fields.hour.contains(self.at.hour()) {
            if !std::mem::replace(&mut self.moved, true) {
                self.back(SignedDuration::from_secs(i64::from(self.at.minute()) * 60 + i64::from(self.at.second())))?;
            }
            self.forward(SignedDuration::from_hours(1))?;
            if self.at.hour() == 0 {
                return Some(false);
            }
        }
        Some(true)
    }

    /// Seconds are always 0.
    fn minute(&mut self) -> Option<bool> {
        while self.at.second() != 0 || !self.fields.minute.contains(self.at.minute()) {
            self.moved = true;
            self.forward(SignedDuration::from_secs(60 - i64::from(self.at.second())))?;
            if self.at.minute() == 0 {
                return Some(false);
            }
        }
        Some(true)
    }

    fn set(&mut self, local: DateTime) -> Option<()> {
        self.at = local.to_zoned(self.fields.zone.clone()).ok()?;
        Some(())
    }

    fn forward(&mut self, span: SignedDuration) -> Option<()> {
        self.at = self.at.checked_add(span).ok()?;
        Some(())
    }

    fn back(&mut self, span: SignedDuration) -> Option<()> {
        self.at = self.at.checked_sub(span).ok()?;
        Some(())
    }
}
