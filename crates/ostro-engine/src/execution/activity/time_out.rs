//! What falls due on an activity: the end of its back-off, or one of its four time-outs.

use temporalio_protos::temporal::api::{
    enums::v1::{RetryState, TimeoutType},
    failure::v1::{Failure, failure::FailureInfo},
    history::v1::ActivityTaskTimedOutEventAttributes,
};

use crate::base::time::Time;
use crate::execution::{Effect, Transition, failures};

impl Transition<'_> {
    /// The activity's deadline has passed.
    pub(crate) fn activity_due(&mut self, scheduled_event_id: i64) {
        let now = self.now;
        let Some(activity) = self.exec.activities.get(&scheduled_event_id).filter(|a| !a.paused) else { return };
        // Of two that fall together the first of this list counts: no attempt starts before the activity is scheduled, even
        // where both bear the same time.
        let timeouts = [
            (activity.schedule_to_start_due(), TimeoutType::ScheduleToStart),
            (activity.expiration(), TimeoutType::ScheduleToClose),
            (activity.start_to_close_due(), TimeoutType::StartToClose),
            (activity.heartbeat_due(), TimeoutType::Heartbeat),
        ];
        let passed = timeouts.into_iter().filter(|(time, _)| *time != Time::UNSET && *time <= now);
        let first = passed.min_by_key(|(time, _)| *time);
        let backoff = activity.backoff_due();
        match first {
            Some((_, kind)) => self.time_out_activity(scheduled_event_id, kind),
            None if backoff != Time::UNSET && backoff <= now => self.end_backoff(scheduled_event_id),
            None => {}
        }
    }

    fn end_backoff(&mut self, scheduled_event_id: i64) {
        if let Some(activity) = self.exec.activity_mut(scheduled_event_id) {
            activity.backing_off = false;
            self.effect(Effect::OfferActivity(self.exec.id, scheduled_event_id));
        }
    }

    fn time_out_activity(&mut self, scheduled_event_id: i64, kind: TimeoutType) {
        let mut failure = failures::timeout(format!("activity {} timeout", failures::timeout_name(kind)), kind, None);
        let retry_state = match self.retry_activity(scheduled_event_id, &failure) {
            Ok(()) => return,
            Err(_) if matches!(kind, TimeoutType::ScheduleToStart | TimeoutType::ScheduleToClose) => {
                RetryState::Timeout
            }
            Err(state) => state,
        };
        if retry_state == RetryState::Timeout && kind != TimeoutType::ScheduleToStart {
            failure = failures::timeout(
                "Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying",
                TimeoutType::ScheduleToClose,
                None,
            );
        }
        let Some((activity, started_event_id)) = self.end_activity(scheduled_event_id) else { return };
        self.effect(Effect::WithdrawActivity(self.exec.id, scheduled_event_id, activity.queue().to_owned()));
        failure = with_context(failure, &activity);
        self.record(ActivityTaskTimedOutEventAttributes {
            failure: Some(failure),
            scheduled_event_id,
            started_event_id,
            retry_state: retry_state as i32,
        });
        self.schedule_workflow_task();
    }
}

/// The last heartbeat's details, and the failure of the attempt before as the cause.
fn with_context(mut failure: Failure, activity: &crate::stored::execution::Activity) -> Failure {
    if let Some(FailureInfo::TimeoutFailureInfo(info)) = failure.failure_info.as_mut() {
        info.last_heartbeat_details = activity.heartbeat_details.clone();
    }
    failure.cause = activity.last_failure.clone().map(Box::new);
    failure
}
