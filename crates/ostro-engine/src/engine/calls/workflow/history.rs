//! Where histories stand, and DescribeWorkflowExecution.

use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse,
};

use crate::base::error::Result;
use crate::call::ReplyId;
use crate::call::{HistoryPosition, ReadHistory};
use crate::engine::Engine;
use crate::engine::calls::handle::{Outcome, answers, answers_later};
use crate::engine::memory::waits::{Wait, WaitKind};
use crate::execution::Live;
use crate::execution::update::wait_until;
use crate::stored::persistence::Loader;

answers! {
    DescribeWorkflowExecutionRequest: |engine, request| engine.describe_workflow(request);
}

answers_later! {
    ReadHistory: |engine, reply, request| engine.read_history(reply, request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn read_history(&mut self, reply: ReplyId, request: ReadHistory) -> Result<Outcome<HistoryPosition>> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let id = self.find(namespace, &request.workflow_id, &request.run_id)?;
        let mut position = self.execution(id).history_position();
        let nothing_new = request.close_only || request.from >= position.next_event_id;
        if !(request.wait && position.open && nothing_new) {
            if !request.wait {
                position.extra = self.execution(id).transient_events();
            }
            return Ok(Outcome::Now(position));
        }
        let (longest, margin) = (self.config.long_poll_timeout, self.config.poll_deadline_margin);
        let deadline = wait_until(self.now, longest, request.deadline, margin);
        let live: &mut Live = &mut self.cache.get_mut(id).expect("just found").live;
        live.wait_for_history(reply, request.from, request.close_only);
        self.waits.add(reply, Wait { execution: id, kind: WaitKind::History, deadline });
        Ok(Outcome::Later)
    }

    pub(crate) fn describe_workflow(
        &mut self,
        request: DescribeWorkflowExecutionRequest,
    ) -> Result<DescribeWorkflowExecutionResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let execution = request.execution.unwrap_or_default();
        let id = self.find(namespace, &execution.workflow_id, &execution.run_id)?;
        let uuid = self.namespaces.by_id(namespace).map(|n| n.uuid.clone()).unwrap_or_default();
        Ok(self.execution(id).describe(&uuid))
    }
}
