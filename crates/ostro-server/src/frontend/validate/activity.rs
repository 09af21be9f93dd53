//! Answers to activities that are named by ids rather than by a token.

use ostro_engine::config::Config;
use ostro_engine::error::{Error, Result};
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use super::common::{application_failure, length, namespace, present, run_id};
use super::{Check, options};

macro_rules! by_id {
    ($($request:ident),*) => {
        $(impl Check for service::$request {
            fn check(&mut self, limits: &Config) -> Result<()> {
                namespace(&self.namespace)?;
                present(&self.activity_id, "ActivityId is not set on request.")?;
                run_id(&self.run_id)?;
                length(&self.identity, "Identity", limits)
            }
        })*
    };
}

by_id!(RespondActivityTaskCompletedByIdRequest, RespondActivityTaskCanceledByIdRequest);

impl Check for service::RecordActivityTaskHeartbeatByIdRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        present(&self.activity_id, "ActivityId is not set on request.")?;
        run_id(&self.run_id)
    }
}

impl Check for service::RespondActivityTaskFailedByIdRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        present(&self.activity_id, "ActivityId is not set on request.")?;
        run_id(&self.run_id)?;
        application_failure(&self.failure)?;
        length(&self.identity, "Identity", limits)
    }
}

/// Requests of operators about activities of a workflow.
macro_rules! of_operators {
    ($($request:ident),*) => {
        $(impl Check for service::$request {
            fn check(&mut self, limits: &Config) -> Result<()> {
                namespace(&self.namespace)?;
                let workflow_id = self.execution.as_ref().map_or("", |execution| &execution.workflow_id);
                present(workflow_id, "WorkflowId is not set on request.")?;
                length(&self.identity, "Identity", limits)?;
                if self.activity.is_none() {
                    return Err(Error::invalid("Either Activity.Id or Activity.Type should be set on request."));
                }
                run_id(self.execution.as_ref().map_or("", |execution| &execution.run_id))
            }
        })*
    };
}

of_operators!(PauseActivityRequest, UnpauseActivityRequest, ResetActivityRequest);

impl Check for service::UpdateActivityOptionsRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        let workflow_id = self.execution.as_ref().map_or("", |execution| &execution.workflow_id);
        present(workflow_id, "WorkflowId is not set on request.")?;
        if self.activity.is_none() {
            return Err(Error::invalid("Either Activity.Id or Activity.Type should be set on request."));
        }
        options::priority(&self.activity_options.as_ref().and_then(|options| options.priority.clone()))?;
        run_id(self.execution.as_ref().map_or("", |execution| &execution.run_id))
    }
}
