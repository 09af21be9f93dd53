//! From rows to an execution in memory, and from what a transition changed to writes.

use bytes::Bytes;
use prost::Message;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;

use super::live::{LiveUpdate, UpdateStage};
use crate::base::nesting::Nested;
use crate::base::time::{Span, Time};
use crate::base::token::TaskToken;
use crate::call::HistoryPosition;
use crate::execution::{Deadline, Execution};
use crate::stored::execution::{
    AcceptedUpdate, Activity, AdmittedUpdate, CallbackState, Child, Core, NexusOperation, SignalRequest, Timer,
    WorkflowTask,
};
use crate::stored::map_order;
use crate::stored::map_order::Ordered;
use crate::stored::persistence::{Damaged, ItemKey, ItemKind, NamespaceId, StoredExecution, Write};

/// The name under which memo and search attributes are stored.
pub(crate) const PROPERTIES: &str = "properties";

/// Beyond all event ids: queues number their tasks with fewer than 64 bits.
pub const EVENT_IDS_MAX: i64 = 1 << 60;

/// What an execution of short names owns on the heap, with what the allocator adds: its strings, its deadlines, its maps.
const OWNED_BYTES: usize = 3072;
/// The same for one of its parts: strings, a payload, a deadline.
const PART_BYTES: usize = 512;

impl Execution {
    /// An execution from its rows.
    ///
    /// # Errors
    /// Where rows do not decode, contradict each other or lack what every execution has. Whatever it accepts can be worked
    /// with: nothing that follows fails because of it.
    pub fn from_stored(stored: StoredExecution) -> Result<Self, Damaged> {
        let core: Core = decode_nested(&stored.state).map_err(|error| Damaged(format!("its state: {error}")))?;
        let mut execution = Execution { id: stored.id, core, ..Default::default() };
        for item in stored.items {
            let (kind, key) = (item.kind, item.key.clone());
            let restored = execution.restore_item(item.kind, item.key, &item.value);
            restored.map_err(|error| Damaged(format!("its part {kind:?} {key:?}: {error}")))?;
        }
        execution.check_whole(stored.namespace)?;
        execution.restore_sent_updates();
        execution.refresh_all_deadlines();
        execution.weigh_given();
        Ok(execution)
    }

    /// The namespace that a stored state belongs to, where it decodes.
    pub fn namespace_of(state: &[u8]) -> Option<NamespaceId> {
        Some(decode_nested::<Core>(state).ok()?.namespace)
    }

    fn restore_item(&mut self, kind: ItemKind, key: ItemKey, value: &[u8]) -> Result<(), Damaged> {
        match (kind, key.clone()) {
            (ItemKind::Start, ItemKey::Name(_)) => self.properties = decode(value)?,
            (ItemKind::Start, ItemKey::Id(_)) => self.start = decode_nested(value)?,
            (ItemKind::Activity, ItemKey::Id(_)) => self.insert_activity(decode_nested(value)?),
            (ItemKind::Timer, ItemKey::Name(_)) => self.insert_timer(decode(value)?),
            (ItemKind::Child, ItemKey::Id(_)) => self.insert_child(decode(value)?),
            (ItemKind::SignalExternal, ItemKey::Id(_)) => self.insert_signal(decode(value)?),
            (ItemKind::CancelExternal, ItemKey::Id(_)) => self.insert_cancel(decode(value)?),
            (ItemKind::Update, ItemKey::Name(_)) => self.insert_update(decode_nested(value)?),
            (ItemKind::AdmittedUpdate, ItemKey::Name(id)) => {
                let admitted: AdmittedUpdate = decode(value)?;
                self.live.updates.push(LiveUpdate::of_history(&admitted));
                self.admitted_updates.insert(id, admitted);
            }
            (ItemKind::BufferedEvent, ItemKey::Id(sequence)) => {
                self.buffered.insert(sequence, decode_nested(value)?);
            }
            (ItemKind::SignalRequest, ItemKey::Name(request)) => {
                self.signal_requests.insert(request, decode::<SignalRequest>(value)?.event_id);
            }
            (ItemKind::NexusOperation, ItemKey::Id(_)) => self.insert_nexus_operation(decode_nested(value)?),
            (ItemKind::Callback, ItemKey::Id(sequence)) => {
                self.callbacks.insert(sequence, decode_nested(value)?);
            }
            _ => return Err(Damaged("no part of this kind has such a key".to_owned())),
        }
        // Who inserts marks by the key that is in the value.
        let marked = std::mem::take(&mut self.changes.items);
        let alike = marked.iter().all(|of| *of == (kind, key.clone()));
        if alike { Ok(()) } else { Err(Damaged("its value is that of another part".to_owned())) }
    }

