//! `any --reset--> Scheduled(attempt 1)`: an activity begins anew.
//!
//! An attempt that runs goes on; its worker learns of the reset by its next heartbeat.

use super::Selection;
use crate::base::error::Result;
use crate::base::time::Span;
use crate::execution::Transition;

/// How activities are reset.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reset {
    /// Forget the details of the last heartbeat: those of the attempt that runs, once it has ended.
    pub heartbeat: bool,
    pub keep_paused: bool,
    /// Undo changes of the options.
    pub options: bool,
    /// Start the next attempt at some moment within this span.
    pub jitter: Span,
}

impl Transition<'_> {
    /// Resets the selected activities.
    ///
    /// # Errors
    /// NOT_FOUND where none is selected.
    pub(crate) fn reset_activities(&mut self, selection: &Selection, reset: Reset) -> Result<()> {
        for id in self.exec.select_activities(selection)? {
            self.reset_activity(id, reset);
        }
        Ok(())
    }

    fn reset_activity(&mut self, id: i64, reset: Reset) {
        let time = self.now + self.jitter(reset.jitter);
        if reset.options {
            self.restore_options(id);
        }
        let Some(activity) = self.exec.activity_mut(id) else { return };
        activity.attempt = 1;
        activity.reset = true;
        activity.reset_heartbeats |= reset.heartbeat;
        if activity.paused && !reset.keep_paused {
            activity.end_pause();
        }
        if activity.is_started() || activity.paused {
            return;
        }
        self.reschedule_activity(id, time);
    }
}
