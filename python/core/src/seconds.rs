//! Times and durations as Python has them: seconds in a float.

use prost_wkt_types::{Duration, Timestamp};

const NANOS_PER_SECOND: f64 = 1e9;

pub fn from_timestamp(time: Option<&Timestamp>) -> Option<f64> {
    time.map(|time| time.seconds as f64 + f64::from(time.nanos) / NANOS_PER_SECOND)
}

pub fn from_duration(span: Option<&Duration>) -> Option<f64> {
    span.map(|span| span.seconds as f64 + f64::from(span.nanos) / NANOS_PER_SECOND)
}

pub fn to_duration(seconds: f64) -> Duration {
    let nanos = (seconds.fract() * NANOS_PER_SECOND).round() as i32;
    let carry = i64::from(nanos == 1_000_000_000);
    Duration { seconds: seconds.trunc() as i64 + carry, nanos: if carry == 1 { 0 } else { nanos } }
}

pub fn to_timestamp(seconds: f64) -> Timestamp {
    let Duration { seconds, nanos } = to_duration(seconds);
    Timestamp { seconds, nanos }
}
