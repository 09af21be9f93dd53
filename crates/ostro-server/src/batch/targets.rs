//! Which executions a batch is about.

use std::collections::BTreeMap;

use ostro_engine::batch::Batch;
use ostro_engine::call::{ResolveNamespace, ResolvedNamespace};
use ostro_engine::execution::standalone::activity::DIVISION;
use ostro_store::Reads;
use ostro_store::visibility::SearchAttributeTypes;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_protos::temporal::api::workflowservice::v1::{
    StartBatchOperationRequest, start_batch_operation_request::Operation,
};

use super::{Batches, Interrupted};

/// Executions in one page, and in one note of progress.
const PAGE_RUNS: usize = 200;

/// A page of executions, and where the next begins; empty when there is none.
pub(super) struct Page {
    pub runs: Vec<WorkflowExecution>,
    pub next: Vec<u8>,
}

impl Batches {
    pub(super) async fn count(&self, batch: &Batch, request: &StartBatchOperationRequest) -> Result<i64, Interrupted> {
        if request.visibility_query.is_empty() {
            return Ok(listed(request).len() as i64);
        }
        let (id, query) = (batch.namespace, query(request));
        let types = self.types(request).await?;
        self.read(&request.namespace, move |reads| reads.count(id, &types, &query).map(|count| count.total)).await
    }

    pub(super) async fn page(
        &self,
        batch: &Batch,
        request: &StartBatchOperationRequest,
        cursor: &[u8],
    ) -> Result<Page, Interrupted> {
        if request.visibility_query.is_empty() {
            return Ok(page_of_list(listed(request), cursor));
        }
        let (id, query, token) = (batch.namespace, query(request), cursor.to_vec());
        let types = self.types(request).await?;
        let page =
            self.read(&request.namespace, move |reads| reads.list(id, &types, &query, PAGE_RUNS, &token)).await?;
        let run = |row: ostro_engine::persistence::VisibilityRow| WorkflowExecution {
            workflow_id: row.workflow_id,
            run_id: row.run_id,
        };
        Ok(Page { runs: page.rows.into_iter().map(run).collect(), next: page.next_token })
    }

    async fn types(&self, request: &StartBatchOperationRequest) -> Result<SearchAttributeTypes, Interrupted> {
        let namespace = ResolveNamespace { namespace: request.namespace.clone() };
        let namespace = self.engine.call(namespace).await.map_err(|error| Interrupted(error.message))?;
        Ok(attribute_types(&namespace))
    }

    /// Asks the store for a namespace.
    pub(super) async fn read<T, F>(&self, namespace: &str, read: F) -> Result<T, Interrupted>
    where
        T: Send + 'static,
        F: FnOnce(Reads<'_>) -> ostro_engine::error::Result<T> + Send + 'static,
    {
        let read = self.readers.list(namespace, read).await;
        read.map_err(|refused| Interrupted(refused.to_string()))?.map_err(|error| Interrupted(error.message))
    }
}

/// The types by which a filter on search attributes is read.
pub(crate) fn attribute_types(namespace: &ResolvedNamespace) -> SearchAttributeTypes {
    let known = |(name, kind): (&String, &i32)| Some((name.clone(), IndexedValueType::try_from(*kind).ok()?));
    namespace.search_attributes.iter().filter_map(known).collect::<BTreeMap<_, _>>()
}

fn page_of_list(runs: Vec<WorkflowExecution>, cursor: &[u8]) -> Page {
    let from = cursor.try_into().map_or(0, u64::from_be_bytes) as usize;
    let to = runs.len().min(from + PAGE_RUNS);
    let next = if to < runs.len() { (to as u64).to_be_bytes().to_vec() } else { Vec::new() };
    Page { runs: runs.into_iter().take(to).skip(from).collect(), next }
}

#[allow(deprecated)]
fn listed(request: &StartBatchOperationRequest) -> Vec<WorkflowExecution> {
    let targets = request.target_executions.iter().cloned();
    let targets = targets.map(|run| WorkflowExecution { workflow_id: run.business_id, run_id: run.run_id });
    request.executions.iter().cloned().chain(targets).collect()
}

/// The filter, limited to open runs where the operation is about those, and to activities where it is about those.
fn query(request: &StartBatchOperationRequest) -> String {
    const OPEN: &str = "(ExecutionStatus = 'Running' OR ExecutionStatus = 'Paused')";
    let query = &request.visibility_query;
    let of_activities = format!("TemporalNamespaceDivision = '{DIVISION}' AND ({query})");
    match request.operation {
        Some(Operation::DeletionOperation(_) | Operation::ResetOperation(_)) => query.clone(),
        Some(Operation::DeleteActivitiesOperation(_)) => of_activities,
        Some(Operation::CancelActivitiesOperation(_) | Operation::TerminateActivitiesOperation(_)) => {
            format!("{of_activities} AND {OPEN}")
        }
        _ => format!("({query}) AND {OPEN}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_paged_to_its_end() {
        let runs: Vec<_> = (0..PAGE_RUNS + 1)
            .map(|n| WorkflowExecution { workflow_id: n.to_string(), ..Default::default() })
            .collect();
        let first = page_of_list(runs.clone(), &[]);
        assert_eq!(first.runs.len(), PAGE_RUNS);
        let second = page_of_list(runs, &first.next);
        assert_eq!((second.runs.len(), second.next.len()), (1, 0));
        assert_eq!(second.runs[0].workflow_id, PAGE_RUNS.to_string());
    }
}
