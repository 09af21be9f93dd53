//! `Started --complete--> completed`.

use temporalio_protos::temporal::api::{common::v1::Payloads, history::v1::ActivityTaskCompletedEventAttributes};

use super::ActivityRef;
use crate::base::error::Result;
use crate::execution::Transition;

impl Transition<'_> {
    pub(crate) fn complete_activity(
        &mut self,
        activity: &ActivityRef,
        result: Option<Payloads>,
        identity: String,
    ) -> Result<()> {
        let scheduled_event_id = self.exec.running_activity(activity)?;
        let Some((_, started_event_id)) = self.end_activity(scheduled_event_id) else { return Ok(()) };
        self.record(ActivityTaskCompletedEventAttributes {
            result,
            scheduled_event_id,
            started_event_id,
            identity,
            ..Default::default()
        });
        self.schedule_workflow_task();
        Ok(())
    }
}
