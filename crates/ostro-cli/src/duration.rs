//! Durations as people write them: `10s`, `1h30m`, `1.5d`.

use std::time::Duration;

use prost_wkt_types as wkt;

/// Units from large to small, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads amounts with units (`d h m s ms`), one after the other; at most about 10 000 years.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration: give amounts with units, such as 10s, 5m, 1h30m or 2d");
    let mut rest = text.trim();
    let mut total_ms = 0.0;
    while !rest.is_empty() {
        let (amount, after) = take(rest, |character| character.is_ascii_digit() || character == '.');
        let (unit, after) = take(after, |character| character.is_ascii_alphabetic());
        let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        total_ms += amount.parse::<f64>().map_err(|_| wrong())? * (*unit_ms as f64);
        rest = after;
    }
    if text.trim().is_empty() || total_ms > 315_576_000_000_000.0 {
        return Err(wrong());
    }
    Ok(Duration::from_millis(total_ms.round() as u64))
}

fn take(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|character| !belongs(character)).unwrap_or(text.len()))
}

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
    let parts = UNITS[..4].iter().scan(ms, |left, (name, unit_ms)| {
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
    fn amounts_with_units() {
        let table = [
            ("10s", 10_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("1.5h", 5_400_000),
            ("250ms", 250),
            ("0s", 0),
            (" 1m5s ", 65_000),
        ];
        for (written, ms) in table {
            assert_eq!(parse(written), Ok(Duration::from_millis(ms)), "{written}");
        }
        for written in ["", "10", "s", "10x", "-5s", "1..5s", "5s3", "999999999999d"] {
            let refusal = parse(written).expect_err(written);
            assert!(refusal.contains("such as 10s, 5m, 1h30m or 2d"), "{refusal}");
        }
    }

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
