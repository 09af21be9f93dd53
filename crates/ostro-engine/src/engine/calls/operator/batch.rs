//! Batch operations: the registry does the work, its writes join the call's.

use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeBatchOperationRequest, DescribeBatchOperationResponse, ListBatchOperationsRequest,
    ListBatchOperationsResponse, StartBatchOperationRequest, StartBatchOperationResponse, StopBatchOperationRequest,
    StopBatchOperationResponse,
};

use crate::base::error::Result;
use crate::batch::Progress;
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::stored::persistence::Loader;

answers! {
    StartBatchOperationRequest: |engine, request| engine.start_batch(request);
    StopBatchOperationRequest: |engine, request| engine.stop_batch(request);
    DescribeBatchOperationRequest: |engine, request| engine.describe_batch(request);
    ListBatchOperationsRequest: |engine, request| engine.list_batches(request);
    crate::batch::RunningBatches: |engine, _request| Ok(engine.batches.running());
    Progress: |engine, request| Ok(engine.progress_batch(request));
}

impl<L: Loader> Engine<L> {
    pub(crate) fn start_batch(&mut self, request: StartBatchOperationRequest) -> Result<StartBatchOperationResponse> {
        let namespace = self.namespaces.get(&request.namespace)?;
        let (response, writes) = self.batches.start(request, namespace, self.now)?;
        self.keep(writes);
        Ok(response)
    }

    pub(crate) fn stop_batch(&mut self, request: StopBatchOperationRequest) -> Result<StopBatchOperationResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let (response, writes) = self.batches.stop(&request, namespace, self.now)?;
        self.keep(writes);
        Ok(response)
    }

    pub(crate) fn describe_batch(
        &mut self,
        request: DescribeBatchOperationRequest,
    ) -> Result<DescribeBatchOperationResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        self.batches.describe(namespace, &request.job_id)
    }

    pub(crate) fn list_batches(&mut self, request: ListBatchOperationsRequest) -> Result<ListBatchOperationsResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        self.batches.list(&request, namespace)
    }

    pub(crate) fn progress_batch(&mut self, progress: Progress) -> bool {
        let (running, writes) = self.batches.progress(progress, self.now);
        self.keep(writes);
        running
    }
}
