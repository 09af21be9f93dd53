//! When schedules and cron workflows act, found by trying one second after the other.

use ostro_engine::time::{DAY, SECOND, Span, Time};

/// The times of a schedule, in UTC. None of them is further away than [`LOOK_AHEAD`], or there is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Times {
    /// Seconds between two times, and what is added to their multiples.
    pub intervals: Vec<(i64, i64)>,
    pub calendars: Vec<Calendar>,
    pub excluded: Vec<Calendar>,
    /// 0: from ever, and for ever.
    pub start: Time,
    pub end: Time,
}

/// Values of a time of day, each from the first to the last in steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calendar {
    pub second: (i64, i64, i64),
    pub minute: (i64, i64, i64),
    pub hour: (i64, i64, i64),
}

const LOOK_AHEAD: Span = DAY;

impl Calendar {
    fn matches(&self, second: i64) -> bool {
        let within = |(first, last, step): (i64, i64, i64), value: i64| {
            (first..=last).contains(&value) && (value - first) % step == 0
        };
        within(self.second, second % 60)
            && within(self.minute, second / 60 % 60)
            && within(self.hour, second / 3600 % 24)
    }
}

impl Times {
    fn matches(&self, second: i64) -> bool {
        let by_interval = self.intervals.iter().any(|(every, phase)| (second - phase).rem_euclid(*every) == 0);
        (by_interval || self.calendars.iter().any(|calendar| calendar.matches(second)))
            && !self.excluded.iter().any(|calendar| calendar.matches(second))
    }

    /// The first after that moment.
    pub fn next(&self, after: Time) -> Option<Time> {
        let first = after.max(self.start - SECOND).secs() + 1;
        let last = if self.end == Time::UNSET { first + LOOK_AHEAD / SECOND } else { self.end.secs() };
        (first..=last).find(|second| self.matches(*second)).map(Time::from_secs)
    }
}

/// When a workflow runs again and again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cron {
    Every(Span),
    /// At the minutes of the hour that are multiples of it.
    Minutes(i64),
}

impl Cron {
    /// As clients write it.
    pub fn text(self) -> String {
        match self {
            Self::Every(span) => format!("@every {}s", span.secs()),
            Self::Minutes(minutes) => format!("*/{minutes} * * * *"),
        }
    }

    /// How long a run waits that follows one which was due at `last`; times that have passed are left out.
    pub fn wait(self, last: Time, now: Time) -> Span {
        let next = if now < last { last } else { self.next(last, now) };
        Span::from_secs((next - now + SECOND - Span::from_nanos(1)).secs())
    }

    fn next(self, last: Time, now: Time) -> Time {
        let whole = last.secs();
        let fits = |second: i64| match self {
            Self::Every(span) => second > whole && (second - whole) % span.secs() == 0,
            Self::Minutes(minutes) => {
                Time::from_secs(second) > last && second % 60 == 0 && second / 60 % 60 % minutes == 0
            }
        };
        let first = (now + SECOND - Span::from_nanos(1)).secs();
        (first..).find(|second| fits(*second)).map_or(now, Time::from_secs)
    }
}

/// A whole second as ids of scheduled runs have it: `2027-01-15T08:00:00Z`.
pub fn rfc3339(time: Time) -> String {
    let second = time.secs();
    let (day, rest) = (second.div_euclid(86_400), second.rem_euclid(86_400));
    let (mut year, mut left) = (1970, day);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while left >= 365 + i64::from(leap(year)) {
        left -= 365 + i64::from(leap(year));
        year += 1;
    }
    let february = 28 + i64::from(leap(year));
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if left < days {
            break;
        }
        left -= days;
        month += 1;
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (second, written) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (1_830_297_599, "2027-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(Time::from_secs(second)), written);
        }
    }
}
