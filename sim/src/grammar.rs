//! What a history must look like, event by event.

use std::collections::{BTreeMap, BTreeSet};

use temporalio_protos::temporal::api::{
    enums::v1::RetryState,
    failure::v1::{Failure, failure::FailureInfo},
    history::v1::{ActivityTaskScheduledEventAttributes, HistoryEvent, history_event::Attributes},
};

use crate::activities::{BY_ID, result_of};
use crate::facts::text;
use ostro_engine::time::Span;

type Checked = Result<(), String>;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Task {
    #[default]
    None,
    Scheduled(i64),
    Started(i64, i64),
}

#[derive(Debug)]
struct Activity {
    scheduled: ActivityTaskScheduledEventAttributes,
    /// The started event and its attempt.
    started: Option<(i64, i32)>,
    cancel_requested: bool,
}

/// One run's history so far.
#[derive(Debug, Default)]
pub struct Grammar {
    task: Task,
    activities: BTreeMap<i64, Activity>,
    timers: BTreeMap<String, i64>,
    /// By initiated event; the started event, 0 before.
    children: BTreeMap<i64, i64>,
    external: BTreeSet<i64>,
    /// By accepted event.
    updates: BTreeMap<i64, String>,
    closed: bool,
    cancel_requested: bool,
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(what()) }
}

impl Grammar {
    /// Takes the next event.
    ///
    /// # Errors
    /// Where it may not stand there.
    pub fn add(&mut self, event: &HistoryEvent) -> Checked {
        let attributes = event.attributes.as_ref().ok_or("an event without attributes")?;
        ensure(!self.closed, || format!("{} after the end of the run", name(event)))?;
        self.task_event(event.event_id, attributes).map_err(|e| at(event, e))?;
        self.activity_event(event.event_id, attributes).map_err(|e| at(event, e))?;
        self.other_event(event.event_id, attributes).map_err(|e| at(event, e))
    }

    fn task_event(&mut self, id: i64, attributes: &Attributes) -> Checked {
        use Attributes::*;
        let wrong = |task: Task| format!("the workflow task is {task:?}");
        match attributes {
            WorkflowTaskScheduledEventAttributes(_) => {
                ensure(self.task == Task::None, || wrong(self.task))?;
                self.task = Task::Scheduled(id);
            }
            WorkflowTaskStartedEventAttributes(a) => {
                ensure(self.task == Task::Scheduled(a.scheduled_event_id), || wrong(self.task))?;
                self.task = Task::Started(a.scheduled_event_id, id);
            }
            WorkflowTaskCompletedEventAttributes(a) => {
                ensure(self.task == Task::Started(a.scheduled_event_id, a.started_event_id), || wrong(self.task))?;
                self.task = Task::None;
            }
            WorkflowTaskFailedEventAttributes(a) => {
                ensure(self.task == Task::Started(a.scheduled_event_id, a.started_event_id), || wrong(self.task))?;
                self.task = Task::None;
            }
            WorkflowTaskTimedOutEventAttributes(a) => {
                let expected = match a.started_event_id {
                    0 => Task::Scheduled(a.scheduled_event_id),
                    started => Task::Started(a.scheduled_event_id, started),
                };
                ensure(self.task == expected, || wrong(self.task))?;
                self.task = Task::None;
            }
            WorkflowExecutionTerminatedEventAttributes(_) | WorkflowExecutionTimedOutEventAttributes(_) => {
                ensure(!matches!(self.task, Task::Started(..)), || wrong(self.task))?
            }
            _ => ensure(!matches!(self.task, Task::Started(..)), || "it stands within a workflow task".to_owned())?,
        }
        Ok(())
    }

