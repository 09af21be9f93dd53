//! An execution from its history: what import and reset begin with.
//!
//! ```text
//! events --apply, one by one--> core, properties, activities, timers, children, signals, cancels, updates
//! ```
//!
//! History does not know everything: attempts of activities that have not ended, the sticky worker, request ids of
//! cancellations and children, transient workflow tasks. A rebuilt execution has the defaults there.

mod activity;
mod child;
mod external;
mod nexus;
mod update;
mod workflow;
mod workflow_task;

use temporalio_protos::temporal::api::{
    enums::v1::EventType,
    history::v1::{HistoryEvent, history_event::Attributes},
};

use super::Execution;
use crate::base::error::{Error, Result};
use crate::base::ids::Ids;
use crate::base::time::{Time, from_timestamp};
use crate::stored::execution::RequestState;
use crate::stored::persistence::{ExecutionId, NamespaceId};

/// What history does not say of the run that is rebuilt from it.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    pub execution: ExecutionId,
    pub namespace: NamespaceId,
    pub workflow_id: String,
    pub run_id: String,
    /// The request that the run answers.
    pub request_id: String,
    pub parent_execution: ExecutionId,
    /// When the run starts where that is not the time of its first event: a reset run starts when it is made.
    pub start_time: Option<Time>,
}

/// Rebuilds the state of a run after `events`, which must be whole from the first on. The events are not marked as new:
/// whoever wants them in the run's own history writes them.
///
/// # Errors
/// INVALID_ARGUMENT where the events are no history.
pub fn rebuild(origin: &Origin, events: &[HistoryEvent], ids: &mut Ids) -> Result<Execution> {
    let mut rebuild = Rebuild { exec: Execution::new(origin.execution), origin, ids, before: EventType::Unspecified };
    if !matches!(
        events.first().and_then(|e| e.attributes.as_ref()),
        Some(Attributes::WorkflowExecutionStartedEventAttributes(_))
    ) {
        return Err(Error::invalid("a history begins with WorkflowExecutionStarted"));
    }
    for event in events {
        rebuild.apply(event)?;
    }
    Ok(rebuild.exec)
}

/// Refuses an event whose type and attributes say different things, and a second beginning.
fn check_type(event: &HistoryEvent, attributes: &Attributes) -> Result<()> {
    let (id, kind) = (event.event_id, attributes.event_type());
    if event.event_type != kind as i32 {
        return Err(Error::invalid(format!("event {id} has the attributes of {kind:?} and another type")));
    }
    if kind == EventType::WorkflowExecutionStarted && id != 1 {
        return Err(Error::invalid(format!("event {id} begins the run a second time")));
    }
    Ok(())
}

/// A rebuild in progress.
struct Rebuild<'a> {
    exec: Execution,
    origin: &'a Origin,
    ids: &'a mut Ids,
    /// The type of the event before.
    before: EventType,
}

