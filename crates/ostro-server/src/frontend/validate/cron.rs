//! Whether a cron schedule is one: five fields, `@every`, or a name such as `@daily`, with a time zone before it if need be.

use ostro_engine::error::Result;

use super::common::invalid;

const NAMES: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What a field may hold.
struct Field {
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { least: 0, most: 59, names: &[] },
    Field { least: 0, most: 23, names: &[] },
    Field { least: 1, most: 31, names: &[] },
    Field { least: 1, most: 12, names: &MONTHS },
    Field { least: 0, most: 6, names: &WEEKDAYS },
];

/// Refuses what is no cron schedule.
pub(super) fn check(schedule: &str) -> Result<()> {
    if is_schedule(schedule) {
        return Ok(());
    }
    invalid(format!(
        "invalid CronSchedule. \"{schedule}\" is neither five fields (minute hour day month weekday) nor @every <duration> \
         nor a name such as @daily."
    ))
}

fn is_schedule(schedule: &str) -> bool {
    let Some(schedule) = without_time_zone(schedule.trim()) else { return false };
    if let Some(interval) = schedule.strip_prefix("@every ") {
        return is_duration(interval.trim());
    }
    if schedule.starts_with('@') {
        return NAMES.contains(&schedule);
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    fields.len() == FIELDS.len() && fields.iter().zip(&FIELDS).all(|(text, field)| field.takes(text))
}

fn without_time_zone(schedule: &str) -> Option<&str> {
    let Some(rest) = schedule.strip_prefix("CRON_TZ=").or_else(|| schedule.strip_prefix("TZ=")) else {
        return Some(schedule);
    };
    let (zone, schedule) = rest.split_once(' ')?;
    jiff::tz::TimeZone::get(zone).is_ok().then_some(schedule.trim_start())
}

/// Go's durations: `1h30m`, `1.5s`.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let digits = &rest[..number];
        let unit = ["ms", "us", "µs", "ns", "h", "m", "s"].into_iter().find(|unit| rest[number..].starts_with(unit));
        let (true, Some(unit)) = (digits.parse::<f64>().is_ok(), unit) else { return false };
        rest = &rest[number + unit.len()..];
    }
    !text.is_empty()
}

impl Field {
    fn takes(&self, text: &str) -> bool {
        text.split(',').all(|part| self.takes_part(part))
    }

    fn takes_part(&self, part: &str) -> bool {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<u32>().ok().filter(|step| *step > 0)),
            None => (part, Some(1)),
        };
        let in_range = range == "*" || range == "?" || self.takes_range(range);
        step.is_some() && in_range
    }

    fn takes_range(&self, range: &str) -> bool {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        matches!((self.value(first), self.value(last)), (Some(first), Some(last)) if first <= last)
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = named.map(|index| index as u32 + self.least).or_else(|| text.parse().ok())?;
        (self.least..=self.most).contains(&value).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_as_the_reference_server_takes_them() {
        for good in [
            "* * * * *",
            "*/5 0-6 1,15 JAN-mar mon",
            "0 12 * * ?",
            "@every 1h30m",
            "@daily",
            "CRON_TZ=Europe/Paris 0 8 * * *",
            "TZ=UTC @hourly",
            "59 23 31 12 6",
            "@every 1.5s",
        ] {
            assert!(is_schedule(good), "{good}");
        }
        for bad in [
            "",
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
        ] {
            assert!(!is_schedule(bad), "{bad}");
        }
    }
}
