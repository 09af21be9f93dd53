//! UpdateWorkflowExecutionOptions.

use temporalio_protos::temporal::api::{
    workflow::v1::WorkflowExecutionOptions,
    workflowservice::v1::{UpdateWorkflowExecutionOptionsRequest, UpdateWorkflowExecutionOptionsResponse},
};

use crate::base::error::{Error, Result};
use crate::base::time::timestamp;
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::execution::versioning::override_with_older_forms;
use crate::stored::persistence::Loader;

/// With the older fields of an override filled in, for those who read them.
fn with_older_forms(mut options: WorkflowExecutionOptions) -> WorkflowExecutionOptions {
    options.versioning_override = options.versioning_override.map(|o| override_with_older_forms(&o));
    options
}

answers! {
    UpdateWorkflowExecutionOptionsRequest: |engine, request| engine.update_workflow_options(request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn update_workflow_options(
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
        let queue = self.execution(id).core.task_queue.clone();
        if mask.iter().any(|path| path.starts_with("versioning_override")) {
            self.check_override(namespace, &queue, options.versioning_override.as_ref())?;
        }
        let merged = self.view(id, |t| t.update_options(&options, &mask, &request.identity))?;
        let changed = merged != before;
        Ok(UpdateWorkflowExecutionOptionsResponse {
            workflow_execution_options: Some(with_older_forms(merged)),
            update_time: if changed { timestamp(self.now) } else { None },
        })
    }
}
