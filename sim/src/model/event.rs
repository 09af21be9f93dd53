//! Events in the words of the model.

use ostro_engine::time::{Time, from_timestamp};
use temporalio_protos::temporal::api::{
    enums::v1::{ParentClosePolicy, RetryState, TimeoutType, WorkflowTaskFailedCause as Cause},
    failure::v1::{Failure, failure::FailureInfo},
    history::v1::{HistoryEvent, history_event::Attributes},
};

use crate::facts::text;

/// An event: its number is its place in the history, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub time: Time,
    pub what: What,
}

/// Numbers of other events are `scheduled`, `started`, `initiated`, `accepted`; 0 where there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Started {
        input: String,
        attempt: i32,
        /// What an earlier run returned, and whether one has failed since.
        last: String,
        after_failure: bool,
    },
    TaskScheduled {
        attempt: i32,
    },
    TaskStarted {
        scheduled: i64,
    },
    TaskCompleted {
        scheduled: i64,
        started: i64,
    },
    TaskFailed {
        scheduled: i64,
        started: i64,
        cause: Cause,
    },
    TaskTimedOut {
        scheduled: i64,
        started: i64,
    },
    Signaled {
        name: String,
        request: String,
    },
    CancelRequested,
    /// A start that found the run there has left its callbacks with it.
    Attached {
        request: String,
    },
    ActivityScheduled {
        id: String,
    },
    ActivityStarted {
        scheduled: i64,
        attempt: i32,
    },
    ActivityCancelRequested {
        scheduled: i64,
    },
    ActivityEnded {
        scheduled: i64,
        started: i64,
        how: Ended,
    },
    TimerStarted {
        id: String,
    },
    TimerFired {
        id: String,
        started: i64,
    },
    TimerCanceled {
        id: String,
        started: i64,
    },
    Marker,
    ChildInitiated {
        workflow: String,
        policy: ParentClosePolicy,
    },
    ChildStarted {
        initiated: i64,
    },
    ChildStartFailed {
        initiated: i64,
    },
    ChildEnded {
        initiated: i64,
        started: i64,
        how: End,
    },
    OperationScheduled {
        name: String,
    },
    OperationStarted {
        scheduled: i64,
        token: String,
    },
    OperationEnded {
        scheduled: i64,
        how: OperationEnd,
    },
    OperationCancelRequested {
        scheduled: i64,
    },
    OperationCancelDelivered {
        scheduled: i64,
        requested: i64,
    },
    OperationCancelFailed {
        scheduled: i64,
        requested: i64,
    },
    /// A reset brought it again.
    UpdateAdmitted {
        id: String,
    },
    /// `admitted`: an event had brought it.
    UpdateAccepted {
        id: String,
        admitted: bool,
    },
    UpdateCompleted {
        accepted: i64,
    },
    Closed(End),
    /// One that the model does not know.
    Other(String),
}

/// How an activity ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    Completed(String),
    Failed(RetryState),
    TimedOut(TimeoutType, RetryState),
    Canceled,
}

/// How a Nexus operation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum OperationEnd {
    Completed(String),
    Failed,
    Canceled,
    TimedOut(TimeoutType),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    Completed,
    Failed(RetryState),
    Canceled,
    Terminated,
    TimedOut(RetryState),
    ContinuedAsNew,
}

impl What {
    /// Whether it waits while a worker has the workflow task: what comes from outside does, what the worker decides not.
    pub fn waits_for_task(&self) -> bool {
        matches!(
            self,
            Self::Signaled { .. }
                | Self::CancelRequested
                | Self::Attached { .. }
                | Self::UpdateAdmitted { .. }
                | Self::ActivityStarted { .. }
                | Self::TimerFired { .. }
                | Self::ChildStarted { .. }
                | Self::ChildStartFailed { .. }
                | Self::OperationStarted { .. }
                | Self::OperationCancelDelivered { .. }
                | Self::OperationCancelFailed { .. }
        ) || self.ends_a_part()
    }

    /// What goes last into history of all that waited.
    pub fn ends_a_part(&self) -> bool {
        matches!(self, Self::ActivityEnded { .. } | Self::ChildEnded { .. } | Self::OperationEnded { .. })
    }
}

