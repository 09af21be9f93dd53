//! Distances between points in time, in words.

use std::time::{Duration, SystemTime};

use prost_wkt_types::Timestamp;

use crate::duration;

/// The time of a protocol answer. The zero time stands for "none" in some answers of Temporal servers.
pub fn of(time: Option<&Timestamp>) -> Option<SystemTime> {
    let time = time.filter(|time| time.seconds > 0)?;
    let since_epoch = Duration::new(time.seconds.try_into().ok()?, time.nanos.try_into().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since_epoch)
}

/// ` 3m 12s`: how long since then, with a space before it; nothing where it is not known.
pub fn for_time(since: Option<SystemTime>, now: SystemTime) -> String {
    since.map(|since| format!(" {}", distance(since, now))).unwrap_or_default()
}

/// `3m 12s ago`.
pub fn ago(then: SystemTime, now: SystemTime) -> String {
    format!("{} ago", distance(then, now))
}

/// `in 48s`, or `now` where it is due.
pub fn until(then: SystemTime, now: SystemTime) -> String {
    match then.duration_since(now) {
        Ok(left) if !left.is_zero() => format!("in {}", rounded(left)),
        _ => "now".to_owned(),
    }
}

fn distance(then: SystemTime, now: SystemTime) -> String {
    rounded(now.duration_since(then).unwrap_or_default())
}

/// Whole seconds from one second on.
fn rounded(duration: Duration) -> String {
    let shown = if duration.as_secs() > 0 { Duration::from_secs(duration.as_secs()) } else { duration };
    duration::text(shown)
}
