//! What each kind of batch does to one execution.

use ostro_engine::batch::Batch;
use ostro_engine::error::Result;
use ostro_engine::execution::standalone::activity::activity_id;
use temporalio_protos::temporal::api::batch::v1 as batches;
use temporalio_protos::temporal::api::batch::v1::{
    batch_operation_reset_activities::Activity as Resetting, batch_operation_unpause_activities::Activity as Unpausing,
    batch_operation_update_activity_options::Activity as Updating,
};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use temporalio_protos::temporal::api::workflowservice::v1::start_batch_operation_request::Operation;

use super::Batches;

impl Batches {
    pub(super) async fn operate(
        &self,
        batch: &Batch,
        request: &service::StartBatchOperationRequest,
        run: &WorkflowExecution,
    ) -> Result<()> {
        let namespace = request.namespace.clone();
        let execution = Some(run.clone());
        let Some(operation) = request.operation.clone() else { return Ok(()) };
        match operation {
            Operation::TerminationOperation(o) => {
                self.engine.call(terminate(namespace, execution, &request.reason, o)).await.map(drop)
            }
            Operation::SignalOperation(o) => {
                self.engine.call(signal(namespace, execution, request_id(batch, "signal", run), o)).await.map(drop)
            }
            Operation::CancellationOperation(o) => {
                let cancel = service::RequestCancelWorkflowExecutionRequest {
                    namespace,
                    workflow_execution: execution,
                    identity: o.identity,
                    request_id: request_id(batch, "cancel", run),
                    reason: request.reason.clone(),
                    ..Default::default()
                };
                self.engine.call(cancel).await.map(drop)
            }
            Operation::DeletionOperation(_) => {
                let delete = service::DeleteWorkflowExecutionRequest { namespace, workflow_execution: execution };
                self.engine.call(delete).await.map(drop)
            }
            Operation::ResetOperation(o) => self.reset(batch, request, run, o).await,
            Operation::CancelActivitiesOperation(_)
            | Operation::TerminateActivitiesOperation(_)
            | Operation::DeleteActivitiesOperation(_) => {
                self.operate_on_activity(batch, namespace, run, operation).await
            }
            other => self.change(namespace, execution, other).await,
        }
    }

