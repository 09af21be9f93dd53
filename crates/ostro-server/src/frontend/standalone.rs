//! Activities without a workflow: what waits for them, and lists of them.

use ostro_engine::command::ReadHistory;
use ostro_engine::error::Error;
use ostro_engine::execution::describe_standalone::activity_status;
use ostro_engine::execution::standalone::{DIVISION, activity_id, execution_id, without_division};
use ostro_engine::persistence::VisibilityRow;
use ostro_engine::time::{duration, timestamp};
use ostro_store::visibility::Page;
use ostro_wire::{Answer, CallContext};
use prost::Message;
use temporalio_protos::temporal::api::activity::v1::ActivityExecutionListInfo;
use temporalio_protos::temporal::api::common::v1::{ActivityType, SearchAttributes};
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use temporalio_protos::temporal::api::workflowservice::v1::count_activity_executions_response::AggregationGroup;
use tonic::Status;

use super::Frontend;
use super::status::status;
use super::validate::Check;
use super::visibility::{group_value, page_size};
use crate::batch::attribute_types;

/// `DescribeActivityExecution`; with a token of an earlier answer it waits for something to change.
pub(super) async fn describe(
    frontend: &Frontend,
    context: &CallContext,
    mut request: service::DescribeActivityExecutionRequest,
) -> Answer<service::DescribeActivityExecutionResponse> {
    request.check(&frontend.limits).map_err(status)?;
    let token = std::mem::take(&mut request.long_poll_token);
    if !token.is_empty() {
        let seen = <[u8; 8]>::try_from(token).map_err(|_| status(Error::invalid("invalid long poll token")))?;
        let seen = i64::from_be_bytes(seen);
        let (id, run) = (request.activity_id.clone(), request.run_id.clone());
        let position = wait(frontend, context, request.namespace.clone(), id, run, Some(seen)).await?;
        if position.open && position.next_event_id <= seen + 1 {
            return Ok(service::DescribeActivityExecutionResponse::default().into());
        }
    }
    Ok(frontend.ask(request).await?.into())
}

/// `PollActivityExecution`: waits for the end; an empty answer is an invitation to ask again.
pub(super) async fn poll(
    frontend: &Frontend,
    context: &CallContext,
    mut request: service::PollActivityExecutionRequest,
) -> Answer<service::PollActivityExecutionResponse> {
    request.check(&frontend.limits).map_err(status)?;
    let (namespace, id) = (request.namespace.clone(), request.activity_id.clone());
    let position = wait(frontend, context, namespace, id, request.run_id, None).await?;
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

/// Waits for the end, or for a change after the one that was `seen`.
async fn wait(
    frontend: &Frontend,
    context: &CallContext,
    namespace: String,
    id: String,
    run_id: String,
    seen: Option<i64>,
) -> Result<ostro_engine::reply::HistoryPosition, Status> {
    let read = ReadHistory {
        namespace,
        workflow_id: execution_id(&id),
        run_id,
        from: seen.map_or(0, |seen| seen + 1),
        wait: true,
        close_only: seen.is_none(),
        deadline: frontend.deadline(context),
    };
    frontend.engine.call(read).await.map_err(|error| {
        status(match error.message.contains(&execution_id(&id)) {
            true => Error::not_found(format!("activity not found for ID: {id}")),
            false => error,
        })
    })
}

/// `ListActivityExecutions`.
pub(super) async fn list(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::ListActivityExecutionsRequest,
) -> Answer<service::ListActivityExecutionsResponse> {
    let namespace = frontend.known_namespace(&request.namespace).await?;
    let (types, size) = (attribute_types(&namespace), page_size(request.page_size));
    let (query, token) = (of_division(DIVISION, &request.query), request.next_page_token);
    let page = frontend.read(move |readers| readers.list(namespace.id, &types, &query, size, &token)).await?;
    let Page { rows, next_token } = page.map_err(status)?;
    let executions = rows.into_iter().map(info).collect();
    Ok(service::ListActivityExecutionsResponse { executions, next_page_token: next_token }.into())
}

/// `CountActivityExecutions`.
pub(super) async fn count(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::CountActivityExecutionsRequest,
) -> Answer<service::CountActivityExecutionsResponse> {
    let namespace = frontend.known_namespace(&request.namespace).await?;
    let (types, query) = (attribute_types(&namespace), of_division(DIVISION, &request.query));
    let counted = frontend.read(move |readers| readers.count(namespace.id, &types, &query)).await?;
    let counted = counted.map_err(status)?;
    let group = |(values, count): (Vec<_>, i64)| AggregationGroup {
        group_values: values.into_iter().map(group_value).collect(),
        count,
    };
    Ok(service::CountActivityExecutionsResponse {
        count: counted.total,
        groups: counted.groups.into_iter().map(group).collect(),
    }
    .into())
}

/// A filter that selects only what is of a division, such as activities.
pub(super) fn of_division(division: &str, query: &str) -> String {
    let (condition, clause) = query.split_at(clause_at(query));
    match condition.trim() {
        "" => format!("TemporalNamespaceDivision = '{division}' {clause}"),
        condition => format!("TemporalNamespaceDivision = '{division}' AND ({condition}) {clause}"),
    }
}

/// Where the clause begins that follows the condition: `ORDER BY` or `GROUP BY` outside of quotes.
fn clause_at(query: &str) -> usize {
    let lower = query.to_ascii_lowercase();
    let mut quote = None;
    for (at, byte) in lower.bytes().enumerate() {
        match (quote, byte) {
            (None, b'\'' | b'"' | b'`') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (None, b'o' | b'g') => {
                let word_begins = at == 0 || !lower.as_bytes()[at - 1].is_ascii_alphanumeric();
                let words: Vec<&str> = lower[at..].split_whitespace().take(2).collect();
                if word_begins && matches!(words.as_slice(), ["order" | "group", "by"]) {
                    return at;
                }
            }
            _ => {}
        }
    }
    query.len()
}

fn info(row: VisibilityRow) -> ActivityExecutionListInfo {
    let attributes = SearchAttributes::decode(&row.search_attributes[..]).unwrap_or_default();
    let closed = row.close_time != 0;
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

#[cfg(test)]
mod tests {
    use super::{DIVISION, of_division};

    #[test]
    fn a_filter_is_narrowed_and_its_clause_stays_outside() {
        let narrowed =
            |query: &str| of_division(DIVISION, query).replace("TemporalNamespaceDivision = 'activity'", "D");
        assert_eq!(narrowed("").trim(), "D");
        assert_eq!(narrowed("A = 1 OR B = 2").trim(), "D AND (A = 1 OR B = 2)");
        assert_eq!(narrowed("group BY ExecutionStatus"), "D group BY ExecutionStatus");
        assert_eq!(narrowed("A = ' group by '").trim(), "D AND (A = ' group by ')");
        assert_eq!(narrowed("A = 1 ORDER  BY StartTime"), "D AND (A = 1) ORDER  BY StartTime");
    }
}
