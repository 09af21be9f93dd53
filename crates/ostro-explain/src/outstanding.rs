//! What a history has begun and not ended. Descriptions do not tell of these.

use std::collections::BTreeMap;
use std::time::SystemTime;

use temporalio_protos::temporal::api::enums::v1::TimeoutType;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::update::v1::Request;

use crate::{duration, failure, moment};

/// A timer of the workflow's code that has not fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timer {
    pub id: String,
    pub fires: Option<SystemTime>,
}

/// A signal or a cancellation on its way to another execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct External {
    /// `signal "name"` or `cancellation`.
    pub what: String,
    pub workflow_id: String,
    pub since: Option<SystemTime>,
}

/// An update that was accepted and has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Update {
    pub id: String,
    pub name: String,
    pub since: Option<SystemTime>,
}

/// The first failure since workflow tasks last went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskFailure {
    pub text: String,
    /// The worker that had the task said nothing, for all that is known.
    pub timed_out: bool,
    pub since: Option<SystemTime>,
}

/// Folds a history, event by event in their order; keeps only what is open.
#[derive(Debug, Default, Clone)]
pub struct Outstanding {
    /// Activities with their ids, by the event that scheduled them.
    activities: BTreeMap<i64, (String, Option<SystemTime>)>,
    /// When children were initiated, by the event of that.
    children: BTreeMap<i64, Option<SystemTime>>,
    timers: BTreeMap<i64, Timer>,
    externals: BTreeMap<i64, External>,
    updates: BTreeMap<i64, Update>,
    /// Names of updates that an event brought, by their ids: their acceptance does not repeat them.
    admitted: BTreeMap<String, String>,
    task_failure: Option<TaskFailure>,
}

