//! Starting workflows.

use temporalio_common::protos::temporal::api::common::v1::{Memo, WorkflowType};
use temporalio_common::protos::temporal::api::enums::v1::{
    UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
};
use temporalio_common::protos::temporal::api::update::v1::{
    Input, Meta, Request as UpdateRequest, WaitPolicy, outcome,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    ExecuteMultiOperationRequest, SignalWithStartWorkflowExecutionRequest, StartWorkflowExecutionRequest,
    UpdateWorkflowExecutionRequest, execute_multi_operation_request as multi,
    execute_multi_operation_response as multi_answer,
};

use crate::client::handle::Target;
use crate::client::rpc;
use crate::client::search;
use crate::error::{Error, Result};
use crate::ostro_handle::Ostro;
use crate::payload::Payload;
use crate::workflow::IdPolicy;
use crate::workflow::WorkflowOptions;
use crate::workflow::call::{Call, encode_memo};

fn id_policies(policy: IdPolicy) -> (WorkflowIdReusePolicy, WorkflowIdConflictPolicy) {
    use {WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse};
    match policy {
        IdPolicy::AllowDuplicate => (Reuse::AllowDuplicate, Conflict::Fail),
        IdPolicy::AllowDuplicateFailedOnly => (Reuse::AllowDuplicateFailedOnly, Conflict::Fail),
        IdPolicy::RejectDuplicate => (Reuse::RejectDuplicate, Conflict::Fail),
        IdPolicy::UseExisting => (Reuse::AllowDuplicate, Conflict::UseExisting),
        IdPolicy::TerminateExisting => (Reuse::AllowDuplicate, Conflict::TerminateExisting),
    }
}

fn request(ostro: &Ostro, call: Call) -> Result<StartWorkflowExecutionRequest> {
    let Call { name, payloads, options } = call;
    let WorkflowOptions { id, task_queue, execution_timeout, run_timeout, task_timeout, id_policy, .. } = options;
    let (reuse, conflict) = id_policies(id_policy);
    let memo = (!options.memo.is_empty()).then(|| encode_memo(&options.memo)).transpose()?;
    let attributes =
        (!options.search_attributes.is_empty()).then(|| search::attributes(options.search_attributes).into_proto());
    Ok(StartWorkflowExecutionRequest {
        namespace: ostro.namespace().to_owned(),
        workflow_id: id.unwrap_or_else(rpc::request_id),
        workflow_type: Some(WorkflowType { name: name.to_owned() }),
        task_queue: rpc::task_queue(task_queue.unwrap_or_else(|| ostro.task_queue().to_owned())),
        input: rpc::payloads(payloads),
        workflow_execution_timeout: rpc::duration(execution_timeout),
        workflow_run_timeout: rpc::duration(run_timeout),
        workflow_task_timeout: rpc::duration(task_timeout),
        identity: ostro.identity().to_owned(),
        request_id: rpc::request_id(),
        workflow_id_reuse_policy: reuse.into(),
        workflow_id_conflict_policy: conflict.into(),
        retry_policy: options.retry_policy.map(Into::into),
        memo: memo.map(|fields| Memo { fields }),
        search_attributes: attributes,
        workflow_start_delay: rpc::duration(options.start_delay),
        ..Default::default()
    })
}

pub(crate) async fn start(ostro: &Ostro, call: Call) -> Result<Target> {
    let request = request(ostro, call)?;
    let id = request.workflow_id.clone();
    let started = rpc::ask(ostro, format!("workflow {id:?} cannot be started"), &request).await?;
    Ok(Target::new(ostro.clone(), id, Some(started.run_id)))
}

