//! Cron strings of schedules: 5 to 7 fields, `@every`, or a name, with a time zone and a comment.

use temporalio_protos::temporal::api::schedule::v1::{CalendarSpec, IntervalSpec};

use crate::base::go_duration;
use crate::base::time::duration;

/// What a cron string stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CronString {
    /// With the time zone that it names, or the empty name.
    Calendar(Box<CalendarSpec>, String),
    Interval(IntervalSpec),
}

/// Reads a cron string.
pub(crate) fn parse(text: &str) -> Result<CronString, String> {
    let text = text.trim();
    let (zone, text) = if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
        let (zone, rest) = text.split_once(' ').ok_or("CronString has time zone but missing fields")?;
        (zone.split_once('=').map_or("", |(_, name)| name), rest)
    } else {
        ("", text)
    };
    let (fields, comment) = text.split_once('#').unwrap_or((text, ""));
    let (fields, comment) = (fields.trim(), comment.trim());
    if fields.starts_with("@every") {
        return interval(fields).map(CronString::Interval);
    }
    let calendar = CalendarSpec { comment: comment.to_owned(), ..calendar(named(fields))? };
    Ok(CronString::Calendar(Box::new(calendar), zone.to_owned()))
}

/// `@every 14h/3h`: interval and phase.
fn interval(text: &str) -> Result<IntervalSpec, String> {
    let (_, spans) = text.split_once(' ').ok_or("CronString does not have interval after @every")?;
    let (interval, phase) = spans.split_once('/').unwrap_or((spans, ""));
    let interval = go_duration::parse_with_days(interval)?;
    let phase = if phase.is_empty() { None } else { Some(go_duration::parse_with_days(phase)?) };
    Ok(IntervalSpec { interval: duration(interval), phase: phase.and_then(duration) })
}

fn named(text: &str) -> &str {
    match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        other => other,
    }
}

fn calendar(text: &str) -> Result<CalendarSpec, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let (second, fields, year) = match fields[..] {
        [_, _, _, _, _] => ("", &fields[..], ""),
        [.., year] if fields.len() == 6 => ("", &fields[..5], year),
        [second, .., year] if fields.len() == 7 => (second, &fields[1..6], year),
        _ => return Err("CronString does not have 5-7 fields".to_owned()),
    };
    let field = |index: usize| fields[index].to_owned();
    Ok(CalendarSpec {
        second: second.to_owned(),
        minute: field(0),
        hour: field(1),
        day_of_month: field(2),
        month: field(3),
        day_of_week: field(4),
        year: year.to_owned(),
        ..Default::default()
    })
}
