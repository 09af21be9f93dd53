//! What a history says, in the form in which a program asks for it.

use std::collections::{BTreeMap, BTreeSet};

use temporalio_protos::temporal::api::{
    history::v1::{HistoryEvent, history_event::Attributes},
    update::v1::Request,
};

/// How far something that was begun has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    /// The event that began it.
    pub event: i64,
    pub cancel_requested: bool,
    /// Children only.
    pub started: bool,
    pub ended: bool,
}

#[derive(Debug, Default)]
pub struct Facts {
    pub input: String,
    pub attempt: i32,
    pub workflow_id: String,
    /// By activity id, timer id, child workflow id, and by the name that the program gave the external call.
    pub activities: BTreeMap<String, Part>,
    pub timers: BTreeMap<String, Part>,
    pub children: BTreeMap<String, Part>,
    pub external: BTreeMap<String, Part>,
    pub marks: BTreeSet<String>,
    pub signals: BTreeMap<String, u32>,
    pub cancel_requested: bool,
    /// By update id: its name, and whether it is answered.
    pub updates: BTreeMap<String, (String, bool)>,
    /// Updates that an event brought and that are not accepted.
    pub admitted: BTreeMap<String, Request>,
    /// Nexus operations by name.
    pub operations: BTreeMap<String, Part>,
}

impl Facts {
    pub fn of(events: &[HistoryEvent]) -> Self {
        let mut facts = Self::default();
        let mut names: BTreeMap<i64, String> = BTreeMap::new();
        for event in events {
            facts.add(event, &mut names);
        }
        facts
    }

