//! Events for tests of machines.

use temporalio_protos::temporal::api::{
    command::v1::{Command, command},
    enums::v1::{EventType, WorkflowTaskFailedCause},
    history::v1::{history_event::Attributes, *},
};

use super::error::Result;
use super::flags::{Flags, Sdk};
use super::machine::Effects;

/// Flags of a server that takes metadata.
pub(crate) fn flags() -> Flags {
    Flags::new(true, Sdk { name: "test".into(), version: "0".into() })
}

macro_rules! context {
    () => {
        $crate::replay::machine::Context { flags: &mut $crate::replay::testing::flags(), is_last_task: false }
    };
}
pub(crate) use context;

/// What a call of a machine wants done.
pub(crate) fn run(call: impl FnOnce(&mut Effects) -> Result<()>) -> Effects {
    let mut out = Effects::new();
    call(&mut out).expect("the machine takes it");
    out
}

fn event(attributes: Attributes) -> HistoryEvent {
    HistoryEvent {
        event_id: 5,
        event_type: attributes.event_type() as i32,
        event_time: Some(prost_wkt_types::Timestamp { seconds: 100, nanos: 0 }),
        attributes: Some(attributes),
        ..HistoryEvent::default()
    }
}

macro_rules! by_kind {
    ($kind:expr; $($variant:ident),* $(,)?) => {
        match $kind {
            $(EventType::$variant => pastes::$variant(),)*
            other => panic!("no test makes {other:?}"),
        }
    };
}

/// An event of a kind, with nothing in it.
pub(crate) fn event_of(kind: EventType) -> HistoryEvent {
    event(by_kind!(kind;
        WorkflowTaskScheduled, WorkflowTaskStarted, WorkflowTaskCompleted, WorkflowTaskFailed, WorkflowTaskTimedOut,
        ActivityTaskScheduled, ActivityTaskStarted, ActivityTaskCompleted, ActivityTaskFailed, ActivityTaskTimedOut,
        ActivityTaskCancelRequested, ActivityTaskCanceled, TimerStarted,
        StartChildWorkflowExecutionInitiated, StartChildWorkflowExecutionFailed, ChildWorkflowExecutionStarted,
        ChildWorkflowExecutionCompleted, ChildWorkflowExecutionFailed, ChildWorkflowExecutionTimedOut,
        ChildWorkflowExecutionTerminated, ChildWorkflowExecutionCanceled,
        SignalExternalWorkflowExecutionInitiated, SignalExternalWorkflowExecutionFailed,
        ExternalWorkflowExecutionSignaled, RequestCancelExternalWorkflowExecutionInitiated,
        RequestCancelExternalWorkflowExecutionFailed, ExternalWorkflowExecutionCancelRequested,
        WorkflowExecutionUpdateAccepted, WorkflowExecutionUpdateCompleted,
        NexusOperationScheduled, NexusOperationStarted, NexusOperationCompleted, NexusOperationFailed,
        NexusOperationCanceled, NexusOperationTimedOut, NexusOperationCancelRequested,
        NexusOperationCancelRequestCompleted, NexusOperationCancelRequestFailed,
        UpsertWorkflowSearchAttributes, WorkflowPropertiesModified,
        WorkflowExecutionCompleted, WorkflowExecutionFailed, WorkflowExecutionCanceled,
        WorkflowExecutionContinuedAsNew,
    ))
}

/// Attributes by the names of event types.
#[allow(non_snake_case)]
mod pastes {
    use super::*;

    macro_rules! empty {
        ($($name:ident: $variant:ident($attributes:ident);)*) => {
            $(pub fn $name() -> Attributes { Attributes::$variant($attributes {
                ..Default::default()
            }) })*
        };
    }

