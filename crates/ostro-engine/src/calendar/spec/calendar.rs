//! A structured calendar: the seconds at which all its fields match.

use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use temporalio_protos::temporal::api::schedule::v1::{Range, StructuredCalendarSpec};

use super::ranges::values;

const YEAR_MAX: i16 = 2100;
/// Months, days, hours... are bits.
const BIT_MAX: i32 = 63;
const HOUR: i64 = 3600;

#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    zone: TimeZone,
    /// Whether each year is one of them; empty: every year is.
    years: Vec<bool>,
    months: u64,
    days: u64,
    weekdays: u64,
    hours: u64,
    minutes: u64,
    seconds: u64,
}

impl Calendar {
    pub(crate) fn new(spec: &StructuredCalendarSpec, zone: TimeZone) -> Self {
        Self {
            zone,
            years: years(&spec.year),
            months: bits(&spec.month),
            days: bits(&spec.day_of_month),
            weekdays: bits(&spec.day_of_week),
            hours: bits(&spec.hour),
            minutes: bits(&spec.minute),
            seconds: bits(&spec.second),
        }
    }

    /// Whether a second, as the clocks of the zone show it, is one of the calendar's.
    pub(crate) fn matches(&self, local: DateTime) -> bool {
        self.has_year(local.year())
            && has(self.months, local.month())
            && has(self.days, local.day())
            && has(self.weekdays, local.weekday().to_sunday_zero_offset())
            && has(self.hours, local.hour())
            && has(self.minutes, local.minute())
            && has(self.seconds, local.second())
    }

    /// The first second of the calendar after `after`.
    pub(crate) fn next(&self, after: i64) -> Option<i64> {
        if self.has_empty_field() {
            return None;
        }
        let now = local(&self.zone, after)?;
        let hour_before = local(&self.zone, after - HOUR)?;
        let mut walk = Walk {
            calendar: self,
            year: now.year(),
            month: now.month(),
            day: now.day(),
            hour: now.hour(),
            minute: now.minute(),
            second: now.second() + 1,
            repeated: hour_before.hour() == now.hour(),
        };
        loop {
            walk.carry();
            if walk.year > YEAR_MAX {
                return None;
            }
            if walk.match_fields()
                && let Some(found) = walk.found()
            {
                return Some(found);
            }
        }
    }

    /// Such a calendar matches nothing: it would be searched to the end of time.
    fn has_empty_field(&self) -> bool {
        [self.months, self.days, self.weekdays, self.hours, self.minutes, self.seconds].contains(&0)
    }

    fn has_year(&self, year: i16) -> bool {
        self.years.is_empty() || usize::try_from(year).is_ok_and(|year| self.years.get(year) == Some(&true))
    }

    /// The second at which the clocks of the zone show this; of a time that is left out, what Go makes of it.
    fn second_of(&self, day: DateTime, hour: i64, minute: i64, second: i64) -> i64 {
        let local = TimeZone::UTC.to_timestamp(day).map_or(0, |at| at.as_second()) + hour * HOUR + minute * 60 + second;
        let offset = offset_at(&self.zone, local);
        match offset {
            0 => local,
            _ => local - offset_at(&self.zone, local - offset),
        }
    }
}

/// A candidate that moves forward, the outermost field that does not match first.
struct Walk<'a> {
    calendar: &'a Calendar,
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    /// In the second copy of an hour that comes twice.
    repeated: bool,
}

