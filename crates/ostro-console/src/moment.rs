//! Points in time as a page shows them: how far away, and in full in the reader's zone.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ostro_explain::duration;
use prost_wkt_types as wkt;

/// The reader's clock: what "ago" counts from, and the zone of full times.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    pub now: SystemTime,
    pub zone: TimeZone,
}

/// A point in time in the three forms of a `<time>` element; all empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// RFC 3339, for programs.
    pub iso: String,
    /// `2026-12-01 03:14:15.926 CET`.
    pub full: String,
    /// `3m 12s ago`, `in 48s`.
    pub relative: String,
    /// `03:14:15.926`.
    pub clock: String,
}

impl Clock {
    /// A time of the protocol; the zero time stands for none.
    pub(crate) fn shown(&self, time: Option<&wkt::Timestamp>) -> Shown {
        time_of(time).map(|time| self.of(time)).unwrap_or_default()
    }

    /// A time of ours.
    pub(crate) fn of(&self, time: SystemTime) -> Shown {
        let Ok(stamp) = Timestamp::try_from(time) else { return Shown::default() };
        let zoned = stamp.to_zoned(self.zone.clone());
        Shown {
            iso: stamp.to_string(),
            full: zoned.strftime("%Y-%m-%d %H:%M:%S%.3f %Z").to_string(),
            relative: relative(time, self.now),
            clock: zoned.strftime("%H:%M:%S%.3f").to_string(),
        }
    }
}

/// `3m 12s ago`, `in 48s`, `now`.
fn relative(time: SystemTime, now: SystemTime) -> String {
    match (now.duration_since(time), time.duration_since(now)) {
        (Ok(gone), _) if gone < Duration::from_secs(1) => "now".to_owned(),
        (Ok(gone), _) => format!("{} ago", whole(gone)),
        (_, Ok(left)) => format!("in {}", whole(left)),
        _ => String::new(),
    }
}

/// A span in its two largest units, without fractions of a second from one second on.
pub(crate) fn whole(span: Duration) -> String {
    let shown = if span.as_secs() > 0 { Duration::from_secs(span.as_secs()) } else { span };
    duration::text(shown)
}

/// The span between two times; nothing where one is not there or they are the wrong way round.
pub(crate) fn between(start: Option<&wkt::Timestamp>, end: Option<&wkt::Timestamp>) -> Option<Duration> {
    time_of(end)?.duration_since(time_of(start)?).ok()
}

/// A time of the protocol; the zero time, and what cannot be one, are none.
pub(crate) fn time_of(time: Option<&wkt::Timestamp>) -> Option<SystemTime> {
    let time = time.filter(|time| time.seconds > 0)?;
    let since = Duration::new(time.seconds.try_into().ok()?, time.nanos.try_into().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// What a person wrote as a time: RFC 3339, or a date and a time of day as forms send it, in the zone of the reader.
pub(crate) fn parse(text: &str, zone: &TimeZone) -> Option<wkt::Timestamp> {
    let stamp = match text.parse::<Timestamp>() {
        Ok(stamp) => stamp,
        Err(_) => text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(zone.clone()).ok()?.timestamp(),
    };
    Some(wkt::Timestamp { seconds: stamp.as_second(), nanos: stamp.subsec_nanosecond() })
}

/// What a person wrote as a span: `90s`, `1h 30m`.
pub(crate) fn parse_span(text: &str) -> Option<wkt::Duration> {
    let span: jiff::SignedDuration = text.trim().parse().ok()?;
    (span > jiff::SignedDuration::ZERO).then(|| wkt::Duration { seconds: span.as_secs(), nanos: span.subsec_nanos() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn times_are_told_from_now_and_in_the_zone_of_the_reader() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let clock = Clock { now: at(1_000_000), zone: zone.clone() };
        let shown = clock.of(at(1_000_000 - 192));
        assert_eq!(shown.relative, "3m 12s ago");
        assert_eq!(shown.full, "1970-01-12 14:43:28.000 CET");
        assert_eq!(shown.iso, "1970-01-12T13:43:28Z");
        assert_eq!(clock.of(at(1_000_048)).relative, "in 48s");
        assert_eq!(clock.of(at(1_000_000)).relative, "now");
        assert_eq!(clock.shown(Some(&wkt::Timestamp { seconds: 0, nanos: 0 })), Shown::default());
        assert_eq!(clock.shown(Some(&wkt::Timestamp { seconds: i64::MAX, nanos: -1 })), Shown::default());
        assert_eq!(parse("1970-01-12T14:43", &zone).unwrap().seconds, 999_780);
        assert_eq!(parse("1970-01-12T13:43:00Z", &zone).unwrap().seconds, 999_780);
        assert_eq!(parse("yesterday", &zone), None);
        assert_eq!(parse_span("1h 30m").unwrap().seconds, 5_400);
        assert_eq!(parse_span("-1s"), None);
    }
}