/// An event of a real history.
pub fn read(event: &HistoryEvent) -> Event {
    let attributes = event.attributes.as_ref();
    let unknown = || What::Other(event.event_type().as_str_name().to_owned());
    let what = attributes
        .and_then(|a| of_workflow(a).or_else(|| of_part(a)).or_else(|| of_operation(a)))
        .unwrap_or_else(unknown);
    Event { time: from_timestamp(&event.event_time), what }
}

fn of_workflow(attributes: &Attributes) -> Option<What> {
    use Attributes::*;
    Some(match attributes {
        WorkflowExecutionStartedEventAttributes(a) => What::Started {
            input: text(&a.input),
            attempt: a.attempt,
            last: text(&a.last_completion_result),
            after_failure: a.continued_failure.is_some(),
        },
        WorkflowTaskScheduledEventAttributes(a) => What::TaskScheduled { attempt: a.attempt },
        WorkflowTaskStartedEventAttributes(a) => What::TaskStarted { scheduled: a.scheduled_event_id },
        WorkflowTaskCompletedEventAttributes(a) => {
            What::TaskCompleted { scheduled: a.scheduled_event_id, started: a.started_event_id }
        }
        WorkflowTaskFailedEventAttributes(a) => {
            What::TaskFailed { scheduled: a.scheduled_event_id, started: a.started_event_id, cause: a.cause() }
        }
        WorkflowTaskTimedOutEventAttributes(a) => {
            What::TaskTimedOut { scheduled: a.scheduled_event_id, started: a.started_event_id }
        }
        WorkflowExecutionSignaledEventAttributes(a) => {
            What::Signaled { name: a.signal_name.clone(), request: a.request_id.clone() }
        }
        WorkflowExecutionCancelRequestedEventAttributes(_) => What::CancelRequested,
        WorkflowExecutionOptionsUpdatedEventAttributes(a) => What::Attached { request: a.attached_request_id.clone() },
        WorkflowExecutionUpdateAcceptedEventAttributes(a) => {
            What::UpdateAccepted { id: a.protocol_instance_id.clone(), admitted: a.accepted_request.is_none() }
        }
        WorkflowExecutionUpdateAdmittedEventAttributes(a) => {
            let meta = a.request.as_ref().and_then(|request| request.meta.as_ref());
            What::UpdateAdmitted { id: meta.map(|meta| meta.update_id.clone()).unwrap_or_default() }
        }
        WorkflowExecutionUpdateCompletedEventAttributes(a) => What::UpdateCompleted { accepted: a.accepted_event_id },
        WorkflowExecutionCompletedEventAttributes(_) => What::Closed(End::Completed),
        WorkflowExecutionFailedEventAttributes(a) => What::Closed(End::Failed(a.retry_state())),
        WorkflowExecutionCanceledEventAttributes(_) => What::Closed(End::Canceled),
        WorkflowExecutionTerminatedEventAttributes(_) => What::Closed(End::Terminated),
        WorkflowExecutionTimedOutEventAttributes(a) => What::Closed(End::TimedOut(a.retry_state())),
        WorkflowExecutionContinuedAsNewEventAttributes(_) => What::Closed(End::ContinuedAsNew),
        _ => return None,
    })
}

