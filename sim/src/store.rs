//! The simulated store: what is committed, and nothing else.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use ostro_engine::persistence::*;
use ostro_engine::stored::map_order;
use ostro_engine::time::Time;
use prost::Message;
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};

use crate::rng::hash;

/// A handle on the rows; the engine holds one as its [`Loader`], the world another.
#[derive(Debug, Default, Clone)]
pub struct Store(pub Rc<RefCell<Rows>>);

/// An execution's state row.
#[derive(Debug, Clone)]
pub struct StateRow {
    pub state: Bytes,
    pub next_due: Option<Time>,
    pub waiting: Option<Waiting>,
}

type ItemRow = (Bytes, Option<Waiting>);

#[derive(Debug, Default)]
pub struct Rows {
    pub namespaces: BTreeMap<NamespaceId, NamespaceRow>,
    pub records: BTreeMap<(String, String), Bytes>,
    pub visibility: BTreeMap<ExecutionId, VisibilityRow>,
    pub states: BTreeMap<ExecutionId, StateRow>,
    pub items: BTreeMap<ExecutionId, BTreeMap<(ItemKind, ItemKey), ItemRow>>,
    /// Decoded, in order.
    pub history: BTreeMap<ExecutionId, Vec<HistoryEvent>>,
    runs: BTreeMap<(NamespaceId, String), Vec<ExecutionId>>,
    next_execution: ExecutionId,
    /// Of every write that was ever committed, in order.
    pub digest: u64,
    pub commits: u64,
    pub events: u64,
}

impl Store {
    /// Applies the writes of one output.
    ///
    /// # Errors
    /// Where appended history would leave a gap or overlap.
    pub fn commit(&self, writes: &[Write]) -> Result<(), String> {
        let mut rows = self.0.borrow_mut();
        rows.commits += 1;
        writes.iter().try_for_each(|write| rows.apply(write))
    }

    /// What the engine must know when it starts over this store.
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
        for (id, row) in &rows.states {
            let run = &rows.visibility[id];
            let task = |waiting: &Waiting, event_id| WaitingTask {
                execution: *id,
                namespace: run.namespace,
                workflow_id: run.workflow_id.clone(),
                waiting: waiting.clone(),
                event_id,
            };
            recovery.due.extend(row.next_due.map(|due| (*id, due)));
            recovery.workflow_tasks.extend(row.waiting.as_ref().map(|waiting| task(waiting, 0)));
            for ((kind, key), (_, queue)) in rows.items.get(id).into_iter().flatten() {
                if let (ItemKind::Activity, ItemKey::Id(event_id), Some(queue)) = (kind, key, queue) {
                    recovery.activity_tasks.push(task(queue, *event_id));
                }
            }
        }
        recovery
    }

    /// Committed events `from..to`.
    pub fn events(&self, execution: ExecutionId, from: i64, to: i64) -> Vec<HistoryEvent> {
        let rows = self.0.borrow();
        let events = rows.history.get(&execution).map(Vec::as_slice).unwrap_or_default();
        events.iter().filter(|e| e.event_id >= from && e.event_id < to).cloned().collect()
    }

    pub fn digest(&self) -> u64 {
        self.0.borrow().digest
    }
}

impl Rows {
    fn apply(&mut self, write: &Write) -> Result<(), String> {
        self.note(write);
        match write.clone() {
            Write::PutNamespace(row) => drop(self.namespaces.insert(row.id, row)),
            Write::DeleteNamespace(id) => drop(self.namespaces.remove(&id)),
            Write::PutVisibility(row) => {
                self.next_execution = self.next_execution.max(row.id + 1);
                if !self.visibility.contains_key(&row.id) {
                    self.runs.entry((row.namespace, row.workflow_id.clone())).or_default().push(row.id);
                }
                self.visibility.insert(row.id, *row);
            }
            Write::PutState { execution, state, next_due, waiting } => {
                self.states.insert(execution, StateRow { state, next_due, waiting });
            }
            Write::PutItem { execution, kind, key, value, waiting } => {
                self.items.entry(execution).or_default().insert((kind, key), (value, waiting));
            }
            Write::DeleteItem { execution, kind, key } => {
                self.items.entry(execution).or_default().remove(&(kind, key));
            }
            Write::AppendHistory { execution, first, next, events } => self.append(execution, first, next, &events)?,
            Write::DeleteExecution(id) => self.delete(id),
            Write::PutRecord { kind, key, value } => drop(self.records.insert((kind, key), value)),
            Write::DeleteRecord { kind, key } => drop(self.records.remove(&(kind, key))),
        }
        Ok(())
    }

