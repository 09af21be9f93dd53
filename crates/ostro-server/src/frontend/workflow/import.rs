//! `ostro.v1.OstroService`.

use ostro_engine::call::ImportExecution;
use ostro_wire::ostro_service::{ImportWorkflowExecutionRequest, ImportWorkflowExecutionResponse};
use ostro_wire::{Answer, CallContext, OstroService};

use crate::frontend::Frontend;

#[async_trait::async_trait]
impl OstroService for Frontend {
    /// Takes over a run from its history; the engine says what is wrong with it.
    async fn import_workflow_execution(
        &self,
        _context: &CallContext,
        request: ImportWorkflowExecutionRequest,
    ) -> Answer<ImportWorkflowExecutionResponse> {
        let import = ImportExecution {
            namespace: request.namespace,
            workflow_id: request.workflow_id,
            run_id: request.run_id,
            events: request.history.unwrap_or_default().events,
        };
        let imported = self.ask(import).await?;
        let (workflow_id, run_id) = (imported.workflow_id, imported.run_id);
        Ok(ImportWorkflowExecutionResponse { workflow_id, run_id, status: imported.status }.into())
    }
}
