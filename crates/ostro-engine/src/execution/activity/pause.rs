//! `any --pause--> paused`, `paused --unpause--> Scheduled | Started`.
//!
//! An attempt that runs goes on, and its worker learns of the pause by its next heartbeat; no other attempt begins, and
//! nothing times out, before the end of the pause.

use temporalio_protos::temporal::api::workflow::v1::pending_activity_info::{
    PauseInfo,
    pause_info::{Manual, PausedBy},
};

use super::Selection;
use crate::base::error::{Error, Result};
use crate::base::time::{Span, Time, timestamp};
use crate::config::FOREVER;
use crate::execution::{Effect, Transition};

/// Who pauses activities, and why.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pause {
    pub identity: String,
    pub reason: String,
    pub request_id: String,
}

/// What else the end of a pause does.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unpause {
    /// Count attempts from one again.
    pub reset_attempts: bool,
    /// Forget the details of the last heartbeat.
    pub reset_heartbeat: bool,
    /// Start the next attempt at some moment within this span.
    pub jitter: Span,
}

impl Transition<'_> {
    /// Pauses the selected activities.
    ///
    /// # Errors
    /// NOT_FOUND where there are none; FAILED_PRECONDITION where another request has paused one of them.
    pub(crate) fn pause_activities(&mut self, selection: &Selection, pause: &Pause) -> Result<()> {
        let selected = self.exec.select_activities(selection)?;
        let by_another =
            |id: &i64| self.exec.activities.get(id).is_some_and(|a| a.paused && a.pause_request_id != pause.request_id);
        if selected.iter().any(by_another) {
            return Err(Error::failed_precondition("activity is already paused"));
        }
        selected.into_iter().for_each(|id| self.pause_activity(id, pause));
        Ok(())
    }

    fn pause_activity(&mut self, id: i64, pause: &Pause) {
        let now = self.now;
        let Some(activity) = self.exec.activity_mut(id).filter(|a| !a.paused) else { return };
        let waits_on = activity.is_waiting().then(|| activity.queue().to_owned());
        activity.paused = true;
        activity.pause_request_id.clone_from(&pause.request_id);
        activity.pause_info = Some(PauseInfo {
            pause_time: timestamp(now),
            paused_by: Some(PausedBy::Manual(Manual {
                identity: pause.identity.clone(),
                reason: pause.reason.clone(),
            })),
        });
        if let Some(queue) = waits_on {
            self.effect(Effect::WithdrawActivity(self.exec.id, id, queue));
        }
    }

    /// Ends the pause of those of the selected activities that are paused.
    ///
    /// # Errors
    /// NOT_FOUND where none is selected.
    pub(crate) fn unpause_activities(&mut self, selection: &Selection, unpause: Unpause) -> Result<()> {
        for id in self.exec.select_activities(selection)? {
            self.unpause_activity(id, unpause);
        }
        Ok(())
    }

    fn unpause_activity(&mut self, id: i64, unpause: Unpause) {
        let time = self.now + self.jitter(unpause.jitter);
        let Some(activity) = self.exec.activity_mut(id).filter(|a| a.paused) else { return };
        activity.end_pause();
        if unpause.reset_attempts {
            activity.attempt = 1;
        }
        if unpause.reset_heartbeat {
            activity.forget_heartbeat();
        }
        if !activity.is_started() {
            self.reschedule_activity(id, time);
        }
    }

    /// A span of less than `most`, drawn at random.
    pub(super) fn jitter(&mut self, most: Span) -> Span {
        if most > Span::ZERO {
            Span::from_nanos((self.ids.next_u64() % most.min(FOREVER).nanos() as u64) as i64)
        } else {
            Span::ZERO
        }
    }

    /// Puts the next attempt of an activity that does not run at `time`, or at once where that has passed.
    pub(super) fn reschedule_activity(&mut self, id: i64, time: Time) {
        let now = self.now;
        let Some(activity) = self.exec.activity_mut(id) else { return };
        let waits_on = activity.is_waiting().then(|| activity.queue().to_owned());
        activity.attempt_scheduled_time = time.nanos();
        activity.backing_off = time > now;
        activity.current_retry_interval = (time - activity.last_attempt_complete_time()).max(Span::ZERO).nanos();
        activity.last_failure = None;
        activity.apply_heartbeat_reset();
        let offer = activity.is_waiting();
        if let Some(queue) = waits_on {
            self.effect(Effect::WithdrawActivity(self.exec.id, id, queue));
        }
        if offer {
            self.effect(Effect::OfferActivity(self.exec.id, id));
        }
    }
}
