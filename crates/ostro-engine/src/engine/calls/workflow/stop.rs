//! Terminate, delete and expire.

use temporalio_protos::temporal::api::workflowservice::v1::{
    DeleteWorkflowExecutionRequest, DeleteWorkflowExecutionResponse, ResetStickyTaskQueueRequest,
    ResetStickyTaskQueueResponse, TerminateWorkflowExecutionRequest, TerminateWorkflowExecutionResponse,
};

use crate::base::error::{Error, Result};
use crate::base::time::{Span, Time};
use crate::call::ExpireExecutions;
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::stored::persistence::{ExecutionId, Loader, Write};

answers! {
    TerminateWorkflowExecutionRequest: |engine, request| engine.terminate_workflow(request);
    DeleteWorkflowExecutionRequest: |engine, request| engine.delete_workflow(request);
    ResetStickyTaskQueueRequest: |engine, request| engine.reset_sticky(request);
    ExpireExecutions: |engine, request| engine.expire_executions(request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn terminate_workflow(
        &mut self,
        request: TerminateWorkflowExecutionRequest,
    ) -> Result<TerminateWorkflowExecutionResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let execution = request.workflow_execution.unwrap_or_default();
        let id = self.find_in_chain(namespace, &execution, &request.first_execution_run_id)?;
        if !self.execution(id).is_open() {
            return Err(Error::not_found("workflow execution already completed"));
        }
        let reason = match request.reason.is_empty() {
            true => "terminated by user via frontend".to_owned(),
            false => request.reason,
        };
        self.step(id, |t| t.terminate(reason, request.details, request.identity, request.links));
        Ok(TerminateWorkflowExecutionResponse::default())
    }

    /// Deletes an execution and its history; an open one is terminated first, so that parent and children learn it.
    pub(crate) fn delete_workflow(
        &mut self,
        request: DeleteWorkflowExecutionRequest,
    ) -> Result<DeleteWorkflowExecutionResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let execution = request.workflow_execution.unwrap_or_default();
        let id = self.find(namespace, &execution.workflow_id, &execution.run_id)?;
        if self.execution(id).is_open() {
            self.step(id, |t| t.terminate("Delete workflow execution".to_owned(), None, String::new(), Vec::new()));
            self.settle();
        }
        self.delete_execution(id);
        Ok(DeleteWorkflowExecutionResponse::default())
    }

    pub(crate) fn delete_execution(&mut self, id: ExecutionId) {
        self.out.writes.push(Write::DeleteExecution(id));
        self.busy.forget(id);
        self.blocked.remove(&id);
        if let Some(execution) = self.cache.get_mut(id) {
            self.tally.forget(execution);
        }
        self.timers.set(id, None);
        self.set_aside.forget(id);
        self.cache.forget(id, self.sequence + 1);
    }

    /// Deletes what retention no longer keeps.
    pub(crate) fn expire_executions(&mut self, request: ExpireExecutions) -> Result<usize> {
        let mut expired = 0;
        for id in request.executions {
            if !self.load(id) {
                // Of one that is set aside lists tell that its time is over.
                if self.set_aside.is_closed(id) {
                    self.delete_execution(id);
                    expired += 1;
                }
                continue;
            }
            let core = &self.execution(id).core;
            let retention = self.namespaces.by_id(core.namespace).map_or(Span::ZERO, |n| n.retention);
            if core.close_time() != Time::UNSET && core.close_time() + retention <= self.now {
                self.delete_execution(id);
                expired += 1;
            }
        }
        Ok(expired)
    }

    pub(crate) fn reset_sticky(
        &mut self,
        request: ResetStickyTaskQueueRequest,
    ) -> Result<ResetStickyTaskQueueResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let execution = request.execution.unwrap_or_default();
        let id = self.find_open(namespace, &execution.workflow_id, &execution.run_id)?;
        self.step(id, |t| t.exec.core.sticky = None);
        Ok(ResetStickyTaskQueueResponse::default())
    }
}
