//! What each namespace has of what a quota may limit, and what it is refused.

use std::collections::HashMap;

use crate::base::error::{Error, ErrorKind, Result};
use crate::config::quota::{Quota, Quotas};
use crate::engine::Engine;
use crate::execution::{Counted, Execution};
use crate::stored::persistence::{Loader, NamespaceId, NamespaceUsage};

/// Counts from what the store had at the start, then with each change.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    quotas: Quotas,
    /// Whether any quota asks.
    limited: bool,
    used: HashMap<NamespaceId, Counted>,
}

impl Tally {
    pub(crate) fn new(quotas: Quotas, usage: Vec<NamespaceUsage>) -> Self {
        let used = usage
            .into_iter()
            .map(|used| (used.namespace, Counted { open: used.executions_open, history_bytes: used.history_bytes }));
        Self { limited: quotas.limit_what_is_kept(), quotas, used: used.collect() }
    }

    /// Counts what an execution has become.
    pub(crate) fn count(&mut self, execution: &mut Execution) {
        let now = Counted::of(execution);
        self.replace(execution, now);
    }

    /// An execution is no more.
    pub(crate) fn forget(&mut self, execution: &mut Execution) {
        self.replace(execution, Counted::default());
    }

    fn replace(&mut self, execution: &mut Execution, now: Counted) {
        if !self.limited {
            return;
        }
        let before = std::mem::replace(&mut execution.live.counted, now);
        let used = self.used.entry(execution.core.namespace).or_default();
        used.open += now.open - before.open;
        used.history_bytes += now.history_bytes - before.history_bytes;
    }

    /// How many more executions may be open in a namespace; `None`: any number.
    pub(crate) fn room(&self, id: NamespaceId, name: &str) -> Option<i64> {
        if !self.limited {
            return None;
        }
        let (used, quota) = (self.used(id), self.quotas.of(name));
        if quota.history_bytes_max.is_some_and(|max| reached(used.history_bytes, max)) {
            return Some(0);
        }
        let max = i64::try_from(quota.executions_open_max?).unwrap_or(i64::MAX);
        Some(max.saturating_sub(used.open).max(0))
    }

    fn used(&self, id: NamespaceId) -> Counted {
        self.used.get(&id).copied().unwrap_or_default()
    }

    /// Refuses one more execution in a namespace whose quota is used up, and names it.
    pub(crate) fn check(&self, id: NamespaceId, name: &str) -> Result<()> {
        if self.room(id, name).is_none_or(|room| room > 0) {
            return Ok(());
        }
        let (used, Quota { executions_open_max, history_bytes_max, .. }) = (self.used(id), self.quotas.of(name));
        let table = self.quotas.table_of(name);
        let message = match history_bytes_max.filter(|max| reached(used.history_bytes, *max)) {
            Some(max) => format!(
                "namespace {name} keeps {} bytes of histories, and history_bytes_max of {table} is {max}: wait until \
                 retention has deleted some, delete what is not needed, or raise the quota",
                used.history_bytes
            ),
            None => format!(
                "namespace {name} has {} open executions, and executions_open_max of {table} is {}: wait until some have \
                 ended, end those that are not needed, or raise the quota",
                used.open,
                executions_open_max.unwrap_or_default()
            ),
        };
        Err(Error::new(ErrorKind::ResourceExhausted, message))
    }
}

fn reached(used: i64, max: u64) -> bool {
    u64::try_from(used).is_ok_and(|used| used >= max)
}

impl<L: Loader> Engine<L> {
    /// Refuses one more execution where the quota of its namespace is used up.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED, with the quota, its value and where to change it.
    pub(crate) fn check_quota(&self, namespace: NamespaceId) -> Result<()> {
        let name = self.namespaces.by_id(namespace).map_or("", |namespace| &namespace.name);
        self.tally.check(namespace, name)
    }
}
