//! Activities without a workflow: an execution that is one activity and nothing else.
//!
//! ```text
//! (none)  --start--> Running --complete, fail, cancel, time out, terminate--> closed
//! ```
//!
//! Its attempts, retries, time-outs, heartbeats, pauses and resets are those of any activity. It has no history: where an
//! activity of a workflow writes the event that ends it, this one keeps its outcome and closes.

use temporalio_protos::temporal::api::{
    activity::v1::{ActivityExecutionOutcome, activity_execution_outcome::Value},
    common::v1::{Callback, Link, Payload, Payloads, SearchAttributes},
    enums::v1::{EventType, RetryState, WorkflowExecutionStatus as Status},
    failure::v1::{CanceledFailureInfo, Failure, TerminatedFailureInfo, failure::FailureInfo},
    history::v1::{
        ActivityTaskCanceledEventAttributes, ActivityTaskScheduledEventAttributes, history_event::Attributes,
    },
};

use crate::base::error::{Error, Result};
use crate::base::time::Span;
use crate::execution::failures::json_string;
use crate::execution::workflow::new_run::NewRun;
use crate::execution::workflow::start;
use crate::execution::{Effect, Execution, Transition};
use crate::stored::execution::{Activity, Properties, Standalone, Start};

/// Where the one activity is kept, as if an event had scheduled it.
pub const SCHEDULED: i64 = 1;
/// What keeps ids of activities apart from those of workflows.
const ID_PREFIX: &str = "\u{1}activity/";
/// Keeps them out of lists of workflows.
pub const DIVISION: &str = "activity";
pub(crate) const DIVISION_ATTRIBUTE: &str = "TemporalNamespaceDivision";

/// The id under which a standalone activity is kept among executions.
pub fn execution_id(activity_id: &str) -> String {
    format!("{ID_PREFIX}{activity_id}")
}

/// The activity id that an execution is kept under.
pub fn activity_id(execution_id: &str) -> &str {
    execution_id.strip_prefix(ID_PREFIX).unwrap_or(execution_id)
}

/// Without what only keeps it out of lists of workflows.
pub fn without_division(mut attributes: SearchAttributes) -> SearchAttributes {
    attributes.indexed_fields.remove(DIVISION_ATTRIBUTE);
    attributes
}

impl Execution {
    pub(crate) fn is_standalone(&self) -> bool {
        self.core.standalone.is_some()
    }

    /// The one activity: as it is, or as it ended.
    pub fn standalone_activity(&self) -> Option<&Activity> {
        self.activities.get(&SCHEDULED).or_else(|| self.core.standalone.as_ref()?.ended.as_ref())
    }

    /// How it ended; `None` while it has not.
    pub fn outcome(&self) -> Option<ActivityExecutionOutcome> {
        let standalone = self.core.standalone.as_ref().filter(|_| !self.is_open())?;
        let value = match &standalone.failure {
            Some(failure) => Value::Failure(failure.clone()),
            None => Value::Result(standalone.result.clone().unwrap_or_default()),
        };
        Some(ActivityExecutionOutcome { value: Some(value), retry_state: standalone.retry_state })
    }
}

