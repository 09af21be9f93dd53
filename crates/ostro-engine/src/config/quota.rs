//! What a namespace may have: set by operators, none by default.

use std::collections::BTreeMap;

/// The name under which a quota holds for every namespace that has none of its own.
pub const EVERY_NAMESPACE: &str = "*";

/// The quotas of all namespaces.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quotas(BTreeMap<String, Quota>);

/// The quota of one namespace; `None` is no limit, or that of [`EVERY_NAMESPACE`] where there is one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Quota {
    /// Executions that are open at a time: runs of workflows, activities and Nexus operations without a workflow.
    pub executions_open_max: Option<u64>,
    /// Bytes of the histories that are kept, of open and closed runs.
    pub history_bytes_max: Option<u64>,
    /// Requests in a second, by any interface. Twice as many may come at once.
    pub requests_per_second: Option<f64>,
    /// Bytes of records of the Workflows API: events, logs, spans, registrations.
    pub records_bytes_max: Option<u64>,
}

impl Quotas {
    /// Sets the quota of a namespace, or of every one.
    pub fn set(&mut self, namespace: &str, quota: Quota) {
        self.0.insert(namespace.to_owned(), quota);
    }

    /// What holds for a namespace.
    pub fn of(&self, namespace: &str) -> Quota {
        let own = self.0.get(namespace).copied().unwrap_or_default();
        let every = self.0.get(EVERY_NAMESPACE).copied().unwrap_or_default();
        Quota {
            executions_open_max: own.executions_open_max.or(every.executions_open_max),
            history_bytes_max: own.history_bytes_max.or(every.history_bytes_max),
            requests_per_second: own.requests_per_second.or(every.requests_per_second),
            records_bytes_max: own.records_bytes_max.or(every.records_bytes_max),
        }
    }

    /// The table of the configuration in which to change what holds for a namespace.
    pub fn table_of(&self, namespace: &str) -> String {
        match self.0.contains_key(namespace) {
            true => format!("[quotas.{namespace:?}]"),
            false => format!("[quotas.{EVERY_NAMESPACE:?}]"),
        }
    }

    /// The namespaces that have a quota of their own.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Quota)> {
        self.0.iter().map(|(name, quota)| (name.as_str(), quota))
    }

    /// Whether any namespace has a limit of what is kept for it.
    pub fn limit_what_is_kept(&self) -> bool {
        self.0.values().any(|quota| quota.executions_open_max.is_some() || quota.history_bytes_max.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespaces_own_quota_goes_over_that_of_every_one() {
        let mut quotas = Quotas::default();
        assert!(!quotas.limit_what_is_kept());
        quotas.set("*", Quota { executions_open_max: Some(5), requests_per_second: Some(1.0), ..Quota::default() });
        quotas.set("a", Quota { executions_open_max: Some(7), ..Quota::default() });
        assert_eq!((quotas.of("a").executions_open_max, quotas.of("b").executions_open_max), (Some(7), Some(5)));
        assert_eq!(quotas.of("a").requests_per_second, Some(1.0));
        assert_eq!(
            (quotas.table_of("a").as_str(), quotas.table_of("b").as_str()),
            ("[quotas.\"a\"]", "[quotas.\"*\"]")
        );
        assert!(quotas.limit_what_is_kept());
    }
}
