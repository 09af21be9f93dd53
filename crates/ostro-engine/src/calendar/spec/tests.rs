//! Times as a Temporal server 1.32 gave them for the same specifications (`times.jsonl`), and its words for faults.

use serde_json::Value;
use temporalio_protos::temporal::api::schedule::v1::{CalendarSpec, Range, StructuredCalendarSpec};

use super::*;
use crate::base::time::{SECOND, duration, timestamp};

const RECORDED: &str = include_str!("times.jsonl");

fn at(text: &str) -> Time {
    Time::from_wide_nanos(text.parse::<jiff::Timestamp>().unwrap().as_nanosecond())
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn list<T>(value: &Value, key: &str, read: impl Fn(&Value) -> T) -> Vec<T> {
    value[key].as_array().map(|items| items.iter().map(read).collect()).unwrap_or_default()
}

fn calendar(value: &Value) -> CalendarSpec {
    CalendarSpec {
        second: text(value, "second"),
        minute: text(value, "minute"),
        hour: text(value, "hour"),
        day_of_month: text(value, "day_of_month"),
        month: text(value, "month"),
        day_of_week: text(value, "day_of_week"),
        ..Default::default()
    }
}

#[allow(deprecated)]
fn spec(value: &Value) -> ScheduleSpec {
    let seconds = |value: &Value| value.as_i64().and_then(|seconds| duration(Span::from_secs(seconds)));
    let time = |key: &str| value[key].as_str().and_then(|text| timestamp(at(text)));
    ScheduleSpec {
        cron_string: list(value, "cron", |item| item.as_str().unwrap().to_owned()),
        calendar: list(value, "calendar", calendar),
        exclude_calendar: list(value, "exclude", calendar),
        interval: list(value, "interval", |item| IntervalSpec {
            interval: seconds(&item[0]),
            phase: seconds(&item[1]),
        }),
        timezone_name: text(value, "tz"),
        start_time: time("start"),
        end_time: time("end"),
        jitter: seconds(&value["jitter"]),
        ..Default::default()
    }
}

#[test]
fn times_as_the_reference_server_gives_them() {
    for line in RECORDED.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let compiled = Compiled::new(&canonical(spec(&case)).unwrap(), text(&case, "seed")).unwrap();
        let (from, to) = (at(case["from"].as_str().unwrap()), at(case["to"].as_str().unwrap()));
        let expected = list(&case, "times", |time| at(time.as_str().unwrap()));
        let times: Vec<Time> =
            compiled.times(from).map(|next| next.time).take_while(|time| *time <= to).take(61).collect();
        let more = case["more"] == Value::Bool(true);
        assert_eq!(times.len() > 60, more, "{line}");
        assert_eq!(times[..times.len().min(60)], expected[..], "{line}");
    }
}

fn cron(text: &str) -> Result<ScheduleSpec, String> {
    canonical(ScheduleSpec { cron_string: vec![text.to_owned()], ..Default::default() })
}

#[test]
fn faults_in_the_words_of_the_reference_server() {
    for (text, fault) in [
        ("* * *", "CronString does not have 5-7 fields"),
        ("0 0 * * * * * *", "CronString does not have 5-7 fields"),
        ("x * * * *", "Minute is not in range [0-59]"),
        ("@every", "CronString does not have interval after @every"),
        ("@every 1x", "time: unknown unit \"x\" in duration \"1x\""),
        ("TZ=Nope 0 0 * * *", "unknown time zone Nope"),
        ("*/0 * * * *", "Minute has invalid Step"),
        ("1/2/3 * * * *", "Minute has too many slashes"),
        ("1-2-3 * * * *", "Minute has too many dashes"),
        ("5- * * * *", "Minute End is before Start or not in range [0-59]"),
        ("5-1 * * * *", "Minute End is before Start or not in range [0-59]"),
        ("TZ=UTC", "CronString has time zone but missing fields"),
        ("* * * * 8", "DayOfWeek is not in range [0-7]"),
        ("@every 5ms", "interval is too small"),
        ("@every 10s/20s", "phase cannot be greater than Interval"),
        ("70 25 * * *", "Minute is not in range [0-59], Hour is not in range [0-23]"),
    ] {
        assert_eq!(cron(text), Err(fault.to_owned()), "{text}");
    }
    let range = |start, end| vec![Range { start, end, step: 0 }];
    let structured =
        StructuredCalendarSpec { second: range(70, 0), hour: range(5, 3), month: range(0, 0), ..Default::default() };
    let fault = "invalid calendar spec: Second Start is not in range [0-59], Hour End is before Start or not in range \
                 [0-23], Month Start is not in range [1-12]";
    let spec = ScheduleSpec { structured_calendar: vec![structured], ..Default::default() };
    assert_eq!(canonical(spec), Err(fault.to_owned()));
    let zones = ["TZ=Asia/Tokyo 0 0 * * *", "0 1 * * *"].map(str::to_owned).into();
    let spec = ScheduleSpec { cron_string: zones, ..Default::default() };
    assert_eq!(canonical(spec), Err("conflicting timezone names".to_owned()));
}

