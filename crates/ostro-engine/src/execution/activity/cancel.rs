//! `Scheduled | BackingOff --cancel--> canceled`, `Started --report cancellation--> canceled`.

use temporalio_protos::temporal::api::{
    common::v1::Payloads,
    history::v1::{ActivityTaskCancelRequestedEventAttributes, ActivityTaskCanceledEventAttributes},
};

use super::ActivityRef;
use crate::base::error::{Error, Result};
use crate::execution::history::Extras;
use crate::execution::{Effect, Transition, failures};

impl Transition<'_> {
    /// The workflow wants the activity cancelled: at once where no attempt runs, else by the next heartbeat's answer.
    pub(in crate::execution) fn cancel_activity_by_workflow(
        &mut self,
        scheduled_event_id: i64,
        completed: i64,
        extras: Extras,
    ) {
        let requested = self.record_with(
            ActivityTaskCancelRequestedEventAttributes {
                scheduled_event_id,
                workflow_task_completed_event_id: completed,
            },
            extras,
        );
        let Some(activity) = self.exec.activity_mut(scheduled_event_id) else {
            // It ended while the worker decided; its end is in the buffer.
            return;
        };
        activity.cancel_requested = true;
        activity.cancel_requested_event_id = requested;
        if activity.is_started() {
            return;
        }
        let queue = activity.queue().to_owned();
        self.effect(Effect::WithdrawActivity(self.exec.id, scheduled_event_id, queue));
        self.exec.remove_activity(scheduled_event_id);
        self.record(ActivityTaskCanceledEventAttributes {
            details: Some(failures::json_string("ACTIVITY_ID_NOT_STARTED")),
            latest_cancel_requested_event_id: requested,
            scheduled_event_id,
            ..Default::default()
        });
        self.schedule_workflow_task();
    }

    /// The worker reports that the attempt stopped since it was cancelled.
    ///
    /// # Errors
    /// INVALID_ARGUMENT where nobody asked for the cancellation.
    pub(crate) fn cancel_activity(
        &mut self,
        activity: &ActivityRef,
        details: Option<Payloads>,
        identity: String,
    ) -> Result<()> {
        let scheduled_event_id = self.exec.running_activity(activity)?;
        let requested = &self.exec.activities[&scheduled_event_id];
        if !requested.cancel_requested {
            return Err(Error::invalid(
                "unable to mark activity as canceled without activity being request canceled first",
            ));
        }
        let latest_cancel_requested_event_id = requested.cancel_requested_event_id;
        let Some((_, started_event_id)) = self.end_activity(scheduled_event_id) else { return Ok(()) };
        self.record(ActivityTaskCanceledEventAttributes {
            details,
            latest_cancel_requested_event_id,
            scheduled_event_id,
            started_event_id,
            identity,
            ..Default::default()
        });
        self.schedule_workflow_task();
        Ok(())
    }
}