    fn add(&mut self, event: &HistoryEvent, names: &mut BTreeMap<i64, String>) {
        use Attributes::*;
        let id = event.event_id;
        let part = Part { event: id, ..Part::default() };
        let Some(attributes) = &event.attributes else { return };
        match attributes {
            WorkflowExecutionStartedEventAttributes(a) => {
                self.input = text(&a.input);
                self.attempt = a.attempt;
                self.workflow_id.clone_from(&a.workflow_id);
            }
            ActivityTaskScheduledEventAttributes(a) => {
                names.insert(id, a.activity_id.clone());
                self.activities.insert(a.activity_id.clone(), part);
            }
            ActivityTaskCancelRequestedEventAttributes(a) => {
                change(&mut self.activities, names, a.scheduled_event_id, |p| p.cancel_requested = true)
            }
            ActivityTaskCompletedEventAttributes(a) => end(&mut self.activities, names, a.scheduled_event_id),
            ActivityTaskFailedEventAttributes(a) => end(&mut self.activities, names, a.scheduled_event_id),
            ActivityTaskTimedOutEventAttributes(a) => end(&mut self.activities, names, a.scheduled_event_id),
            ActivityTaskCanceledEventAttributes(a) => end(&mut self.activities, names, a.scheduled_event_id),
            TimerStartedEventAttributes(a) => drop(self.timers.insert(a.timer_id.clone(), part)),
            TimerFiredEventAttributes(a) => self.timers.entry(a.timer_id.clone()).or_default().ended = true,
            TimerCanceledEventAttributes(a) => {
                let timer = self.timers.entry(a.timer_id.clone()).or_default();
                (timer.ended, timer.cancel_requested) = (true, true);
            }
            StartChildWorkflowExecutionInitiatedEventAttributes(a) => {
                names.insert(id, a.workflow_id.clone());
                self.children.insert(a.workflow_id.clone(), part);
            }
            ChildWorkflowExecutionStartedEventAttributes(a) => {
                change(&mut self.children, names, a.initiated_event_id, |p| p.started = true)
            }
            StartChildWorkflowExecutionFailedEventAttributes(a) => end(&mut self.children, names, a.initiated_event_id),
            ChildWorkflowExecutionCompletedEventAttributes(a) => end(&mut self.children, names, a.initiated_event_id),
            ChildWorkflowExecutionFailedEventAttributes(a) => end(&mut self.children, names, a.initiated_event_id),
            ChildWorkflowExecutionCanceledEventAttributes(a) => end(&mut self.children, names, a.initiated_event_id),
            ChildWorkflowExecutionTimedOutEventAttributes(a) => end(&mut self.children, names, a.initiated_event_id),
            ChildWorkflowExecutionTerminatedEventAttributes(a) => end(&mut self.children, names, a.initiated_event_id),
            SignalExternalWorkflowExecutionInitiatedEventAttributes(a) => {
                let name = text(&a.input);
                names.insert(id, name.clone());
                self.external.insert(name, part);
            }
            RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(a) => {
                names.insert(id, a.reason.clone());
                self.external.insert(a.reason.clone(), part);
            }
            ExternalWorkflowExecutionSignaledEventAttributes(a) => end(&mut self.external, names, a.initiated_event_id),
            ExternalWorkflowExecutionCancelRequestedEventAttributes(a) => {
                end(&mut self.external, names, a.initiated_event_id)
            }
            SignalExternalWorkflowExecutionFailedEventAttributes(a) => {
                end(&mut self.external, names, a.initiated_event_id)
            }
            RequestCancelExternalWorkflowExecutionFailedEventAttributes(a) => {
                end(&mut self.external, names, a.initiated_event_id)
            }
            MarkerRecordedEventAttributes(a) => drop(self.marks.insert(a.marker_name.clone())),
            WorkflowPropertiesModifiedEventAttributes(a) => {
                self.marks.extend(a.upserted_memo.iter().flat_map(|memo| memo.fields.keys().cloned()));
            }
            WorkflowExecutionSignaledEventAttributes(a) => *self.signals.entry(a.signal_name.clone()).or_default() += 1,
            WorkflowExecutionCancelRequestedEventAttributes(_) => self.cancel_requested = true,
            WorkflowExecutionUpdateAdmittedEventAttributes(a) => {
                let request = a.request.clone().unwrap_or_default();
                let id = request.meta.as_ref().map(|meta| meta.update_id.clone()).unwrap_or_default();
                self.admitted.insert(id, request);
            }
            NexusOperationScheduledEventAttributes(a) => {
                names.insert(id, a.operation.clone());
                self.operations.insert(a.operation.clone(), part);
            }
            NexusOperationCancelRequestedEventAttributes(a) => {
                change(&mut self.operations, names, a.scheduled_event_id, |p| p.cancel_requested = true)
            }
            NexusOperationCompletedEventAttributes(a) => end(&mut self.operations, names, a.scheduled_event_id),
            NexusOperationFailedEventAttributes(a) => end(&mut self.operations, names, a.scheduled_event_id),
            NexusOperationCanceledEventAttributes(a) => end(&mut self.operations, names, a.scheduled_event_id),
            NexusOperationTimedOutEventAttributes(a) => end(&mut self.operations, names, a.scheduled_event_id),
            WorkflowExecutionUpdateAcceptedEventAttributes(a) => {
                let admitted = self.admitted.remove(&a.protocol_instance_id);
                let request = a.accepted_request.as_ref().or(admitted.as_ref());
                let name = request.and_then(|r| r.input.as_ref()).map(|i| i.name.clone()).unwrap_or_default();
                names.insert(id, a.protocol_instance_id.clone());
                self.updates.insert(a.protocol_instance_id.clone(), (name, false));
            }
            WorkflowExecutionUpdateCompletedEventAttributes(a) => {
                if let Some(update) = names.get(&a.accepted_event_id).and_then(|id| self.updates.get_mut(id)) {
                    update.1 = true;
                }
            }
            _ => {}
        }
    }
}

fn change(parts: &mut BTreeMap<String, Part>, names: &BTreeMap<i64, String>, event: i64, with: impl FnOnce(&mut Part)) {
    if let Some(part) = names.get(&event).and_then(|name| parts.get_mut(name)) {
        with(part);
    }
}

fn end(parts: &mut BTreeMap<String, Part>, names: &BTreeMap<i64, String>, event: i64) {
    change(parts, names, event, |part| part.ended = true);
}

/// The text of a payload that [`crate::vocabulary::payloads`] made.
pub fn text(payloads: &Option<temporalio_protos::temporal::api::common::v1::Payloads>) -> String {
    let first = payloads.as_ref().and_then(|p| p.payloads.first());
    first.map(|p| String::from_utf8_lossy(&p.data).into_owned()).unwrap_or_default()
}
