//! Which executions a list shows: chips and the filter language, both in the address.

use crate::form::Sent;
use crate::link;

/// Names that the filter of the list is made of; they are the same in the address.
const NAMES: [&str; 8] = ["status", "type", "id", "since", "query", "sort", "order", "columns"];
/// Times that one may look back: value, text, seconds.
pub(crate) const SINCE: [(&str, &str, u64); 4] = [
    ("1h", "last hour", 3_600),
    ("24h", "last day", 86_400),
    ("7d", "last week", 604_800),
    ("30d", "last month", 2_592_000),
];

/// A filter as the address has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    values: [String; NAMES.len()],
}

impl Filter {
    /// Reads an address.
    pub(crate) fn of(sent: &Sent) -> Self {
        Self {
            values: NAMES
                .map(|name| sent.all(name).filter(|value| !value.trim().is_empty()).collect::<Vec<_>>().join(",")),
        }
    }

    /// One value; empty where it is not set.
    pub(crate) fn get(&self, name: &str) -> &str {
        NAMES.iter().position(|known| *known == name).map_or("", |at| self.values[at].trim())
    }

    /// The same filter with another value.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut changed = self.clone();
        if let Some(at) = NAMES.iter().position(|known| *known == name) {
            value.clone_into(&mut changed.values[at]);
        }
        changed
    }

    /// As the query of an address.
    pub(crate) fn address(&self) -> String {
        let pairs: Vec<(&str, &str)> = NAMES.into_iter().zip(self.values.iter().map(String::as_str)).collect();
        link::query(&pairs)
    }

    /// What the list is asked for, in the filter language; `now` in seconds since 1970.
    pub(crate) fn query(&self, now: u64) -> String {
        let order = match (self.get("sort"), self.get("order")) {
            ("", _) => String::new(),
            (sort, "asc") => format!(" ORDER BY {} ASC", attribute(sort)),
            (sort, _) => format!(" ORDER BY {} DESC", attribute(sort)),
        };
        format!("{}{order}", self.condition(now, true)).trim().to_owned()
    }

    /// The condition alone, with or without that on the status.
    pub(crate) fn condition(&self, now: u64, with_status: bool) -> String {
        let equals = |name: &str, attribute: &str| {
            Some(self.get(name))
                .filter(|value| !value.is_empty())
                .map(|value| format!("{attribute} = {}", quoted(value)))
        };
        let status = equals("status", "ExecutionStatus").filter(|_| with_status);
        let id = Some(self.get("id")).filter(|id| !id.is_empty());
        let id = id.map(|id| format!("WorkflowId STARTS_WITH {}", quoted(id)));
        let since = SINCE.iter().find(|(value, ..)| *value == self.get("since"));
        let since = since.and_then(|(.., seconds)| instant(now.saturating_sub(*seconds)));
        let since = since.map(|time| format!("StartTime >= {}", quoted(&time)));
        let free = Some(self.get("query")).filter(|query| !query.is_empty());
        let all: Vec<String> = [status, equals("type", "WorkflowType"), id, since].into_iter().flatten().collect();
        match (free, all.is_empty()) {
            (None, _) => all.join(" AND "),
            (Some(free), true) => free.to_owned(),
            (Some(free), false) => format!("{} AND ({free})", all.join(" AND ")),
        }
    }

    /// The search attributes that are shown as columns.
    pub(crate) fn columns(&self) -> Vec<&str> {
        self.get("columns").split(',').filter(|name| !name.is_empty()).take(8).collect()
    }
}

fn instant(seconds: u64) -> Option<String> {
    jiff::Timestamp::from_second(seconds.try_into().ok()?).ok().map(|time| time.to_string())
}

/// A value in quotes.
pub(crate) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A name of an attribute: in backticks, so that it is nothing else.
fn attribute(name: &str) -> String {
    format!("`{}`", name.replace('`', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(address: &str) -> Filter {
        Filter::of(&Sent::read(address.as_bytes()).unwrap())
    }

    #[test]
    fn chips_and_the_filter_language_are_one_condition() {
        for (address, query) in [
            ("", ""),
            ("status=Failed", "ExecutionStatus = 'Failed'"),
            (
                "type=Order&id=o-1&since=1h",
                "WorkflowType = 'Order' AND WorkflowId STARTS_WITH 'o-1' AND StartTime >= '1970-01-01T00:00:00Z'",
            ),
            ("query=A%3D1+OR+B%3D2", "A=1 OR B=2"),
            ("status=Failed&query=A%3D1+OR+B%3D2", "ExecutionStatus = 'Failed' AND (A=1 OR B=2)"),
            ("type=it's%5C", "WorkflowType = 'it\\'s\\\\'"),
            ("sort=CloseTime&order=asc", "ORDER BY `CloseTime` ASC"),
            ("sort=a`b", "ORDER BY `ab` DESC"),
        ] {
            assert_eq!(filter(address).query(3_600), query, "{address}");
        }
        assert_eq!(filter("status=Failed&type=x").condition(0, false), "WorkflowType = 'x'");
    }

    #[test]
    fn a_filter_is_its_address() {
        let one = filter("status=Failed&query=a+%26+b&columns=A&columns=B");
        assert_eq!(one.address(), "?status=Failed&query=a%20%26%20b&columns=A%2CB");
        assert_eq!(filter(one.address().trim_start_matches('?')), one);
        assert_eq!(one.columns(), ["A", "B"]);
        assert_eq!(one.with("status", "").get("status"), "");
    }
}
