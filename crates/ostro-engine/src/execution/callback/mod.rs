//! Callbacks: who is told when the chain of runs has ended.
//!
//! ```text
//! to an operation of this server:  Standby --the run closes--> Succeeded | Failed
//! to a URL outside:                Standby --the run closes--> Scheduled --sent, answered--> Succeeded | Failed
//!                                  Scheduled --time-out, retryable answer--> BackingOff --due--> Scheduled
//! ```
//!
//! Where the chain goes on they are handed to its next run.

mod outside;

use temporalio_protos::temporal::api::{
    callback::v1::CallbackInfo as CommonInfo,
    common::v1::{Callback, Link, Payload, link},
    enums::v1::{CallbackState as State, EventType},
    failure::v1::{CanceledFailureInfo, Failure, TerminatedFailureInfo, TimeoutFailureInfo, failure::FailureInfo},
    history::v1::history_event::Attributes,
    update::v1 as update,
    workflow::v1::{CallbackInfo, callback_info, callback_info::trigger::Variant as When},
};

use super::{Effect, Execution, Transition};
use crate::base::seal::Seals;
use crate::base::time::{Time, timestamp};
use crate::execution::standalone::activity::activity_id;
use crate::execution::standalone::nexus_operation::operation_id;
use crate::nexus::callback::seal_old;
use crate::nexus::failures;
use crate::stored::execution::CallbackState;
use crate::stored::execution::Completion;
use crate::stored::persistence::{ItemKey, ItemKind};

/// A result, or a failure.
type Outcome = Result<Option<Payload>, Box<Failure>>;

/// A callback that is due, and what it says.
#[derive(Debug)]
pub(crate) struct CalledBack {
    /// Its number.
    pub id: i64,
    pub callback: Callback,
    pub completion: Completion,
}

impl Execution {
    /// Registers callbacks that a request brought, for the end of the chain of runs.
    pub(super) fn add_callbacks(&mut self, callbacks: &[Callback], request_id: &str, time: Time) {
        self.register(callbacks, When::WorkflowClosed(callback_info::WorkflowClosed {}), request_id, time);
    }

    /// The same for the end of an update.
    pub(super) fn add_update_callbacks(&mut self, update_id: &str, request: &update::Request, time: Time) {
        let completed = callback_info::UpdateWorkflowExecutionCompleted { update_id: update_id.to_owned() };
        let when = When::UpdateWorkflowExecutionCompleted(completed);
        self.register(&request.completion_callbacks, when, &request.request_id, time);
    }

    /// Whether this callback is registered: the request that brings it came before.
    pub(super) fn has_callback(&self, callback: Option<&Callback>) -> bool {
        let known = |state: &CallbackState| state.info.as_ref().is_some_and(|info| info.callback.as_ref() == callback);
        callback.is_none() || self.callbacks.values().any(known)
    }

    fn register(&mut self, callbacks: &[Callback], when: When, request_id: &str, time: Time) {
        for callback in callbacks {
            let id = self.callbacks.keys().last().map_or(1, |last| last + 1);
            let info = CallbackInfo {
                callback: Some(callback.clone()),
                trigger: Some(callback_info::Trigger { variant: Some(when.clone()) }),
                registration_time: timestamp(time),
                state: State::Standby as i32,
                ..Default::default()
            };
            self.touch(ItemKind::Callback, ItemKey::Id(id));
            self.callbacks.insert(
                id,
                CallbackState {
                    info: Some(info),
                    request_id: request_id.to_owned(),
                    sealed: true,
                    ..Default::default()
                },
            );
        }
    }

    /// Seals the tokens of callbacks that were registered before there were seals: the store vouches for them.
    pub(crate) fn seal_old_callbacks(&mut self, seals: &Seals) {
        for state in self.callbacks.values_mut().filter(|state| !state.sealed) {
            if let Some(callback) = state.info.as_mut().and_then(|info| info.callback.as_mut()) {
                seal_old(callback, seals);
            }
            state.sealed = true;
        }
    }

    /// Those that wait for the end, for the next run of the chain.
    pub(super) fn waiting_callbacks(&self) -> Vec<Callback> {
        let waiting = self.callbacks.values().filter(|state| state.update_id().is_none());
        waiting.filter_map(|state| state.info.as_ref()?.callback.clone()).collect()
    }

