//! One run of a workflow: its state, its parts, and the bookkeeping of what a transition changed.
//!
//! ```text
//! (none) --start--> Running --complete | fail | cancel | terminate | time out | continue as new--> closed
//! ```

pub(crate) mod activity;
pub(crate) mod callback;
pub(crate) mod command;
pub(crate) mod describe;
pub(crate) mod failures;
pub(crate) mod history;
pub(crate) mod nexus;
pub(crate) mod pending;
pub(crate) mod query;
pub mod rebuild;
pub mod standalone;
pub(crate) mod state;
mod transition;
pub(crate) mod update;
pub mod versioning;
pub(crate) mod workflow;
pub(crate) mod workflow_task;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_protos::temporal::api::history::v1::{HistoryEvent, WorkflowExecutionStartedEventAttributes};
use temporalio_protos::temporal::api::update::v1 as update_protocol;

pub(crate) use crate::execution::history::tail::Tail;
pub(crate) use crate::execution::state::counted::Counted;
pub(crate) use crate::execution::state::deadlines::{Deadline, Deadlines};
pub(crate) use crate::execution::state::live::Live;
use crate::execution::state::live::LiveUpdate;
pub(crate) use crate::execution::state::queue_position::QueuePosition;
pub use crate::execution::state::stored::EVENT_IDS_MAX;
pub(crate) use transition::{Effect, Transition};

use crate::config::Config;
use crate::stored::execution::{
    AcceptedUpdate, Activity, AdmittedUpdate, CallbackState, CancelExternal, Child, Core, NexusOperation, Properties,
    SignalExternal, Start, Timer,
};
use crate::stored::persistence::{ExecutionId, ItemKey, ItemKind};

/// A run in memory. Everything but `live` and `tail` is stored; see [`state`].
#[derive(Debug, Default)]
pub struct Execution {
    pub id: ExecutionId,
    pub core: Core,
    pub start: Start,
    pub properties: Properties,
    /// By scheduled event id.
    pub activities: BTreeMap<i64, Activity>,
    /// Scheduled event ids by activity id.
    pub activity_ids: HashMap<String, i64>,
    /// By timer id.
    pub timers: BTreeMap<String, Timer>,
    /// By initiated event id, as the next two.
    pub children: BTreeMap<i64, Child>,
    pub signals: BTreeMap<i64, SignalExternal>,
    pub cancels: BTreeMap<i64, CancelExternal>,
    /// Accepted and completed updates by update id.
    pub updates: BTreeMap<String, AcceptedUpdate>,
    /// Updates that an event of history brought and that the workflow has neither accepted nor rejected.
    pub admitted_updates: BTreeMap<String, AdmittedUpdate>,
    /// Events that wait for the end of the workflow task in flight, in order of arrival.
    pub buffered: BTreeMap<i64, HistoryEvent>,
    /// Request ids of signals, with the event that each made; 0 while it is buffered.
    pub signal_requests: HashMap<String, i64>,
    /// By number, in order of registration.
    pub callbacks: BTreeMap<i64, CallbackState>,
    /// By scheduled event id.
    pub nexus: BTreeMap<i64, NexusOperation>,
    pub deadlines: Deadlines,
    pub(crate) live: Live,
    pub tail: Tail,
    /// Bytes of `start` and `properties`, roughly.
    given_bytes: usize,
    changes: Changes,
    unwritten: Unwritten,
}

/// What the transition in progress has changed.
#[derive(Debug, Default)]
struct Changes {
    items: BTreeSet<(ItemKind, ItemKey)>,
    visibility: bool,
    events: Vec<HistoryEvent>,
}

/// What the transitions of the call in progress have changed: it is written once, at the end of the call.
#[derive(Debug, Default)]
struct Unwritten {
    core: bool,
    items: BTreeSet<(ItemKind, ItemKey)>,
    visibility: bool,
}

impl Execution {
    pub(crate) fn status(&self) -> WorkflowExecutionStatus {
        WorkflowExecutionStatus::try_from(self.core.status).unwrap_or_default()
    }

    pub fn is_open(&self) -> bool {
        matches!(self.status(), WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Paused)
    }

    /// The attributes of the first event.
    pub fn started(&self) -> &WorkflowExecutionStartedEventAttributes {
        self.start.event.as_ref().expect("every run begins with its started event")
    }

