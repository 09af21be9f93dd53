//! Times and spans between the protocol and the standard library. What is out of range is clamped or refused, never a panic.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost_wkt_types::Timestamp;

/// A span as the protocol writes it, clamped to what it can hold.
pub(crate) fn duration(span: Duration) -> prost_wkt_types::Duration {
    let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    prost_wkt_types::Duration { seconds, nanos: span.subsec_nanos() as i32 }
}

/// None for negative spans.
pub(crate) fn from_duration(span: &prost_wkt_types::Duration) -> Option<Duration> {
    let nanos = u32::try_from(span.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(span.seconds).ok()?, nanos))
}

/// None for what no clock shows.
pub(crate) fn from_timestamp(time: &Timestamp) -> Option<SystemTime> {
    let nanos = u32::try_from(time.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    let whole = Duration::from_secs(time.seconds.unsigned_abs());
    let whole = if time.seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
    whole?.checked_add(Duration::new(0, nanos))
}

/// A time as the protocol writes it.
pub(crate) fn timestamp(time: SystemTime) -> Timestamp {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => Timestamp {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            nanos: since.subsec_nanos() as i32,
        },
        Err(before) => {
            let before = before.duration();
            let borrow = i64::from(before.subsec_nanos() > 0);
            let seconds = -i64::try_from(before.as_secs()).unwrap_or(i64::MAX) - borrow;
            let nanos = (1_000_000_000 - before.subsec_nanos()) % 1_000_000_000;
            Timestamp { seconds, nanos: nanos as i32 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_spans_survive_the_protocol() {
        for (seconds, nanos) in [(0, 0), (1_700_000_000, 5), (-3, 999_999_999), (-1, 0)] {
            let time = Timestamp { seconds, nanos };
            assert_eq!(from_timestamp(&time).map(timestamp), Some(time));
        }
        assert_eq!(from_timestamp(&Timestamp { seconds: 0, nanos: -1 }), None);
        let span = Duration::new(7, 9);
        assert_eq!(from_duration(&duration(span)), Some(span));
        assert_eq!(from_duration(&prost_wkt_types::Duration { seconds: -1, nanos: 0 }), None);
    }
}