pub(crate) async fn signal_with_start(
    ostro: &Ostro,
    call: Call,
    signal: String,
    payloads: Vec<Payload>,
) -> Result<Target> {
    let start = request(ostro, call)?;
    let id = start.workflow_id.clone();
    let conflict = match start.workflow_id_conflict_policy() {
        WorkflowIdConflictPolicy::TerminateExisting => WorkflowIdConflictPolicy::TerminateExisting,
        _ => WorkflowIdConflictPolicy::UseExisting,
    };
    let request = SignalWithStartWorkflowExecutionRequest {
        namespace: start.namespace,
        workflow_id: start.workflow_id,
        workflow_type: start.workflow_type,
        task_queue: start.task_queue,
        input: start.input,
        workflow_execution_timeout: start.workflow_execution_timeout,
        workflow_run_timeout: start.workflow_run_timeout,
        workflow_task_timeout: start.workflow_task_timeout,
        identity: start.identity,
        request_id: start.request_id,
        workflow_id_reuse_policy: start.workflow_id_reuse_policy,
        workflow_id_conflict_policy: conflict.into(),
        signal_name: signal,
        signal_input: rpc::payloads(payloads),
        retry_policy: start.retry_policy,
        memo: start.memo,
        search_attributes: start.search_attributes,
        workflow_start_delay: start.workflow_start_delay,
        ..Default::default()
    };
    let what = format!("workflow {id:?} cannot be signalled with a start");
    let started = rpc::ask(ostro, what, &request).await?;
    Ok(Target::new(ostro.clone(), id, Some(started.run_id)))
}

pub(crate) fn update_request(
    ostro: &Ostro,
    target: (&str, &str),
    name: String,
    id: Option<String>,
    payloads: Vec<Payload>,
) -> UpdateWorkflowExecutionRequest {
    UpdateWorkflowExecutionRequest {
        namespace: ostro.namespace().to_owned(),
        workflow_execution: rpc::execution(target.0, target.1),
        wait_policy: Some(WaitPolicy { lifecycle_stage: Stage::Completed.into() }),
        request: Some(UpdateRequest {
            meta: Some(Meta { update_id: id.unwrap_or_else(rpc::request_id), identity: ostro.identity().to_owned() }),
            input: Some(Input { name, args: rpc::payloads(payloads), ..Default::default() }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(crate) async fn update_with_start(
    ostro: &Ostro,
    call: Call,
    name: String,
    update_id: Option<String>,
    payloads: Vec<Payload>,
) -> Result<Payload> {
    let mut start = request(ostro, call)?;
    if start.workflow_id_conflict_policy() == WorkflowIdConflictPolicy::Fail {
        start.workflow_id_conflict_policy = WorkflowIdConflictPolicy::UseExisting.into();
    }
    let id = start.workflow_id.clone();
    let update_id = update_id.unwrap_or_else(rpc::request_id);
    let update = update_request(ostro, (&id, ""), name.clone(), Some(update_id), payloads);
    let operation = |operation| multi::Operation { operation: Some(operation) };
    let request = ExecuteMultiOperationRequest {
        namespace: ostro.namespace().to_owned(),
        operations: vec![
            operation(multi::operation::Operation::StartWorkflow(start)),
            operation(multi::operation::Operation::UpdateWorkflow(update)),
        ],
        ..Default::default()
    };
    let what = format!("update `{name}` with a start of workflow {id:?}");
    loop {
        let answers = rpc::wait(ostro, &what, &request).await?.responses;
        let updated = answers.into_iter().find_map(|answer| match answer.response {
            Some(multi_answer::response::Response::UpdateWorkflow(update)) => Some(update),
            _ => None,
        });
        // Without an outcome the wait was cut short: asked again with the same id it goes on.
        match updated.and_then(|update| update.outcome).and_then(|outcome| outcome.value) {
            Some(outcome) => return settle(outcome),
            None => continue,
        }
    }
}

/// The answer of an update that is done.
pub(crate) fn settle(outcome: outcome::Value) -> Result<Payload> {
    match outcome {
        outcome::Value::Success(payloads) => Ok(payloads.payloads.into_iter().next().unwrap_or_default()),
        outcome::Value::Failure(failure) => Err(Error::from_failure(failure)),
    }
}
