//! Durations as people read them: `1h 30m`, `12s`, `40ms`.

use std::time::Duration;

use prost_wkt_types as wkt;

/// Units from large to small, in milliseconds.
const UNITS: [(&str, u64); 4] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

/// The two largest units: `1h 30m`, `2d 3h`, `1.250s`, `40ms`.
pub fn text(duration: Duration) -> String {
    let ms = duration.as_millis() as u64;
    if ms < 1_000 {
        return format!("{ms}ms");
    }
    if ms < 60_000 {
        return match ms % 1_000 {
            0 => format!("{}s", ms / 1_000),
            rest => format!("{}.{rest:03}s", ms / 1_000),
        };
    }
    let parts = UNITS.iter().scan(ms, |left, (name, unit_ms)| {
        let amount = *left / unit_ms;
        *left %= unit_ms;
        Some((amount, *name))
    });
    let parts: Vec<String> = parts
        .skip_while(|(amount, _)| *amount == 0)
        .take(2)
        .filter(|(amount, _)| *amount > 0)
        .map(|(amount, name)| format!("{amount}{name}"))
        .collect();
    parts.join(" ")
}

/// As protobuf carries it.
pub fn to_proto(duration: Duration) -> wkt::Duration {
    wkt::Duration { seconds: duration.as_secs() as i64, nanos: duration.subsec_nanos() as i32 }
}

/// From protobuf; negative durations are zero.
pub fn from_proto(duration: &wkt::Duration) -> Duration {
    Duration::new(duration.seconds.max(0) as u64, duration.nanos.max(0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_largest_units() {
        let table = [
            (0, "0ms"),
            (40, "40ms"),
            (1_250, "1.250s"),
            (59_000, "59s"),
            (60_000, "1m"),
            (5_400_000, "1h 30m"),
            (3_601_000, "1h"),
            (90_061_000, "1d 1h"),
        ];
        for (ms, written) in table {
            assert_eq!(text(Duration::from_millis(ms)), written);
        }
    }

    #[test]
    fn protobuf_and_back() {
        let duration = Duration::new(5, 7);
        assert_eq!(from_proto(&to_proto(duration)), duration);
        assert_eq!(from_proto(&wkt::Duration { seconds: -1, nanos: -5 }), Duration::ZERO);
    }
}
