//! Child workflows.

use temporalio_protos::temporal::api::history::v1::{
    ChildWorkflowExecutionStartedEventAttributes, HistoryEvent, StartChildWorkflowExecutionInitiatedEventAttributes,
};

use super::Rebuild;
use crate::stored::execution::Child;

impl Rebuild<'_> {
    pub(super) fn child_initiated(
        &mut self,
        event: &HistoryEvent,
        initiated: &StartChildWorkflowExecutionInitiatedEventAttributes,
    ) {
        let request_id = self.ids.uuid();
        self.exec.insert_child(Child {
            initiated_event_id: event.event_id,
            initiated: Some(initiated.clone()),
            request_id,
            user_metadata: event.user_metadata.clone(),
            ..Default::default()
        });
    }

    pub(super) fn child_started(&mut self, id: i64, a: &ChildWorkflowExecutionStartedEventAttributes) {
        let Some(child) = self.exec.child_mut(a.initiated_event_id) else { return };
        child.started_event_id = id;
        child.run_id = a.workflow_execution.as_ref().map(|run| run.run_id.clone()).unwrap_or_default();
    }

    pub(super) fn child_ended(&mut self, initiated_event_id: i64) {
        self.exec.remove_child(initiated_event_id);
    }
}
