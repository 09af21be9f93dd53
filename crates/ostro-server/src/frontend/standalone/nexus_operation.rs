//! Nexus operations without a workflow: what waits for them, and lists of them.

use ostro_engine::execution::standalone::describe_nexus_operation::{operation_status, without_own};
use ostro_engine::execution::standalone::nexus_operation::{ENDPOINT_ATTRIBUTE, SERVICE_ATTRIBUTE, operation_id};
use ostro_engine::persistence::VisibilityRow;
use ostro_engine::search::keyword_of;
use ostro_engine::time::{Time, duration, timestamp};
use ostro_store::visibility::Page;
use ostro_wire::{Answer, CallContext};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::SearchAttributes;
use temporalio_protos::temporal::api::enums::v1::NexusOperationWaitStage as Stage;
use temporalio_protos::temporal::api::nexus::v1::NexusOperationExecutionListInfo;
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use temporalio_protos::temporal::api::workflowservice::v1::count_nexus_operation_executions_response::AggregationGroup;

use crate::frontend::Frontend;
use crate::frontend::standalone::kind::{Named, OPERATION};
use crate::frontend::status::status;
use crate::frontend::validate::Check;

/// `DescribeNexusOperationExecution`; with a token of an earlier answer it waits for something to change.
pub(crate) async fn describe(
    frontend: &Frontend,
    context: &CallContext,
    mut request: service::DescribeNexusOperationExecutionRequest,
) -> Answer<service::DescribeNexusOperationExecutionResponse> {
    request.check(&frontend.limits).map_err(status)?;
    let token = std::mem::take(&mut request.long_poll_token);
    let named = Named { namespace: &request.namespace, id: &request.operation_id, run_id: &request.run_id };
    if !OPERATION.has_changed(frontend, context, named, token).await? {
        return Ok(service::DescribeNexusOperationExecutionResponse::default().into());
    }
    let (namespace, id) = (request.namespace.clone(), request.operation_id.clone());
    let mut described = frontend.ask(request).await?;
    let named = Named { namespace: &namespace, id: &id, run_id: "" };
    OPERATION.seal_wait(frontend, named, &mut described.long_poll_token);
    Ok(described.into())
}

/// `PollNexusOperationExecution`: waits for a stage; an empty answer is an invitation to ask again.
pub(crate) async fn poll(
    frontend: &Frontend,
    context: &CallContext,
    mut request: service::PollNexusOperationExecutionRequest,
) -> Answer<service::PollNexusOperationExecutionResponse> {
    request.check(&frontend.limits).map_err(status)?;
    let of_start = request.wait_stage() == Stage::Started;
    let (namespace, id, mut run_id) = (request.namespace.clone(), request.operation_id.clone(), request.run_id.clone());
    // A wait from 0 on is answered at once: it says where the operation stands and which run it is.
    let mut seen = of_start.then_some(0);
    loop {
        let named = Named { namespace: &namespace, id: &id, run_id: &run_id };
        let position = OPERATION.wait(frontend, context, named, seen).await?;
        run_id.clone_from(&position.run_id);
        let progress = frontend.ask(service::PollNexusOperationExecutionRequest { run_id, ..request.clone() }).await?;
        if progress.wait_stage() == Stage::Closed || (of_start && progress.wait_stage() == Stage::Started) {
            return Ok(progress.into());
        }
        let next = position.next_event_id - 1;
        if !of_start || seen == Some(next) {
            return Ok(service::PollNexusOperationExecutionResponse::default().into());
        }
        (seen, run_id) = (Some(next), progress.run_id);
    }
}

/// `ListNexusOperationExecutions`.
pub(crate) async fn list(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::ListNexusOperationExecutionsRequest,
) -> Answer<service::ListNexusOperationExecutionsResponse> {
    let service::ListNexusOperationExecutionsRequest { namespace, query, page_size, next_page_token } = request;
    let page = OPERATION.list(frontend, &namespace, &query, page_size, next_page_token);
    let Page { rows, next_token } = page.await?;
    let operations = rows.into_iter().map(info).collect();
    Ok(service::ListNexusOperationExecutionsResponse { operations, next_page_token: next_token }.into())
}

/// `CountNexusOperationExecutions`.
pub(crate) async fn count(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::CountNexusOperationExecutionsRequest,
) -> Answer<service::CountNexusOperationExecutionsResponse> {
    let (count, groups) = OPERATION.count(frontend, &request.namespace, &request.query).await?;
    let groups = groups.into_iter().map(|(group_values, count)| AggregationGroup { group_values, count }).collect();
    Ok(service::CountNexusOperationExecutionsResponse { count, groups }.into())
}

fn info(row: VisibilityRow) -> NexusOperationExecutionListInfo {
    let attributes = SearchAttributes::decode(&row.search_attributes[..]).unwrap_or_default();
    let closed = row.close_time != Time::UNSET;
    NexusOperationExecutionListInfo {
        operation_id: operation_id(&row.workflow_id).to_owned(),
        run_id: row.run_id,
        endpoint: keyword_of(Some(&attributes), ENDPOINT_ATTRIBUTE),
        service: keyword_of(Some(&attributes), SERVICE_ATTRIBUTE),
        operation: row.workflow_type,
        schedule_time: timestamp(row.start_time),
        close_time: timestamp(row.close_time),
        status: operation_status(row.status) as i32,
        search_attributes: Some(without_own(attributes)),
        state_transition_count: row.state_transition_count,
        execution_duration: if closed { duration(row.close_time - row.start_time) } else { None },
        ..Default::default()
    }
}
