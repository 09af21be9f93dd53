//! The calls on batch operations, with the reference server's error texts.

use temporalio_protos::temporal::api::{
    batch::v1::BatchOperationInfo,
    common::v1::Execution,
    enums::v1::{BatchOperationState as State, BatchOperationType as Kind},
    workflowservice::v1::{
        DescribeBatchOperationResponse, ListBatchOperationsRequest, ListBatchOperationsResponse,
        StartBatchOperationRequest, StartBatchOperationResponse, StopBatchOperationRequest, StopBatchOperationResponse,
        start_batch_operation_request::Operation,
    },
};

use super::{Batches, Progress, RUNNING_MAX};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::time::{Time, timestamp};
use crate::namespace::{Namespace, Outcome};
use crate::stored::batch::Batch;
use crate::stored::persistence::{NamespaceId, Write};

const PAGE_SIZE_MAX: usize = 1000;

impl Batches {
    /// Begins a batch; the caller has checked the request.
    ///
    /// # Errors
    /// ALREADY_EXISTS for a known job id, RESOURCE_EXHAUSTED while as many run as may.
    pub fn start(
        &mut self,
        request: StartBatchOperationRequest,
        namespace: &Namespace,
        now: Time,
    ) -> Outcome<StartBatchOperationResponse> {
        if self.of(namespace.id).filter(|batch| batch.is_running()).count() >= RUNNING_MAX {
            return Err(Error::new(ErrorKind::ResourceExhausted, "Max concurrent batch operations is reached"));
        }
        let mut writes = self.forget_old(namespace, now);
        if self.by_job.contains_key(&(namespace.id, request.job_id.clone())) {
            let message = format!("a batch operation with job id {} is there already: take another id", request.job_id);
            return Err(Error::already_started(message, "", "", ""));
        }
        let (kind, identity) = kind_and_identity(&request);
        writes.extend(self.put(Batch {
            namespace: namespace.id,
            job_id: request.job_id.clone(),
            kind: kind as i32,
            identity,
            state: State::Running as i32,
            start_time: now.nanos(),
            request: Some(request),
            ..Default::default()
        }));
        Ok((StartBatchOperationResponse {}, writes))
    }

    /// Ended batches leave with their namespace's retention.
    fn forget_old(&mut self, namespace: &Namespace, now: Time) -> Vec<Write> {
        let ended_before = now - namespace.retention;
        let old = |batch: &&Batch| batch.close_time != 0 && batch.close_time < ended_before.nanos();
        let old: Vec<Batch> = self.of(namespace.id).filter(old).cloned().collect();
        for batch in &old {
            self.by_job.remove(&(batch.namespace, batch.job_id.clone()));
        }
        old.iter().map(Batch::delete).collect()
    }

    /// Ends a batch; what it has done so far stays done.
    pub fn stop(
        &mut self,
        request: &StopBatchOperationRequest,
        namespace: NamespaceId,
        now: Time,
    ) -> Outcome<StopBatchOperationResponse> {
        let mut batch = self.get(namespace, &request.job_id)?.clone();
        if !batch.is_running() {
            return Err(Error::not_found("workflow execution already completed"));
        }
        batch.state = State::Failed as i32;
        batch.close_time = now.nanos();
        Ok((StopBatchOperationResponse {}, self.put(batch)))
    }

    /// Notes progress; answers whether the batch still runs.
    pub fn progress(&mut self, progress: Progress, now: Time) -> (bool, Vec<Write>) {
        let key = (progress.namespace, progress.job_id);
        let Some(mut batch) = self.by_job.get(&key).filter(|batch| batch.is_running()).cloned() else {
            return (false, Vec::new());
        };
        batch.total = progress.total.unwrap_or(batch.total);
        batch.succeeded += progress.succeeded;
        batch.failed += progress.failed;
        batch.cursor = progress.cursor;
        if let Some(well) = progress.finished {
            batch.state = if well { State::Completed } else { State::Failed } as i32;
            batch.close_time = now.nanos();
        }
        let running = batch.is_running();
        (running, self.put(batch))
    }

