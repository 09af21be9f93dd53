//! Cron schedules of workflows, as the reference server reads them (the Go library robfig/cron, version 3).
//!
//! Five fields (minute, hour, day of the month, month, day of the week), `@every` with a span, or a name such as
//! `@daily`; before it `CRON_TZ=` or `TZ=` with a time zone. These are not the cron strings of schedules, which have
//! years and seconds and whose Sunday may be 7.

mod fields;
mod next;
mod parse;

use temporalio_protos::temporal::api::enums::v1::ContinueAsNewInitiator;

use crate::base::time::{SECOND, Span, Time};

/// A moment from which a schedule is tried out: all dates that there are come within five years of it.
const TRIAL: Time = Time::from_secs(1_750_000_000);

/// When the next runs come.
#[derive(Debug, Clone, PartialEq)]
enum Schedule {
    /// A fixed span, in whole seconds.
    Every(Span),
    Fields(fields::Fields),
}

/// Says what is wrong with a cron schedule, in the reference server's words first; an empty one is fine.
pub fn check(schedule: &str) -> Result<(), String> {
    if schedule.is_empty() {
        return Ok(());
    }
    let parsed = parse::parse(schedule).map_err(|fault| format!("invalid CronSchedule. {fault}"))?;
    match parsed.first_from(TRIAL, TRIAL) {
        Some(_) => Ok(()),
        None => Err("invalid CronSchedule, no time can be found to satisfy the schedule".to_owned()),
    }
}

/// How long the first run of a chain waits; 0 without a schedule, or where it never comes due.
pub(crate) fn first_wait(schedule: &str, now: Time) -> Span {
    next_wait(schedule, now, now).unwrap_or(Span::ZERO)
}

/// Who began a run, as its first event says: the schedule, where there is one.
pub fn initiator(schedule: &str) -> i32 {
    let initiator = match schedule {
        "" => ContinueAsNewInitiator::Unspecified,
        _ => ContinueAsNewInitiator::CronSchedule,
    };
    initiator as i32
}

/// How long the run after one that was due at `last` waits, counted from `now` and in whole seconds.
///
/// `None` without a schedule, or where it never comes due again. Times that have passed meanwhile are left out.
pub fn next_wait(schedule: &str, last: Time, now: Time) -> Option<Span> {
    if schedule.is_empty() {
        return None;
    }
    let next = if now < last { last } else { parse::parse(schedule).ok()?.first_from(last, now)? };
    Some(whole_seconds((next - now).max(Span::ZERO)))
}

impl Schedule {
    /// The first time after `last` that is not before `now`.
    fn first_from(&self, last: Time, now: Time) -> Option<Time> {
        match self {
            Schedule::Every(span) => Some(next::every(*span, last, now)),
            // Memoryless: the first after `last` and not before `now` is the first after the later of both.
            Schedule::Fields(fields) => next::after(fields, last.max(now - Span::from_nanos(1))),
        }
    }
}

/// Rounded up to whole seconds.
fn whole_seconds(span: Span) -> Span {
    Span::from_secs((span + SECOND - Span::from_nanos(1)).secs())
}

#[cfg(test)]
mod tests;