    empty! {
        WorkflowTaskScheduled: WorkflowTaskScheduledEventAttributes(WorkflowTaskScheduledEventAttributes);
        WorkflowTaskStarted: WorkflowTaskStartedEventAttributes(WorkflowTaskStartedEventAttributes);
        WorkflowTaskCompleted: WorkflowTaskCompletedEventAttributes(WorkflowTaskCompletedEventAttributes);
        WorkflowTaskFailed: WorkflowTaskFailedEventAttributes(WorkflowTaskFailedEventAttributes);
        WorkflowTaskTimedOut: WorkflowTaskTimedOutEventAttributes(WorkflowTaskTimedOutEventAttributes);
        ActivityTaskScheduled: ActivityTaskScheduledEventAttributes(ActivityTaskScheduledEventAttributes);
        ActivityTaskStarted: ActivityTaskStartedEventAttributes(ActivityTaskStartedEventAttributes);
        ActivityTaskCompleted: ActivityTaskCompletedEventAttributes(ActivityTaskCompletedEventAttributes);
        ActivityTaskFailed: ActivityTaskFailedEventAttributes(ActivityTaskFailedEventAttributes);
        ActivityTaskTimedOut: ActivityTaskTimedOutEventAttributes(ActivityTaskTimedOutEventAttributes);
        ActivityTaskCancelRequested: ActivityTaskCancelRequestedEventAttributes(ActivityTaskCancelRequestedEventAttributes);
        ActivityTaskCanceled: ActivityTaskCanceledEventAttributes(ActivityTaskCanceledEventAttributes);
        TimerStarted: TimerStartedEventAttributes(TimerStartedEventAttributes);
        StartChildWorkflowExecutionInitiated: StartChildWorkflowExecutionInitiatedEventAttributes(StartChildWorkflowExecutionInitiatedEventAttributes);
        StartChildWorkflowExecutionFailed: StartChildWorkflowExecutionFailedEventAttributes(StartChildWorkflowExecutionFailedEventAttributes);
        ChildWorkflowExecutionCompleted: ChildWorkflowExecutionCompletedEventAttributes(ChildWorkflowExecutionCompletedEventAttributes);
        ChildWorkflowExecutionFailed: ChildWorkflowExecutionFailedEventAttributes(ChildWorkflowExecutionFailedEventAttributes);
        ChildWorkflowExecutionTimedOut: ChildWorkflowExecutionTimedOutEventAttributes(ChildWorkflowExecutionTimedOutEventAttributes);
        ChildWorkflowExecutionTerminated: ChildWorkflowExecutionTerminatedEventAttributes(ChildWorkflowExecutionTerminatedEventAttributes);
        ChildWorkflowExecutionCanceled: ChildWorkflowExecutionCanceledEventAttributes(ChildWorkflowExecutionCanceledEventAttributes);
        SignalExternalWorkflowExecutionInitiated: SignalExternalWorkflowExecutionInitiatedEventAttributes(SignalExternalWorkflowExecutionInitiatedEventAttributes);
        SignalExternalWorkflowExecutionFailed: SignalExternalWorkflowExecutionFailedEventAttributes(SignalExternalWorkflowExecutionFailedEventAttributes);
        ExternalWorkflowExecutionSignaled: ExternalWorkflowExecutionSignaledEventAttributes(ExternalWorkflowExecutionSignaledEventAttributes);
        RequestCancelExternalWorkflowExecutionInitiated: RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(RequestCancelExternalWorkflowExecutionInitiatedEventAttributes);
        RequestCancelExternalWorkflowExecutionFailed: RequestCancelExternalWorkflowExecutionFailedEventAttributes(RequestCancelExternalWorkflowExecutionFailedEventAttributes);
        ExternalWorkflowExecutionCancelRequested: ExternalWorkflowExecutionCancelRequestedEventAttributes(ExternalWorkflowExecutionCancelRequestedEventAttributes);
        WorkflowExecutionUpdateAccepted: WorkflowExecutionUpdateAcceptedEventAttributes(WorkflowExecutionUpdateAcceptedEventAttributes);
        WorkflowExecutionUpdateCompleted: WorkflowExecutionUpdateCompletedEventAttributes(WorkflowExecutionUpdateCompletedEventAttributes);
        NexusOperationScheduled: NexusOperationScheduledEventAttributes(NexusOperationScheduledEventAttributes);
        NexusOperationStarted: NexusOperationStartedEventAttributes(NexusOperationStartedEventAttributes);
        NexusOperationCompleted: NexusOperationCompletedEventAttributes(NexusOperationCompletedEventAttributes);
        NexusOperationFailed: NexusOperationFailedEventAttributes(NexusOperationFailedEventAttributes);
        NexusOperationCanceled: NexusOperationCanceledEventAttributes(NexusOperationCanceledEventAttributes);
        NexusOperationTimedOut: NexusOperationTimedOutEventAttributes(NexusOperationTimedOutEventAttributes);
        NexusOperationCancelRequested: NexusOperationCancelRequestedEventAttributes(NexusOperationCancelRequestedEventAttributes);
        NexusOperationCancelRequestCompleted: NexusOperationCancelRequestCompletedEventAttributes(NexusOperationCancelRequestCompletedEventAttributes);
        NexusOperationCancelRequestFailed: NexusOperationCancelRequestFailedEventAttributes(NexusOperationCancelRequestFailedEventAttributes);
        UpsertWorkflowSearchAttributes: UpsertWorkflowSearchAttributesEventAttributes(UpsertWorkflowSearchAttributesEventAttributes);
        WorkflowPropertiesModified: WorkflowPropertiesModifiedEventAttributes(WorkflowPropertiesModifiedEventAttributes);
        WorkflowExecutionCompleted: WorkflowExecutionCompletedEventAttributes(WorkflowExecutionCompletedEventAttributes);
        WorkflowExecutionFailed: WorkflowExecutionFailedEventAttributes(WorkflowExecutionFailedEventAttributes);
        WorkflowExecutionCanceled: WorkflowExecutionCanceledEventAttributes(WorkflowExecutionCanceledEventAttributes);
        WorkflowExecutionContinuedAsNew: WorkflowExecutionContinuedAsNewEventAttributes(WorkflowExecutionContinuedAsNewEventAttributes);
    }