    /// The execution at the root of the tree of children that this one belongs to; itself where it has no parent.
    pub fn root(&self) -> WorkflowExecution {
        self.started().root_workflow_execution.clone().unwrap_or_else(|| WorkflowExecution {
            workflow_id: self.core.workflow_id.clone(),
            run_id: self.core.run_id.clone(),
        })
    }

    /// Whether a workflow task is with a worker, so that new events must wait.
    pub(crate) fn workflow_task_in_flight(&self) -> bool {
        self.core.workflow_task.as_ref().is_some_and(|task| task.is_started())
    }

    pub(crate) fn has_workflow_task(&self) -> bool {
        self.core.workflow_task.is_some()
    }

    /// Whether any workflow task was ever completed.
    pub(crate) fn had_workflow_task(&self) -> bool {
        self.core.previous_started_event_id > 0
    }

    /// Whether its workflow cannot go on, attempt after attempt: queries and updates are refused meanwhile.
    pub(crate) fn workflow_task_keeps_failing(&self, config: &Config) -> bool {
        self.is_open() && self.core.workflow_task_attempt >= config.workflow_task_attempts_failing
    }

    fn touch(&mut self, kind: ItemKind, key: ItemKey) {
        self.changes.items.insert((kind, key));
    }

    /// The activity, marked as changed.
    pub(crate) fn activity_mut(&mut self, scheduled_event_id: i64) -> Option<&mut Activity> {
        if self.activities.contains_key(&scheduled_event_id) {
            self.touch(ItemKind::Activity, ItemKey::Id(scheduled_event_id));
        }
        self.activities.get_mut(&scheduled_event_id)
    }

    pub(crate) fn insert_activity(&mut self, activity: Activity) {
        let id = activity.scheduled_event_id;
        self.touch(ItemKind::Activity, ItemKey::Id(id));
        let name = activity.scheduled.as_ref().map(|s| s.activity_id.clone()).unwrap_or_default();
        self.activity_ids.insert(name, id);
        self.activities.insert(id, activity);
    }

    pub(crate) fn remove_activity(&mut self, scheduled_event_id: i64) -> Option<Activity> {
        let activity = self.activities.remove(&scheduled_event_id)?;
        self.touch(ItemKind::Activity, ItemKey::Id(scheduled_event_id));
        if let Some(scheduled) = &activity.scheduled {
            self.activity_ids.remove(&scheduled.activity_id);
        }
        Some(activity)
    }

    pub(crate) fn insert_timer(&mut self, timer: Timer) {
        self.touch(ItemKind::Timer, ItemKey::Name(timer.timer_id.clone()));
        self.timers.insert(timer.timer_id.clone(), timer);
    }

    pub(crate) fn remove_timer(&mut self, timer_id: &str) -> Option<Timer> {
        let timer = self.timers.remove(timer_id)?;
        self.touch(ItemKind::Timer, ItemKey::Name(timer_id.to_owned()));
        Some(timer)
    }

    pub(crate) fn insert_child(&mut self, child: Child) {
        self.touch(ItemKind::Child, ItemKey::Id(child.initiated_event_id));
        self.children.insert(child.initiated_event_id, child);
    }

    pub(crate) fn child_mut(&mut self, initiated_event_id: i64) -> Option<&mut Child> {
        if self.children.contains_key(&initiated_event_id) {
            self.touch(ItemKind::Child, ItemKey::Id(initiated_event_id));
        }
        self.children.get_mut(&initiated_event_id)
    }

    pub(crate) fn remove_child(&mut self, initiated_event_id: i64) -> Option<Child> {
        let child = self.children.remove(&initiated_event_id)?;
        self.touch(ItemKind::Child, ItemKey::Id(initiated_event_id));
        Some(child)
    }

    pub(crate) fn insert_signal(&mut self, signal: SignalExternal) {
        self.touch(ItemKind::SignalExternal, ItemKey::Id(signal.initiated_event_id));
        self.signals.insert(signal.initiated_event_id, signal);
    }

    pub(crate) fn remove_signal(&mut self, initiated_event_id: i64) -> Option<SignalExternal> {
        let signal = self.signals.remove(&initiated_event_id)?;
        self.touch(ItemKind::SignalExternal, ItemKey::Id(initiated_event_id));
        Some(signal)
    }

