//! The row by which an execution is found and listed.

use bytes::Bytes;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;

use crate::base::time::{Span, Time};
use crate::execution::Execution;
use crate::search;
use crate::stored::map_order::Ordered;
use crate::stored::persistence::VisibilityRow;

impl Execution {
    /// The row; `retention` is that of its namespace.
    pub fn visibility_row(&self, retention: Span) -> VisibilityRow {
        let core = &self.core;
        let started = self.started();
        let ids = |execution: &Option<WorkflowExecution>| {
            execution.as_ref().map(|e| (e.workflow_id.clone(), e.run_id.clone())).unwrap_or_default()
        };
        let (parent_workflow_id, parent_run_id) = ids(&started.parent_workflow_execution);
        let (root_workflow_id, root_run_id) = ids(&Some(self.root()));
        let closed = core.close_time() != Time::UNSET;
        let attributes = self.properties.search_attributes.clone().unwrap_or_default();
        VisibilityRow {
            id: self.id,
            namespace: core.namespace,
            workflow_id: core.workflow_id.clone(),
            run_id: core.run_id.clone(),
            workflow_type: core.workflow_type.clone(),
            status: core.status,
            task_queue: core.task_queue.clone(),
            start_time: core.start_time(),
            execution_time: core.execution_time(),
            close_time: core.close_time(),
            history_length: if closed { core.next_event_id - 1 } else { 0 },
            history_size_bytes: if closed { core.history_bytes } else { 0 },
            state_transition_count: if closed { core.transitions } else { 0 },
            parent_workflow_id,
            parent_run_id,
            root_workflow_id,
            root_run_id,
            first_run_id: core.first_run_id.clone(),
            memo: self.properties.memo.as_ref().map(|m| Bytes::from(m.encode_in_order())).unwrap_or_default(),
            search_values: search::typed(&attributes),
            search_attributes: Bytes::from(attributes.encode_in_order()),
            // What was brought here is kept as long as what ends here.
            delete_time: if closed { core.close_time().max(core.imported_time()) + retention } else { Time::UNSET },
        }
    }
}