    pub fn ChildWorkflowExecutionStarted() -> Attributes {
        Attributes::ChildWorkflowExecutionStartedEventAttributes(ChildWorkflowExecutionStartedEventAttributes {
            workflow_execution: Some(Default::default()),
            ..Default::default()
        })
    }
}

/// Events with something in them.
pub(crate) mod attributes {
    use super::*;

    pub fn timer_started() -> HistoryEvent {
        event_of(EventType::TimerStarted)
    }

    pub fn timer_fired(id: &str) -> HistoryEvent {
        event(Attributes::TimerFiredEventAttributes(TimerFiredEventAttributes {
            timer_id: id.to_owned(),
            started_event_id: 5,
        }))
    }

    pub fn timer_canceled() -> HistoryEvent {
        event(Attributes::TimerCanceledEventAttributes(TimerCanceledEventAttributes::default()))
    }

    pub fn task_reset(new_run_id: &str) -> HistoryEvent {
        event(Attributes::WorkflowTaskFailedEventAttributes(WorkflowTaskFailedEventAttributes {
            cause: WorkflowTaskFailedCause::ResetWorkflow as i32,
            new_run_id: new_run_id.to_owned(),
            ..Default::default()
        }))
    }

    /// The event that a marker's command leaves.
    pub fn marker(command: &Command) -> HistoryEvent {
        let Some(command::Attributes::RecordMarkerCommandAttributes(marker)) = command.attributes.clone() else {
            panic!("{command:?} records no marker");
        };
        event(Attributes::MarkerRecordedEventAttributes(MarkerRecordedEventAttributes {
            marker_name: marker.marker_name,
            details: marker.details,
            failure: marker.failure,
            ..Default::default()
        }))
    }
}
