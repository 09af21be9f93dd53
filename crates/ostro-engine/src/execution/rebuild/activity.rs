//! Activities: history knows that they were scheduled and how they ended.

use temporalio_protos::temporal::api::history::v1::ActivityTaskStartedEventAttributes;

use super::Rebuild;
use crate::base::time::Time;

impl Rebuild<'_> {
    pub(super) fn activity_started(&mut self, id: i64, time: Time, a: &ActivityTaskStartedEventAttributes) {
        let Some(activity) = self.exec.activity_mut(a.scheduled_event_id) else { return };
        activity.started_event_id = id;
        activity.started_time = time.nanos();
        activity.last_started_time = time.nanos();
        activity.attempt = a.attempt.max(1);
        activity.request_id.clone_from(&a.request_id);
        activity.identity.clone_from(&a.identity);
        activity.last_worker_identity.clone_from(&a.identity);
        activity.last_failure.clone_from(&a.last_failure);
    }

    pub(super) fn activity_cancel_requested(&mut self, id: i64, scheduled_event_id: i64) {
        if let Some(activity) = self.exec.activity_mut(scheduled_event_id) {
            activity.cancel_requested = true;
            activity.cancel_requested_event_id = id;
        }
    }

    pub(super) fn activity_ended(&mut self, scheduled_event_id: i64) {
        self.exec.remove_activity(scheduled_event_id);
    }
}
