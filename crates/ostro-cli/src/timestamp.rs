//! Points in time as people read them. Always UTC: a history is compared across machines.

use std::time::{Duration, SystemTime};

use prost_wkt_types::Timestamp;

use crate::duration;

/// `2026-11-22 13:01:52Z`; `-` without a time.
pub fn seconds(time: Option<&Timestamp>) -> String {
    formatted(time, "%Y-%m-%d %H:%M:%SZ")
}

/// `2026-11-22 13:01:52.123Z`; `-` without a time.
pub fn milliseconds(time: Option<&Timestamp>) -> String {
    formatted(time, "%Y-%m-%d %H:%M:%S.%3fZ")
}

/// `2026-11-22 13:01:52Z (3m 5s ago)`, `(in 3m 5s)` or `(now)`; `-` without a time.
pub fn relative(time: Option<&Timestamp>, now: SystemTime) -> String {
    let Some(moment) = time.and_then(system_time) else {
        return "-".into();
    };
    let distance = match now.duration_since(moment) {
        Ok(past) if past.as_secs() == 0 => "now".into(),
        Ok(past) => format!("{} ago", duration::text(whole_seconds(past))),
        Err(future) => format!("in {}", duration::text(whole_seconds(future.duration()))),
    };
    format!("{} ({distance})", seconds(time))
}

/// From the one to the other; zero when they are in the wrong order.
pub fn between(from: &Timestamp, to: &Timestamp) -> Option<Duration> {
    Some(system_time(to)?.duration_since(system_time(from)?).unwrap_or_default())
}

fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}

fn system_time(time: &Timestamp) -> Option<SystemTime> {
    let since_epoch = Duration::new(time.seconds.try_into().ok()?, time.nanos.try_into().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since_epoch)
}

/// The zero time stands for "none" in some answers of Temporal servers.
fn formatted(time: Option<&Timestamp>, format: &str) -> String {
    time.filter(|time| time.seconds > 0)
        .and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok())
        .map_or_else(|| "-".into(), |time| time.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_with_the_distance_to_now() {
        let time = Timestamp { seconds: 1_795_352_512, nanos: 123_456_789 };
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_352_512 + 185);
        let earlier = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_352_512 - 7_200);
        assert_eq!(milliseconds(Some(&time)), "2026-11-22 13:01:52.123Z");
        assert_eq!(relative(Some(&time), later), "2026-11-22 13:01:52Z (3m 4s ago)");
        assert_eq!(relative(Some(&time), earlier), "2026-11-22 13:01:52Z (in 2h)");
        let same = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_352_512_500);
        assert_eq!(relative(Some(&time), same), "2026-11-22 13:01:52Z (now)");
        assert_eq!(relative(None, later), "-");
        assert_eq!(seconds(Some(&Timestamp::default())), "-");
    }
}
