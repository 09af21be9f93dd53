//! A store in memory: exactly the rows that the engine wrote, nothing else.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use ostro_engine::persistence::*;
use ostro_engine::time::Time;

#[derive(Debug, Default, Clone)]
pub struct Memory(pub Rc<RefCell<Rows>>);

#[derive(Debug, Default)]
pub struct Rows {
    pub namespaces: BTreeMap<NamespaceId, NamespaceRow>,
    pub records: BTreeMap<(String, String), Bytes>,
    pub visibility: BTreeMap<ExecutionId, VisibilityRow>,
    pub states: BTreeMap<ExecutionId, (Bytes, Option<Time>, Option<Waiting>)>,
    pub items: BTreeMap<(ExecutionId, ItemKind, ItemKey), (Bytes, Option<Waiting>)>,
    pub history: BTreeMap<(ExecutionId, i64), HistoryBatch>,
    pub next_execution: ExecutionId,
}

impl Memory {
    pub fn commit(&self, writes: Vec<Write>) {
        let mut rows = self.0.borrow_mut();
        for write in writes {
            rows.apply(write);
        }
    }

    pub fn recover(&self) -> Recovery {
        let rows = self.0.borrow();
        let mut recovery = Recovery { next_execution: rows.next_execution, ..Default::default() };
        recovery.namespaces = rows.namespaces.values().cloned().collect();
        let record = |((kind, key), value): (&(String, String), &Bytes)| StoredRecord {
            kind: kind.clone(),
            key: key.clone(),
            value: value.clone(),
        };
        recovery.records = rows.records.iter().map(record).collect();
        for (id, (_, due, queue)) in &rows.states {
            recovery.due.extend(due.map(|due| (*id, due)));
            recovery.workflow_tasks.extend(queue.clone().map(|waiting| rows.waiting(*id, waiting, 0)));
        }
        for ((id, kind, key), (_, queue)) in &rows.items {
            let (ItemKind::Activity, ItemKey::Id(event_id), Some(queue)) = (kind, key, queue) else { continue };
            recovery.activity_tasks.push(rows.waiting(*id, queue.clone(), *event_id));
        }
        recovery.usage = rows.usage();
        recovery
    }
}

impl Rows {
    fn usage(&self) -> Vec<NamespaceUsage> {
        let mut usage = BTreeMap::<NamespaceId, NamespaceUsage>::new();
        for (id, run) in &self.visibility {
            let new = NamespaceUsage { namespace: run.namespace, executions_open: 0, history_bytes: 0 };
            let used = usage.entry(run.namespace).or_insert(new);
            let batches = self.history.range((*id, 0)..(*id, i64::MAX));
            let written: usize = batches.map(|(_, batch)| batch.events.len()).sum();
            used.executions_open += i64::from(!run.close_time.is_set());
            used.history_bytes += if run.close_time.is_set() { run.history_size_bytes } else { written as i64 };
        }
        usage.into_values().collect()
    }

    fn waiting(&self, execution: ExecutionId, waiting: Waiting, event_id: i64) -> WaitingTask {
        let run = &self.visibility[&execution];
        let (namespace, workflow_id) = (run.namespace, run.workflow_id.clone());
        WaitingTask { execution, namespace, workflow_id, waiting, event_id }
    }

    fn apply(&mut self, write: Write) {
        match write {
            Write::PutNamespace(row) => drop(self.namespaces.insert(row.id, row)),
            Write::DeleteNamespace(id) => drop(self.namespaces.remove(&id)),
            Write::PutVisibility(row) => {
                self.next_execution = self.next_execution.max(row.id + 1);
                self.visibility.insert(row.id, *row);
            }
            Write::PutState { execution, state, next_due, waiting } => {
                self.states.insert(execution, (state, next_due, waiting));
            }
            Write::PutItem { execution, kind, key, value, waiting } => {
                self.items.insert((execution, kind, key), (value, waiting));
            }
            Write::DeleteItem { execution, kind, key } => drop(self.items.remove(&(execution, kind, key))),
            Write::AppendHistory { execution, first, next, events } => {
                let end =
                    self.history.range((execution, 0)..(execution, i64::MAX)).next_back().map_or(1, |(_, b)| b.next);
                assert_eq!(first, end, "a gap in the history of {execution}");
                self.history.insert((execution, first), HistoryBatch { first, next, events });
            }
            Write::DeleteExecution(id) => {
                self.visibility.remove(&id);
                self.states.remove(&id);
                self.items.retain(|(execution, _, _), _| *execution != id);
                self.history.retain(|(execution, _), _| *execution != id);
            }
            Write::PutRecord { kind, key, value } => drop(self.records.insert((kind, key), value)),
            Write::DeleteRecord { kind, key } => drop(self.records.remove(&(kind, key))),
        }
    }
}

impl Loader for Memory {
    fn newest_run(&self, namespace: NamespaceId, workflow_id: &str) -> Result<Option<ExecutionId>, Damaged> {
        let rows = self.0.borrow();
        let mut runs = rows.visibility.values().rev();
        Ok(runs.find(|r| r.namespace == namespace && r.workflow_id == workflow_id).map(|r| r.id))
    }

    fn run(&self, namespace: NamespaceId, workflow_id: &str, run_id: &str) -> Result<Option<ExecutionId>, Damaged> {
        let rows = self.0.borrow();
        let found = rows
            .visibility
            .values()
            .find(|r| r.namespace == namespace && r.workflow_id == workflow_id && r.run_id == run_id);
        Ok(found.map(|r| r.id))
    }

    fn load(&self, execution: ExecutionId) -> Result<Option<StoredExecution>, Damaged> {
        let rows = self.0.borrow();
        let Some(namespace) = rows.visibility.get(&execution).map(|row| row.namespace) else { return Ok(None) };
        let Some(state) = rows.states.get(&execution).map(|row| row.0.clone()) else { return Ok(None) };
        let items = rows.items.iter().filter(|((id, _, _), _)| *id == execution);
        let items = items
            .map(|((_, kind, key), (value, _))| StoredItem { kind: *kind, key: key.clone(), value: value.clone() })
            .collect();
        Ok(Some(StoredExecution { id: execution, namespace, state, items }))
    }

    fn listed(&self, execution: ExecutionId) -> Result<Option<Listed>, Damaged> {
        let listed = |row: &VisibilityRow| Listed {
            namespace: row.namespace,
            workflow_id: row.workflow_id.clone(),
            run_id: row.run_id.clone(),
            status: row.status,
        };
        Ok(self.0.borrow().visibility.get(&execution).map(listed))
    }

    fn history(&self, execution: ExecutionId, from: i64, to: i64) -> Result<Vec<HistoryBatch>, Damaged> {
        let rows = self.0.borrow();
        let batches = rows.history.range((execution, 0)..(execution, to));
        Ok(batches.filter(|(_, b)| b.next > from).map(|(_, b)| b.clone()).collect())
    }

    fn is_pinned(&self, namespace: NamespaceId, version: &str) -> Result<bool, Damaged> {
        let is = |row: &VisibilityRow, name: &str, value: &str| {
            row.search_values.get(name) == Some(&SearchValue::String(value.to_owned()))
        };
        Ok(self.0.borrow().visibility.values().any(|row| {
            row.namespace == namespace
                && row.close_time == Time::UNSET
                && is(row, "TemporalWorkerDeploymentVersion", version)
                && is(row, "TemporalWorkflowVersioningBehavior", "Pinned")
        }))
    }
}