    /// What transitions take for granted of every execution.
    fn check_whole(&self, namespace: NamespaceId) -> Result<(), Damaged> {
        let require = |holds: bool, otherwise: &str| if holds { Ok(()) } else { Err(Damaged(otherwise.to_owned())) };
        require(self.core.namespace == namespace, "its state and the row that lists it name two namespaces")?;
        require(self.start.event.is_some(), "its part with the start is missing")?;
        require((1..EVENT_IDS_MAX).contains(&self.core.next_event_id), "its state has no valid next event id")?;
        let mut ids = self.activities.keys().chain(self.nexus.keys());
        require(ids.all(|id| (0..EVENT_IDS_MAX).contains(id)), "one of its parts has no valid event id")?;
        require(self.activities.values().all(|activity| activity.scheduled.is_some()), "an activity lacks its event")?;
        require(self.nexus.values().all(|operation| operation.scheduled.is_some()), "an operation lacks its event")
    }

    /// What an event of history brought is known to the worker of a task that has begun since.
    fn restore_sent_updates(&mut self) {
        if self.core.workflow_task.as_ref().is_some_and(|task| task.is_started()) {
            self.live.updates.iter_mut().for_each(|update| update.stage = UpdateStage::Sent);
        }
    }

    /// Whether the pending workflow task lives in memory only: a speculative one, unless events wait for its end.
    fn task_is_memory_only(&self) -> bool {
        self.core.workflow_task.as_ref().is_some_and(|task| task.speculative) && self.buffered.is_empty()
    }

