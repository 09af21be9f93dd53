//! One run: which one, what the server says of it, and its history.

use ostro_wire::Caller;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse, GetWorkflowExecutionHistoryRequest,
};
use tonic::Status;

use crate::form::Sent;
use crate::link;

/// Events asked for at once.
const EVENTS: i32 = 1_000;

/// Which run a page is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub namespace: String,
    pub id: String,
    pub run: String,
}

impl Place {
    /// As the address has it: an id that cannot be part of a path is in the query.
    pub(crate) fn of((namespace, id, run): (String, String, String), sent: &Sent) -> Self {
        let id = if id == link::ELSEWHERE { sent.raw("id").to_owned() } else { id };
        Self { namespace, id, run }
    }

    /// The run, as requests name it.
    pub(crate) fn execution(&self) -> WorkflowExecution {
        WorkflowExecution { workflow_id: self.id.clone(), run_id: self.run.clone() }
    }

    /// The address of one of its pages; `rest` begins with a slash or is empty.
    pub(crate) fn address(&self, base: &str, rest: &str) -> String {
        let rest = format!("/{}{rest}", link::part(&self.run));
        link::thing(base, &self.namespace, "workflows", &self.id, &rest)
    }
}

/// What the server says of a run.
pub(crate) async fn describe(caller: &Caller, place: &Place) -> Result<DescribeWorkflowExecutionResponse, Status> {
    let request =
        DescribeWorkflowExecutionRequest { namespace: place.namespace.clone(), execution: Some(place.execution()) };
    caller.ask(&request).await
}

/// Reads the whole history of a run, an event at a time.
pub(crate) async fn read(caller: &Caller, place: &Place, mut each: impl FnMut(&HistoryEvent)) -> Result<(), Status> {
    let mut request = GetWorkflowExecutionHistoryRequest {
        namespace: place.namespace.clone(),
        execution: Some(place.execution()),
        maximum_page_size: EVENTS,
        ..Default::default()
    };
    loop {
        let page = caller.ask(&request).await?;
        page.history.iter().flat_map(|history| &history.events).for_each(&mut each);
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.next_page_token = page.next_page_token;
    }
}
