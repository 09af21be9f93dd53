//! `Started --heartbeat--> Started`.

use temporalio_protos::temporal::api::{
    common::v1::Payloads, workflowservice::v1::RecordActivityTaskHeartbeatResponse,
};

use super::ActivityRef;
use crate::base::error::Result;
use crate::execution::Transition;

impl Transition<'_> {
    /// Notes that the attempt lives, keeps its details for the next one, and tells whether it should stop.
    pub(crate) fn heartbeat_activity(
        &mut self,
        activity: &ActivityRef,
        details: Option<Payloads>,
    ) -> Result<RecordActivityTaskHeartbeatResponse> {
        let scheduled_event_id = self.exec.running_activity(activity)?;
        let now = self.now;
        let activity = self.exec.activity_mut(scheduled_event_id).expect("just found");
        activity.last_heartbeat_time = now.nanos();
        activity.heartbeat_details = details;
        Ok(RecordActivityTaskHeartbeatResponse {
            cancel_requested: activity.cancel_requested,
            activity_paused: activity.paused,
            activity_reset: activity.reset,
        })
    }
}
