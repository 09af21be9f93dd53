//! From text to a schedule.

use super::Schedule;
use super::fields::Fields;
use crate::base::go_duration;
use crate::base::time::{SECOND, Span};
use crate::calendar::zone;

/// Reads a schedule, or says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Schedule, String> {
    let (zone, schedule) = match text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ=")) {
        Some(rest) => {
            let (name, schedule) = rest.split_once(' ').ok_or("There is nothing after the time zone.")?;
            (zone::find(name).ok_or_else(|| format!("There is no time zone \"{name}\"."))?, schedule.trim())
        }
        None => (jiff::tz::TimeZone::UTC, text),
    };
    if let Some(span) = schedule.strip_prefix("@every ") {
        let span = go_duration::parse(span)?;
        return Ok(Schedule::Every(Span::from_secs(span.secs()).max(SECOND)));
    }
    let fields = match schedule {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        other if other.starts_with('@') => return Err(format!("There is no schedule named \"{other}\".")),
        other => other,
    };
    Fields::parse(fields, zone).map(Schedule::Fields)
}