    /// What the callbacks are told when the run has ended.
    pub(super) fn callbacks_of_close(&self, namespace: &str, outcome: &Attributes) -> Vec<CalledBack> {
        let Some(run) = completed(outcome) else { return Vec::new() };
        let of_update = closed_update();
        let waiting = self.callbacks.iter().filter(|(_, state)| state.is_waiting());
        waiting
            .filter_map(|(id, state)| {
                let outcome = if state.update_id().is_some() { of_update.clone() } else { run.clone() };
                self.called_back(*id, state, namespace, outcome)
            })
            .collect()
    }

    fn callbacks_of_update(&self, namespace: &str, update_id: &str, outcome: &update::Outcome) -> Vec<CalledBack> {
        let outcome = match outcome.value.clone() {
            Some(update::outcome::Value::Failure(failure)) => Err(Box::new(failure)),
            Some(update::outcome::Value::Success(payloads)) => Ok(payloads.payloads.into_iter().next()),
            None => Ok(None),
        };
        let of_update = self.callbacks.iter().filter(|(_, state)| state.update_id() == Some(update_id));
        of_update.filter_map(|(id, state)| self.called_back(*id, state, namespace, outcome.clone())).collect()
    }

    /// The same for the end of an activity or a Nexus operation without a workflow.
    pub(super) fn callbacks_of_standalone(&self, namespace: &str) -> Vec<CalledBack> {
        let standalone = self.core.standalone.clone().unwrap_or_default();
        let outcome: Outcome = match standalone.failure {
            Some(failure) => Err(Box::new(failure)),
            None => Ok(standalone.result.and_then(|payloads| payloads.payloads.into_iter().next())),
        };
        let completion = self.completion(outcome, self.core.close_time(), self.link_to_standalone(namespace));
        let waiting = self.callbacks.iter().filter(|(_, state)| state.is_waiting());
        waiting
            .filter_map(|(id, state)| {
                let callback = state.info.as_ref()?.callback.clone()?;
                Some(CalledBack { id: *id, callback, completion: completion.clone() })
            })
            .collect()
    }

    fn link_to_standalone(&self, namespace: &str) -> Link {
        let (namespace, run_id) = (namespace.to_owned(), self.core.run_id.clone());
        let variant = match self.is_standalone_nexus_operation() {
            true => link::Variant::NexusOperation(link::NexusOperation {
                namespace,
                operation_id: operation_id(&self.core.workflow_id).to_owned(),
                run_id,
            }),
            false => link::Variant::Activity(link::Activity {
                namespace,
                activity_id: activity_id(&self.core.workflow_id).to_owned(),
                run_id,
            }),
        };
        Link { variant: Some(variant) }
    }

    fn called_back(&self, id: i64, state: &CallbackState, namespace: &str, outcome: Outcome) -> Option<CalledBack> {
        let link = self.link_to_request(namespace, &state.request_id);
        let completion = self.completion(outcome, self.core.close_time(), link);
        Some(CalledBack { id, callback: state.info.as_ref()?.callback.clone()?, completion })
    }

    fn completion(&self, outcome: Outcome, close_time: Time, link: Link) -> Completion {
        let (result, failure) = match outcome {
            Ok(result) => (result, None),
            Err(failure) => (None, Some(*failure)),
        };
        Completion {
            result,
            failure,
            start_time: self.core.start_time().nanos(),
            close_time: close_time.nanos(),
            links: vec![link],
        }
    }

    /// Whether the callback of this number still waits for the end.
    pub(crate) fn awaits_callback(&self, id: i64) -> bool {
        self.callbacks.get(&id).is_some_and(CallbackState::is_waiting)
    }