fn of_part(attributes: &Attributes) -> Option<What> {
    use Attributes::*;
    let activity = |scheduled, started, how| What::ActivityEnded { scheduled, started, how };
    let child = |initiated, started, how| What::ChildEnded { initiated, started, how };
    Some(match attributes {
        ActivityTaskScheduledEventAttributes(a) => What::ActivityScheduled { id: a.activity_id.clone() },
        ActivityTaskStartedEventAttributes(a) => {
            What::ActivityStarted { scheduled: a.scheduled_event_id, attempt: a.attempt }
        }
        ActivityTaskCancelRequestedEventAttributes(a) => {
            What::ActivityCancelRequested { scheduled: a.scheduled_event_id }
        }
        ActivityTaskCompletedEventAttributes(a) => {
            activity(a.scheduled_event_id, a.started_event_id, Ended::Completed(text(&a.result)))
        }
        ActivityTaskFailedEventAttributes(a) => {
            activity(a.scheduled_event_id, a.started_event_id, Ended::Failed(a.retry_state()))
        }
        ActivityTaskTimedOutEventAttributes(a) => activity(
            a.scheduled_event_id,
            a.started_event_id,
            Ended::TimedOut(timeout_type(&a.failure), a.retry_state()),
        ),
        ActivityTaskCanceledEventAttributes(a) => activity(a.scheduled_event_id, a.started_event_id, Ended::Canceled),
        TimerStartedEventAttributes(a) => What::TimerStarted { id: a.timer_id.clone() },
        TimerFiredEventAttributes(a) => What::TimerFired { id: a.timer_id.clone(), started: a.started_event_id },
        TimerCanceledEventAttributes(a) => What::TimerCanceled { id: a.timer_id.clone(), started: a.started_event_id },
        MarkerRecordedEventAttributes(_) => What::Marker,
        StartChildWorkflowExecutionInitiatedEventAttributes(a) => {
            What::ChildInitiated { workflow: a.workflow_id.clone(), policy: a.parent_close_policy() }
        }
        ChildWorkflowExecutionStartedEventAttributes(a) => What::ChildStarted { initiated: a.initiated_event_id },
        StartChildWorkflowExecutionFailedEventAttributes(a) => {
            What::ChildStartFailed { initiated: a.initiated_event_id }
        }
        ChildWorkflowExecutionCompletedEventAttributes(a) => {
            child(a.initiated_event_id, a.started_event_id, End::Completed)
        }
        ChildWorkflowExecutionFailedEventAttributes(a) => {
            child(a.initiated_event_id, a.started_event_id, End::Failed(a.retry_state()))
        }
        ChildWorkflowExecutionCanceledEventAttributes(a) => {
            child(a.initiated_event_id, a.started_event_id, End::Canceled)
        }
        ChildWorkflowExecutionTerminatedEventAttributes(a) => {
            child(a.initiated_event_id, a.started_event_id, End::Terminated)
        }
        ChildWorkflowExecutionTimedOutEventAttributes(a) => {
            child(a.initiated_event_id, a.started_event_id, End::TimedOut(a.retry_state()))
        }
        _ => return None,
    })
}

fn of_operation(attributes: &Attributes) -> Option<What> {
    use Attributes::*;
    let ended = |scheduled, how| What::OperationEnded { scheduled, how };
    Some(match attributes {
        NexusOperationScheduledEventAttributes(a) => What::OperationScheduled { name: a.operation.clone() },
        NexusOperationStartedEventAttributes(a) => {
            What::OperationStarted { scheduled: a.scheduled_event_id, token: a.operation_token.clone() }
        }
        NexusOperationCompletedEventAttributes(a) => {
            let result = a.result.as_ref().map(|payload| String::from_utf8_lossy(&payload.data).into_owned());
            ended(a.scheduled_event_id, OperationEnd::Completed(result.unwrap_or_default()))
        }
        NexusOperationFailedEventAttributes(a) => ended(a.scheduled_event_id, OperationEnd::Failed),
        NexusOperationCanceledEventAttributes(a) => ended(a.scheduled_event_id, OperationEnd::Canceled),
        NexusOperationTimedOutEventAttributes(a) => {
            let cause = a.failure.as_ref().and_then(|failure| failure.cause.as_deref().cloned());
            ended(a.scheduled_event_id, OperationEnd::TimedOut(timeout_type(&cause)))
        }
        NexusOperationCancelRequestedEventAttributes(a) => {
            What::OperationCancelRequested { scheduled: a.scheduled_event_id }
        }
        NexusOperationCancelRequestCompletedEventAttributes(a) => {
            What::OperationCancelDelivered { scheduled: a.scheduled_event_id, requested: a.requested_event_id }
        }
        NexusOperationCancelRequestFailedEventAttributes(a) => {
            What::OperationCancelFailed { scheduled: a.scheduled_event_id, requested: a.requested_event_id }
        }
        _ => return None,
    })
}

fn timeout_type(failure: &Option<Failure>) -> TimeoutType {
    match failure.as_ref().and_then(|failure| failure.failure_info.as_ref()) {
        Some(FailureInfo::TimeoutFailureInfo(info)) => info.timeout_type(),
        _ => TimeoutType::Unspecified,
    }
}
