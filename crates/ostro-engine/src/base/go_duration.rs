//! Spans as Go writes them: `1h30m`, `1.5s`, `-2us`.

use crate::base::time::{DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND, Span};

const UNITS: [(&str, Span); 8] = [
    ("ns", Span::from_nanos(1)),
    ("us", MICROSECOND),
    ("µs", MICROSECOND),
    ("μs", MICROSECOND),
    ("ms", MILLISECOND),
    ("s", SECOND),
    ("m", MINUTE),
    ("h", HOUR),
];

/// Reads a span; errors are in Go's words.
pub fn parse(text: &str) -> Result<Span, String> {
    parse_with(text, &UNITS)
}

/// The same with `d` for 24 hours.
pub(crate) fn parse_with_days(text: &str) -> Result<Span, String> {
    let units: Vec<_> = UNITS.into_iter().chain([("d", DAY)]).collect();
    parse_with(text, &units)
}

fn parse_with(text: &str, units: &[(&str, Span)]) -> Result<Span, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits == "0" {
        return Ok(Span::ZERO);
    }
    if digits.is_empty() {
        return Err(invalid());
    }
    let mut rest = digits;
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().map_err(|_| invalid())?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = &rest[..end];
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {text:?}"));
        }
        let (_, scale) = units
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(|| format!("time: unknown unit {unit:?} in duration {text:?}"))?;
        total += number * scale.nanos() as f64;
        rest = &rest[end..];
    }
    if total > i64::MAX as f64 {
        return Err(invalid());
    }
    let total = Span::from_nanos(total as i64);
    Ok(if negative { -total } else { total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_as_go_reads_them() {
        for (text, span) in [
            ("1h30m", HOUR + 30 * MINUTE),
            ("1.5s", 1500 * MILLISECOND),
            ("-2us", -2 * MICROSECOND),
            ("0", Span::ZERO),
            ("+3m", 3 * MINUTE),
        ] {
            assert_eq!(parse(text), Ok(span), "{text}");
        }
        assert_eq!(parse_with_days("2d1h"), Ok(2 * DAY + HOUR));
        for (text, error) in [
            ("1x", "time: unknown unit \"x\" in duration \"1x\""),
            ("5", "time: missing unit in duration \"5\""),
            ("", "time: invalid duration \"\""),
            ("h", "time: invalid duration \"h\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
        ] {
            assert_eq!(parse(text), Err(error.to_owned()), "{text}");
        }
    }
}
