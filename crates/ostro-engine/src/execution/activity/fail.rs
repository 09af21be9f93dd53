//! `Started --fail--> BackingOff(attempt + 1) | failed`.

use temporalio_protos::temporal::api::{
    common::v1::Payloads, enums::v1::RetryState, failure::v1::Failure, history::v1::ActivityTaskFailedEventAttributes,
};

use super::ActivityRef;
use crate::base::error::Result;
use crate::execution::Transition;
use crate::execution::workflow::backoff;

impl Transition<'_> {
    pub(crate) fn fail_activity(
        &mut self,
        activity: &ActivityRef,
        failure: Failure,
        last_heartbeat_details: Option<Payloads>,
        identity: String,
    ) -> Result<()> {
        let scheduled_event_id = self.exec.running_activity(activity)?;
        if let (Some(details), Some(activity)) = (last_heartbeat_details, self.exec.activity_mut(scheduled_event_id)) {
            activity.heartbeat_details = Some(details);
        }
        let Err(retry_state) = self.retry_activity(scheduled_event_id, &failure) else { return Ok(()) };
        let Some((_, started_event_id)) = self.end_activity(scheduled_event_id) else { return Ok(()) };
        self.record(ActivityTaskFailedEventAttributes {
            failure: Some(failure),
            scheduled_event_id,
            started_event_id,
            identity,
            retry_state: retry_state as i32,
            // The request's `cause` stays out of the event, as on the reference server.
            ..Default::default()
        });
        self.schedule_workflow_task();
        Ok(())
    }

    /// Puts the activity into back-off for its next attempt, or says why there is none.
    pub(super) fn retry_activity(
        &mut self,
        scheduled_event_id: i64,
        failure: &Failure,
    ) -> std::result::Result<(), RetryState> {
        let now = self.now;
        let Some(activity) = self.exec.activity_mut(scheduled_event_id) else {
            return Err(RetryState::InternalServerError);
        };
        if activity.cancel_requested {
            return Err(RetryState::CancelRequested);
        }
        let policy = activity.attributes().retry_policy.clone();
        if activity.paused {
            let types = policy.as_ref().map_or(&[][..], |policy| &policy.non_retryable_error_types);
            if !backoff::is_retryable(failure, types) {
                return Err(RetryState::NonRetryableFailure);
            }
        } else {
            let wait = backoff::next_attempt(policy.as_ref(), activity.attempt, now, activity.expiration(), failure)?;
            activity.attempt_scheduled_time = (now + wait).nanos();
            activity.current_retry_interval = wait.nanos();
            activity.backing_off = true;
            activity.apply_heartbeat_reset();
        }
        activity.attempt = activity.attempt.saturating_add(1);
        activity.last_attempt_complete_time = now.nanos();
        activity.started_time = 0;
        activity.detached = false;
        activity.request_id.clear();
        activity.identity.clear();
        activity.last_failure = Some(failure.clone());
        Ok(())
    }
}