impl Rebuild<'_> {
    fn apply(&mut self, event: &HistoryEvent) -> Result<()> {
        let expected = self.exec.core.next_event_id;
        if event.event_id != expected {
            return Err(Error::invalid(format!(
                "the history goes on with event {} after {}",
                event.event_id,
                expected - 1
            )));
        }
        let attributes = event.attributes.as_ref();
        let attributes = attributes.ok_or_else(|| Error::invalid(format!("event {expected} has no attributes")))?;
        check_type(event, attributes)?;
        self.exec.core.next_event_id += 1;
        self.apply_attributes(event, attributes);
        self.before = event.event_type();
        Ok(())
    }

    fn apply_attributes(&mut self, event: &HistoryEvent, attributes: &Attributes) {
        use Attributes::*;
        let (id, time) = (event.event_id, from_timestamp(&event.event_time));
        match attributes {
            WorkflowExecutionStartedEventAttributes(a) => self.started(event, a),
            WorkflowExecutionSignaledEventAttributes(a) => self.signaled(id, a),
            WorkflowExecutionCancelRequestedEventAttributes(_) => self.exec.core.cancel_requested = true,
            WorkflowExecutionOptionsUpdatedEventAttributes(a) => self.exec.apply_options(id, a, time),
            WorkflowExecutionPausedEventAttributes(a) => self.exec.apply_pause(a, time),
            WorkflowExecutionUnpausedEventAttributes(_) => self.exec.apply_unpause(),
            UpsertWorkflowSearchAttributesEventAttributes(a) => self.exec.merge_search_attributes(&a.search_attributes),
            WorkflowPropertiesModifiedEventAttributes(a) => self.exec.merge_memo(&a.upserted_memo),
            WorkflowTaskScheduledEventAttributes(a) => self.workflow_task_scheduled(id, time, a),
            WorkflowTaskStartedEventAttributes(a) => self.workflow_task_started(id, time, a),
            WorkflowTaskCompletedEventAttributes(a) => self.workflow_task_completed(a),
            WorkflowTaskFailedEventAttributes(a) => self.workflow_task_failed(a),
            WorkflowTaskTimedOutEventAttributes(a) => self.workflow_task_timed_out(a),
            ActivityTaskScheduledEventAttributes(a) => self.exec.add_activity(id, a.clone(), time),
            ActivityTaskStartedEventAttributes(a) => self.activity_started(id, time, a),
            ActivityTaskCancelRequestedEventAttributes(a) => self.activity_cancel_requested(id, a.scheduled_event_id),
            ActivityTaskCompletedEventAttributes(a) => self.activity_ended(a.scheduled_event_id),
            ActivityTaskFailedEventAttributes(a) => self.activity_ended(a.scheduled_event_id),
            ActivityTaskTimedOutEventAttributes(a) => self.activity_ended(a.scheduled_event_id),
            ActivityTaskCanceledEventAttributes(a) => self.activity_ended(a.scheduled_event_id),
            TimerStartedEventAttributes(a) => self.exec.add_timer(id, &a.timer_id, &a.start_to_fire_timeout, time),
            TimerFiredEventAttributes(a) => drop(self.exec.remove_timer(&a.timer_id)),
            TimerCanceledEventAttributes(a) => drop(self.exec.remove_timer(&a.timer_id)),
            WorkflowExecutionUpdateAdmittedEventAttributes(a) => self.exec.add_admitted_update(id, a.request.clone()),
            WorkflowExecutionUpdateAcceptedEventAttributes(a) => self.update_accepted(id, a),
            WorkflowExecutionUpdateCompletedEventAttributes(a) => self.update_completed(id, a),
            other => self.apply_to_others(event, other),
        }
    }

    /// Children and other executions.
    fn apply_to_others(&mut self, event: &HistoryEvent, attributes: &Attributes) {
        use Attributes::*;
        let id = event.event_id;
        match attributes {
            StartChildWorkflowExecutionInitiatedEventAttributes(a) => self.child_initiated(event, a),
            ChildWorkflowExecutionStartedEventAttributes(a) => self.child_started(id, a),
            StartChildWorkflowExecutionFailedEventAttributes(a) => self.child_ended(a.initiated_event_id),
            ChildWorkflowExecutionCompletedEventAttributes(a) => self.child_ended(a.initiated_event_id),
            ChildWorkflowExecutionFailedEventAttributes(a) => self.child_ended(a.initiated_event_id),
            ChildWorkflowExecutionCanceledEventAttributes(a) => self.child_ended(a.initiated_event_id),
            ChildWorkflowExecutionTimedOutEventAttributes(a) => self.child_ended(a.initiated_event_id),
            ChildWorkflowExecutionTerminatedEventAttributes(a) => self.child_ended(a.initiated_event_id),
            SignalExternalWorkflowExecutionInitiatedEventAttributes(a) => self.signal_initiated(id, a),
            ExternalWorkflowExecutionSignaledEventAttributes(a) => self.signal_ended(a.initiated_event_id),
            SignalExternalWorkflowExecutionFailedEventAttributes(a) => self.signal_ended(a.initiated_event_id),
            RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(a) => self.cancel_initiated(id, a),
            ExternalWorkflowExecutionCancelRequestedEventAttributes(a) => self.cancel_ended(a.initiated_event_id),
            RequestCancelExternalWorkflowExecutionFailedEventAttributes(a) => self.cancel_ended(a.initiated_event_id),
            other => self.apply_to_nexus(event, other),
        }
    }

    /// Nexus operations, and the end.
    fn apply_to_nexus(&mut self, event: &HistoryEvent, attributes: &Attributes) {
        use Attributes::*;
        let (id, time) = (event.event_id, from_timestamp(&event.event_time));
        match attributes {
            NexusOperationScheduledEventAttributes(a) => self.nexus_scheduled(id, time, a),
            NexusOperationStartedEventAttributes(a) => self.nexus_started(time, a),
            NexusOperationCompletedEventAttributes(a) => self.nexus_ended(a.scheduled_event_id),
            NexusOperationFailedEventAttributes(a) => self.nexus_ended(a.scheduled_event_id),
            NexusOperationCanceledEventAttributes(a) => self.nexus_ended(a.scheduled_event_id),
            NexusOperationTimedOutEventAttributes(a) => self.nexus_ended(a.scheduled_event_id),
            NexusOperationCancelRequestedEventAttributes(a) => {
                self.nexus_cancel_requested(id, time, a.scheduled_event_id);
            }
            NexusOperationCancelRequestCompletedEventAttributes(a) => {
                self.nexus_cancel_ended(a.scheduled_event_id, RequestState::Succeeded);
            }
            NexusOperationCancelRequestFailedEventAttributes(a) => {
                self.nexus_cancel_ended(a.scheduled_event_id, RequestState::Failed);
            }
            closing => self.closed(event, closing),
        }
    }
}
