//! The executions that are open, each with what it waits for.

use ostro_explain::{Reason, gather};
use ostro_wire::Caller;
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse, ListWorkflowExecutionsRequest,
};
use tokio::task::JoinSet;
use tonic::Status;

use crate::moment::Clock;

/// Executions that are looked at for one page.
pub(crate) const LOOKED_AT_MAX: i32 = 200;
/// Events of a history that is read for a list.
const EVENTS_MAX: i64 = 1_000;
/// Executions that are asked about at a time.
const AT_A_TIME: usize = 8;

/// An open execution.
pub(crate) struct Open {
    pub info: WorkflowExecutionInfo,
    pub described: DescribeWorkflowExecutionResponse,
    /// What blocks it first; empty where its history is too long to be read for a list.
    pub reasons: Vec<Reason>,
}

/// The newest open executions, and whether there are more.
pub(crate) async fn all(caller: &Caller, namespace: &str, clock: &Clock) -> Result<(Vec<Open>, bool), Status> {
    let request = ListWorkflowExecutionsRequest {
        namespace: namespace.to_owned(),
        query: "ExecutionStatus IN ('Running', 'Paused')".to_owned(),
        page_size: LOOKED_AT_MAX,
        ..Default::default()
    };
    let list = caller.ask(&request).await?;
    let more = !list.next_page_token.is_empty();
    let (mut found, mut tasks) = (Vec::new(), JoinSet::new());
    for (place, info) in list.executions.into_iter().enumerate() {
        if tasks.len() >= AT_A_TIME {
            found.extend(tasks.join_next().await.and_then(Result::ok).flatten());
        }
        let (caller, namespace, clock) = (caller.clone(), namespace.to_owned(), clock.clone());
        tasks.spawn(async move { look(&caller, &namespace, info, &clock).await.map(|open| (place, open)) });
    }
    found.extend(tasks.join_all().await.into_iter().flatten());
    found.sort_by_key(|(place, _)| *place);
    Ok((found.into_iter().map(|(_, open)| open).collect(), more))
}

/// One of them; nothing where it has ended meanwhile.
async fn look(caller: &Caller, namespace: &str, info: WorkflowExecutionInfo, clock: &Clock) -> Option<Open> {
    let request =
        DescribeWorkflowExecutionRequest { namespace: namespace.to_owned(), execution: info.execution.clone() };
    let described = caller.ask(&request).await.ok()?;
    let length = described.workflow_execution_info.as_ref().map_or(0, |info| info.history_length);
    let reasons = match length <= EVENTS_MAX {
        true => gather::explain(caller, namespace, &described, clock.now).await.ok()?,
        false => Vec::new(),
    };
    Some(Open { info, described, reasons })
}
