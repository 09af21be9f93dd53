//! How events get into history: numbered at once, or buffered while a worker holds the workflow task.

pub(crate) mod tail;

use temporalio_protos::temporal::api::{
    common::v1::Link,
    enums::v1::EventType,
    history::v1::{HistoryEvent, history_event::Attributes},
    sdk::v1::{EventGroupMarker, UserMetadata},
};

use super::{Execution, Transition};
use crate::base::time::timestamp;
use crate::stored::persistence::{ItemKey, ItemKind};

/// The id of an event that has none yet since it waits in the buffer.
pub(crate) const BUFFERED: i64 = -123;

/// Where the reference server's task ids begin; some tools take 0 for "not set".
pub(super) const FIRST_TASK_ID: i64 = 1 << 20;

/// What an event carries beside its attributes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extras {
    pub user_metadata: Option<UserMetadata>,
    pub links: Vec<Link>,
    pub event_group_markers: Vec<EventGroupMarker>,
    pub worker_may_ignore: bool,
}

impl Transition<'_> {
    /// Adds an event; returns its id, or [`BUFFERED`].
    pub(crate) fn record(&mut self, attributes: impl Into<Attributes>) -> i64 {
        self.record_with(attributes, Extras::default())
    }

    pub(crate) fn record_with(&mut self, attributes: impl Into<Attributes>, extras: Extras) -> i64 {
        let attributes = attributes.into();
        if self.exec.is_standalone() {
            self.note_standalone(attributes, extras.links);
            return BUFFERED;
        }
        // What enters history must find a task that a restart knows of.
        self.materialise_speculative();
        let event_type = attributes.event_type();
        let event = HistoryEvent {
            event_id: BUFFERED,
            event_time: timestamp(self.now),
            event_type: event_type as i32,
            user_metadata: extras.user_metadata,
            links: extras.links,
            event_group_markers: extras.event_group_markers,
            worker_may_ignore: extras.worker_may_ignore,
            attributes: Some(attributes),
            ..Default::default()
        };
        if self.exec.workflow_task_in_flight() && waits_for_workflow_task(event_type) {
            self.exec.buffer(event);
            return BUFFERED;
        }
        self.exec.append(event)
    }

    /// Adds an event that happened earlier, with its own time.
    pub(super) fn record_at(&mut self, event: HistoryEvent) -> i64 {
        if self.exec.is_standalone() {
            event.attributes.into_iter().for_each(|attributes| self.note_standalone(attributes, event.links.clone()));
            return BUFFERED;
        }
        if self.exec.workflow_task_in_flight() && waits_for_workflow_task(event.event_type()) {
            self.exec.buffer(HistoryEvent { event_id: BUFFERED, ..event });
            return BUFFERED;
        }
        self.exec.append(event)
    }

    /// Numbers and appends what was buffered. Call when the workflow task in flight has ended.
    pub(crate) fn flush_buffered(&mut self) -> bool {
        let events = self.exec.take_buffered();
        let any = !events.is_empty();
        for event in events {
            self.exec.append(event);
        }
        any
    }
}

impl Execution {
    fn append(&mut self, mut event: HistoryEvent) -> i64 {
        let id = self.core.next_event_id;
        event.event_id = id;
        event.task_id = FIRST_TASK_ID + id;
        self.link_started(&mut event);
        self.core.next_event_id += 1;
        self.changes.events.push(event);
        id
    }

    fn buffer(&mut self, event: HistoryEvent) {
        let sequence = self.core.next_buffered;
        self.core.next_buffered += 1;
        self.touch(ItemKind::BufferedEvent, ItemKey::Id(sequence));
        self.buffered.insert(sequence, event);
    }

    /// Takes the buffer in the order in which it goes into history: what ends activities and children comes last.
    fn take_buffered(&mut self) -> Vec<HistoryEvent> {
        let buffered = std::mem::take(&mut self.buffered);
        for sequence in buffered.keys() {
            self.touch(ItemKind::BufferedEvent, ItemKey::Id(*sequence));
        }
        let (ends, others): (Vec<_>, Vec<_>) = buffered.into_values().partition(|e| ends_a_part(e.event_type()));
        others.into_iter().chain(ends).collect()
    }

