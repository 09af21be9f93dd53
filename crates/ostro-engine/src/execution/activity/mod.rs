//! Activities of a workflow.
//!
//! ```text
//! (none)    --schedule--> Scheduled
//! Scheduled --start-----> Started   | --cancel--> canceled | --time out (schedule-to-*)--> timed out
//! Started   --heartbeat-> Started
//! Started   --complete--> completed | --report cancellation--> canceled
//! Started   --fail, time out (start-to-close, heartbeat)--> BackingOff(attempt + 1) | failed, timed out
//! BackingOff --due------> Scheduled | --cancel--> canceled | --time out (schedule-to-close)--> timed out
//! any       --pause-----> paused (an attempt that runs goes on)
//! paused    --unpause---> Scheduled | Started
//! any       --reset-----> Scheduled(attempt 1) (an attempt that runs goes on)
//! ```
//!
//! Attempts leave no events: the started event is written together with the one that ends the activity.

mod cancel;
mod complete;
mod fail;
mod heartbeat;
mod lookup;
mod options;
mod pause;
mod reset;
mod select;
mod start;
mod time_out;

pub(crate) use lookup::ActivityRef;
pub(crate) use pause::{Pause, Unpause};
pub(crate) use reset::Reset;
pub(crate) use select::Selection;

use temporalio_protos::temporal::api::history::v1::{
    ActivityTaskScheduledEventAttributes, ActivityTaskStartedEventAttributes,
};

use super::history::BUFFERED;
use super::workflow_task::version_stamp;
use super::{Execution, Transition};
use crate::base::time::{Span, Time, from_duration};
use crate::stored::execution::Activity;

impl Activity {
    pub fn attributes(&self) -> &ActivityTaskScheduledEventAttributes {
        self.scheduled.as_ref().expect("an activity is made with its scheduled event")
    }

    pub fn activity_id(&self) -> &str {
        &self.attributes().activity_id
    }

    pub fn type_name(&self) -> &str {
        self.attributes().activity_type.as_ref().map_or("", |kind| &kind.name)
    }

    fn end_pause(&mut self) {
        self.paused = false;
        self.pause_info = None;
        self.pause_request_id.clear();
    }

    fn forget_heartbeat(&mut self) {
        self.heartbeat_details = None;
        self.last_heartbeat_time = 0;
    }

    /// A new attempt begins: what a reset asked for while the last one ran takes place.
    fn apply_heartbeat_reset(&mut self) {
        if self.reset_heartbeats {
            self.forget_heartbeat();
        }
        self.reset = false;
        self.reset_heartbeats = false;
    }

    pub fn queue(&self) -> &str {
        self.attributes().task_queue.as_ref().map_or("", |q| &q.name)
    }

    pub fn is_started(&self) -> bool {
        self.started_time != 0
    }

    /// Waits on its queue for a worker.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.is_started() && !self.backing_off && !self.paused
    }

    pub fn heartbeat_timeout(&self) -> Span {
        from_duration(&self.attributes().heartbeat_timeout)
    }

    /// When the activity as a whole has run out of time; 0: never.
    pub(crate) fn expiration(&self) -> Time {
        match from_duration(&self.attributes().schedule_to_close_timeout) {
            Span::ZERO => Time::UNSET,
            span => self.first_scheduled_time() + span,
        }
    }

    /// The end of the wait for a worker; 0: never, or it does not wait.
    pub fn schedule_to_start_due(&self) -> Time {
        let span = from_duration(&self.attributes().schedule_to_start_timeout);
        if self.is_waiting() && span > Span::ZERO { self.attempt_scheduled_time() + span } else { Time::UNSET }
    }

    /// The end of the attempt that runs; 0: never, or none runs.
    pub(crate) fn start_to_close_due(&self) -> Time {
        let span = from_duration(&self.attributes().start_to_close_timeout);
        if self.is_started() && span > Span::ZERO { self.started_time() + span } else { Time::UNSET }
    }

    /// By when the next heartbeat must come; 0: none is due.
    pub(crate) fn heartbeat_due(&self) -> Time {
        let span = self.heartbeat_timeout();
        let last = self.last_heartbeat_time().max(self.started_time());
        if self.is_started() && span > Span::ZERO { last + span } else { Time::UNSET }
    }

    /// The end of the back-off; 0: it does not back off.
    pub(crate) fn backoff_due(&self) -> Time {
        if self.backing_off && !self.paused { self.attempt_scheduled_time() } else { Time::UNSET }
    }

    /// The next moment at which the engine must look at it: none while it is paused.
    pub fn next_due(&self) -> Option<Time> {
        if self.paused {
            return None;
        }
        [
            self.expiration(),
            self.schedule_to_start_due(),
            self.start_to_close_due(),
            self.heartbeat_due(),
            self.backoff_due(),
        ]
        .into_iter()
        .filter(|time| *time != Time::UNSET)
        .min()
    }
}

impl Execution {
    /// Adds an activity that was scheduled by event `id` at `time`.
    pub(super) fn add_activity(&mut self, id: i64, scheduled: ActivityTaskScheduledEventAttributes, time: Time) {
        self.insert_activity(Activity {
            scheduled_event_id: id,
            scheduled: Some(scheduled),
            scheduled_time: time.nanos(),
            first_scheduled_time: time.nanos(),
            attempt: 1,
            attempt_scheduled_time: time.nanos(),
            ..Default::default()
        });
    }
}

impl Transition<'_> {
    /// Takes the activity out of the pending ones and writes the started event of its last attempt; returns it with
    /// that event's id (0 if no attempt ever ran).
    pub(super) fn end_activity(&mut self, scheduled_event_id: i64) -> Option<(Activity, i64)> {
        let activity = self.exec.remove_activity(scheduled_event_id)?;
        if let Some(standalone) = self.exec.core.standalone.as_mut() {
            standalone.ended = Some(activity.clone());
        }
        let started = if activity.is_started() { self.record_activity_started(&activity) } else { 0 };
        Some((activity, started))
    }

    fn record_activity_started(&mut self, activity: &Activity) -> i64 {
        let attributes = ActivityTaskStartedEventAttributes {
            scheduled_event_id: activity.scheduled_event_id,
            identity: activity.identity.clone(),
            request_id: activity.request_id.clone(),
            attempt: activity.attempt,
            last_failure: activity.last_failure.clone(),
            worker_version: version_stamp(activity.worker.as_ref()),
            ..Default::default()
        };
        let now = std::mem::replace(&mut self.now, activity.started_time());
        let id = self.record(attributes);
        self.now = now;
        debug_assert!(id > 0 || id == BUFFERED);
        id
    }
}