impl Walk<'_> {
    /// Normalises after a field ran over.
    fn carry(&mut self) {
        if self.second >= 60 {
            (self.minute, self.second) = (self.minute + 1, 0);
        }
        if self.minute >= 60 {
            self.next_hour();
        }
        if self.hour >= 24 {
            (self.day, self.hour) = (self.day + 1, 0);
        }
        if self.day > self.days_in_month() {
            (self.month, self.day) = (self.month + 1, 1);
        }
        if self.month > 12 {
            (self.year, self.month) = (self.year + 1, 1);
        }
    }

    /// An hour that comes twice is gone through twice.
    fn next_hour(&mut self) {
        let before = self.at(self.hour.into(), 0, 0);
        let after = self.at(i64::from(self.hour) + 1, 0, 0);
        self.minute = 0;
        if !self.repeated && after - before > HOUR {
            self.repeated = true;
        } else {
            self.repeated = false;
            self.hour += 1;
        }
    }

    fn at(&self, hour: i64, minute: i64, second: i64) -> i64 {
        self.calendar.second_of(self.midnight(), hour, minute, second)
    }

    fn midnight(&self) -> DateTime {
        date(self.year, self.month, self.day).at(0, 0, 0, 0)
    }

    fn days_in_month(&self) -> i8 {
        date(self.year, self.month.min(12), 1).days_in_month()
    }

    /// Whether all fields match; else the candidate has moved and must be normalised.
    fn match_fields(&mut self) -> bool {
        self.match_year() && self.match_month() && self.match_day() && self.match_hour() && self.match_minute()
    }

    fn match_year(&mut self) -> bool {
        let matches = self.calendar.has_year(self.year);
        if !matches {
            *self = Walk {
                calendar: self.calendar,
                year: self.year + 1,
                month: 1,
                day: 1,
                hour: 0,
                minute: 0,
                second: 0,
                repeated: false,
            };
        }
        matches
    }

    fn match_month(&mut self) -> bool {
        while !has(self.calendar.months, self.month) {
            (self.month, self.day) = (self.month + 1, 1);
            self.start_of_day();
            if self.month > 12 {
                return false;
            }
        }
        true
    }

    fn match_day(&mut self) -> bool {
        while !has(self.calendar.days, self.day) || !has(self.calendar.weekdays, self.weekday()) {
            self.day += 1;
            self.start_of_day();
            if self.day > self.days_in_month() {
                return false;
            }
        }
        true
    }

    fn weekday(&self) -> i8 {
        self.midnight().weekday().to_sunday_zero_offset()
    }

    fn start_of_day(&mut self) {
        (self.hour, self.minute, self.second, self.repeated) = (0, 0, 0, false);
    }

    fn match_hour(&mut self) -> bool {
        while !has(self.calendar.hours, self.hour) {
            (self.hour, self.minute, self.second, self.repeated) = (self.hour + 1, 0, 0, false);
            if self.hour >= 24 {
                return false;
            }
        }
        true
    }

    fn match_minute(&mut self) -> bool {
        while !has(self.calendar.minutes, self.minute) {
            (self.minute, self.second) = (self.minute + 1, 0);
            if self.minute >= 60 {
                return false;
            }
        }
        while !has(self.calendar.seconds, self.second) {
            self.second += 1;
            if self.second >= 60 {
                return false;
            }
        }
        true
    }

    /// The candidate, unless the clocks never show it: then the hour is left behind.
    fn found(&mut self) -> Option<i64> {
        let second = self.at(self.hour.into(), self.minute.into(), self.second.into());
        let shown = local(&self.calendar.zone, second)?;
        if shown.hour() != self.hour {
            (self.hour, self.minute, self.second) = (self.hour + 1, 0, 0);
            return None;
        }
        Some(second + if self.repeated { HOUR } else { 0 })
    }
}

/// What the clocks of a zone show at a second since 1970.
pub(crate) fn local(zone: &TimeZone, second: i64) -> Option<DateTime> {
    Timestamp::from_second(second).ok().map(|at| zone.to_datetime(at))
}

fn offset_at(zone: &TimeZone, second: i64) -> i64 {
    Timestamp::from_second(second).map_or(0, |at| zone.to_offset(at).seconds().into())
}

fn bits(ranges: &[Range]) -> u64 {
    values(ranges, BIT_MAX).fold(0, |bits, value| bits | 1 << value)
}

fn years(ranges: &[Range]) -> Vec<bool> {
    let mut years = if ranges.is_empty() { Vec::new() } else { vec![false; YEAR_MAX as usize + 1] };
    for year in values(ranges, YEAR_MAX.into()) {
        years[year as usize] = true;
    }
    years
}

fn has(bits: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| value < 64 && bits & (1 << value) != 0)
}
