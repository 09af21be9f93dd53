//! Lists and counts. They see every change that was acknowledged before.

pub(crate) mod pages;
pub(crate) mod schedule;

use jiff::Timestamp;
use ostro_engine::call::ResolvedNamespace;
use ostro_engine::error::Error;
use ostro_engine::persistence::{SearchValue, VisibilityRow};
use ostro_engine::time::{Time, duration, timestamp};
use ostro_store::visibility::{Count, Page};
use ostro_wire::{Answer, CallContext};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::{Memo, Payload, SearchAttributes, WorkflowExecution, WorkflowType};
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use temporalio_protos::temporal::api::workflowservice::v1::count_workflow_executions_response::AggregationGroup;
use tonic::Status;

use super::Frontend;
use super::status::status;
use super::validate::legacy_list;
use super::{refuse, validate};
use crate::batch::attribute_types;

/// Runs in one page, at most and where the client says nothing.
const PAGE_RUNS_MAX: usize = 1000;

/// What one list asks for.
struct List {
    namespace: String,
    query: String,
    page_size: i32,
    token: Vec<u8>,
}

struct Listed {
    executions: Vec<WorkflowExecutionInfo>,
    next_page_token: Vec<u8>,
}

macro_rules! lists {
    ($($(#[$documentation:meta])* $name:ident: $request:ident -> $response:ident = $query:expr, $page_size:ident;)*) => {
        $($(#[$documentation])*
        pub(super) async fn $name(frontend: &Frontend, _context: &CallContext, request: service::$request) -> Answer<service::$response> {
            let query: fn(&service::$request) -> Result<String, Error> = $query;
            let query = query(&request).map_err(status)?;
            let list = List { namespace: request.namespace, query, page_size: request.$page_size, token: request.next_page_token };
            let Listed { executions, next_page_token } = frontend.list(list).await?;
            Ok(service::$response { executions, next_page_token }.into())
        })*
    };
}

lists! {
    /// `ListWorkflowExecutions`.
    list: ListWorkflowExecutionsRequest -> ListWorkflowExecutionsResponse = |request| Ok(request.query.clone()), page_size;
    /// `ScanWorkflowExecutions`: a list that promised no order; ours has one.
    scan: ScanWorkflowExecutionsRequest -> ScanWorkflowExecutionsResponse = |request| Ok(request.query.clone()), page_size;
    /// `ListOpenWorkflowExecutions`: the filters of before there was a filter language.
    list_open: ListOpenWorkflowExecutionsRequest -> ListOpenWorkflowExecutionsResponse = legacy_list::open, maximum_page_size;
    /// `ListClosedWorkflowExecutions`.
    list_closed: ListClosedWorkflowExecutionsRequest -> ListClosedWorkflowExecutionsResponse = legacy_list::closed, maximum_page_size;
}

/// `ListArchivedWorkflowExecutions`: there is no archive, and the answer says so in the words of a server without one.
pub(super) async fn list_archived(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::ListArchivedWorkflowExecutionsRequest,
) -> Answer<service::ListArchivedWorkflowExecutionsResponse> {
    frontend.known_namespace(&request.namespace).await?;
    refuse(Error::invalid("Cluster is not configured for visibility archival."))
}

/// `CountWorkflowExecutions`.
pub(super) async fn count(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::CountWorkflowExecutionsRequest,
) -> Answer<service::CountWorkflowExecutionsResponse> {
    let namespace = frontend.known_namespace(&request.namespace).await?;
    let types = attribute_types(&namespace);
    let (name, query) = (request.namespace, request.query);
    let counted = frontend.read_list(&name, move |reads| reads.count(namespace.id, &types, &query)).await?;
    Ok(count_response(counted.map_err(status)?).into())
}

impl Frontend {
    pub(super) async fn known_namespace(&self, name: &str) -> Result<ResolvedNamespace, Status> {
        validate::namespace(name).map_err(status)?;
        self.namespace(name).await
    }

    async fn list(&self, list: List) -> Result<Listed, Status> {
        let namespace = self.known_namespace(&list.namespace).await?;
        let (types, size) = (attribute_types(&namespace), page_size(list.page_size));
        let List { namespace: name, query, token, .. } = list;
        let page = self.read_list(&name, move |reads| reads.list(namespace.id, &types, &query, size, &token)).await?;
        let Page { rows, next_token } = page.map_err(status)?;
        let executions = rows.into_iter().map(info).collect::<Result<_, Error>>().map_err(status)?;
        Ok(Listed { executions, next_page_token: next_token })
    }
}

/// The size of a page, given what a client asked for.
pub(super) fn page_size(asked: i32) -> usize {
    usize::try_from(asked).ok().filter(|size| (1..=PAGE_RUNS_MAX).contains(size)).unwrap_or(PAGE_RUNS_MAX)
}

fn count_response(count: Count) -> service::CountWorkflowExecutionsResponse {
    let group = |(values, count): (Vec<SearchValue>, i64)| AggregationGroup {
        group_values: values.into_iter().map(group_value).collect(),
        count,
    };
    service::CountWorkflowExecutionsResponse {
        count: count.total,
        groups: count.groups.into_iter().map(group).collect(),
    }
}

/// A value as a search attribute's payload.
pub(super) fn group_value(value: SearchValue) -> Payload {
    let (json, kind) = match value {
        SearchValue::Bool(value) => (value.into(), "Bool"),
        SearchValue::Int(value) => (value.into(), "Int"),
        SearchValue::Double(value) => (value.into(), "Double"),
        SearchValue::String(value) => (value.into(), "Keyword"),
        SearchValue::Time(value) => {
            (Timestamp::from_nanosecond(value.nanos().into()).unwrap_or_default().to_string().into(), "Datetime")
        }
        SearchValue::KeywordList(values) => (values.into(), "KeywordList"),
    };
    let json: serde_json::Value = json;
    let metadata = [("encoding", "json/plain"), ("type", kind)];
    Payload {
        metadata: metadata.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into(),
        data: json.to_string().into_bytes(),
        ..Default::default()
    }
}

fn info(row: VisibilityRow) -> Result<WorkflowExecutionInfo, Error> {
    Ok(WorkflowExecutionInfo {
        execution: execution(row.workflow_id, row.run_id),
        r#type: Some(WorkflowType { name: row.workflow_type }),
        start_time: timestamp(row.start_time),
        execution_time: timestamp(row.execution_time),
        close_time: timestamp(row.close_time),
        execution_duration: (row.close_time != Time::UNSET)
            .then(|| duration(row.close_time - row.execution_time))
            .flatten(),
        status: row.status,
        history_length: row.history_length,
        history_size_bytes: row.history_size_bytes,
        state_transition_count: row.state_transition_count,
        parent_execution: execution(row.parent_workflow_id, row.parent_run_id),
        root_execution: execution(row.root_workflow_id, row.root_run_id),
        first_run_id: row.first_run_id,
        memo: Some(stored::<Memo>(&row.memo)?),
        search_attributes: Some(stored::<SearchAttributes>(&row.search_attributes)?),
        task_queue: row.task_queue,
        ..Default::default()
    })
}

fn execution(workflow_id: String, run_id: String) -> Option<WorkflowExecution> {
    (!workflow_id.is_empty()).then_some(WorkflowExecution { workflow_id, run_id })
}

fn stored<M: Message + Default>(bytes: &[u8]) -> Result<M, Error> {
    M::decode(bytes)
        .map_err(|error| Error::set_aside("a memo or the search attributes of a listed run", &error.to_string()))
}
