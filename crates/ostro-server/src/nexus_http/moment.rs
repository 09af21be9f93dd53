//! When an operation began and ended, as its headers say.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use ostro_engine::time::Time;

/// As in `Mon, 02 Jan 2006 15:04:05 GMT`.
pub(super) fn http_date(time: Time) -> Option<String> {
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&of(time)?).ok()
}

pub(super) fn of_http_date(text: &str) -> Option<Time> {
    let zoned = rfc2822::parse(text).ok()?;
    Some(Time::from_wide_nanos(zoned.timestamp().as_nanosecond()))
}

/// As in `2006-01-02T15:04:05.123Z`.
pub(super) fn rfc3339(time: Time) -> Option<String> {
    of(time).map(|timestamp| timestamp.to_string())
}

pub(super) fn of_rfc3339(text: &str) -> Option<Time> {
    Some(Time::from_wide_nanos(text.parse::<Timestamp>().ok()?.as_nanosecond()))
}

fn of(time: Time) -> Option<Timestamp> {
    Timestamp::from_nanosecond(time.nanos().into()).ok().filter(|_| time > Time::UNSET)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostro_engine::time::MILLISECOND;

    #[test]
    fn moments_survive_the_way() {
        let time = Time::from_secs(1_136_214_245);
        assert_eq!(http_date(time).unwrap(), "Mon, 02 Jan 2006 15:04:05 GMT");
        assert_eq!(of_http_date("Mon, 02 Jan 2006 15:04:05 GMT"), Some(time));
        assert_eq!(rfc3339(time + 120 * MILLISECOND).unwrap(), "2006-01-02T15:04:05.12Z");
        assert_eq!(of_rfc3339("2006-01-02T15:04:05.120Z"), Some(time + 120 * MILLISECOND));
        assert_eq!((http_date(Time::UNSET), of_http_date("now"), of_rfc3339("now")), (None, None, None));
    }
}
