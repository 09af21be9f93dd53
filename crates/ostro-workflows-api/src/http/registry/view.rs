//! Workflows and registrations as clients see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::definition::WorkflowCodeDefinition;
use crate::model::error::Result;
use crate::model::record::Kind;
use crate::model::registration::{Registration, Workflow, namespace_id};
use crate::service::api::Api;

/// The one kind of workflow there is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WorkflowType {
    Code,
}

/// A workflow.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workflow)]
pub(crate) struct WorkflowView {
    pub id: Uuid,
    pub name: String,
    pub display_name: String,
    #[serde(rename = "type")]
    pub kind: WorkflowType,
    /// The namespace's identifier: there are no customers or workspaces here.
    pub customer_id: Uuid,
    /// The same as `customer_id`.
    pub workspace_id: Uuid,
    pub description: Option<String>,
    pub shared_namespace: Option<String>,
    pub available_in_chat_assistant: bool,
    pub is_technical: bool,
    pub archived: bool,
    pub tags: Vec<String>,
}

/// A workflow, and whether a worker serves it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkflowWithWorkerStatus {
    #[serde(flatten)]
    pub workflow: WorkflowView,
    /// Whether a living worker serves it.
    pub active: bool,
}

/// A workflow in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkflowBasicDefinition {
    pub id: Uuid,
    pub name: String,
    pub display_name: String,
    pub archived: bool,
    pub description: Option<String>,
    pub metadata: WorkflowMetadata,
    pub tags: Vec<String>,
}

/// Where a workflow is shared from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkflowMetadata {
    pub shared_namespace: Option<String>,
}

/// A registration.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkflowRegistration)]
pub(crate) struct RegistrationView {
    pub id: Uuid,
    pub definition: WorkflowCodeDefinition,
    pub workflow_id: Uuid,
    pub deployment_id: Option<Uuid>,
    pub task_queue: Option<String>,
    /// With `with_workflow`.
    pub workflow: Option<WorkflowView>,
    pub deployment_name: Option<String>,
    pub compatible_with_chat_assistant: bool,
}

/// A registration, and whether a worker serves it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkflowRegistrationWithWorkerStatus {
    #[serde(flatten)]
    pub registration: RegistrationView,
    pub active: bool,
}

impl WorkflowView {
    pub(crate) fn of(workflow: Workflow, namespace: &str) -> Self {
        let namespace_id = namespace_id(namespace);
        Self {
            id: workflow.id,
            display_name: workflow.display_name.unwrap_or_else(|| workflow.name.clone()),
            name: workflow.name,
            kind: WorkflowType::Code,
            customer_id: namespace_id,
            workspace_id: namespace_id,
            description: workflow.description,
            shared_namespace: None,
            available_in_chat_assistant: workflow.available_in_chat_assistant,
            is_technical: workflow.is_technical,
            archived: workflow.archived,
            tags: workflow.tags,
        }
    }
}

impl WorkflowBasicDefinition {
    pub(crate) fn of(workflow: Workflow) -> Self {
        Self {
            id: workflow.id,
            display_name: workflow.display_name.unwrap_or_else(|| workflow.name.clone()),
            name: workflow.name,
            archived: workflow.archived,
            description: workflow.description,
            metadata: WorkflowMetadata { shared_namespace: None },
            tags: workflow.tags,
        }
    }
}

impl RegistrationView {
    pub(crate) async fn of(
        api: &Api,
        namespace: &str,
        registration: Registration,
        with_workflow: bool,
    ) -> Result<Self> {
        let workflow = if with_workflow {
            api.store.get::<Workflow>(Kind::Workflow, namespace, &registration.workflow_id.to_string()).await?
        } else {
            None
        };
        Ok(Self {
            id: registration.id,
            definition: registration.definition,
            workflow_id: registration.workflow_id,
            deployment_id: Some(crate::model::registration::deployment_id(namespace, &registration.deployment_name)),
            task_queue: Some(registration.task_queue),
            workflow: workflow.map(|workflow| WorkflowView::of(workflow, namespace)),
            deployment_name: Some(registration.deployment_name),
            compatible_with_chat_assistant: false,
        })
    }
}
