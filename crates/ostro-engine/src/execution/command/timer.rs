//! StartTimer and CancelTimer.

use temporalio_protos::temporal::api::{
    command::v1::{CancelTimerCommandAttributes, StartTimerCommandAttributes},
    enums::v1::WorkflowTaskFailedCause as Cause,
    history::v1::{TimerCanceledEventAttributes, TimerStartedEventAttributes},
};

use super::{Checker, Refusal};
use crate::base::time::{Span, from_duration};
use crate::execution::Transition;
use crate::execution::history::Extras;

impl<'a> Checker<'a> {
    pub(super) fn start_timer(&mut self, a: &'a StartTimerCommandAttributes) -> Result<(), Refusal> {
        let cause = Cause::BadStartTimerAttributes;
        self.name(cause, "TimerId", &a.timer_id)?;
        if from_duration(&a.start_to_fire_timeout) < Span::ZERO {
            let message = format!(
                "An invalid StartToFireTimeout is set on StartTimerCommand: negative duration. TimerId={}",
                a.timer_id
            );
            return Err(Refusal::new(cause, message));
        }
        let running =
            self.exec.timers.contains_key(&a.timer_id) && !self.timers_cancelled.contains(a.timer_id.as_str());
        if running || !self.timers_started.insert(&a.timer_id) {
            return Err(Refusal::new(
                Cause::StartTimerDuplicateId,
                format!("a timer with id {} is running already", a.timer_id),
            ));
        }
        self.timers_cancelled.remove(a.timer_id.as_str());
        Ok(())
    }

    pub(super) fn cancel_timer(&mut self, a: &'a CancelTimerCommandAttributes) -> Result<(), Refusal> {
        let cause = Cause::BadCancelTimerAttributes;
        self.name(cause, "TimerId", &a.timer_id)?;
        let running =
            self.exec.timers.contains_key(&a.timer_id) && !self.timers_cancelled.contains(a.timer_id.as_str());
        let started = self.timers_started.remove(a.timer_id.as_str());
        if !running && !started && !self.exec.fired_timer_is_buffered(&a.timer_id) {
            return Err(Refusal::new(cause, format!("no timer with id {} is running", a.timer_id)));
        }
        self.timers_cancelled.insert(&a.timer_id);
        Ok(())
    }
}

impl Transition<'_> {
    pub(super) fn start_timer(&mut self, a: StartTimerCommandAttributes, completed: i64, extras: Extras) {
        let started_event_id = self.record_with(
            TimerStartedEventAttributes {
                timer_id: a.timer_id.clone(),
                start_to_fire_timeout: a.start_to_fire_timeout,
                workflow_task_completed_event_id: completed,
            },
            extras,
        );
        self.exec.add_timer(started_event_id, &a.timer_id, &a.start_to_fire_timeout, self.now);
    }

    pub(super) fn cancel_timer(
        &mut self,
        a: CancelTimerCommandAttributes,
        completed: i64,
        extras: Extras,
        identity: &str,
    ) {
        let started_event_id = match self.exec.remove_timer(&a.timer_id) {
            Some(timer) => timer.started_event_id,
            // It fired while the worker decided: the cancellation wins, the worker never sees it fire.
            None => match self.exec.drop_buffered_fire(&a.timer_id) {
                Some(started_event_id) => started_event_id,
                None => return,
            },
        };
        self.record_with(
            TimerCanceledEventAttributes {
                timer_id: a.timer_id,
                started_event_id,
                workflow_task_completed_event_id: completed,
                identity: identity.to_owned(),
            },
            extras,
        );
    }
}
