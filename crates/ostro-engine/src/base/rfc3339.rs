//! RFC 3339 as Go's `time.Parse` reads it, which is what the reference server takes: years 0 to 9999, hours of one digit, a
//! fraction after a point or a comma, `Z` in upper case. Leap seconds and 24 o'clock are no times.

const NANOSECONDS: i128 = 1_000_000_000;

/// Nanoseconds since 1970. `None` where the text is no such time.
pub fn parse(text: &str) -> Option<i128> {
    let (date, rest) = text.split_once('T')?;
    let days = days(date)?;
    let (time, zone) = rest.split_at(rest.find(['Z', '+', '-'])?);
    let seconds = days * 86_400 - offset(zone)?;
    Some(i128::from(seconds) * NANOSECONDS + i128::from(time_of_day(time)?))
}

/// The same, cut to what 64 bits of nanoseconds can hold: 1677 to 2262.
pub fn parse_clamped(text: &str) -> Option<i64> {
    parse(text).map(|nanoseconds| nanoseconds.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
}

/// `2006-01-02` as days since 1970.
fn days(date: &str) -> Option<i64> {
    let (year, rest) = date.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    let leaps = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if leaps => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=length).contains(&day).then(|| days_from_civil(year, month, day))
}

/// Howard Hinnant's algorithm, for a year of the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// `15:04:05.999` in nanoseconds.
fn time_of_day(text: &str) -> Option<i64> {
    let (hour, rest) = text.split_once(':')?;
    let (minute, rest) = rest.split_once(':')?;
    let (second, fraction) = rest.split_at_checked(2)?;
    let hour = digits(hour, 2).or_else(|| digits(hour, 1)).filter(|hour| *hour < 24)?;
    let minute = digits(minute, 2).filter(|minute| *minute < 60)?;
    let second = digits(second, 2).filter(|second| *second < 60)?;
    Some(((hour * 60 + minute) * 60 + second) * NANOSECONDS as i64 + nanoseconds(fraction)?)
}

/// `.5` or `,5`; digits after the ninth do not count.
fn nanoseconds(fraction: &str) -> Option<i64> {
    if fraction.is_empty() {
        return Some(0);
    }
    let written = fraction.strip_prefix(['.', ','])?;
    let all_digits = !written.is_empty() && written.bytes().all(|byte| byte.is_ascii_digit());
    let nine: String = all_digits.then(|| written.chars().chain(std::iter::repeat('0')).take(9).collect())?;
    nine.parse().ok()
}

/// `Z`, `+07:00` or `-07:00` in seconds.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let hours = digits(hours, 2).filter(|hours| *hours <= 24)?;
    let seconds = (hours * 60 + digits(minutes, 2).filter(|minutes| *minutes < 60)?) * 60;
    Some(if zone.starts_with('-') { -seconds } else { seconds })
}

fn digits(text: &str, number: usize) -> Option<i64> {
    (text.len() == number && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_reads_them() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2024-02-29T12:00:00Z", Some(1_709_208_000)),
            ("2024-01-01T00:00:00+02:00", Some(1_704_060_000)),
            ("2024-01-01T00:00:00-02:30", Some(1_704_076_200)),
            ("2024-01-01T7:00:00Z", Some(1_704_092_400)),
            ("9999-12-31T23:59:59Z", Some(253_402_300_799)),
            ("0001-01-01T00:00:00Z", Some(-62_135_596_800)),
            ("0000-01-01T00:00:00Z", Some(-62_167_219_200)),
            ("10000-01-01T00:00:00Z", None),
            ("2023-02-29T00:00:00Z", None),
            ("2024-13-01T00:00:00Z", None),
            ("2024-04-31T00:00:00Z", None),
            ("2024-01-01T24:00:00Z", None),
            ("2024-01-01T23:59:60Z", None),
            ("2024-01-01T00:00:00z", None),
            ("2024-01-01t00:00:00Z", None),
            ("2024-01-01 00:00:00Z", None),
            ("2024-01-01T00:00:00", None),
            ("2024-01-01T00:00Z", None),
            ("2024-01-01T00:00:00.Z", None),
            ("2024-01-01T00:00:00+0200", None),
            ("2024-01-01T00:00:00Z ", None),
            ("é-01-01T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(parse(text), seconds.map(|seconds: i64| i128::from(seconds) * NANOSECONDS), "{text}");
        }
    }

    #[test]
    fn fractions_and_far_times() {
        assert_eq!(parse("1970-01-01T00:00:00.5Z"), Some(500_000_000));
        assert_eq!(parse("1970-01-01T00:00:00,1234567899Z"), Some(123_456_789));
        assert_eq!(parse_clamped("9999-12-31T23:59:59Z"), Some(i64::MAX));
        assert_eq!(parse_clamped("0001-01-01T00:00:00Z"), Some(i64::MIN));
    }
}
