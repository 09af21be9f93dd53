//! What the workflow calls elsewhere: timers, child workflows, other executions, Nexus operations.

use std::time::SystemTime;

use ostro_explain::duration;
use temporalio_protos::temporal::api::common::v1::Payloads;
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;

use super::{Kind, Outcome, PartKind, Row, Timeline};

/// Takes an event of such a call; false for one of anything else.
pub(super) fn push(timeline: &mut Timeline, event: i64, time: SystemTime, attributes: &Attributes) -> bool {
    timer(timeline, event, time, attributes)
        || child(timeline, event, time, attributes)
        || nexus(timeline, event, time, attributes)
        || external(timeline, event, time, attributes)
}

/// How a call ended.
struct End<'a> {
    outcome: Outcome,
    result: Option<&'a Payloads>,
    failure: Option<&'a Failure>,
}

const fn ended<'a>(outcome: Outcome) -> End<'a> {
    End { outcome, result: None, failure: None }
}

impl Timeline {
    fn end(&mut self, began: i64, time: SystemTime, end: End<'_>) {
        if let Some(row) = self.of_event(began) {
            row.payloads("Result", end.result);
            row.fault(end.failure);
            row.close(time, end.outcome);
        }
    }
}

fn timer(timeline: &mut Timeline, event: i64, time: SystemTime, attributes: &Attributes) -> bool {
    match attributes {
        Attributes::TimerStartedEventAttributes(a) => {
            let lasts = a.start_to_fire_timeout.as_ref().map(duration::from_proto).unwrap_or_default();
            let name = duration::text(lasts);
            let mut row = Row::new(event, Kind::Timer, &name, &a.timer_id, PartKind::Waiting, time);
            row.detail("Timer id", &a.timer_id);
            timeline.begin(row);
        }
        Attributes::TimerFiredEventAttributes(a) => timeline.end(a.started_event_id, time, ended(Outcome::Done)),
        Attributes::TimerCanceledEventAttributes(a) => timeline.end(a.started_event_id, time, ended(Outcome::Canceled)),
        _ => return false,
    }
    true
}

fn child(timeline: &mut Timeline, event: i64, time: SystemTime, attributes: &Attributes) -> bool {
    use Attributes::*;
    match attributes {
        StartChildWorkflowExecutionInitiatedEventAttributes(a) => {
            let name = a.workflow_type.as_ref().map_or("", |kind| &kind.name);
            let mut row = Row::new(event, Kind::Child, name, &a.workflow_id, PartKind::Queued, time);
            row.detail("Workflow id", &a.workflow_id);
            row.payloads("Input", a.input.as_ref());
            timeline.begin(row);
        }
        ChildWorkflowExecutionStartedEventAttributes(a) => {
            let Some(row) = timeline.of_event(a.initiated_event_id) else { return true };
            row.run = a.workflow_execution.as_ref().map(|child| child.run_id.clone()).unwrap_or_default();
            row.next(PartKind::Running, time);
        }
        StartChildWorkflowExecutionFailedEventAttributes(a) => {
            if let Some(row) = timeline.of_event(a.initiated_event_id) {
                row.error = crate::shown::name(a.cause().as_str_name(), "START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_");
                row.close(time, Outcome::Failed);
            }
        }
        ChildWorkflowExecutionCompletedEventAttributes(a) => {
            let end = End { result: a.result.as_ref(), ..ended(Outcome::Done) };
            timeline.end(a.initiated_event_id, time, end);
        }
        ChildWorkflowExecutionFailedEventAttributes(a) => {
            let end = End { failure: a.failure.as_ref(), ..ended(Outcome::Failed) };
            timeline.end(a.initiated_event_id, time, end);
        }
        ChildWorkflowExecutionCanceledEventAttributes(a) => {
            timeline.end(a.initiated_event_id, time, ended(Outcome::Canceled));
        }
        ChildWorkflowExecutionTimedOutEventAttributes(a) => {
            timeline.end(a.initiated_event_id, time, ended(Outcome::TimedOut));
        }
        ChildWorkflowExecutionTerminatedEventAttributes(a) => {
            timeline.end(a.initiated_event_id, time, ended(Outcome::Failed));
        }
        _ => return false,
    }
    true
}

fn nexus(timeline: &mut Timeline, event: i64, time: SystemTime, attributes: &Attributes) -> bool {
    use Attributes::*;
    match attributes {
        NexusOperationScheduledEventAttributes(a) => {
            let name = format!("{}.{}", a.service, a.operation);
            let mut row = Row::new(event, Kind::Nexus, &name, "", PartKind::Queued, time);
            row.detail("Endpoint", &a.endpoint);
            timeline.begin(row);
        }
        NexusOperationStartedEventAttributes(a) => {
            if let Some(row) = timeline.of_event(a.scheduled_event_id) {
                row.next(PartKind::Running, time);
            }
        }
        NexusOperationCompletedEventAttributes(a) => timeline.end(a.scheduled_event_id, time, ended(Outcome::Done)),
        NexusOperationFailedEventAttributes(a) => {
            timeline.end(a.scheduled_event_id, time, End { failure: a.failure.as_ref(), ..ended(Outcome::Failed) });
        }
        NexusOperationCanceledEventAttributes(a) => {
            timeline.end(a.scheduled_event_id, time, End { failure: a.failure.as_ref(), ..ended(Outcome::Canceled) });
        }
        NexusOperationTimedOutEventAttributes(a) => {
            timeline.end(a.scheduled_event_id, time, End { failure: a.failure.as_ref(), ..ended(Outcome::TimedOut) });
        }
        _ => return false,
    }
    true
}

fn external(timeline: &mut Timeline, event: i64, time: SystemTime, attributes: &Attributes) -> bool {
    use Attributes::*;
    match attributes {
        SignalExternalWorkflowExecutionInitiatedEventAttributes(a) => {
            let to = a.workflow_execution.clone().unwrap_or_default();
            let mut row = Row::new(event, Kind::SignalSent, &a.signal_name, &to.workflow_id, PartKind::Queued, time);
            row.detail("To workflow", &to.workflow_id);
            row.payloads("Input", a.input.as_ref());
            timeline.begin(row);
        }
        RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(a) => {
            let to = a.workflow_execution.clone().unwrap_or_default();
            let name = &to.workflow_id;
            timeline.begin(Row::new(event, Kind::CancelSent, name, name, PartKind::Queued, time));
        }
        ExternalWorkflowExecutionSignaledEventAttributes(a) => {
            timeline.end(a.initiated_event_id, time, ended(Outcome::Done));
        }
        ExternalWorkflowExecutionCancelRequestedEventAttributes(a) => {
            timeline.end(a.initiated_event_id, time, ended(Outcome::Done));
        }
        SignalExternalWorkflowExecutionFailedEventAttributes(a) => {
            timeline.end(a.initiated_event_id, time, ended(Outcome::Failed));
        }
        RequestCancelExternalWorkflowExecutionFailedEventAttributes(a) => {
            timeline.end(a.initiated_event_id, time, ended(Outcome::Failed));
        }
        _ => return false,
    }
    true
}