impl Outstanding {
    /// Takes the next event of the history.
    pub fn push(&mut self, event: &HistoryEvent) {
        let time = moment::of(event.event_time.as_ref());
        let Some(attributes) = &event.attributes else { return };
        match attributes {
            Attributes::WorkflowTaskCompletedEventAttributes(_) => self.task_failure = None,
            Attributes::WorkflowTaskFailedEventAttributes(failed) => {
                let text = failed.failure.as_ref().map(failure::line).unwrap_or_default();
                let text = format!("{text} ({})", failed.cause().as_str_name().trim_start_matches(CAUSE));
                self.task_failed(text, false, time);
            }
            Attributes::WorkflowTaskTimedOutEventAttributes(timed_out)
                if timed_out.timeout_type() == TimeoutType::StartToClose =>
            {
                self.task_failed("the worker took the task and did not answer in time".to_owned(), true, time);
            }
            Attributes::TimerStartedEventAttributes(timer) => {
                let lasts = timer.start_to_fire_timeout.as_ref().map(duration::from_proto).unwrap_or_default();
                let fires = time.and_then(|time| time.checked_add(lasts));
                self.timers.insert(event.event_id, Timer { id: timer.timer_id.clone(), fires });
            }
            Attributes::TimerFiredEventAttributes(fired) => drop(self.timers.remove(&fired.started_event_id)),
            Attributes::TimerCanceledEventAttributes(canceled) => drop(self.timers.remove(&canceled.started_event_id)),
            Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted) => {
                let id = accepted.protocol_instance_id.clone();
                let admitted = self.admitted.remove(&id);
                let name = accepted.accepted_request.as_ref().map(update_name).or(admitted).unwrap_or_default();
                self.updates.insert(event.event_id, Update { id, name, since: time });
            }
            Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(admitted) => {
                let request = admitted.request.clone().unwrap_or_default();
                let id = request.meta.as_ref().map(|meta| meta.update_id.clone()).unwrap_or_default();
                self.admitted.insert(id, update_name(&request));
            }
            Attributes::WorkflowExecutionUpdateCompletedEventAttributes(completed) => {
                self.updates.remove(&completed.accepted_event_id);
            }
            _ => {
                self.push_activity(event.event_id, time, attributes);
                self.push_child(event.event_id, time, attributes);
                self.push_external(event.event_id, time, attributes);
            }
        }
    }

    fn push_activity(&mut self, id: i64, since: Option<SystemTime>, attributes: &Attributes) {
        match attributes {
            Attributes::ActivityTaskScheduledEventAttributes(scheduled) => {
                self.activities.insert(id, (scheduled.activity_id.clone(), since));
            }
            Attributes::ActivityTaskCompletedEventAttributes(a) => drop(self.activities.remove(&a.scheduled_event_id)),
            Attributes::ActivityTaskFailedEventAttributes(a) => drop(self.activities.remove(&a.scheduled_event_id)),
            Attributes::ActivityTaskTimedOutEventAttributes(a) => drop(self.activities.remove(&a.scheduled_event_id)),
            Attributes::ActivityTaskCanceledEventAttributes(a) => drop(self.activities.remove(&a.scheduled_event_id)),
            _ => {}
        }
    }

    fn push_child(&mut self, id: i64, since: Option<SystemTime>, attributes: &Attributes) {
        use Attributes::*;
        let ended = match attributes {
            StartChildWorkflowExecutionInitiatedEventAttributes(_) => {
                self.children.insert(id, since);
                return;
            }
            StartChildWorkflowExecutionFailedEventAttributes(a) => a.initiated_event_id,
            ChildWorkflowExecutionCompletedEventAttributes(a) => a.initiated_event_id,
            ChildWorkflowExecutionFailedEventAttributes(a) => a.initiated_event_id,
            ChildWorkflowExecutionCanceledEventAttributes(a) => a.initiated_event_id,
            ChildWorkflowExecutionTimedOutEventAttributes(a) => a.initiated_event_id,
            ChildWorkflowExecutionTerminatedEventAttributes(a) => a.initiated_event_id,
            _ => return,
        };
        self.children.remove(&ended);
    }

    pub(crate) fn child_initiated(&self, id: i64) -> Option<SystemTime> {
        self.children.get(&id).copied().flatten()
    }

    /// When an activity was scheduled first, however many attempts it has had.
    pub(crate) fn activity_scheduled(&self, id: &str) -> Option<SystemTime> {
        self.activities.values().find(|(known, _)| known == id).and_then(|(_, since)| *since)
    }

    fn push_external(&mut self, id: i64, since: Option<SystemTime>, attributes: &Attributes) {
        match attributes {
            Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(signal) => {
                let workflow_id = signal.workflow_execution.clone().unwrap_or_default().workflow_id;
                let what = format!("signal \"{}\"", signal.signal_name);
                self.externals.insert(id, External { what, workflow_id, since });
            }
            Attributes::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(cancel) => {
                let workflow_id = cancel.workflow_execution.clone().unwrap_or_default().workflow_id;
                self.externals.insert(id, External { what: "cancellation".to_owned(), workflow_id, since });
            }
            Attributes::ExternalWorkflowExecutionSignaledEventAttributes(ended) => {
                self.externals.remove(&ended.initiated_event_id);
            }
            Attributes::SignalExternalWorkflowExecutionFailedEventAttributes(ended) => {
                self.externals.remove(&ended.initiated_event_id);
            }
            Attributes::ExternalWorkflowExecutionCancelRequestedEventAttributes(ended) => {
                self.externals.remove(&ended.initiated_event_id);
            }
            Attributes::RequestCancelExternalWorkflowExecutionFailedEventAttributes(ended) => {
                self.externals.remove(&ended.initiated_event_id);
            }
            _ => {}
        }
    }

    fn task_failed(&mut self, text: String, timed_out: bool, since: Option<SystemTime>) {
        self.task_failure.get_or_insert(TaskFailure { text, timed_out, since });
    }

    pub(crate) fn timers(&self) -> impl Iterator<Item = &Timer> {
        self.timers.values()
    }

    pub(crate) fn externals(&self) -> impl Iterator<Item = &External> {
        self.externals.values()
    }

    pub(crate) fn updates(&self) -> impl Iterator<Item = &Update> {
        self.updates.values()
    }

    pub(crate) fn task_failure(&self) -> Option<&TaskFailure> {
        self.task_failure.as_ref()
    }
}

fn update_name(request: &Request) -> String {
    request.input.as_ref().map(|input| input.name.clone()).unwrap_or_default()
}

/// What the names of all causes of a workflow task's failure begin with.
const CAUSE: &str = "WORKFLOW_TASK_FAILED_CAUSE_";
