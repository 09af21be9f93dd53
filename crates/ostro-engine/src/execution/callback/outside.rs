//! Callbacks to URLs outside: what is to be sent is kept until it was delivered, or never can be.

use temporalio_protos::temporal::api::{
    common::v1::callback,
    enums::v1::CallbackState as State,
    failure::v1::{ApplicationFailureInfo, Failure, failure::FailureInfo},
};

use crate::base::time::{Time, timestamp};
use crate::execution::nexus::back_off;
use crate::execution::{Effect, Execution, Transition};
use crate::nexus::outgoing::{CallbackAttempt, NotDelivered, OutgoingRequest};
use crate::stored::execution::CallbackState;
use crate::stored::execution::Completion;
use crate::stored::persistence::{ItemKey, ItemKind};

impl CallbackState {
    fn state(&self) -> State {
        self.info.as_ref().map_or(State::Unspecified, |info| info.state())
    }

    /// Whether it is with the shell, or on its way there.
    pub(crate) fn is_under_way(&self) -> bool {
        self.state() == State::Scheduled
    }

    /// The next moment at which the engine must look at it.
    pub fn next_due(&self) -> Option<Time> {
        matches!(self.state(), State::Scheduled | State::BackingOff).then_some(self.due())
    }

    fn set(&mut self, state: State, due: Time) {
        (self.due, self.sent) = (due.nanos(), false);
        if let Some(info) = &mut self.info {
            info.state = state as i32;
            info.next_attempt_schedule_time = timestamp(if state == State::BackingOff { due } else { Time::UNSET });
        }
    }
}

impl Execution {
    fn callback_mut(&mut self, id: i64) -> Option<&mut CallbackState> {
        if self.callbacks.contains_key(&id) {
            self.touch(ItemKind::Callback, ItemKey::Id(id));
        }
        self.callbacks.get_mut(&id)
    }

    fn has_attempt(&self, attempt: &CallbackAttempt) -> bool {
        let callback = self.callbacks.get(&attempt.callback);
        callback.is_some_and(|callback| callback.is_under_way() && callback.sent && callback.due() == attempt.due)
    }
}

impl Transition<'_> {
    /// What the callback waited for has ended.
    pub(crate) fn schedule_callback(&mut self, id: i64, completion: Completion) {
        if let Some(callback) = self.exec.callback_mut(id) {
            callback.completion = Some(completion);
            self.offer_callback(id);
        }
    }

    fn offer_callback(&mut self, id: i64) {
        let due = self.now + self.config.nexus_request_timeout;
        let Some(callback) = self.exec.callback_mut(id) else { return };
        callback.set(State::Scheduled, due);
        self.effect(Effect::OfferCallback(self.exec.id, id));
    }

    /// Hands the callback to the shell; `None` where it does not wait for that any more.
    pub(crate) fn send_callback(&mut self, id: i64) -> Option<OutgoingRequest> {
        let execution = self.exec.id;
        let callback = self.exec.callback_mut(id).filter(|callback| callback.is_under_way() && !callback.sent)?;
        callback.sent = true;
        let attempt = CallbackAttempt { execution, callback: id, due: callback.due() };
        let completion = callback.completion.clone().unwrap_or_default();
        let callback::Variant::Nexus(nexus) = callback.info.as_ref()?.callback.clone()?.variant? else { return None };
        Some(OutgoingRequest::Callback { attempt, url: nexus.url, header: nexus.header, completion })
    }

    /// It never reached the shell.
    pub(crate) fn undo_callback(&mut self, attempt: &CallbackAttempt) {
        if self.exec.has_attempt(attempt) {
            self.offer_callback(attempt.callback);
        }
    }

    /// The attempt went well, or it did not.
    pub(crate) fn callback_answered(&mut self, attempt: &CallbackAttempt, outcome: Result<(), NotDelivered>) {
        if self.exec.has_attempt(attempt) {
            self.end_attempt(attempt.callback, outcome);
        }
    }

    /// The attempt took too long, or the next one may begin.
    pub(crate) fn callback_due(&mut self, id: i64) {
        match self.exec.callbacks.get(&id).map(CallbackState::state) {
            Some(State::BackingOff) => self.offer_callback(id),
            Some(State::Scheduled) => {
                let message = "request timed out".to_owned();
                self.end_attempt(id, Err(NotDelivered { message, retryable: true }));
            }
            _ => {}
        }
    }

    fn end_attempt(&mut self, id: i64, outcome: Result<(), NotDelivered>) {
        let now = self.now;
        let Some(callback) = self.exec.callback_mut(id) else { return };
        let Some(info) = callback.info.as_mut() else { return };
        info.attempt = info.attempt.saturating_add(1);
        info.last_attempt_complete_time = timestamp(now);
        info.last_attempt_failure = outcome.as_ref().err().map(failure);
        let attempt = info.attempt;
        match outcome {
            Err(NotDelivered { retryable: true, .. }) => {
                callback.set(State::BackingOff, now + back_off(attempt));
            }
            ended => {
                callback.completion = None;
                callback.set(if ended.is_ok() { State::Succeeded } else { State::Failed }, Time::UNSET);
            }
        }
    }
}

fn failure(error: &NotDelivered) -> Failure {
    Failure {
        message: error.message.clone(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
            non_retryable: !error.retryable,
            ..Default::default()
        })),
        ..Default::default()
    }
}
