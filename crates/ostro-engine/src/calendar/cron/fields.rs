//! The five fields.

use jiff::tz::TimeZone;

/// The names of months and days in a field.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The values of one field as bits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Values {
    bits: u64,
    /// Written as `*` or `?`: of the two fields for days, one that is not decides alone.
    star: bool,
}

impl Values {
    pub(crate) fn contains(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.bits & (1 << value) != 0)
    }
}

/// A schedule of five fields in its time zone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fields {
    pub minute: Values,
    pub hour: Values,
    pub month: Values,
    pub zone: TimeZone,
    day: Values,
    weekday: Values,
}

impl Fields {
    pub(crate) fn parse(text: &str, zone: TimeZone) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!("It has {} fields, five are needed: minute hour day month weekday.", fields.len()));
        };
        Ok(Self {
            minute: Field { name: "minute", least: 0, most: 59, names: &[] }.parse(minute)?,
            hour: Field { name: "hour", least: 0, most: 23, names: &[] }.parse(hour)?,
            day: Field { name: "day", least: 1, most: 31, names: &[] }.parse(day)?,
            month: Field { name: "month", least: 1, most: 12, names: &MONTHS }.parse(month)?,
            weekday: Field { name: "weekday", least: 0, most: 6, names: &WEEKDAYS }.parse(weekday)?,
            zone,
        })
    }

    /// Both fields for days must match where one of them is `*`; else one is enough.
    pub(crate) fn has_day(&self, day: i8, weekday: i8) -> bool {
        let (day, weekday) =
            ((self.day.star, self.day.contains(day)), (self.weekday.star, self.weekday.contains(weekday)));
        if day.0 || weekday.0 { day.1 && weekday.1 } else { day.1 || weekday.1 }
    }
}

/// What a field may hold.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

impl Field {
    fn parse(&self, text: &str) -> Result<Values, String> {
        let mut values = Values::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let part = self.part(part).ok_or_else(|| self.fault(part))?;
            values.bits |= part.bits;
            values.star |= part.star;
        }
        if values.bits == 0 {
            return Err(self.fault(text));
        }
        Ok(values)
    }

    fn fault(&self, part: &str) -> String {
        format!("The {} \"{part}\" is not within {}-{}.", self.name, self.least, self.most)
    }

    /// `*`, `a`, `a-b`, each with `/step` or without; `a/step` runs to the end.
    fn part(&self, part: &str) -> Option<Values> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let star = range == "*" || range == "?";
        let (first, last) = match range.split_once('-') {
            _ if star => (self.least, self.most),
            Some((first, last)) => (self.value(first)?, self.value(last)?),
            None => {
                let first = self.value(range)?;
                (first, if step.is_some() { self.most } else { first })
            }
        };
        if first < self.least || last > self.most || first > last {
            return None;
        }
        let step = step.unwrap_or(1);
        let bits = (first..=last).step_by(step as usize).fold(0, |bits, value| bits | 1 << value);
        Some(Values { bits, star: star && step == 1 })
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        named.map(|index| index as u32 + self.least).or_else(|| text.parse().ok())
    }
}
