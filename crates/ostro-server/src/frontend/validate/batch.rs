//! Batch operations.

use ostro_engine::config::Config;
use ostro_engine::error::Result;
use temporalio_protos::temporal::api::batch::v1 as batch;
use temporalio_protos::temporal::api::enums::v1::{ExecutionType, ResetType};
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use temporalio_protos::temporal::api::workflowservice::v1::start_batch_operation_request::Operation;

use super::common::{invalid, length, present};
use super::{Check, options};

const NAMESPACE: &str = "Namespace is not set on request.";
const JOB_ID: &str = "JobId is not set on request.";
const NO_FILTER: &str = "Either activity type must be set, or match all should be set to true";

impl Check for service::StartBatchOperationRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        #[allow(deprecated)]
        let selectors =
            [!self.visibility_query.is_empty(), !self.executions.is_empty(), !self.target_executions.is_empty()];
        let selectors = selectors.into_iter().filter(|is| *is).count();
        let Some(operation) =
            self.operation.as_mut().filter(|_| !self.reason.is_empty() && !self.namespace.is_empty() && selectors > 0)
        else {
            return invalid(
                "must provide required parameters: BatchType,Reason,Namespace, AND one of (Query OR Executions OR TargetExecutions)",
            );
        };
        present(&self.job_id, JOB_ID)?;
        length(&self.job_id, "JobId", limits)?;
        if selectors > 1 {
            return invalid("visibility query, executions, and target executions are mutually exclusive");
        }
        let (kind, name) = match is_of_activities(operation) {
            true => (ExecutionType::Activity, "activities"),
            false => (ExecutionType::Workflow, "workflows"),
        };
        if self.target_executions.iter().any(|run| run.r#type != kind as i32) {
            return invalid(format!("target_executions must be {name} for this operation"));
        }
        check_operation(operation)
    }
}

fn check_operation(operation: &mut Operation) -> Result<()> {
    match operation {
        Operation::SignalOperation(o) => present(&o.signal, "must provide signal name"),
        Operation::UpdateWorkflowOptionsOperation(o) if o.workflow_execution_options.is_none() => {
            invalid("must provide UpdateOptions")
        }
        Operation::UpdateWorkflowOptionsOperation(o) if o.update_mask.is_none() => invalid("must provide UpdateMask"),
        Operation::UpdateWorkflowOptionsOperation(o) => match o.workflow_execution_options.as_mut() {
            Some(given) => options::versioning_override(&mut given.versioning_override),
            None => Ok(()),
        },
        Operation::ResetOperation(o) => check_reset(o),
        Operation::UnpauseActivitiesOperation(o) => match &o.activity {
            None => invalid("activity filter must be set"),
            Some(batch::batch_operation_unpause_activities::Activity::Type(name)) => present(name, NO_FILTER),
            Some(batch::batch_operation_unpause_activities::Activity::MatchAll(all)) => must(*all),
        },
        Operation::ResetActivitiesOperation(o) => match &o.activity {
            None => invalid("must provide ActivityType or MatchAll"),
            Some(batch::batch_operation_reset_activities::Activity::Type(name)) => present(name, NO_FILTER),
            Some(batch::batch_operation_reset_activities::Activity::MatchAll(all)) => must(*all),
        },
        Operation::UpdateActivityOptionsOperation(o) => check_activity_options(o),
        _ => Ok(()),
    }
}

/// Whether the operation is about activities without a workflow.
fn is_of_activities(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::CancelActivitiesOperation(_)
            | Operation::TerminateActivitiesOperation(_)
            | Operation::DeleteActivitiesOperation(_)
    )
}

fn must(all: bool) -> Result<()> {
    if all { Ok(()) } else { invalid(NO_FILTER) }
}

fn check_reset(o: &batch::BatchOperationReset) -> Result<()> {
    if let Some(options) = &o.options {
        return if options.target.is_some() { Ok(()) } else { invalid("batch reset missing target") };
    }
    #[allow(deprecated)]
    match ResetType::try_from(o.reset_type) {
        Ok(ResetType::FirstWorkflowTask | ResetType::LastWorkflowTask) => Ok(()),
        Ok(ResetType::Unspecified) => invalid("unknown batch reset type Unspecified"),
        Err(_) => invalid(format!("unknown batch reset type {}", o.reset_type)),
    }
}

fn check_activity_options(o: &batch::BatchOperationUpdateActivityOptions) -> Result<()> {
    use batch::batch_operation_update_activity_options::Activity;
    match (o.activity_options.is_some(), o.restore_original) {
        (true, true) => return invalid("cannot set both activity options and restore original"),
        (false, false) => {
            return invalid("Either activity type must be set, or restore original should be set to true");
        }
        _ => {}
    }
    match &o.activity {
        None => invalid(NO_FILTER),
        Some(Activity::Type(name)) => present(name, NO_FILTER),
        Some(Activity::MatchAll(all)) => must(*all),
    }
}

impl Check for service::StopBatchOperationRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        present(&self.job_id, JOB_ID)?;
        present(&self.namespace, NAMESPACE)?;
        present(&self.reason, "Reason is not set on request.")
    }
}

impl Check for service::DescribeBatchOperationRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        present(&self.job_id, JOB_ID)?;
        present(&self.namespace, NAMESPACE)
    }
}

impl Check for service::ListBatchOperationsRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        present(&self.namespace, NAMESPACE)
    }
}
