//! Values as people write them: `500ms`, `3d`, `2MiB`, `0.5`.

use ostro_engine::config::CallbackAddress;
use ostro_engine::time::{DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND, Span};
use toml::Value;

/// Longest unit first, so that `ms` is not read as `s`.
const SPANS: [(&str, Span); 7] = [
    ("ms", MILLISECOND),
    ("us", MICROSECOND),
    ("ns", Span::from_nanos(1)),
    ("d", DAY),
    ("h", HOUR),
    ("m", MINUTE),
    ("s", SECOND),
];
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Why a value was not taken: what was wanted instead.
pub(super) type Parsed<T> = Result<T, &'static str>;

const SPAN_WANTED: &str = "a duration such as \"500ms\", \"10s\", \"2m\", \"36h\" or \"3d\"";
const SIZE_WANTED: &str = "a size such as \"64KiB\", \"2MiB\" or a number of bytes";

pub(super) fn span(value: &Value) -> Parsed<Span> {
    let text = value.as_str().ok_or(SPAN_WANTED)?;
    if text == "0" {
        return Ok(Span::ZERO);
    }
    let (number, unit) = with_unit(text, &SPANS).ok_or(SPAN_WANTED)?;
    number.checked_mul(unit.nanos()).map(Span::from_nanos).ok_or("a duration of less than 292 years")
}

pub(super) fn size(value: &Value) -> Parsed<u64> {
    if let Some(bytes) = value.as_integer() {
        return u64::try_from(bytes).map_err(|_| SIZE_WANTED);
    }
    let (number, unit) = with_unit(value.as_str().ok_or(SIZE_WANTED)?, &SIZES).ok_or(SIZE_WANTED)?;
    u64::try_from(number).ok().and_then(|number| number.checked_mul(unit)).ok_or(SIZE_WANTED)
}

pub(super) fn count(value: &Value) -> Parsed<u64> {
    value.as_integer().and_then(|count| u64::try_from(count).ok()).ok_or("a whole number, 0 or more")
}

pub(super) fn factor(value: &Value) -> Parsed<f64> {
    let factor = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
    factor.filter(|factor| *factor >= 1.0).ok_or("a number of 1 or more")
}

pub(super) fn addresses(value: &Value) -> Parsed<Vec<CallbackAddress>> {
    let wanted = "a list of addresses such as \"https://*.example.com\", or \"http://localhost:*\" without TLS too";
    let list = value.as_array().ok_or(wanted)?;
    list.iter().map(|value| value.as_str().and_then(CallbackAddress::parse).ok_or(wanted)).collect()
}

fn with_unit<U: Copy>(text: &str, units: &[(&str, U)]) -> Option<(i64, U)> {
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number = text[..text.len() - unit.len()].trim();
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| number.parse().ok())?
        .map(|n| (n, *factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes() {
        let text = |text: &str| Value::String(text.to_owned());
        for (written, expected) in [
            ("500ms", Ok(500 * MILLISECOND)),
            ("10s", Ok(10 * SECOND)),
            ("2 m", Ok(2 * MINUTE)),
            ("3d", Ok(3 * DAY)),
            ("0", Ok(Span::ZERO)),
            ("10", Err(SPAN_WANTED)),
            ("-1s", Err(SPAN_WANTED)),
            ("s", Err(SPAN_WANTED)),
        ] {
            assert_eq!(span(&text(written)), expected, "{written}");
        }
        for (written, expected) in
            [("2MiB", Ok(2 << 20)), ("64KiB", Ok(64 << 10)), ("7B", Ok(7)), ("2MB2", Err(SIZE_WANTED))]
        {
            assert_eq!(size(&text(written)), expected, "{written}");
        }
        assert_eq!(size(&Value::Integer(5)), Ok(5));
        assert!(size(&Value::Integer(-5)).is_err() && factor(&Value::Float(0.5)).is_err());
        assert_eq!(factor(&Value::Integer(2)), Ok(2.0));
    }
}