    fn append(&mut self, execution: ExecutionId, first: i64, next: i64, events: &[u8]) -> Result<(), String> {
        let history = self.history.entry(execution).or_default();
        let expected = history.len() as i64 + 1;
        if first != expected {
            return Err(format!(
                "history of execution {execution}: events from {first} appended where {expected} is next"
            ));
        }
        let events = History::decode(events).map_err(|e| e.to_string())?.events;
        for (index, event) in events.iter().enumerate() {
            if event.event_id != first + index as i64 {
                return Err(format!(
                    "history of execution {execution}: event {} stands at {}",
                    event.event_id,
                    first + index as i64
                ));
            }
        }
        self.events += events.len() as u64;
        if first + events.len() as i64 != next {
            return Err(format!(
                "history of execution {execution}: {} events said to be {first}..{next}",
                events.len()
            ));
        }
        history.extend(events);
        Ok(())
    }

    fn delete(&mut self, id: ExecutionId) {
        if let Some(row) = self.visibility.remove(&id)
            && let Some(runs) = self.runs.get_mut(&(row.namespace, row.workflow_id))
        {
            runs.retain(|run| *run != id);
        }
        self.states.remove(&id);
        self.items.remove(&id);
        self.history.remove(&id);
    }

    fn note(&mut self, write: &Write) {
        let mut add = |bytes: &[u8]| self.digest = hash(bytes, self.digest);
        match write {
            Write::PutNamespace(row) => add(&row.blob),
            Write::PutVisibility(row) => {
                add(row.run_id.as_bytes());
                add(&[row.status as u8]);
                add(&row.close_time.nanos().to_le_bytes());
                add(&row.memo);
                add(&row.search_attributes);
            }
            Write::PutState { execution, state, next_due, waiting } => {
                add(&execution.to_le_bytes());
                add(state);
                add(&next_due.unwrap_or(Time::UNSET).nanos().to_le_bytes());
                add(waiting.as_ref().map_or("", |waiting| &waiting.queue).as_bytes());
                add(waiting.as_ref().map_or(&[], |waiting| &waiting.place[..]));
            }
            Write::PutItem { kind, value, waiting, .. } => {
                add(&[*kind as u8]);
                add(value);
                add(waiting.as_ref().map_or("", |waiting| &waiting.queue).as_bytes());
                add(waiting.as_ref().map_or(&[], |waiting| &waiting.place[..]));
            }
            Write::AppendHistory { first, events, .. } => {
                add(&first.to_le_bytes());
                add(events);
            }
            other => add(format!("{other:?}").as_bytes()),
        }
    }

    /// The runs of a workflow id, oldest first.
    pub fn runs_of(&self, namespace: NamespaceId, workflow_id: &str) -> &[ExecutionId] {
        self.runs.get(&(namespace, workflow_id.to_owned())).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn stored(&self, execution: ExecutionId) -> Option<StoredExecution> {
        let namespace = self.visibility.get(&execution)?.namespace;
        let state = self.states.get(&execution)?.state.clone();
        let items = self.items.get(&execution).into_iter().flatten();
        let items =
            items.map(|((kind, key), (value, _))| StoredItem { kind: *kind, key: key.clone(), value: value.clone() });
        Some(StoredExecution { id: execution, namespace, state, items: items.collect() })
    }
}

impl Loader for Store {
    fn newest_run(&self, namespace: NamespaceId, workflow_id: &str) -> Result<Option<ExecutionId>, Damaged> {
        Ok(self.0.borrow().runs_of(namespace, workflow_id).last().copied())
    }

    fn run(&self, namespace: NamespaceId, workflow_id: &str, run_id: &str) -> Result<Option<ExecutionId>, Damaged> {
        let rows = self.0.borrow();
        Ok(rows.runs_of(namespace, workflow_id).iter().copied().find(|id| rows.visibility[id].run_id == run_id))
    }

    fn load(&self, execution: ExecutionId) -> Result<Option<StoredExecution>, Damaged> {
        Ok(self.0.borrow().stored(execution))
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
        let events = self.events(execution, from, to);
        let Some((first, last)) = events.first().map(|e| e.event_id).zip(events.last().map(|e| e.event_id)) else {
            return Ok(Vec::new());
        };
        Ok(vec![HistoryBatch { first, next: last + 1, events: map_order::history(events) }])
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
