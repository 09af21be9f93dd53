//! UpdateWorkflowExecutionOptions.

use temporalio_protos::temporal::api::workflowservice::v1::{
    UpdateWorkflowExecutionOptionsRequest, UpdateWorkflowExecutionOptionsResponse,
};

use super::super::Engine;
use crate::error::{Error, Result};
use crate::persistence::Loader;
use crate::time::timestamp;

impl<L: Loader> Engine<L> {
    pub(super) fn update_workflow_options(
        &mut self,
        request: UpdateWorkflowExecutionOptionsRequest,
    ) -> Result<UpdateWorkflowExecutionOptionsResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let execution = request.workflow_execution.unwrap_or_default();
        let id = self.find(namespace, &execution.workflow_id, &execution.run_id)?;
        if !self.execution(id).is_open() {
            return Err(Error::not_found("workflow execution already completed"));
        }
        let options = request.workflow_execution_options.unwrap_or_default();
        let mask = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
        let before = self.execution(id).options();
        let merged = self.look(id, |t| t.update_options(&options, &mask, &request.identity))?;
        let changed = merged != before;
        Ok(UpdateWorkflowExecutionOptionsResponse {
            workflow_execution_options: Some(merged),
            update_time: if changed { timestamp(self.now) } else { None },
        })
    }
}
