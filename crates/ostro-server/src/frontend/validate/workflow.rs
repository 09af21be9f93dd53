//! Requests about a workflow that exists, or so the client hopes.

use ostro_engine::config::Config;
use ostro_engine::error::{Error, ErrorKind, Result};
use prost::Message;
use temporalio_protos::temporal::api::enums::v1::UpdateWorkflowExecutionLifecycleStage;
use temporalio_protos::temporal::api::errordetails::v1::PermissionDeniedFailure;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use super::common::{blob, execution, invalid, length, namespace, present, run_id, workflow_id};
use super::{Check, options};

/// Requests of which only the namespace and the run can be wrong.
macro_rules! only_run {
    ($($request:ident.$run:ident),* $(,)?) => {
        $(impl Check for service::$request {
            fn check(&mut self, _limits: &Config) -> Result<()> {
                namespace(&self.namespace)?;
                execution(&self.$run)
            }
        })*
    };
}

only_run! {
    RequestCancelWorkflowExecutionRequest.workflow_execution,
    DeleteWorkflowExecutionRequest.workflow_execution,
    DescribeWorkflowExecutionRequest.execution,
    ResetStickyTaskQueueRequest.execution,
    GetWorkflowExecutionHistoryRequest.execution,
    GetWorkflowExecutionHistoryReverseRequest.execution,
}

/// Requests that pause a run, or let it go on.
macro_rules! pause {
    ($($request:ident),*) => {
        $(impl Check for service::$request {
            fn check(&mut self, limits: &Config) -> Result<()> {
                namespace(&self.namespace)?;
                present(&self.workflow_id, "Can't load workflow execution.  WorkflowId not set.")?;
                workflow_id(&self.workflow_id)?;
                length(&self.request_id, "RequestId", limits)?;
                length(&self.reason, "Reason", limits)?;
                if !self.run_id.is_empty() && !ostro_engine::ids::is_uuid(&self.run_id) {
                    return invalid("RunId is not valid UUID.");
                }
                Ok(())
            }
        })*
    };
}

pause!(PauseWorkflowExecutionRequest, UnpauseWorkflowExecutionRequest);

impl Check for service::ResetWorkflowExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        present(&self.request_id, "RequestId is not set on request.")?;
        length(&self.request_id, "RequestId", limits)?;
        execution(&self.workflow_execution)
    }
}

impl Check for service::UpdateWorkflowExecutionOptionsRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        execution(&self.workflow_execution)?;
        let Some(options) = self.workflow_execution_options.as_mut() else { return Ok(()) };
        options::priority(&options.priority)?;
        options::versioning_override(&mut options.versioning_override)
    }
}

impl Check for service::SignalWorkflowExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        execution(&self.workflow_execution)?;
        present(&self.signal_name, "SignalName is not set on request.")?;
        length(&self.signal_name, "SignalName", limits)?;
        length(&self.request_id, "RequestId", limits)?;
        options::links(&self.links)?;
        blob(self.input.as_ref().map_or(0, Message::encoded_len), "signal's input", limits)
    }
}

impl Check for service::TerminateWorkflowExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        execution(&self.workflow_execution)?;
        blob(self.details.as_ref().map_or(0, Message::encoded_len), "termination's details", limits)
    }
}

impl Check for service::QueryWorkflowRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        execution(&self.execution)?;
        let Some(query) = &self.query else { return invalid("WorkflowQuery is not set on request.") };
        present(&query.query_type, "QueryType is not set on request.")?;
        blob(query.query_args.as_ref().map_or(0, Message::encoded_len), "query's arguments", limits)
    }
}

impl Check for service::UpdateWorkflowExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        execution(&self.workflow_execution)?;
        let request = self.request.get_or_insert_default();
        let Some(meta) = &mut request.meta else { return invalid("Update meta is not set on request.") };
        let Some(input) = &request.input else { return invalid("Update input is not set on request.") };
        length(&meta.update_id, "UpdateId", limits)?;
        present(&input.name, "Update name is not set on request.")?;
        blob(input.args.as_ref().map_or(0, Message::encoded_len), "update's arguments", limits)?;
        super::nexus::callbacks(&mut request.completion_callbacks, limits)?;
        let stage = self.wait_policy.as_ref().map_or(0, |policy| policy.lifecycle_stage);
        if stage == UpdateWorkflowExecutionLifecycleStage::Admitted as i32 {
            return Err(admitted_only());
        }
        if meta.update_id.is_empty() {
            meta.update_id = uuid::Uuid::new_v4().to_string();
        }
        Ok(())
    }
}

fn admitted_only() -> Error {
    let message = "UpdateWorkflowExecution issued asynchronously and waiting on update admitted is not supported. Wait for \
         accepted or completed.";
    Error::new(ErrorKind::PermissionDenied, message)
        .with("temporal.api.errordetails.v1.PermissionDeniedFailure", &PermissionDeniedFailure::default())
}

impl Check for service::PollWorkflowExecutionUpdateRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        let Some(reference) = &self.update_ref else { return invalid("UpdateRef is not set on request.") };
        let run = reference.workflow_execution.clone().unwrap_or_default();
        present(&run.workflow_id, "Can't load workflow execution.  WorkflowId not set.")?;
        run_id(&run.run_id)
    }
}
