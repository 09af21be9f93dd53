//! Durations as people write them: `10s`, `1h30m`, `1.5d`.

use std::time::Duration;

pub use ostro_explain::duration::{from_proto, text, to_proto};

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
}
