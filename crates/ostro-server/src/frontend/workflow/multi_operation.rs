//! `ExecuteMultiOperation`: of all lists of operations only a start and an update are allowed, in this order.

use ostro_engine::call::{UpdateWithStart, WithDeadline};
use ostro_engine::config::Config;
use ostro_engine::error::{Error, Result};
use ostro_engine::time::{Span, from_duration};
use ostro_wire::{Answer, CallContext};
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use temporalio_protos::temporal::api::workflowservice::v1::execute_multi_operation_request::operation::Operation;

use crate::frontend::Frontend;
use crate::frontend::status::status;
use crate::frontend::validate::{Check, namespace};

/// `ExecuteMultiOperation`.
pub(crate) async fn execute(
    frontend: &Frontend,
    context: &CallContext,
    request: service::ExecuteMultiOperationRequest,
) -> Answer<service::ExecuteMultiOperationResponse> {
    namespace(&request.namespace).map_err(status)?;
    frontend.namespace(&request.namespace).await?;
    let request = operations(request).and_then(|both| checked(both, &frontend.limits)).map_err(status)?;
    Ok(frontend.ask(WithDeadline { request, deadline: frontend.deadline(context) }).await?.into())
}

/// What one operation of the request says of its namespace, replaced by the request's own where it says nothing.
struct Operations {
    namespace: String,
    both: UpdateWithStart,
}

fn operations(request: service::ExecuteMultiOperationRequest) -> Result<Operations> {
    let wrong = || Error::invalid("Operations have to be exactly [Start, Update].");
    let operations: [_; 2] = request.operations.try_into().map_err(|_| wrong())?;
    match operations.map(|operation| operation.operation) {
        [Some(Operation::StartWorkflow(start)), Some(Operation::UpdateWorkflow(update))] => {
            Ok(Operations { namespace: request.namespace, both: UpdateWithStart { start, update } })
        }
        _ => Err(wrong()),
    }
}

/// Both operations, each checked as if it came alone; the failure tells what is wrong with each.
fn checked(operations: Operations, limits: &Config) -> Result<UpdateWithStart> {
    let Operations { namespace, mut both } = operations;
    let start = check_start(&mut both.start, &namespace, limits).err();
    let mut update = check_update(&mut both.update, &namespace, limits).err();
    let updated = both.update.workflow_execution.as_ref().map_or("", |run| &run.workflow_id);
    if start.is_none() && update.is_none() && both.start.workflow_id != updated {
        update = Some(Error::invalid("WorkflowId is not consistent with previous operation(s)."));
    }
    if start.is_none() && update.is_none() {
        return Ok(both);
    }
    let or_aborted = |error: Option<Error>| Some(error.unwrap_or_else(Error::operation_aborted));
    Err(Error::update_with_start([or_aborted(start), or_aborted(update)]))
}

fn check_start(start: &mut service::StartWorkflowExecutionRequest, namespace: &str, limits: &Config) -> Result<()> {
    take_namespace(&mut start.namespace, namespace)?;
    start.check(limits)?;
    if !start.cron_schedule.is_empty() {
        return Err(Error::invalid("CronSchedule is not allowed."));
    }
    if start.request_eager_execution {
        return Err(Error::invalid("RequestEagerExecution is not supported."));
    }
    if from_duration(&start.workflow_start_delay) > Span::ZERO {
        return Err(Error::invalid("WorkflowStartDelay is not supported."));
    }
    Ok(())
}

fn check_update(update: &mut service::UpdateWorkflowExecutionRequest, namespace: &str, limits: &Config) -> Result<()> {
    take_namespace(&mut update.namespace, namespace)?;
    update.check(limits)?;
    if !update.first_execution_run_id.is_empty() {
        return Err(Error::invalid("FirstExecutionRunId is not allowed."));
    }
    if update.workflow_execution.as_ref().is_some_and(|run| !run.run_id.is_empty()) {
        return Err(Error::invalid("RunId is not allowed."));
    }
    Ok(())
}

fn take_namespace(own: &mut String, namespace: &str) -> Result<()> {
    if own.is_empty() {
        namespace.clone_into(own);
    }
    if own != namespace {
        return Err(Error::invalid("Operation namespace did not match request's namespace."));
    }
    Ok(())
}
