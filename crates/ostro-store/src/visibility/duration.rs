//! Durations as a filter writes them.

use ostro_engine::time::{DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND, Span};

const UNITS: [(&str, Span); 8] = [
    ("ns", Span::from_nanos(1)),
    ("us", MICROSECOND),
    ("µs", MICROSECOND),
    ("ms", MILLISECOND),
    ("s", SECOND),
    ("m", MINUTE),
    ("h", HOUR),
    ("d", DAY),
];

/// Reads nanoseconds (`"1000"`), a Go duration (`"1h30m"`, `"-1.5s"`, also in days) or a clock (`"hh:mm:ss"`).
pub(crate) fn parse(text: &str) -> Option<Span> {
    text.parse().ok().map(Span::from_nanos).or_else(|| go(text)).or_else(|| clock(text))
}

fn go(text: &str) -> Option<Span> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut total = 0.0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit_end =
            rest[number..].find(|c: char| c.is_ascii_digit() || c == '.').map_or(rest.len(), |at| number + at);
        let (_, unit) = UNITS.into_iter().find(|(unit, _)| *unit == &rest[number..unit_end])?;
        total += rest[..number].parse::<f64>().ok()? * unit.nanos() as f64;
        rest = &rest[unit_end..];
    }
    (total > 0.0 || text.contains('0')).then_some(Span::from_nanos(if negative { -total } else { total } as i64))
}

fn clock(text: &str) -> Option<Span> {
    let mut parts = text.split(':').map(|part| part.parse::<u32>().ok().map(i64::from));
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let valid = parts.next().is_none() && minutes < 60 && seconds < 60;
    valid.then(|| hours * HOUR + minutes * MINUTE + seconds * SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, expected) in [
            ("1000", Some(Span::from_nanos(1000))),
            ("-5", Some(Span::from_nanos(-5))),
            ("10s", Some(10 * SECOND)),
            ("1h30m", Some(90 * MINUTE)),
            ("1.5h", Some(90 * MINUTE)),
            ("-1.5s", Some(-1_500 * MILLISECOND)),
            ("2d", Some(2 * DAY)),
            ("0s", Some(Span::ZERO)),
            ("7µs", Some(Span::from_nanos(7_000))),
            ("00:00:10", Some(10 * SECOND)),
            ("24:00:00", Some(DAY)),
            ("1:2:3", Some(HOUR + 2 * MINUTE + 3 * SECOND)),
            ("00:61:00", None),
            ("1:2", None),
            ("foo", None),
            ("", None),
            ("s", None),
            ("1 s", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
