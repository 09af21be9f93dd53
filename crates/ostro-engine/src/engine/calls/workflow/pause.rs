//! PauseWorkflowExecution and UnpauseWorkflowExecution.

use temporalio_protos::temporal::api::{
    history::v1::{WorkflowExecutionPausedEventAttributes, WorkflowExecutionUnpausedEventAttributes},
    workflowservice::v1::{
        PauseWorkflowExecutionRequest, PauseWorkflowExecutionResponse, UnpauseWorkflowExecutionRequest,
        UnpauseWorkflowExecutionResponse,
    },
};

use crate::base::error::Result;
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::stored::persistence::Loader;

answers! {
    PauseWorkflowExecutionRequest: |engine, request| engine.pause_workflow(request);
    UnpauseWorkflowExecutionRequest: |engine, request| engine.unpause_workflow(request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn pause_workflow(
        &mut self,
        request: PauseWorkflowExecutionRequest,
    ) -> Result<PauseWorkflowExecutionResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let id = self.find_open(namespace, &request.workflow_id, &request.run_id)?;
        let PauseWorkflowExecutionRequest { identity, reason, request_id, .. } = request;
        self.view(id, |t| t.pause_run(WorkflowExecutionPausedEventAttributes { identity, reason, request_id }))?;
        Ok(PauseWorkflowExecutionResponse {})
    }

    pub(crate) fn unpause_workflow(
        &mut self,
        request: UnpauseWorkflowExecutionRequest,
    ) -> Result<UnpauseWorkflowExecutionResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let id = self.find_open(namespace, &request.workflow_id, &request.run_id)?;
        let UnpauseWorkflowExecutionRequest { identity, reason, request_id, .. } = request;
        self.view(id, |t| t.unpause_run(WorkflowExecutionUnpausedEventAttributes { identity, reason, request_id }))?;
        Ok(UnpauseWorkflowExecutionResponse {})
    }
}