    pub(crate) fn insert_cancel(&mut self, cancel: CancelExternal) {
        self.touch(ItemKind::CancelExternal, ItemKey::Id(cancel.initiated_event_id));
        self.cancels.insert(cancel.initiated_event_id, cancel);
    }

    pub(crate) fn remove_cancel(&mut self, initiated_event_id: i64) -> Option<CancelExternal> {
        let cancel = self.cancels.remove(&initiated_event_id)?;
        self.touch(ItemKind::CancelExternal, ItemKey::Id(initiated_event_id));
        Some(cancel)
    }

    pub(crate) fn insert_nexus_operation(&mut self, operation: NexusOperation) {
        self.touch(ItemKind::NexusOperation, ItemKey::Id(operation.scheduled_event_id));
        self.nexus.insert(operation.scheduled_event_id, operation);
    }

    pub(crate) fn nexus_operation_mut(&mut self, scheduled_event_id: i64) -> Option<&mut NexusOperation> {
        if self.nexus.contains_key(&scheduled_event_id) {
            self.touch(ItemKind::NexusOperation, ItemKey::Id(scheduled_event_id));
        }
        self.nexus.get_mut(&scheduled_event_id)
    }

    pub(crate) fn remove_nexus_operation(&mut self, scheduled_event_id: i64) -> Option<NexusOperation> {
        let operation = self.nexus.remove(&scheduled_event_id)?;
        self.touch(ItemKind::NexusOperation, ItemKey::Id(scheduled_event_id));
        Some(operation)
    }

    pub(crate) fn insert_update(&mut self, update: AcceptedUpdate) {
        self.touch(ItemKind::Update, ItemKey::Name(update.update_id.clone()));
        self.updates.insert(update.update_id.clone(), update);
    }

    pub(crate) fn update_mut(&mut self, update_id: &str) -> Option<&mut AcceptedUpdate> {
        if self.updates.contains_key(update_id) {
            self.touch(ItemKind::Update, ItemKey::Name(update_id.to_owned()));
        }
        self.updates.get_mut(update_id)
    }

    /// Adds an update that an event of history has brought: the worker reads it there.
    pub(crate) fn add_admitted_update(&mut self, admitted_event_id: i64, request: Option<update_protocol::Request>) {
        let request = request.unwrap_or_default();
        let update_id = request.meta.as_ref().map(|meta| meta.update_id.clone()).unwrap_or_default();
        self.touch(ItemKind::AdmittedUpdate, ItemKey::Name(update_id.clone()));
        let admitted = AdmittedUpdate { update_id: update_id.clone(), admitted_event_id, request: Some(request) };
        self.live.updates.push(LiveUpdate::of_history(&admitted));
        self.admitted_updates.insert(update_id, admitted);
    }

    /// Forgets it: the workflow has accepted or rejected it.
    pub(crate) fn remove_admitted_update(&mut self, update_id: &str) -> Option<AdmittedUpdate> {
        let admitted = self.admitted_updates.remove(update_id)?;
        self.touch(ItemKind::AdmittedUpdate, ItemKey::Name(update_id.to_owned()));
        Some(admitted)
    }

    /// Remembers a signal's request id; false if it was known.
    pub(crate) fn remember_signal(&mut self, request_id: &str) -> bool {
        if request_id.is_empty() {
            return true;
        }
        let new = !self.signal_requests.contains_key(request_id);
        if new {
            self.signal_requests.insert(request_id.to_owned(), 0);
            self.touch(ItemKind::SignalRequest, ItemKey::Name(request_id.to_owned()));
        }
        new
    }

    /// Memo or search attributes, marked as changed.
    pub(crate) fn properties_mut(&mut self) -> &mut Properties {
        self.touch(ItemKind::Start, ItemKey::Name(state::stored::PROPERTIES.to_owned()));
        self.changes.visibility = true;
        &mut self.properties
    }

    /// Marks the row by which the execution is found and listed as changed.
    pub(crate) fn touch_visibility(&mut self) {
        self.changes.visibility = true;
    }

    pub(crate) fn touch_start(&mut self) {
        self.touch(ItemKind::Start, ItemKey::Id(0));
        self.touch(ItemKind::Start, ItemKey::Name(state::stored::PROPERTIES.to_owned()));
        self.changes.visibility = true;
    }
}