    fn activity_event(&mut self, id: i64, attributes: &Attributes) -> Checked {
        use Attributes::*;
        match attributes {
            ActivityTaskScheduledEventAttributes(a) => {
                let twice = self.activities.values().any(|other| other.scheduled.activity_id == a.activity_id);
                ensure(!twice, || format!("activity {} is pending already", a.activity_id))?;
                self.activities.insert(id, Activity { scheduled: a.clone(), started: None, cancel_requested: false });
            }
            ActivityTaskStartedEventAttributes(a) => {
                let activity = self.activity(a.scheduled_event_id)?;
                ensure(activity.started.is_none(), || "the activity was started before".to_owned())?;
                let limit = activity.max_attempts();
                ensure(limit == 0 || a.attempt <= limit, || format!("attempt {} of {limit}", a.attempt))?;
                activity.started = Some((id, a.attempt));
            }
            ActivityTaskCancelRequestedEventAttributes(a) => {
                if let Some(activity) = self.activities.get_mut(&a.scheduled_event_id) {
                    activity.cancel_requested = true;
                }
            }
            ActivityTaskCompletedEventAttributes(a) => {
                let activity = self.end_activity(a.scheduled_event_id, a.started_event_id)?;
                let (result, attempt) = (text(&a.result), activity.started.map_or(0, |(_, attempt)| attempt));
                ensure(result == BY_ID || result == result_of(attempt), || {
                    format!("attempt {attempt} was under way, and it ended with the {result}")
                })?;
            }
            ActivityTaskFailedEventAttributes(a) => {
                let activity = self.end_activity(a.scheduled_event_id, a.started_event_id)?;
                activity.check_given_up(a.retry_state(), &a.failure)?;
            }
            ActivityTaskTimedOutEventAttributes(a) => {
                let activity = self.end_activity(a.scheduled_event_id, a.started_event_id)?;
                activity.check_given_up(a.retry_state(), &a.failure)?;
            }
            ActivityTaskCanceledEventAttributes(a) => {
                let activity = self.end_activity(a.scheduled_event_id, a.started_event_id)?;
                ensure(activity.cancel_requested, || "nobody asked for the cancellation".to_owned())?;
            }
            _ => {}
        }
        Ok(())
    }

    fn activity(&mut self, scheduled: i64) -> Result<&mut Activity, String> {
        self.activities.get_mut(&scheduled).ok_or_else(|| format!("no activity of event {scheduled} is pending"))
    }

    fn end_activity(&mut self, scheduled: i64, started: i64) -> Result<Activity, String> {
        let activity =
            self.activities.remove(&scheduled).ok_or_else(|| format!("activity {scheduled} is not pending"))?;
        let expected = activity.started.map_or(0, |(id, _)| id);
        ensure(started == expected, || format!("names started event {started} where {expected} is"))?;
        Ok(activity)
    }

    fn other_event(&mut self, id: i64, attributes: &Attributes) -> Checked {
        use Attributes::*;
        match attributes {
            TimerStartedEventAttributes(a) => {
                let before = self.timers.insert(a.timer_id.clone(), id);
                ensure(before.is_none(), || format!("timer {} runs already", a.timer_id))?;
            }
            TimerFiredEventAttributes(a) => self.end_timer(&a.timer_id, a.started_event_id)?,
            TimerCanceledEventAttributes(a) => self.end_timer(&a.timer_id, a.started_event_id)?,
            StartChildWorkflowExecutionInitiatedEventAttributes(_) => drop(self.children.insert(id, 0)),
            ChildWorkflowExecutionStartedEventAttributes(a) => {
                let started = self.children.get_mut(&a.initiated_event_id).ok_or("no such child")?;
                ensure(*started == 0, || "the child was started before".to_owned())?;
                *started = id;
            }
            StartChildWorkflowExecutionFailedEventAttributes(a) => self.end_child(a.initiated_event_id, 0)?,
            ChildWorkflowExecutionCompletedEventAttributes(a) => {
                self.end_child(a.initiated_event_id, a.started_event_id)?
            }
            ChildWorkflowExecutionFailedEventAttributes(a) => {
                self.end_child(a.initiated_event_id, a.started_event_id)?
            }
            ChildWorkflowExecutionCanceledEventAttributes(a) => {
                self.end_child(a.initiated_event_id, a.started_event_id)?
            }
            ChildWorkflowExecutionTimedOutEventAttributes(a) => {
                self.end_child(a.initiated_event_id, a.started_event_id)?
            }
            ChildWorkflowExecutionTerminatedEventAttributes(a) => {
                self.end_child(a.initiated_event_id, a.started_event_id)?
            }
            SignalExternalWorkflowExecutionInitiatedEventAttributes(_)
            | RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(_) => drop(self.external.insert(id)),
            ExternalWorkflowExecutionSignaledEventAttributes(a) => self.end_external(a.initiated_event_id)?,
            SignalExternalWorkflowExecutionFailedEventAttributes(a) => self.end_external(a.initiated_event_id)?,
            ExternalWorkflowExecutionCancelRequestedEventAttributes(a) => self.end_external(a.initiated_event_id)?,
            RequestCancelExternalWorkflowExecutionFailedEventAttributes(a) => {
                self.end_external(a.initiated_event_id)?
            }
            WorkflowExecutionCancelRequestedEventAttributes(_) => {
                ensure(!self.cancel_requested, || "cancellation was requested before".to_owned())?;
                self.cancel_requested = true;
            }
            WorkflowExecutionUpdateAcceptedEventAttributes(a) => {
                let twice = self.updates.values().any(|u| *u == a.protocol_instance_id);
                ensure(!twice, || format!("update {} was accepted before", a.protocol_instance_id))?;
                self.updates.insert(id, a.protocol_instance_id.clone());
            }
            WorkflowExecutionUpdateCompletedEventAttributes(a) => {
                // The id stays in the set, so that it is not accepted again: only the event's place is given up.
                let update = self.updates.remove(&a.accepted_event_id).ok_or("no such update is accepted")?;
                self.updates.insert(-id, update);
            }
            WorkflowExecutionStartedEventAttributes(_) => {
                ensure(id == 1, || "a second start".to_owned())?;
            }
            WorkflowExecutionCompletedEventAttributes(_)
            | WorkflowExecutionFailedEventAttributes(_)
            | WorkflowExecutionTimedOutEventAttributes(_)
            | WorkflowExecutionCanceledEventAttributes(_)
            | WorkflowExecutionTerminatedEventAttributes(_)
            | WorkflowExecutionContinuedAsNewEventAttributes(_) => self.closed = true,
            _ => {}
        }
        Ok(())
    }

