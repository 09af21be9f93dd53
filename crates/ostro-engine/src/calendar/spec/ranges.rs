//! Ranges of a calendar's field: from text, checked, and as values.

use temporalio_protos::temporal::api::schedule::v1::Range;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// A field of a calendar given as text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub name: &'static str,
    /// What the empty text stands for.
    default: &'static str,
    pub least: i32,
    /// As text; a weekday of 7 is Sunday there.
    pub most: i32,
    names: &'static [&'static str],
    /// The shortest that a name may be cut to.
    name_length_min: usize,
}

const fn number(name: &'static str, default: &'static str, least: i32, most: i32) -> Field {
    Field { name, default, least, most, names: &[], name_length_min: 0 }
}

pub(crate) const SECOND: Field = number("Second", "0", 0, 59);
pub(crate) const MINUTE: Field = number("Minute", "0", 0, 59);
pub(crate) const HOUR: Field = number("Hour", "0", 0, 23);
pub(crate) const DAY_OF_MONTH: Field = number("DayOfMonth", "*", 1, 31);
pub(crate) const MONTH: Field = Field { names: &MONTHS, name_length_min: 3, ..number("Month", "*", 1, 12) };
pub(crate) const YEAR: Field = number("Year", "*", 2000, 2100);
pub(crate) const DAY_OF_WEEK: Field = Field { names: &WEEKDAYS, name_length_min: 2, ..number("DayOfWeek", "*", 0, 7) };

/// Every value of the ranges from 0 to `most`; one may come twice. The ranges of exclusions come unchecked.
pub(crate) fn values(ranges: &[Range], most: i32) -> impl Iterator<Item = i32> + '_ {
    ranges.iter().flat_map(move |range| {
        let step = range.step.max(1);
        let first = if range.start < 0 { range.start.rem_euclid(step) } else { range.start };
        let last = range.end.max(range.start).min(most);
        (first..=last).step_by(usize::try_from(step).unwrap_or(1))
    })
}

impl Field {
    fn is_weekday(&self) -> bool {
        self.most == 7
    }

    /// Faults of ranges that came as such; a weekday of 7 is one here.
    pub(crate) fn check(&self, ranges: &[Range], faults: &mut Vec<String>) {
        let (name, least, most) = (self.name, self.least, if self.is_weekday() { 6 } else { self.most });
        for range in ranges {
            if range.start < least || range.start > most {
                faults.push(format!("{name} Start is not in range [{least}-{most}]"));
            }
            if range.end != 0 && (range.end < range.start || range.end > most) {
                faults.push(format!("{name} End is before Start or not in range [{least}-{most}]"));
            }
            if range.step < 0 {
                faults.push(format!("{name} has invalid Step"));
            }
        }
    }

    /// Reads `*`, `a`, `a-b`, `a/step`, `a-b/step`, and lists of them. All years are no range.
    pub(crate) fn parse(&self, text: &str) -> Result<Vec<Range>, String> {
        let text = match text.trim() {
            "" => self.default,
            text => text,
        };
        if text == "*" && self.name == YEAR.name {
            return Ok(Vec::new());
        }
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let (start, end, step) = self.part(part)?;
            self.push(&mut ranges, start, end, step);
        }
        Ok(ranges)
    }

    fn part(&self, part: &str) -> Result<(i32, i32, i32), String> {
        let name = self.name;
        let (range, step) = match part.split_once('/') {
            Some((_, step)) if step.contains('/') => return Err(format!("{name} has too many slashes")),
            Some((_, "")) => return Err(format!("{name} missing step value")),
            Some((range, text)) => {
                let step: i32 = text.parse().map_err(|_| format!("{name} has invalid Step \"{text}\""))?;
                if step < 1 {
                    return Err(format!("{name} has invalid Step"));
                }
                (range, Some(step))
            }
            None => (part, None),
        };
        let (start, end) = self.bounds(range, step.is_some())?;
        Ok((start, end, step.unwrap_or(1)))
    }

    fn bounds(&self, range: &str, has_step: bool) -> Result<(i32, i32), String> {
        let (name, least, most) = (self.name, self.least, self.most);
        if range == "*" {
            return Ok((least, most));
        }
        let Some((first, last)) = range.split_once('-') else {
            let start = self.value(range, least).ok_or_else(|| format!("{name} is not in range [{least}-{most}]"))?;
            return Ok((start, if has_step { most } else { start }));
        };
        if last.contains('-') {
            return Err(format!("{name} has too many dashes"));
        }
        let start = self.value(first, least).ok_or_else(|| format!("{name} Start is not in range [{least}-{most}]"))?;
        let end = self
            .value(last, start)
            .ok_or_else(|| format!("{name} End is before Start or not in range [{least}-{most}]"))?;
        Ok((start, end))
    }

    /// Defaults are left out of a range, and a weekday of 7 becomes 0: by a range of its own where it must.
    fn push(&self, ranges: &mut Vec<Range>, start: i32, mut end: i32, step: i32) {
        if self.is_weekday() && end == 7 {
            if (7 - start) % step == 0 && (step > 1 || start > 1) {
                ranges.push(Range::default());
                if start == 7 {
                    return;
                }
            }
            end = 6;
        }
        let end = if start == end { 0 } else { end };
        ranges.push(Range { start, end, step: if step == 1 { 0 } else { step } });
    }

    fn value(&self, text: &str, least: i32) -> Option<i32> {
        let named = (text.len() >= self.name_length_min.max(1))
            .then(|| self.names.iter().position(|name| name.starts_with(&text.to_lowercase())))
            .flatten();
        let value = match named {
            Some(index) => i32::try_from(index).ok()? + self.least,
            None => text.parse().ok()?,
        };
        (least..=self.most).contains(&value).then_some(value)
    }
}