    pub fn describe(&self, namespace: NamespaceId, job_id: &str) -> Result<DescribeBatchOperationResponse> {
        let batch = self.get(namespace, job_id)?;
        let request = batch.request.clone().unwrap_or_default();
        let ended_well = batch.state == State::Completed as i32;
        Ok(DescribeBatchOperationResponse {
            operation_type: batch.kind,
            job_id: batch.job_id.clone(),
            state: batch.state,
            start_time: timestamp(batch.start_time()),
            close_time: timestamp(batch.close_time()),
            total_operation_count: if ended_well { batch.succeeded + batch.failed } else { batch.total },
            complete_operation_count: batch.succeeded,
            failure_operation_count: batch.failed,
            identity: batch.identity.clone(),
            executions: executions(&request),
            reason: request.reason,
            query: request.visibility_query,
        })
    }

    /// A page of batches, the newest first.
    pub fn list(
        &self,
        request: &ListBatchOperationsRequest,
        namespace: NamespaceId,
    ) -> Result<ListBatchOperationsResponse> {
        let size = usize::try_from(request.page_size).ok().filter(|size| (1..=PAGE_SIZE_MAX).contains(size));
        let skip = match request.next_page_token.as_slice() {
            [] => 0,
            token => u64::from_be_bytes(token.try_into().map_err(|_| Error::invalid("Invalid NextPageToken."))?),
        };
        let mut all: Vec<&Batch> = self.of(namespace).collect();
        all.sort_by_key(|batch| std::cmp::Reverse(batch.start_time));
        let mut rest = all.into_iter().skip(skip as usize);
        let page: Vec<&Batch> = rest.by_ref().take(size.unwrap_or(PAGE_SIZE_MAX)).collect();
        let next = (skip + page.len() as u64).to_be_bytes().to_vec();
        Ok(ListBatchOperationsResponse {
            next_page_token: if rest.next().is_some() { next } else { Vec::new() },
            operation_info: page.into_iter().map(info).collect(),
        })
    }

    fn get(&self, namespace: NamespaceId, job_id: &str) -> Result<&Batch> {
        let found = self.by_job.get(&(namespace, job_id.to_owned()));
        found.ok_or_else(|| Error::not_found(format!("workflow not found for ID: {job_id}")))
    }
}

fn info(batch: &Batch) -> BatchOperationInfo {
    BatchOperationInfo {
        job_id: batch.job_id.clone(),
        state: batch.state,
        start_time: timestamp(batch.start_time()),
        close_time: timestamp(batch.close_time()),
        operation_type: batch.kind,
    }
}

#[allow(deprecated)]
fn executions(request: &StartBatchOperationRequest) -> Vec<Execution> {
    let named = request.executions.iter().map(|run| Execution {
        r#type: temporalio_protos::temporal::api::enums::v1::ExecutionType::Workflow as i32,
        business_id: run.workflow_id.clone(),
        run_id: run.run_id.clone(),
    });
    named.chain(request.target_executions.iter().cloned()).collect()
}

fn kind_and_identity(request: &StartBatchOperationRequest) -> (Kind, String) {
    use Operation::*;
    match request.operation.clone() {
        Some(TerminationOperation(o)) => (Kind::TerminateWorkflow, o.identity),
        Some(SignalOperation(o)) => (Kind::SignalWorkflow, o.identity),
        Some(CancellationOperation(o)) => (Kind::CancelWorkflow, o.identity),
        Some(DeletionOperation(o)) => (Kind::DeleteWorkflow, o.identity),
        Some(ResetOperation(o)) => (Kind::ResetWorkflow, o.identity),
        Some(UpdateWorkflowOptionsOperation(o)) => (Kind::UpdateWorkflowExecutionOptions, o.identity),
        Some(UnpauseActivitiesOperation(o)) => (Kind::UnpauseActivity, o.identity),
        Some(ResetActivitiesOperation(o)) => (Kind::ResetActivity, o.identity),
        Some(UpdateActivityOptionsOperation(o)) => (Kind::UpdateActivityOptions, o.identity),
        Some(CancelActivitiesOperation(o)) => (Kind::CancelActivity, o.identity),
        Some(TerminateActivitiesOperation(o)) => (Kind::TerminateActivity, o.identity),
        Some(DeleteActivitiesOperation(_)) => (Kind::DeleteActivity, String::new()),
        None => (Kind::Unspecified, String::new()),
    }
}
