//! The canonical form: calendars and cron strings become structured calendars and intervals.

use jiff::tz::TimeZone;
use temporalio_protos::temporal::api::schedule::v1::{
    CalendarSpec, IntervalSpec, Range, ScheduleSpec, StructuredCalendarSpec,
};

use super::cron_string::{self, CronString};
use super::ranges::{self, Field};
use super::zone;
use crate::base::time::{SECOND, from_duration};

const COMMENT_BYTES_MAX: usize = 200;
/// Calendars, cron strings, intervals and exclusions of one schedule. The reference server has no limit; whoever looks for a time looks at
/// each of them.
const PARTS_MAX: usize = 1000;

/// The canonical form of a specification, or what is wrong with it in the reference server's words.
#[allow(deprecated)]
pub fn canonical(mut spec: ScheduleSpec) -> Result<ScheduleSpec, String> {
    let calendars = spec.calendar.len() + spec.structured_calendar.len() + spec.cron_string.len();
    let excluded = spec.exclude_calendar.len() + spec.exclude_structured_calendar.len();
    let parts = calendars + spec.interval.len() + excluded;
    if parts > PARTS_MAX {
        return Err(format!(
            "the specification has {parts} calendars, cron strings, intervals and exclusions: it may have {PARTS_MAX}"
        ));
    }
    for calendar in std::mem::take(&mut spec.calendar) {
        spec.structured_calendar.push(structured(&calendar)?);
    }
    for calendar in std::mem::take(&mut spec.exclude_calendar) {
        spec.exclude_structured_calendar.push(structured(&calendar)?);
    }
    take_cron_strings(&mut spec)?;
    spec.structured_calendar.iter().try_for_each(check_calendar)?;
    spec.interval.iter().try_for_each(check_interval)?;
    zone_of(&spec)?;
    Ok(spec)
}

/// Fills in what ranges leave out, as it is shown.
pub fn clean(spec: &mut ScheduleSpec) {
    for calendar in spec.structured_calendar.iter_mut().chain(&mut spec.exclude_structured_calendar) {
        let StructuredCalendarSpec { second, minute, hour, day_of_month, month, year, day_of_week, .. } = calendar;
        for range in [second, minute, hour, day_of_month, month, year, day_of_week].into_iter().flatten() {
            *range = Range { start: range.start, end: range.end.max(range.start), step: range.step.max(1) };
        }
    }
}

/// The time zone of a specification: by name, or its definition.
pub(crate) fn zone_of(spec: &ScheduleSpec) -> Result<TimeZone, String> {
    if !spec.timezone_data.is_empty() {
        return TimeZone::tzif(&spec.timezone_name, &spec.timezone_data)
            .map_err(|_| "malformed time zone information".to_owned());
    }
    zone::find(&spec.timezone_name).ok_or_else(|| format!("unknown time zone {}", spec.timezone_name))
}

/// All cron strings must name the same time zone, or none; it becomes that of the specification.
fn take_cron_strings(spec: &mut ScheduleSpec) -> Result<(), String> {
    let conflict = || "conflicting timezone names".to_owned();
    let mut zone: Option<String> = None;
    for text in std::mem::take(&mut spec.cron_string) {
        let named = match cron_string::parse(&text)? {
            CronString::Calendar(calendar, named) => {
                spec.structured_calendar.push(structured(&calendar)?);
                named
            }
            CronString::Interval(interval) => {
                spec.interval.push(interval);
                String::new()
            }
        };
        if zone.get_or_insert_with(|| named.clone()) != &named {
            return Err(conflict());
        }
    }
    let Some(zone) = zone.filter(|zone| !zone.is_empty()) else { return Ok(()) };
    if !spec.timezone_data.is_empty() || (!spec.timezone_name.is_empty() && spec.timezone_name != zone) {
        return Err(conflict());
    }
    spec.timezone_name = zone;
    Ok(())
}

fn structured(calendar: &CalendarSpec) -> Result<StructuredCalendarSpec, String> {
    let mut faults = Vec::new();
    let mut parse = |field: Field, text: &str| {
        field.parse(text).unwrap_or_else(|fault| {
            faults.push(fault);
            Vec::new()
        })
    };
    let structured = StructuredCalendarSpec {
        second: parse(ranges::SECOND, &calendar.second),
        minute: parse(ranges::MINUTE, &calendar.minute),
        hour: parse(ranges::HOUR, &calendar.hour),
        day_of_week: parse(ranges::DAY_OF_WEEK, &calendar.day_of_week),
        day_of_month: parse(ranges::DAY_OF_MONTH, &calendar.day_of_month),
        month: parse(ranges::MONTH, &calendar.month),
        year: parse(ranges::YEAR, &calendar.year),
        comment: calendar.comment.clone(),
    };
    if faults.is_empty() { Ok(structured) } else { Err(faults.join(", ")) }
}

fn check_calendar(calendar: &StructuredCalendarSpec) -> Result<(), String> {
    let mut faults = Vec::new();
    for (field, ranges) in [
        (ranges::SECOND, &calendar.second),
        (ranges::MINUTE, &calendar.minute),
        (ranges::HOUR, &calendar.hour),
        (ranges::DAY_OF_MONTH, &calendar.day_of_month),
        (ranges::MONTH, &calendar.month),
        (ranges::YEAR, &calendar.year),
        (ranges::DAY_OF_WEEK, &calendar.day_of_week),
    ] {
        field.check(ranges, &mut faults);
    }
    if calendar.comment.len() > COMMENT_BYTES_MAX {
        faults.push("comment is too long".to_owned());
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("invalid calendar spec: {}", faults.join(", "))) }
}

fn check_interval(interval: &IntervalSpec) -> Result<(), String> {
    let (every, phase) = (from_duration(&interval.interval), from_duration(&interval.phase));
    if every < SECOND {
        return Err("interval is too small".to_owned());
    }
    if phase.is_negative() {
        return Err("phase is negative".to_owned());
    }
    if phase >= every {
        return Err("phase cannot be greater than Interval".to_owned());
    }
    Ok(())
}
