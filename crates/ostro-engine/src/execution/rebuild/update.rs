//! Updates that the workflow accepted, and those that history itself brings.

use temporalio_protos::temporal::api::history::v1::{
    WorkflowExecutionUpdateAcceptedEventAttributes, WorkflowExecutionUpdateCompletedEventAttributes,
};

use super::Rebuild;
use crate::stored::execution::AcceptedUpdate;

impl Rebuild<'_> {
    pub(super) fn update_accepted(&mut self, id: i64, a: &WorkflowExecutionUpdateAcceptedEventAttributes) {
        let update_id = a.protocol_instance_id.clone();
        self.exec.remove_admitted_update(&update_id);
        self.exec.live.updates.retain(|update| update.id() != update_id);
        self.exec.core.update_count += 1;
        self.exec.insert_update(AcceptedUpdate { update_id, accepted_event_id: id, ..Default::default() });
    }

    pub(super) fn update_completed(&mut self, id: i64, a: &WorkflowExecutionUpdateCompletedEventAttributes) {
        let update_id = a.meta.as_ref().map(|meta| meta.update_id.clone()).unwrap_or_default();
        if let Some(update) = self.exec.update_mut(&update_id) {
            update.completed_event_id = id;
            update.outcome = Some(a.outcome.clone().unwrap_or_default());
        }
    }
}
