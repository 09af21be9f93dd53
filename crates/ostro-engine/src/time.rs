//! Time inside the engine: nanoseconds since the Unix epoch, handed in by the shell.

use prost_wkt_types::{Duration, Timestamp};

/// A point in time: nanoseconds since the Unix epoch. `0` means "not set".
pub type Time = i64;

/// A span of time in nanoseconds. `0` means "not set" where the protocol allows that.
pub type Span = i64;

pub const MICROSECOND: Span = 1_000;
pub const MILLISECOND: Span = 1_000_000;
pub const SECOND: Span = 1_000_000_000;
pub const MINUTE: Span = 60 * SECOND;
pub const HOUR: Span = 60 * MINUTE;
pub const DAY: Span = 24 * HOUR;

/// The protocol's form of `time`, absent where it is not set.
pub fn timestamp(time: Time) -> Option<Timestamp> {
    (time != 0).then(|| Timestamp { seconds: time.div_euclid(SECOND), nanos: time.rem_euclid(SECOND) as i32 })
}

/// The time that the protocol's form names; `0` where absent.
pub fn from_timestamp(timestamp: &Option<Timestamp>) -> Time {
    timestamp.as_ref().map_or(0, |t| t.seconds.saturating_mul(SECOND).saturating_add(i64::from(t.nanos)))
}

/// The protocol's form of a span. `0` is sent as an explicit zero, as the reference server does.
pub fn duration(span: Span) -> Option<Duration> {
    Some(Duration { seconds: span / SECOND, nanos: (span % SECOND) as i32 })
}

/// The span that the protocol's form names; `0` where absent. Saturates at ±292 years.
pub fn from_duration(duration: &Option<Duration>) -> Span {
    duration.as_ref().map_or(0, |d| d.seconds.saturating_mul(SECOND).saturating_add(i64::from(d.nanos)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_round_trip() {
        for time in [1, SECOND - 1, SECOND, 1_795_000_000_123_456_789] {
            assert_eq!(from_timestamp(&timestamp(time)), time);
        }
        assert_eq!(timestamp(0), None);
        assert_eq!(from_timestamp(&None), 0);
    }

    #[test]
    fn spans_survive_the_round_trip() {
        for span in [0, 1, -1, 1_500 * MILLISECOND, -1_500 * MILLISECOND] {
            assert_eq!(from_duration(&duration(span)), span);
        }
        let forever = Some(Duration { seconds: i64::MAX, nanos: 0 });
        assert_eq!(from_duration(&forever), i64::MAX);
    }
}