    fn end_timer(&mut self, timer: &str, started: i64) -> Checked {
        let found = self.timers.remove(timer);
        ensure(found == Some(started), || format!("timer {timer} was started by {found:?}, not {started}"))
    }

    fn end_child(&mut self, initiated: i64, started: i64) -> Checked {
        let found = self.children.remove(&initiated);
        ensure(found == Some(started), || format!("child {initiated} was started by {found:?}, not {started}"))
    }

    fn end_external(&mut self, initiated: i64) -> Checked {
        ensure(self.external.remove(&initiated), || format!("call {initiated} is not under way"))
    }
}

impl Activity {
    fn max_attempts(&self) -> i32 {
        self.scheduled.retry_policy.as_ref().map_or(0, |p| p.maximum_attempts)
    }

    /// Whether the policy allows to give up for this reason: never fewer attempts than it promises.
    fn check_given_up(&self, state: RetryState, failure: &Option<Failure>) -> Checked {
        let attempt = self.started.map_or(0, |(_, attempt)| attempt);
        let info = failure.as_ref().and_then(|f| f.failure_info.as_ref());
        let holds = match state {
            RetryState::MaximumAttemptsReached => attempt == self.max_attempts() && attempt > 0,
            RetryState::NonRetryableFailure => match info {
                Some(FailureInfo::ApplicationFailureInfo(info)) => info.non_retryable,
                // Its attempt belonged to the run that was reset.
                Some(FailureInfo::ResetWorkflowFailureInfo(_)) => true,
                _ => false,
            },
            // The activity's own time is over: as a whole, or while it waited for a worker.
            RetryState::Timeout => {
                [&self.scheduled.schedule_to_close_timeout, &self.scheduled.schedule_to_start_timeout]
                    .into_iter()
                    .any(|span| ostro_engine::time::from_duration(span) > Span::ZERO)
            }
            RetryState::CancelRequested => self.cancel_requested,
            _ => false,
        };
        ensure(holds, || format!("attempt {attempt} of {} was the last since {state:?}", self.max_attempts()))
    }
}

fn name(event: &HistoryEvent) -> &'static str {
    event.event_type().as_str_name().trim_start_matches("EVENT_TYPE_")
}

fn at(event: &HistoryEvent, error: String) -> String {
    format!("event {} {}: {error}", event.event_id, name(event))
}
