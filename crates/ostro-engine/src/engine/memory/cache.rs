//! Executions in memory, bounded in bytes.
//!
//! An execution stays while a call waits on it or a write of it is on its way to the store: so whoever is not here is
//! in the store exactly as it is.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use crate::execution::Execution;
use crate::stored::persistence::{ExecutionId, NamespaceId};

/// What an execution takes in the maps here, roughly.
const ENTRY_BYTES: usize = 400;
/// Executions looked at in one call, so that none takes long.
const LOOKS_MAX: usize = 512;

struct Entry {
    execution: Option<Box<Execution>>,
    bytes: usize,
    used: u64,
    /// The output that last wrote it.
    written: u64,
}

pub(crate) struct Cache {
    entries: HashMap<ExecutionId, Entry>,
    newest: HashMap<(NamespaceId, String), ExecutionId>,
    runs: HashMap<String, ExecutionId>,
    order: BTreeSet<(u64, ExecutionId)>,
    bytes: usize,
    bytes_max: usize,
    clock: u64,
    committed: u64,
    deleted: VecDeque<(u64, ExecutionId)>,
    deleted_ids: HashSet<ExecutionId>,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            entries: HashMap::new(),
            newest: HashMap::new(),
            runs: HashMap::new(),
            order: BTreeSet::new(),
            bytes: 0,
            bytes_max,
            clock: 0,
            committed: 0,
            deleted: VecDeque::new(),
            deleted_ids: HashSet::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn contains(&self, id: ExecutionId) -> bool {
        self.entries.contains_key(&id)
    }

    pub(crate) fn get(&self, id: ExecutionId) -> Option<&Execution> {
        self.entries.get(&id)?.execution.as_deref()
    }

    /// Whether any execution in memory is like that. Looks at all of them.
    pub(crate) fn any(&self, like: impl Fn(&Execution) -> bool) -> bool {
        self.entries.values().filter_map(|entry| entry.execution.as_deref()).any(like)
    }

    pub(crate) fn get_mut(&mut self, id: ExecutionId) -> Option<&mut Execution> {
        self.entries.get_mut(&id)?.execution.as_deref_mut()
    }

    /// Takes the execution out for a step; [`put_back`](Self::put_back) must follow.
    pub(crate) fn take(&mut self, id: ExecutionId) -> Option<Box<Execution>> {
        self.entries.get_mut(&id)?.execution.take()
    }

    pub(crate) fn put_back(&mut self, execution: Box<Execution>, written: Option<u64>) {
        let id = execution.id;
        let bytes = ENTRY_BYTES + execution.bytes();
        let entry = self.entries.get_mut(&id).expect("taken from here");
        self.bytes = self.bytes - entry.bytes + bytes;
        entry.bytes = bytes;
        entry.written = written.unwrap_or(entry.written);
        entry.execution = Some(execution);
        self.note_use(id);
    }

    /// Adds an execution that was loaded, or is new (`newest`: it is the newest run of its workflow id).
    pub(crate) fn insert(&mut self, execution: Box<Execution>, newest: bool) {
        let id = execution.id;
        if newest {
            let key = (execution.core.namespace, execution.core.workflow_id.clone());
            self.newest.insert(key, id);
        }
        self.runs.insert(execution.core.run_id.clone(), id);
        self.entries.insert(id, Entry { execution: None, bytes: 0, used: 0, written: 0 });
        self.put_back(execution, None);
    }

    pub(crate) fn newest(&self, namespace: NamespaceId, workflow_id: &str) -> Option<ExecutionId> {
        self.newest.get(&(namespace, workflow_id.to_owned())).copied()
    }

    pub(crate) fn set_newest(&mut self, namespace: NamespaceId, workflow_id: &str, id: ExecutionId) {
        self.newest.insert((namespace, workflow_id.to_owned()), id);
    }

    pub(crate) fn run(&self, run_id: &str) -> Option<ExecutionId> {
        self.runs.get(run_id).copied()
    }

    /// The execution was deleted by output `written`: until that is durable the store must not be asked for it.
    pub(crate) fn forget(&mut self, id: ExecutionId, written: u64) {
        self.remove(id);
        self.deleted.push_back((written, id));
        self.deleted_ids.insert(id);
    }

    /// Whether the execution was deleted and the store may still hold it.
    pub(crate) fn is_deleted(&self, id: ExecutionId) -> bool {
        self.deleted_ids.contains(&id)
    }

    pub(crate) fn remove(&mut self, id: ExecutionId) {
        let Some(entry) = self.entries.remove(&id) else { return };
        self.bytes -= entry.bytes;
        self.order.remove(&(entry.used, id));
        if let Some(execution) = entry.execution {
            let key = (execution.core.namespace, execution.core.workflow_id.clone());
            if self.newest.get(&key) == Some(&id) {
                self.newest.remove(&key);
            }
            self.runs.remove(&execution.core.run_id);
        }
    }

    pub(crate) fn committed(&mut self, sequence: u64) {
        self.committed = self.committed.max(sequence);
        while self.deleted.front().is_some_and(|(written, _)| *written <= self.committed) {
            if let Some((_, id)) = self.deleted.pop_front() {
                self.deleted_ids.remove(&id);
            }
        }
    }

    /// Lets the least recently used leave until the bound holds. Who must stay counts as used: so those that many calls
    /// wait on are not looked at again and again.
    pub(crate) fn shrink(&mut self) {
        for _ in 0..LOOKS_MAX {
            if self.bytes <= self.bytes_max {
                return;
            }
            let Some(&(_, id)) = self.order.first() else { return };
            let entry = &self.entries[&id];
            if entry.written > self.committed {
                // It may leave soon; most of those after it are no further.
                return;
            }
            if entry.execution.as_ref().is_some_and(|execution| execution.may_leave()) {
                self.remove(id);
            } else {
                self.note_use(id);
            }
        }
    }

    fn note_use(&mut self, id: ExecutionId) {
        self.clock += 1;
        if let Some(entry) = self.entries.get_mut(&id) {
            self.order.remove(&(entry.used, id));
            entry.used = self.clock;
            self.order.insert((self.clock, id));
        }
    }
}
