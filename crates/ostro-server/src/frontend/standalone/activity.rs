//! Activities without a workflow: what waits for them, and lists of them.

use ostro_engine::execution::standalone::activity::{activity_id, without_division};
use ostro_engine::execution::standalone::describe_activity::activity_status;
use ostro_engine::persistence::VisibilityRow;
use ostro_engine::time::{Time, duration, timestamp};
use ostro_store::visibility::Page;
use ostro_wire::{Answer, CallContext};
use prost::Message;
use temporalio_protos::temporal::api::activity::v1::ActivityExecutionListInfo;
use temporalio_protos::temporal::api::common::v1::{ActivityType, SearchAttributes};
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use temporalio_protos::temporal::api::workflowservice::v1::count_activity_executions_response::AggregationGroup;

use crate::frontend::Frontend;
use crate::frontend::standalone::kind::{ACTIVITY, Named};
use crate::frontend::status::status;
use crate::frontend::validate::Check;

/// `DescribeActivityExecution`; with a token of an earlier answer it waits for something to change.
pub(crate) async fn describe(
    frontend: &Frontend,
    context: &CallContext,
    mut request: service::DescribeActivityExecutionRequest,
) -> Answer<service::DescribeActivityExecutionResponse> {
    request.check(&frontend.limits).map_err(status)?;
    let token = std::mem::take(&mut request.long_poll_token);
    let named = Named { namespace: &request.namespace, id: &request.activity_id, run_id: &request.run_id };
    if !ACTIVITY.has_changed(frontend, context, named, token).await? {
        return Ok(service::DescribeActivityExecutionResponse::default().into());
    }
    let (namespace, id) = (request.namespace.clone(), request.activity_id.clone());
    let mut described = frontend.ask(request).await?;
    let named = Named { namespace: &namespace, id: &id, run_id: "" };
    ACTIVITY.seal_wait(frontend, named, &mut described.long_poll_token);
    Ok(described.into())
}

/// `PollActivityExecution`: waits for the end; an empty answer is an invitation to ask again.
pub(crate) async fn poll(
    frontend: &Frontend,
    context: &CallContext,
    mut request: service::PollActivityExecutionRequest,
) -> Answer<service::PollActivityExecutionResponse> {
    request.check(&frontend.limits).map_err(status)?;
    let named = Named { namespace: &request.namespace, id: &request.activity_id, run_id: &request.run_id };
    let position = ACTIVITY.wait(frontend, context, named, None).await?;
    if position.open {
        return Ok(service::PollActivityExecutionResponse::default().into());
    }
    let described = frontend
        .ask(service::DescribeActivityExecutionRequest {
            namespace: request.namespace,
            activity_id: request.activity_id,
            run_id: position.run_id,
            include_outcome: true,
            ..Default::default()
        })
        .await?;
    Ok(service::PollActivityExecutionResponse { run_id: described.run_id, outcome: described.outcome }.into())
}

/// `ListActivityExecutions`.
pub(crate) async fn list(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::ListActivityExecutionsRequest,
) -> Answer<service::ListActivityExecutionsResponse> {
    let service::ListActivityExecutionsRequest { namespace, query, page_size, next_page_token } = request;
    let page = ACTIVITY.list(frontend, &namespace, &query, page_size, next_page_token);
    let Page { rows, next_token } = page.await?;
    let executions = rows.into_iter().map(info).collect();
    Ok(service::ListActivityExecutionsResponse { executions, next_page_token: next_token }.into())
}

/// `CountActivityExecutions`.
pub(crate) async fn count(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::CountActivityExecutionsRequest,
) -> Answer<service::CountActivityExecutionsResponse> {
    let (count, groups) = ACTIVITY.count(frontend, &request.namespace, &request.query).await?;
    let groups = groups.into_iter().map(|(group_values, count)| AggregationGroup { group_values, count }).collect();
    Ok(service::CountActivityExecutionsResponse { count, groups }.into())
}

fn info(row: VisibilityRow) -> ActivityExecutionListInfo {
    let attributes = SearchAttributes::decode(&row.search_attributes[..]).unwrap_or_default();
    let closed = row.close_time != Time::UNSET;
    ActivityExecutionListInfo {
        activity_id: activity_id(&row.workflow_id).to_owned(),
        run_id: row.run_id,
        activity_type: Some(ActivityType { name: row.workflow_type }),
        schedule_time: timestamp(row.start_time),
        close_time: timestamp(row.close_time),
        status: activity_status(row.status) as i32,
        search_attributes: Some(without_division(attributes)),
        task_queue: row.task_queue,
        state_transition_count: row.state_transition_count,
        execution_duration: if closed { duration(row.close_time - row.start_time) } else { None },
        execution_time: timestamp(row.execution_time),
        ..Default::default()
    }
}
