//! Changes of a workflow.

use super::Workflow;
use super::store::put;
use crate::api::Api;
use crate::error::Result;
use crate::records::Kind;

impl Api {
    /// Changes the workflow with this name or identifier.
    pub(crate) async fn change_workflow(
        &self,
        namespace: &str,
        identifier: &str,
        change: impl FnOnce(&mut Workflow),
    ) -> Result<Workflow> {
        let _writing = self.writing.lock().await;
        let mut workflow = self.workflow(namespace, identifier).await?;
        change(&mut workflow);
        let changed = put(Kind::Workflow, namespace, workflow.id.to_string(), Vec::new(), &workflow)?;
        self.records.commit(vec![changed]).await?;
        Ok(workflow)
    }
}
