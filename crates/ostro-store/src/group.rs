//! The writes of one commit group, reduced to what must reach the file.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use ostro_engine::persistence::{ExecutionId, ItemKey, ItemKind, VisibilityRow, Waiting, Write};
use ostro_engine::time::Time;

pub(crate) type ItemAddress = (ExecutionId, ItemKind, ItemKey);

pub(crate) struct State {
    pub blob: Bytes,
    pub next_due: Option<Time>,
    pub waiting: Option<Waiting>,
}

pub(crate) struct Item {
    pub value: Bytes,
    pub waiting: Option<Waiting>,
}

pub(crate) struct History {
    pub execution: ExecutionId,
    pub first: i64,
    pub next: i64,
    pub events: Bytes,
}

/// Only the last write of a row counts, since the group is one transaction: a run that starts, moves and closes within a
/// group is written once. Maps are ordered so that rows go into the trees of the file side by side.
#[derive(Default)]
pub(crate) struct Group {
    /// Deleted first, so that whatever follows a deletion stays.
    pub deleted: BTreeSet<ExecutionId>,
    pub visibility: BTreeMap<ExecutionId, Box<VisibilityRow>>,
    pub state: BTreeMap<ExecutionId, State>,
    /// `None` deletes the row.
    pub items: BTreeMap<ItemAddress, Option<Item>>,
    pub history: Vec<History>,
    /// Namespaces and records, in order.
    pub named: Vec<Write>,
}

impl Group {
    pub(crate) fn add(&mut self, write: Write) {
        match write {
            Write::PutVisibility(row) => drop(self.visibility.insert(row.id, row)),
            Write::PutState { execution, state: blob, next_due, waiting } => {
                self.state.insert(execution, State { blob, next_due, waiting });
            }
            Write::PutItem { execution, kind, key, value, waiting } => {
                self.items.insert((execution, kind, key), Some(Item { value, waiting }));
            }
            Write::DeleteItem { execution, kind, key } => drop(self.items.insert((execution, kind, key), None)),
            Write::AppendHistory { execution, first, next, events } => {
                self.history.push(History { execution, first, next, events });
            }
            Write::DeleteExecution(execution) => self.delete_execution(execution),
            Write::PutNamespace(_)
            | Write::DeleteNamespace(_)
            | Write::PutRecord { .. }
            | Write::DeleteRecord { .. } => self.named.push(write),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.deleted.is_empty()
            && self.visibility.is_empty()
            && self.state.is_empty()
            && self.items.is_empty()
            && self.history.is_empty()
            && self.named.is_empty()
    }

    fn delete_execution(&mut self, execution: ExecutionId) {
        self.visibility.remove(&execution);
        self.state.remove(&execution);
        self.history.retain(|batch| batch.execution != execution);
        let from = (execution, ItemKind::Start, ItemKey::Id(i64::MIN));
        let to = (execution.saturating_add(1), ItemKind::Start, ItemKey::Id(i64::MIN));
        let doomed: Vec<ItemAddress> = self.items.range(from..to).map(|(address, _)| address.clone()).collect();
        for address in doomed {
            self.items.remove(&address);
        }
        self.deleted.insert(execution);
    }
}

/// Roughly the bytes that a write costs in memory and in the file.
pub(crate) fn size(write: &Write) -> usize {
    const ROW: usize = 64;
    ROW + match write {
        Write::PutNamespace(row) => row.name.len() + row.blob.len(),
        Write::PutVisibility(row) => 512 + row.memo.len() + 2 * row.search_attributes.len(),
        Write::PutState { state, .. } => state.len(),
        Write::PutItem { value, .. } => value.len(),
        Write::AppendHistory { events, .. } => events.len(),
        Write::PutRecord { kind, key, value } => kind.len() + key.len() + value.len(),
        Write::DeleteNamespace(_)
        | Write::DeleteItem { .. }
        | Write::DeleteExecution(_)
        | Write::DeleteRecord { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(writes: impl IntoIterator<Item = Write>) -> Group {
        let mut group = Group::default();
        writes.into_iter().for_each(|write| group.add(write));
        group
    }

    fn state(execution: ExecutionId, state: &'static str) -> Write {
        Write::PutState { execution, state: state.into(), next_due: None, waiting: None }
    }

    fn put(execution: ExecutionId, id: i64) -> Write {
        let key = ItemKey::Id(id);
        Write::PutItem { execution, kind: ItemKind::Activity, key, value: Bytes::new(), waiting: None }
    }

    fn delete(execution: ExecutionId, id: i64) -> Write {
        Write::DeleteItem { execution, kind: ItemKind::Activity, key: ItemKey::Id(id) }
    }

    #[test]
    fn the_last_state_of_an_execution_is_written() {
        let group = group([state(1, "a"), state(2, "b"), state(1, "c")]);
        let blobs: Vec<_> = group.state.values().map(|s| s.blob.clone()).collect();
        assert_eq!(blobs, ["c", "b"]);
    }

    #[test]
    fn an_item_that_comes_and_goes_is_not_inserted() {
        let group = group([put(1, 5), put(1, 6), delete(1, 5), delete(1, 7), put(1, 7)]);
        let inserted: Vec<_> = group.items.values().map(Option::is_some).collect();
        assert_eq!(inserted, [false, true, true]);
    }

    #[test]
    fn a_deleted_execution_drops_what_came_before_and_keeps_what_comes_after() {
        let history = |execution| Write::AppendHistory { execution, first: 1, next: 2, events: Bytes::new() };
        let group = group([
            state(1, "a"),
            put(1, 5),
            history(1),
            history(2),
            put(2, 5),
            Write::DeleteExecution(1),
            state(1, "b"),
        ]);
        assert!(group.deleted.contains(&1));
        assert_eq!(group.state[&1].blob, "b");
        assert_eq!(group.items.len(), 1);
        assert_eq!(group.history.len(), 1);
    }

    #[test]
    fn nothing_to_write_is_seen() {
        assert!(group([]).is_empty());
        assert!(!group([Write::DeleteExecution(1)]).is_empty());
    }
}