impl Transition<'_> {
    /// Begins; the first attempt waits for `delay`.
    pub(crate) fn start_standalone_activity(
        &mut self,
        run: NewRun,
        scheduled: ActivityTaskScheduledEventAttributes,
        delay: Span,
    ) {
        let mut started = run.started.clone();
        let mut attributes = started.search_attributes.take().unwrap_or_default();
        attributes.indexed_fields.insert(DIVISION_ATTRIBUTE.to_owned(), keyword(DIVISION));
        self.exec.core = start::new_core(&run, &started, self.now);
        let core = &mut self.exec.core;
        core.first_task_due = 0;
        core.execution_time = (self.now + delay).nanos();
        core.standalone = Some(Box::new(Standalone { start_delay: delay.nanos(), ..Default::default() }));
        core.request_ids.values_mut().for_each(|info| info.event_type = EventType::Unspecified as i32);
        self.exec.properties = Properties { search_attributes: Some(attributes), ..Default::default() };
        self.exec.add_callbacks(&started.completion_callbacks, &run.request_id, self.now);
        self.exec.start = Start { event: Some(started), links: run.links };
        self.exec.touch_start();
        let (now, id) = (self.now, self.exec.id);
        self.exec.add_activity(SCHEDULED, scheduled, now + delay);
        if let Some(activity) = self.exec.activity_mut(SCHEDULED) {
            activity.scheduled_time = now.nanos();
            activity.backing_off = delay > Span::ZERO;
        }
        if delay == Span::ZERO {
            self.effect(Effect::OfferActivity(id, SCHEDULED));
        }
    }

    /// What would be an event of a workflow's history ends the execution, or is nothing.
    pub(crate) fn note_standalone(&mut self, attributes: Attributes, links: Vec<Link>) {
        use Attributes::*;
        if self.exec.is_standalone_nexus_operation() {
            return self.note_standalone_nexus_operation(attributes, links);
        }
        match attributes {
            ActivityTaskCompletedEventAttributes(a) => {
                self.note_last_worker(a.identity, None);
                self.close_standalone(Status::Completed, a.result, None, RetryState::Unspecified as i32);
            }
            ActivityTaskFailedEventAttributes(a) => {
                self.note_last_worker(a.identity, a.failure.clone());
                self.close_standalone(Status::Failed, None, a.failure, a.retry_state);
            }
            ActivityTaskTimedOutEventAttributes(a) => {
                let failure = a.failure.map(|failure| Failure { source: String::new(), ..failure });
                self.close_standalone(Status::TimedOut, None, failure, a.retry_state);
            }
            ActivityTaskCanceledEventAttributes(a) => {
                let failure = Some(canceled(a));
                self.close_standalone(Status::Canceled, None, failure, RetryState::Unspecified as i32);
            }
            _ => {}
        }
    }

    /// Who has ended the last attempt, and how where it failed.
    fn note_last_worker(&mut self, identity: String, failure: Option<Failure>) {
        let standalone = self.exec.core.standalone.as_mut();
        let Some(ended) = standalone.and_then(|standalone| standalone.ended.as_mut()) else { return };
        ended.last_worker_identity = identity;
        ended.last_attempt_complete_time = self.now.nanos();
        if failure.is_some() {
            ended.last_failure = failure;
        }
    }

    pub(crate) fn close_standalone(
        &mut self,
        status: Status,
        result: Option<Payloads>,
        failure: Option<Failure>,
        retry: i32,
    ) {
        let core = &mut self.exec.core;
        core.status = status as i32;
        core.close_time = self.now.nanos();
        if let Some(standalone) = core.standalone.as_mut() {
            (standalone.result, standalone.failure, standalone.retry_state) = (result, failure, retry);
        }
        self.exec.touch_visibility();
        let callbacks = self.exec.callbacks_of_standalone(&self.namespace.name);
        if !callbacks.is_empty() {
            self.effect(Effect::CallBack(self.exec.id, callbacks));
        }
    }

    /// Another request wants what is there already, and may leave its id, its callbacks and its links with it.
    pub(crate) fn attach_to_standalone(&mut self, request_id: &str, callbacks: &[Callback], links: Vec<Link>) {
        self.exec.core.request_ids.entry(request_id.to_owned()).or_default();
        self.exec.add_callbacks(callbacks, request_id, self.now);
        if !links.is_empty() {
            self.exec.start.links.extend(links);
            self.exec.touch_start();
        }
    }

    /// Asks for its cancellation: at once where no attempt runs, else by the next heartbeat's answer.
    ///
    /// # Errors
    /// FAILED_PRECONDITION for one that has ended, or whose cancellation another request asked for.
    pub(crate) fn request_standalone_activity_cancel(
        &mut self,
        request_id: &str,
        reason: &str,
        identity: &str,
    ) -> Result<()> {
        let before = self.exec.core.standalone.clone().unwrap_or_default();
        if !request_id.is_empty() && before.cancel_request_id == request_id {
            return Ok(());
        }
        if !self.exec.is_open() {
            return Err(Error::failed_precondition(format!(
                "activity is in terminal state {}",
                name_of(self.exec.status())
            )));
        }
        let Some(activity) = self.exec.activity_mut(SCHEDULED) else { return Ok(()) };
        if activity.cancel_requested {
            let message = format!("cancellation already requested with request ID {}", before.cancel_request_id);
            return Err(Error::failed_precondition(message));
        }
        activity.cancel_requested = true;
        let (started, queue) = (activity.is_started(), activity.queue().to_owned());
        if let Some(standalone) = self.exec.core.standalone.as_mut() {
            request_id.clone_into(&mut standalone.cancel_request_id);
            reason.clone_into(&mut standalone.cancel_reason);
        }
        if !started {
            self.effect(Effect::WithdrawActivity(self.exec.id, SCHEDULED, queue));
            self.end_activity(SCHEDULED);
            let (details, identity) = (Some(json_string(reason)), identity.to_owned());
            self.record(ActivityTaskCanceledEventAttributes { details, identity, ..Default::default() });
        }
        Ok(())
    }

    /// Ends it at once; a worker that has the attempt learns it from its next heartbeat.
    ///
    /// # Errors
    /// FAILED_PRECONDITION for one that has ended.
    pub(crate) fn terminate_standalone_activity(
        &mut self,
        request_id: &str,
        reason: &str,
        identity: &str,
    ) -> Result<()> {
        if !self.exec.is_open() {
            let standalone = self.exec.core.standalone.clone().unwrap_or_default();
            let same = !request_id.is_empty() && standalone.terminate_request_id == request_id;
            return match self.exec.status() {
                Status::Terminated if same => Ok(()),
                Status::Terminated => Err(Error::failed_precondition(format!(
                    "already terminated with request ID {}",
                    standalone.terminate_request_id
                ))),
                status => Err(Error::failed_precondition(format!("invalid transition from {}", name_of(status)))),
            };
        }
        if let Some(queue) = self.exec.activities.get(&SCHEDULED).map(|activity| activity.queue().to_owned()) {
            self.effect(Effect::WithdrawActivity(self.exec.id, SCHEDULED, queue));
        }
        self.end_activity(SCHEDULED);
        if let Some(standalone) = self.exec.core.standalone.as_mut() {
            request_id.clone_into(&mut standalone.terminate_request_id);
        }
        let failure = terminated(reason, identity);
        self.close_standalone(Status::Terminated, None, Some(failure), RetryState::Unspecified as i32);
        Ok(())
    }
}

pub(crate) fn terminated(reason: &str, identity: &str) -> Failure {
    let info = TerminatedFailureInfo { identity: identity.to_owned() };
    Failure {
        message: reason.to_owned(),
        failure_info: Some(FailureInfo::TerminatedFailureInfo(info)),
        ..Default::default()
    }
}

fn canceled(a: ActivityTaskCanceledEventAttributes) -> Failure {
    let info = CanceledFailureInfo { details: a.details, identity: a.identity };
    Failure {
        message: "Activity canceled".to_owned(),
        failure_info: Some(FailureInfo::CanceledFailureInfo(info)),
        ..Default::default()
    }
}

/// A status as the reference server's errors name it.
fn name_of(status: Status) -> &'static str {
    match status {
        Status::Completed => "Completed",
        Status::Failed => "Failed",
        Status::Canceled => "Canceled",
        Status::TimedOut => "TimedOut",
        _ => "Terminated",
    }
}

pub(crate) fn keyword(value: &str) -> Payload {
    Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec()), ("type".to_owned(), b"Keyword".to_vec())].into(),
        data: serde_json::Value::from(value).to_string().into_bytes(),
        ..Default::default()
    }
}
