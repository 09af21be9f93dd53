use super::*;
use crate::base::time::{HOUR, MINUTE, Span};

fn at(text: &str) -> Time {
    Time::from_wide_nanos(text.parse::<jiff::Timestamp>().unwrap().as_nanosecond())
}

fn shown(time: Time) -> String {
    jiff::Timestamp::from_nanosecond(time.nanos().into()).unwrap().to_string()
}

/// Recorded from robfig/cron's own tests and from a Temporal server 1.32.
#[test]
fn the_next_time_of_fields() {
    for (schedule, after, next) in [
        ("0/15 * * * *", "2012-07-09T14:45:00Z", "2012-07-09T15:00:00Z"),
        ("0/15 * * * *", "2012-07-09T14:59:59Z", "2012-07-09T15:00:00Z"),
        ("20-35/15 * * * *", "2012-07-09T15:45:00Z", "2012-07-09T16:20:00Z"),
        ("*/15 * * * *", "2012-07-09T23:45:00Z", "2012-07-10T00:00:00Z"),
        ("0 0 9 Apr-Oct ?", "2012-07-09T23:35:00Z", "2012-08-09T00:00:00Z"),
        ("0 0 1,15 * 1", "2012-07-10T00:00:00Z", "2012-07-15T00:00:00Z"),
        ("0 0 * * MON", "2012-07-10T00:00:00Z", "2012-07-16T00:00:00Z"),
        ("0 0 */5 * FRI", "2012-07-09T00:00:00Z", "2012-07-11T00:00:00Z"),
        ("0 0 29 Feb *", "2012-07-09T23:35:00Z", "2016-02-29T00:00:00Z"),
        ("@monthly", "2012-12-09T23:35:00Z", "2013-01-01T00:00:00Z"),
        ("@yearly", "2012-12-09T23:35:00Z", "2013-01-01T00:00:00Z"),
        ("@weekly", "2012-12-09T23:35:00Z", "2012-12-16T00:00:00Z"),
        ("@hourly", "2012-12-09T23:35:59.5Z", "2012-12-10T00:00:00Z"),
        ("TZ=America/New_York 0 3 11 Mar ?", "2012-03-11T05:00:00Z", "2012-03-11T07:00:00Z"),
        // An hour that is left out has no times that year.
        ("CRON_TZ=America/New_York 30 2 11 Mar ?", "2012-03-11T05:00:00Z", "2013-03-11T06:30:00Z"),
        // An hour that comes twice has them twice.
        ("TZ=America/New_York 0 1 4 Nov ?", "2012-11-04T04:00:00Z", "2012-11-04T05:00:00Z"),
        ("TZ=America/New_York 0 1 4 Nov ?", "2012-11-04T05:00:00Z", "2012-11-04T06:00:00Z"),
        ("CRON_TZ=Asia/Kolkata 30 9 * * *", "2012-07-09T00:00:00Z", "2012-07-09T04:00:00Z"),
    ] {
        let found = parse::parse(schedule).unwrap().first_from(at(after), at(after) + Span::from_nanos(1));
        assert_eq!(found.map(shown).as_deref(), Some(next), "{schedule} after {after}");
    }
}

#[test]
fn waits_are_in_whole_seconds_from_now() {
    let start = at("2026-11-22T14:12:51.2Z");
    assert_eq!(next_wait("@every 2s", start, start), Some(2 * SECOND));
    assert_eq!(next_wait("@every 1h", start, start + MINUTE), Some(HOUR - MINUTE));
    // The run took longer than its interval: times that have passed are left out.
    assert_eq!(next_wait("@every 2s", start, start + 5 * SECOND), Some(SECOND));
    assert_eq!(next_wait("* * * * *", start, start), Some(9 * SECOND));
    assert_eq!(next_wait("* * * * *", start, start + HOUR), Some(9 * SECOND));
    assert_eq!(next_wait("@every 1s", start + 3 * SECOND, start), Some(3 * SECOND));
    assert_eq!(next_wait("", start, start), None);
    assert_eq!(first_wait("", start), Span::ZERO);
}

#[test]
fn a_gap_of_years_costs_nothing() {
    let start = at("2001-01-01T00:00:00Z");
    let now = at("2026-11-22T14:12:51Z");
    assert_eq!(next_wait("@every 1s", start, now), Some(Span::ZERO));
    assert_eq!(next_wait("* * * * *", start, now), Some(9 * SECOND));
}

#[test]
fn schedules_as_the_reference_server_takes_them() {
    for good in [
        "",
        "* * * * *",
        "*/5 0-6 1,15 JAN-mar mon",
        "0 12 * * ?",
        "@every 1h30m",
        "@every 0s",
        "@every -5s",
        "@daily",
        "CRON_TZ=Europe/Paris 0 8 * * *",
        "TZ=UTC @hourly",
        "59 23 31 12 6",
        "@every 1.5s",
    ] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for bad in [
        "soon",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 7",
        "*/0 * * * *",
        "5-1 * * * *",
        "@every",
        "@every soon",
        "@never",
        "CRON_TZ=Mars/Base 0 8 * * *",
        "TZ=UTC",
    ] {
        assert!(check(bad).is_err_and(|error| error.starts_with("invalid CronSchedule. ")), "{bad}");
    }
    let never = "invalid CronSchedule, no time can be found to satisfy the schedule";
    assert_eq!(check("0 0 30 2 *"), Err(never.to_owned()));
}