#[test]
fn cron_strings_become_calendars_with_their_comment() {
    let spec = cron("CRON_TZ=Europe/Paris 0 12 * * MON-FRI # lunch").unwrap();
    assert_eq!(spec.timezone_name, "Europe/Paris");
    let [calendar] = &spec.structured_calendar[..] else { panic!("one calendar") };
    assert_eq!(calendar.comment, "lunch");
    assert_eq!(calendar.day_of_week, [Range { start: 1, end: 5, step: 0 }]);
    assert_eq!(calendar.hour, [Range { start: 12, end: 0, step: 0 }]);
    assert!(calendar.year.is_empty() && spec.cron_string.is_empty());
    let mut shown = spec;
    clean(&mut shown);
    assert_eq!(shown.structured_calendar[0].hour, [Range { start: 12, end: 12, step: 1 }]);
}

#[test]
fn a_specification_that_excludes_everything_has_no_times() {
    let every = IntervalSpec { interval: duration(SECOND), phase: None };
    #[allow(deprecated)]
    let spec = ScheduleSpec {
        interval: vec![every],
        exclude_calendar: vec![CalendarSpec {
            second: "*".into(),
            minute: "*".into(),
            hour: "*".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let compiled = Compiled::new(&canonical(spec).unwrap(), "seed".into()).unwrap();
    assert_eq!(compiled.next(at("2026-01-01T00:00:00Z")), None);
}

#[test]
fn exclusions_are_not_checked_and_cost_nothing_where_no_clock_goes() {
    let range = |start, end, step| vec![Range { start, end, step }];
    let whole_day = StructuredCalendarSpec {
        second: range(i32::MIN, i32::MAX, 0),
        minute: range(i32::MIN, i32::MAX, 0),
        hour: range(i32::MIN, i32::MAX, 0),
        day_of_month: range(i32::MIN, i32::MAX, 0),
        // Seven years after another, up from long before the first.
        year: range(-7_000_000, i32::MAX, 7),
        ..Default::default()
    };
    let excluded = StructuredCalendarSpec { month: range(0, 13, 0), day_of_week: range(-1, 7, 0), ..whole_day };
    let spec = ScheduleSpec { exclude_structured_calendar: vec![excluded], ..cron("@yearly").unwrap() };
    let compiled = Compiled::new(&canonical(spec).unwrap(), String::new()).unwrap();
    let years: Vec<Time> = compiled.times(at("2020-06-01T00:00:00Z")).map(|next| next.time).take(4).collect();
    // 2023 is a multiple of seven.
    let expected = ["2021", "2022", "2024", "2025"].map(|year| at(&format!("{year}-01-01T00:00:00Z")));
    assert_eq!(years, expected);
}

#[test]
fn the_time_after_a_long_exclusion_is_found() {
    #[allow(deprecated)]
    let spec = ScheduleSpec {
        interval: vec![IntervalSpec { interval: duration(SECOND), phase: None }],
        exclude_calendar: vec![CalendarSpec {
            second: "*".into(),
            minute: "*".into(),
            hour: "*".into(),
            day_of_week: "Mon-Fri".into(),
            ..Default::default()
        }],
        jitter: duration(10 * SECOND),
        ..Default::default()
    };
    let compiled = Compiled::new(&canonical(spec).unwrap(), "6e9a1f2c-4d35-4b0f-9a51-0c6f5f1de8aa".into()).unwrap();
    let nominal: Vec<Time> = compiled.times(at("2026-11-23T00:00:00Z")).map(|next| next.nominal).take(3).collect();
    assert_eq!(nominal, ["00", "01", "02"].map(|second| at(&format!("2026-11-28T00:00:{second}Z"))));
}

#[test]
fn a_specification_has_a_thousand_parts_at_most() {
    let cron_strings = |count| ScheduleSpec { cron_string: vec!["@hourly".into(); count], ..Default::default() };
    assert!(canonical(cron_strings(1000)).is_ok());
    let fault = "the specification has 1001 calendars, cron strings, intervals and exclusions: it may have 1000";
    assert_eq!(canonical(cron_strings(1001)), Err(fault.to_owned()));
}

#[test]
fn a_start_before_all_times_is_no_bound() {
    let hourly = ScheduleSpec { start_time: timestamp(Time::MIN), ..cron("@hourly").unwrap() };
    let compiled = Compiled::new(&hourly, String::new()).unwrap();
    assert_eq!(compiled.next(at("2026-11-26T19:10:00Z")).map(|next| next.nominal), Some(at("2026-11-26T20:00:00Z")));
}