    /// Whether the transition changed anything that is stored beside the core.
    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.items.is_empty() || !self.changes.events.is_empty() || self.changes.visibility
    }

    /// The end of a transition: its events become history, and what else it changed is noted for
    /// [`take_writes`](Self::take_writes).
    pub(crate) fn note_changes(&mut self) -> Option<Write> {
        let changes = std::mem::take(&mut self.changes);
        self.live.started.clear();
        let history = self.append_history(changes.events);
        for (kind, key) in &changes.items {
            self.refresh_item_deadline(*kind, key);
        }
        self.core.transitions += 1;
        self.refresh_core_deadlines();
        self.unwritten.core = true;
        if changes.visibility {
            self.unwritten.visibility = true;
            self.weigh_given();
        }
        if self.unwritten.items.is_empty() {
            self.unwritten.items = changes.items;
        } else {
            self.unwritten.items.extend(changes.items);
        }
        history
    }

    /// Whether a transition was noted since the last [`take_writes`](Self::take_writes).
    pub(crate) fn is_unwritten(&self) -> bool {
        self.unwritten.core
    }

    /// Everything but history that transitions have changed since the last time, as writes.
    pub(crate) fn take_writes(&mut self, retention: Span, writes: &mut Vec<Write>) {
        let unwritten = std::mem::take(&mut self.unwritten);
        for (kind, key) in unwritten.items {
            writes.push(self.item_write(kind, key));
        }
        if unwritten.visibility {
            writes.push(Write::PutVisibility(Box::new(self.visibility_row(retention))));
        }
        if unwritten.core {
            writes.push(Write::PutState {
                execution: self.id,
                state: self.stored_core(),
                next_due: self.deadlines.next(),
                waiting: self.waiting_place(),
            });
        }
    }

    fn append_history(&mut self, events: Vec<HistoryEvent>) -> Option<Write> {
        let first = events.first()?.event_id;
        let next = first + events.len() as i64;
        assert_eq!(next, self.core.next_event_id, "history of execution {} would have a gap", self.id);
        let encoded = map_order::history(events);
        self.core.history_bytes += encoded.len() as i64;
        self.tail.push(first, next, encoded.clone());
        Some(Write::AppendHistory { execution: self.id, first, next, events: encoded })
    }

    fn stored_core(&self) -> Bytes {
        if self.task_is_memory_only() {
            let core = Core { workflow_task: None, ..self.core.clone() };
            return Bytes::from(core.encode_in_order());
        }
        Bytes::from(self.core.encode_in_order())
    }

    /// The workflow task that a restart must put back on its queue.
    pub(crate) fn waiting_workflow_task(&self) -> Option<&WorkflowTask> {
        self.core.workflow_task.as_ref().filter(|task| !task.is_started() && !task.speculative && self.is_open())
    }

    fn item_write(&self, kind: ItemKind, key: ItemKey) -> Write {
        let execution = self.id;
        let Some(value) = self.item_value(kind, &key) else {
            return Write::DeleteItem { execution, kind, key };
        };
        let waiting = match (kind, &key) {
            (ItemKind::Activity, ItemKey::Id(id)) => self.waiting_activity(*id),
            _ => None,
        };
        Write::PutItem { execution, kind, key, value: Bytes::from(value), waiting }
    }

    fn item_value(&self, kind: ItemKind, key: &ItemKey) -> Option<Vec<u8>> {
        match (kind, key) {
            (ItemKind::Start, ItemKey::Name(_)) => Some(self.properties.encode_in_order()),
            (ItemKind::Start, ItemKey::Id(_)) => Some(self.start.encode_in_order()),
            (ItemKind::Activity, ItemKey::Id(id)) => self.activities.get(id).map(Ordered::encode_in_order),
            (ItemKind::Timer, ItemKey::Name(id)) => self.timers.get(id).map(Message::encode_to_vec),
            (ItemKind::Child, ItemKey::Id(id)) => self.children.get(id).map(Ordered::encode_in_order),
            (ItemKind::SignalExternal, ItemKey::Id(id)) => self.signals.get(id).map(Ordered::encode_in_order),
            (ItemKind::CancelExternal, ItemKey::Id(id)) => self.cancels.get(id).map(Message::encode_to_vec),
            (ItemKind::Update, ItemKey::Name(id)) => self.updates.get(id).map(Ordered::encode_in_order),
            (ItemKind::AdmittedUpdate, ItemKey::Name(id)) => {
                self.admitted_updates.get(id).map(Ordered::encode_in_order)
            }
            (ItemKind::BufferedEvent, ItemKey::Id(id)) => self.buffered.get(id).map(Ordered::encode_in_order),
            (ItemKind::SignalRequest, ItemKey::Name(id)) => {
                self.signal_requests.get(id).map(|event_id| SignalRequest { event_id: *event_id }.encode_to_vec())
            }
            (ItemKind::NexusOperation, ItemKey::Id(id)) => self.nexus.get(id).map(Ordered::encode_in_order),
            (ItemKind::Callback, ItemKey::Id(id)) => self.callbacks.get(id).map(Ordered::encode_in_order),
            _ => None,
        }
    }

    pub(crate) fn refresh_activity_deadline(&mut self, id: i64) {
        let time = self.activities.get(&id).and_then(|a| a.next_due()).filter(|_| self.is_open());
        self.deadlines.set(Deadline::Activity(id), time);
    }

    pub(crate) fn refresh_nexus_deadline(&mut self, id: i64) {
        let time = self.nexus.get(&id).and_then(|o| o.next_due()).filter(|_| self.is_open());
        self.deadlines.set(Deadline::Nexus(id), time);
    }

    fn refresh_item_deadline(&mut self, kind: ItemKind, key: &ItemKey) {
        match (kind, key) {
            (ItemKind::Activity, ItemKey::Id(id)) => self.refresh_activity_deadline(*id),
            (ItemKind::Timer, ItemKey::Name(id)) => {
                let time = self.timers.get(id).map(|t| t.due()).filter(|_| self.is_open());
                self.deadlines.set(Deadline::Timer(id.clone()), time);
            }
            (ItemKind::NexusOperation, ItemKey::Id(id)) => self.refresh_nexus_deadline(*id),
            (ItemKind::Callback, ItemKey::Id(id)) => {
                let time = self.callbacks.get(id).and_then(CallbackState::next_due);
                self.deadlines.set(Deadline::Callback(*id), time);
            }
            _ => {}
        }
    }

    fn refresh_all_deadlines(&mut self) {
        self.refresh_callback_deadlines();
        if !self.is_open() {
            return;
        }
        for (id, activity) in &self.activities {
            self.deadlines.set(Deadline::Activity(*id), activity.next_due());
        }
        for (id, timer) in &self.timers {
            self.deadlines.set(Deadline::Timer(id.clone()), Some(timer.due()));
        }
        for (id, operation) in &self.nexus {
            self.deadlines.set(Deadline::Nexus(*id), operation.next_due());
        }
        self.refresh_core_deadlines();
    }

    /// Callbacks are delivered after the end of the run, and others are told of it.
    fn refresh_callback_deadlines(&mut self) {
        for (id, callback) in &self.callbacks {
            self.deadlines.set(Deadline::Callback(*id), callback.next_due());
        }
        self.deadlines.set(Deadline::Held, self.core.held_due().set());
    }

    /// Sets the deadlines of the run and of its workflow task anew.
    pub(crate) fn refresh_core_deadlines(&mut self) {
        if !self.is_open() {
            self.deadlines.clear();
            return self.refresh_callback_deadlines();
        }
        let some = |time: Time| (time != Time::UNSET).then_some(time);
        self.deadlines.set(Deadline::Held, some(self.core.held_due()));
        self.deadlines.set(Deadline::FirstTask, some(self.core.first_task_due()));
        let run = [self.core.run_expiration(), self.core.execution_expiration()]
            .into_iter()
            .filter(|t| *t != Time::UNSET)
            .min();
        self.deadlines.set(Deadline::Run, run);
        let task = self.core.workflow_task.as_ref().and_then(|task| match task.is_started() {
            true => Some(task.started_time() + task.timeout()),
            false => some(task.schedule_to_start_due()),
        });
        self.deadlines.set(Deadline::WorkflowTask, task);
    }

    /// Roughly how much memory the execution takes, for the cache's bound.
    pub fn bytes(&self) -> usize {
        let parts = self.activities.len() * part_bytes::<Activity>()
            + self.timers.len() * part_bytes::<Timer>()
            + self.children.len() * part_bytes::<Child>()
            + self.updates.len() * part_bytes::<AcceptedUpdate>()
            + self.buffered.len() * part_bytes::<HistoryEvent>()
            + self.nexus.len() * part_bytes::<NexusOperation>()
            + self.callbacks.len() * part_bytes::<CallbackState>();
        size_of::<Self>() + OWNED_BYTES + self.given_bytes + parts + self.tail.bytes()
    }

    /// Takes the measure of what the starter gave; decoded, it takes about twice its encoding.
    fn weigh_given(&mut self) {
        self.given_bytes = 2 * (self.start.encoded_len() + self.properties.encoded_len());
    }

    /// Whether the execution may leave memory: nothing waits on it that the store does not hold.
    pub(crate) fn may_leave(&self) -> bool {
        self.live.is_idle() && !self.core.workflow_task.as_ref().is_some_and(|task| task.speculative)
    }

    /// Whether the token is that of the workflow task in flight.
    pub(crate) fn matches_workflow_task(&self, token: &TaskToken) -> bool {
        self.is_open()
            && self.core.workflow_task.as_ref().is_some_and(|task| {
                task.is_started()
                    && task.scheduled_event_id == token.scheduled_event_id
                    && task.started_event_id == token.started_event_id
                    && task.attempt == token.attempt
                    && task.started_time == token.started_time
            })
    }

    /// Where history stands, for those who read it.
    pub(crate) fn history_position(&self) -> HistoryPosition {
        HistoryPosition {
            execution: self.id,
            run_id: self.core.run_id.clone(),
            // One without history counts its transitions: who waits for news of it waits for the next.
            next_event_id: if self.is_standalone() { self.core.transitions + 1 } else { self.core.next_event_id },
            open: self.is_open(),
            newest: self.tail.newest(),
            extra: Vec::new(),
        }
    }
}

fn part_bytes<T>() -> usize {
    size_of::<T>() + PART_BYTES
}

fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, Damaged> {
    M::decode(bytes).map_err(|error| Damaged(error.to_string()))
}

fn decode_nested<M: Nested>(bytes: &[u8]) -> Result<M, Damaged> {
    M::decode_nested(bytes).map_err(|error| Damaged(error.to_string()))
}