    /// Events that were buffered refer to started events that had no id then; both get theirs here.
    fn link_started(&mut self, event: &mut HistoryEvent) {
        use Attributes::*;
        let id = event.event_id;
        match event.attributes.as_mut() {
            Some(WorkflowExecutionSignaledEventAttributes(a)) => {
                self.number_signal(&a.request_id, id);
                None
            }
            Some(ActivityTaskStartedEventAttributes(a)) => self.live.started.insert(a.scheduled_event_id, id),
            Some(ChildWorkflowExecutionStartedEventAttributes(a)) => {
                let initiated = a.initiated_event_id;
                if let Some(child) = self.child_mut(initiated) {
                    child.started_event_id = id;
                }
                self.live.started.insert(initiated, id)
            }
            Some(ActivityTaskCompletedEventAttributes(a)) => {
                self.live.link(a.scheduled_event_id, &mut a.started_event_id)
            }
            Some(ActivityTaskFailedEventAttributes(a)) => self.live.link(a.scheduled_event_id, &mut a.started_event_id),
            Some(ActivityTaskTimedOutEventAttributes(a)) => {
                self.live.link(a.scheduled_event_id, &mut a.started_event_id)
            }
            Some(ActivityTaskCanceledEventAttributes(a)) => {
                self.live.link(a.scheduled_event_id, &mut a.started_event_id)
            }
            Some(ChildWorkflowExecutionCompletedEventAttributes(a)) => {
                self.live.link(a.initiated_event_id, &mut a.started_event_id)
            }
            Some(ChildWorkflowExecutionFailedEventAttributes(a)) => {
                self.live.link(a.initiated_event_id, &mut a.started_event_id)
            }
            Some(ChildWorkflowExecutionCanceledEventAttributes(a)) => {
                self.live.link(a.initiated_event_id, &mut a.started_event_id)
            }
            Some(ChildWorkflowExecutionTimedOutEventAttributes(a)) => {
                self.live.link(a.initiated_event_id, &mut a.started_event_id)
            }
            Some(ChildWorkflowExecutionTerminatedEventAttributes(a)) => {
                self.live.link(a.initiated_event_id, &mut a.started_event_id)
            }
            _ => None,
        };
    }
}

/// Events from outside wait while a worker holds the workflow task; what the worker's own commands make does not.
fn waits_for_workflow_task(event_type: EventType) -> bool {
    use EventType::*;
    !matches!(
        event_type,
        WorkflowExecutionStarted
            | WorkflowExecutionCompleted
            | WorkflowExecutionFailed
            | WorkflowExecutionTimedOut
            | WorkflowExecutionTerminated
            | WorkflowExecutionContinuedAsNew
            | WorkflowExecutionCanceled
            | WorkflowTaskScheduled
            | WorkflowTaskStarted
            | WorkflowTaskCompleted
            | WorkflowTaskFailed
            | WorkflowTaskTimedOut
            | ActivityTaskScheduled
            | ActivityTaskCancelRequested
            | TimerStarted
            | TimerCanceled
            | RequestCancelExternalWorkflowExecutionInitiated
            | MarkerRecorded
            | StartChildWorkflowExecutionInitiated
            | SignalExternalWorkflowExecutionInitiated
            | UpsertWorkflowSearchAttributes
            | WorkflowPropertiesModified
            | WorkflowExecutionUpdateAccepted
            | WorkflowExecutionUpdateCompleted
            | NexusOperationScheduled
            | NexusOperationCancelRequested
    )
}

fn ends_a_part(event_type: EventType) -> bool {
    use EventType::*;
    matches!(
        event_type,
        ActivityTaskCompleted
            | ActivityTaskFailed
            | ActivityTaskTimedOut
            | ActivityTaskCanceled
            | ChildWorkflowExecutionCompleted
            | ChildWorkflowExecutionFailed
            | ChildWorkflowExecutionTimedOut
            | ChildWorkflowExecutionCanceled
            | ChildWorkflowExecutionTerminated
            | NexusOperationCompleted
            | NexusOperationFailed
            | NexusOperationTimedOut
            | NexusOperationCanceled
    )
}