    /// Changes of options and of activities.
    async fn change(
        &self,
        namespace: String,
        execution: Option<WorkflowExecution>,
        operation: Operation,
    ) -> Result<()> {
        match operation {
            Operation::UpdateWorkflowOptionsOperation(o) => {
                let update = service::UpdateWorkflowExecutionOptionsRequest {
                    namespace,
                    workflow_execution: execution,
                    workflow_execution_options: o.workflow_execution_options,
                    update_mask: o.update_mask,
                    identity: o.identity,
                };
                self.engine.call(update).await.map(drop)
            }
            Operation::UnpauseActivitiesOperation(o) => {
                self.engine.call(unpause(namespace, execution, o)).await.map(drop)
            }
            Operation::ResetActivitiesOperation(o) => {
                self.engine.call(reset_activities(namespace, execution, o)).await.map(drop)
            }
            Operation::UpdateActivityOptionsOperation(o) => {
                self.engine.call(activity_options(namespace, execution, o)).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// What is done to an activity without a workflow.
    async fn operate_on_activity(
        &self,
        batch: &Batch,
        namespace: String,
        run: &WorkflowExecution,
        operation: Operation,
    ) -> Result<()> {
        let (activity_id, run_id) = (activity_id(&run.workflow_id).to_owned(), run.run_id.clone());
        match operation {
            Operation::CancelActivitiesOperation(o) => {
                let cancel = service::RequestCancelActivityExecutionRequest {
                    namespace,
                    activity_id,
                    run_id,
                    identity: o.identity,
                    request_id: request_id(batch, "cancel", run),
                    reason: o.reason,
                };
                self.engine.call(cancel).await.map(drop)
            }
            Operation::TerminateActivitiesOperation(o) => {
                let terminate = service::TerminateActivityExecutionRequest {
                    namespace,
                    activity_id,
                    run_id,
                    identity: o.identity,
                    request_id: request_id(batch, "terminate", run),
                    reason: o.reason,
                };
                self.engine.call(terminate).await.map(drop)
            }
            _ => {
                let delete = service::DeleteActivityExecutionRequest { namespace, activity_id, run_id };
                self.engine.call(delete).await.map(drop)
            }
        }
    }

    async fn reset(
        &self,
        batch: &Batch,
        request: &service::StartBatchOperationRequest,
        run: &WorkflowExecution,
        operation: batches::BatchOperationReset,
    ) -> Result<()> {
        let event = self.reset_point(&request.namespace, run, &operation).await?;
        #[allow(deprecated)]
        let (reapply, exclude) = match &operation.options {
            Some(options) => (options.reset_reapply_type, options.reset_reapply_exclude_types.clone()),
            None => (operation.reset_reapply_type, Vec::new()),
        };
        #[allow(deprecated)]
        let reset = service::ResetWorkflowExecutionRequest {
            namespace: request.namespace.clone(),
            workflow_execution: Some(run.clone()),
            reason: request.reason.clone(),
            workflow_task_finish_event_id: event,
            request_id: request_id(batch, "reset", run),
            reset_reapply_type: reapply,
            reset_reapply_exclude_types: exclude,
            post_reset_operations: operation.post_reset_operations,
            identity: operation.identity,
        };
        self.engine.call(reset).await.map(drop)
    }
}

/// The same for the same run of the same batch: what a restart makes happen twice counts once.
fn request_id(batch: &Batch, what: &str, run: &WorkflowExecution) -> String {
    format!("batch-{what}-{}-{}", batch.job_id, run.run_id)
}

fn terminate(
    namespace: String,
    workflow_execution: Option<WorkflowExecution>,
    reason: &str,
    o: batches::BatchOperationTermination,
) -> service::TerminateWorkflowExecutionRequest {
    service::TerminateWorkflowExecutionRequest {
        namespace,
        workflow_execution,
        reason: reason.to_owned(),
        details: o.details,
        identity: o.identity,
        ..Default::default()
    }
}

fn signal(
    namespace: String,
    workflow_execution: Option<WorkflowExecution>,
    request_id: String,
    o: batches::BatchOperationSignal,
) -> service::SignalWorkflowExecutionRequest {
    service::SignalWorkflowExecutionRequest {
        namespace,
        workflow_execution,
        signal_name: o.signal,
        input: o.input,
        header: o.header,
        identity: o.identity,
        request_id,
        ..Default::default()
    }
}

fn unpause(
    namespace: String,
    execution: Option<WorkflowExecution>,
    o: batches::BatchOperationUnpauseActivities,
) -> service::UnpauseActivityRequest {
    use service::unpause_activity_request::Activity;
    service::UnpauseActivityRequest {
        namespace,
        execution,
        identity: o.identity,
        activity: o.activity.map(|which| match which {
            Unpausing::Type(name) => Activity::Type(name),
            Unpausing::MatchAll(all) => Activity::UnpauseAll(all),
        }),
        reset_attempts: o.reset_attempts,
        reset_heartbeat: o.reset_heartbeat,
        jitter: o.jitter,
    }
}

fn reset_activities(
    namespace: String,
    execution: Option<WorkflowExecution>,
    o: batches::BatchOperationResetActivities,
) -> service::ResetActivityRequest {
    use service::reset_activity_request::Activity;
    service::ResetActivityRequest {
        namespace,
        execution,
        identity: o.identity,
        activity: o.activity.map(|which| match which {
            Resetting::Type(name) => Activity::Type(name),
            Resetting::MatchAll(all) => Activity::MatchAll(all),
        }),
        reset_heartbeat: o.reset_heartbeat,
        keep_paused: o.keep_paused,
        jitter: o.jitter,
        restore_original_options: o.restore_original_options,
    }
}

fn activity_options(
    namespace: String,
    execution: Option<WorkflowExecution>,
    o: batches::BatchOperationUpdateActivityOptions,
) -> service::UpdateActivityOptionsRequest {
    use service::update_activity_options_request::Activity;
    service::UpdateActivityOptionsRequest {
        namespace,
        execution,
        identity: o.identity,
        activity_options: o.activity_options,
        update_mask: o.update_mask,
        activity: o.activity.map(|which| match which {
            Updating::Type(name) => Activity::Type(name),
            Updating::MatchAll(all) => Activity::MatchAll(all),
        }),
        restore_original: o.restore_original,
    }
}