    /// The event that the request made: the start, or one later that may have no id yet.
    fn link_to_request(&self, namespace: &str, request_id: &str) -> Link {
        use link::workflow_event::{EventReference, Reference, RequestIdReference};
        let started = EventType::WorkflowExecutionStarted as i32;
        let reference = match self.core.request_ids.get(request_id) {
            Some(info) if info.event_type != started => Reference::RequestIdRef(RequestIdReference {
                request_id: request_id.to_owned(),
                event_type: info.event_type,
            }),
            _ => Reference::EventRef(EventReference { event_id: 1, event_type: started }),
        };
        Link {
            variant: Some(link::Variant::WorkflowEvent(link::WorkflowEvent {
                namespace: namespace.to_owned(),
                workflow_id: self.core.workflow_id.clone(),
                run_id: self.core.run_id.clone(),
                reference: Some(reference),
            })),
        }
    }
}

impl CallbackState {
    /// As those see it who ask about an activity or an operation without a workflow.
    pub(crate) fn common_info(&self) -> CommonInfo {
        let info = self.info.clone().unwrap_or_default();
        CommonInfo {
            callback: info.callback,
            registration_time: info.registration_time,
            state: info.state,
            attempt: info.attempt,
            last_attempt_complete_time: info.last_attempt_complete_time,
            last_attempt_failure: info.last_attempt_failure,
            next_attempt_schedule_time: info.next_attempt_schedule_time,
            blocked_reason: info.blocked_reason,
            ..Default::default()
        }
    }

    /// The update whose end it waits for; `None` where that is the end of the run.
    fn update_id(&self) -> Option<&str> {
        match self.info.as_ref()?.trigger.as_ref()?.variant.as_ref()? {
            When::UpdateWorkflowExecutionCompleted(update) => Some(&update.update_id),
            When::WorkflowClosed(_) => None,
        }
    }

    fn is_waiting(&self) -> bool {
        self.info.as_ref().is_some_and(|info| info.state() == State::Standby)
    }
}

impl Transition<'_> {
    /// An update has its outcome: whoever waits for it is told.
    pub(super) fn call_back_of_update(&mut self, update_id: &str, outcome: &update::Outcome) {
        let callbacks = self.exec.callbacks_of_update(&self.namespace.name, update_id, outcome);
        if !callbacks.is_empty() {
            let id = self.id();
            self.effect(Effect::CallBack(id, callbacks));
        }
    }

    /// The callback was delivered, or can never be.
    pub(crate) fn called_back(&mut self, id: i64, delivered: Result<(), String>) {
        let now = self.now;
        let Some(info) = self.exec.callbacks.get_mut(&id).and_then(|state| state.info.as_mut()) else { return };
        info.attempt = info.attempt.saturating_add(1);
        info.last_attempt_complete_time = timestamp(now);
        match delivered {
            Ok(()) => info.state = State::Succeeded as i32,
            Err(message) => {
                info.state = State::Failed as i32;
                info.last_attempt_failure = Some(failures::server(&message, true));
            }
        }
        self.exec.touch(ItemKind::Callback, ItemKey::Id(id));
    }
}

/// What an update is that its run did not answer before it closed.
fn closed_update() -> Outcome {
    Err(Box::new(failures::server("the workflow closed before it answered the update", true)))
}

/// The end of a run as the end of an operation; `None` where it goes on.
fn completed(outcome: &Attributes) -> Option<Outcome> {
    use Attributes::*;
    let failure = |message: &str, info: FailureInfo| {
        Some(Err(Box::new(Failure { message: message.to_owned(), failure_info: Some(info), ..Default::default() })))
    };
    match outcome {
        WorkflowExecutionCompletedEventAttributes(a) => {
            Some(Ok(a.result.as_ref().and_then(|payloads| payloads.payloads.first().cloned())))
        }
        WorkflowExecutionFailedEventAttributes(a) => Some(Err(Box::new(a.failure.clone().unwrap_or_default()))),
        WorkflowExecutionCanceledEventAttributes(a) => {
            let info = CanceledFailureInfo { details: a.details.clone(), ..Default::default() };
            failure("operation canceled", FailureInfo::CanceledFailureInfo(info))
        }
        WorkflowExecutionTerminatedEventAttributes(_) => {
            let info = TerminatedFailureInfo::default();
            failure("operation terminated", FailureInfo::TerminatedFailureInfo(info))
        }
        WorkflowExecutionTimedOutEventAttributes(_) => {
            let info = TimeoutFailureInfo::default();
            failure("operation exceeded internal timeout", FailureInfo::TimeoutFailureInfo(info))
        }
        _ => None,
    }
}
