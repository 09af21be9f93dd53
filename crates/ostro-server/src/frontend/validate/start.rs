//! Requests that start a workflow.

use ostro_engine::config::Config;
use ostro_engine::error::{Error, Result};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::{RetryPolicy, WorkflowType};
use temporalio_protos::temporal::api::enums::v1::WorkflowIdConflictPolicy;
use temporalio_protos::temporal::api::workflowservice::v1::{
    SignalWithStartWorkflowExecutionRequest, StartWorkflowExecutionRequest,
};

use super::common::{self, allowed_length, blob, invalid, length, present};
use super::{Check, options};

/// What both requests hold under the same names.
macro_rules! check_common {
    ($request:expr, $limits:expr) => {{
        let request = &mut *$request;
        common::namespace(&request.namespace)?;
        present(&request.workflow_id, "WorkflowId is not set on request.")?;
        allowed_length(&request.workflow_id, "WorkflowId", $limits)?;
        common::workflow_id(&request.workflow_id)?;
        common::timeout(&request.workflow_execution_timeout, "WorkflowExecutionTimeoutSeconds")?;
        common::timeout(&request.workflow_run_timeout, "WorkflowRunTimeoutSeconds")?;
        common::timeout(&request.workflow_task_timeout, "WorkflowTaskTimeoutSeconds")?;
        common::task_queue(&request.task_queue, $limits)?;
        check_schedule(&request.retry_policy, &request.cron_schedule, &request.workflow_start_delay)?;
        options::id_policies(request.workflow_id_reuse_policy, request.workflow_id_conflict_policy)?;
        options::priority(&request.priority)?;
        options::links(&request.links)?;
        options::versioning_override(&mut request.versioning_override)?;
        if request.time_skipping_config.is_some() {
            options::unimplemented::<()>("time_skipping_config: leave it out")?;
        }
        options::memo(request.memo.as_ref().map_or(0, Message::encoded_len), $limits)?;
        blob(request.input.as_ref().map_or(0, Message::encoded_len), "workflow's input", $limits)?;
    }};
}

fn check_schedule(
    retry: &Option<RetryPolicy>,
    cron_schedule: &str,
    start_delay: &Option<prost_wkt_types::Duration>,
) -> Result<()> {
    options::retry_policy(retry)?;
    common::timeout(start_delay, "WorkflowStartDelaySeconds")?;
    if cron_schedule.is_empty() {
        return Ok(());
    }
    if start_delay.is_some() {
        return invalid("CronSchedule and WorkflowStartDelay may not be used together.");
    }
    ostro_engine::cron::check(cron_schedule).map_err(Error::invalid)
}

fn type_name(kind: &Option<WorkflowType>) -> &str {
    kind.as_ref().map_or("", |kind| &kind.name)
}

/// A request id of our own, where the client brings none: the call is then not repeatable, as the client chose.
fn fill_request_id(request_id: &mut String) {
    if request_id.is_empty() {
        *request_id = uuid::Uuid::new_v4().to_string();
    }
}

impl Check for StartWorkflowExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        common::namespace(&self.namespace)?;
        present(type_name(&self.workflow_type), "WorkflowType is not set on request.").or_else(|error| {
            // The id comes first where both are missing.
            present(&self.workflow_id, "WorkflowId is not set on request.").and(Err(error))
        })?;
        length(type_name(&self.workflow_type), "WorkflowType", limits)?;
        length(&self.request_id, "RequestId", limits)?;
        check_common!(self, limits);
        if let Some(options) = &self.on_conflict_options
            && options.attach_completion_callbacks
            && !options.attach_request_id
        {
            return invalid("attaching request ID is required for attaching completion callbacks");
        }
        super::nexus::callbacks(&mut self.completion_callbacks, limits)?;
        fill_request_id(&mut self.request_id);
        Ok(())
    }
}

impl Check for SignalWithStartWorkflowExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        common::namespace(&self.namespace)?;
        present(&self.workflow_id, "WorkflowId is not set on request.")?;
        present(&self.signal_name, "signal not set: name the signal in signal_name")?;
        allowed_length(&self.signal_name, "signal name", limits)?;
        present(type_name(&self.workflow_type), "workflow type not set: name it in workflow_type")?;
        length(type_name(&self.workflow_type), "WorkflowType", limits)?;
        allowed_length(&self.request_id, "Request ID", limits)?;
        check_common!(self, limits);
        if self.workflow_id_conflict_policy == WorkflowIdConflictPolicy::Fail as i32 {
            return invalid(
                "Invalid WorkflowIDConflictPolicy: WORKFLOW_ID_CONFLICT_POLICY_FAIL is not supported for this operation.",
            );
        }
        blob(self.signal_input.as_ref().map_or(0, Message::encoded_len), "signal's input", limits)?;
        fill_request_id(&mut self.request_id);
        Ok(())
    }
}
