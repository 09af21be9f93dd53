//! The lists of before there was a filter language, as filters.

use ostro_engine::error::Result;
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_protos::temporal::api::filter::v1::{StartTimeFilter, WorkflowExecutionFilter, WorkflowTypeFilter};
use temporalio_protos::temporal::api::workflowservice::v1::{
    ListClosedWorkflowExecutionsRequest, ListOpenWorkflowExecutionsRequest,
    list_closed_workflow_executions_request as closed, list_open_workflow_executions_request as open,
};

use super::common::invalid;

/// The filter of `ListOpenWorkflowExecutions`.
pub(in crate::frontend) fn open(request: &ListOpenWorkflowExecutionsRequest) -> Result<String> {
    let mut conditions = vec!["ExecutionStatus = 'Running'".to_owned()];
    conditions.extend(times(&request.start_time_filter, "StartTime")?);
    match &request.filters {
        Some(open::Filters::ExecutionFilter(filter)) => conditions.push(id(filter)),
        Some(open::Filters::TypeFilter(filter)) => conditions.push(kind(filter)),
        None => {}
    }
    Ok(conditions.join(" AND "))
}

/// The filter of `ListClosedWorkflowExecutions`; its times are those of closing.
pub(in crate::frontend) fn closed(request: &ListClosedWorkflowExecutionsRequest) -> Result<String> {
    let mut conditions = vec!["ExecutionStatus != 'Running'".to_owned()];
    conditions.extend(times(&request.start_time_filter, "CloseTime")?);
    match &request.filters {
        Some(closed::Filters::ExecutionFilter(filter)) => conditions.push(id(filter)),
        Some(closed::Filters::TypeFilter(filter)) => conditions.push(kind(filter)),
        Some(closed::Filters::StatusFilter(filter)) => conditions.push(status(filter.status)?),
        None => {}
    }
    Ok(conditions.join(" AND "))
}

fn times(filter: &Option<StartTimeFilter>, attribute: &str) -> Result<Vec<String>> {
    let Some(filter) = filter else { return Ok(Vec::new()) };
    let (earliest, latest) = (time(&filter.earliest_time)?, time(&filter.latest_time)?);
    if let (Some(earliest), Some(latest)) = (earliest, latest)
        && earliest > latest
    {
        return invalid("EarliestTime in StartTimeFilter should not be larger than LatestTime.");
    }
    let after = earliest.map(|time| format!("{attribute} >= {time}"));
    let before = latest.map(|time| format!("{attribute} <= {time}"));
    Ok(after.into_iter().chain(before).collect())
}

/// In nanoseconds, as the filter language takes it; times that these cannot hold become the nearest within.
fn time(time: &Option<prost_wkt_types::Timestamp>) -> Result<Option<i64>> {
    let Some(time) = time else { return Ok(None) };
    if !(0..1_000_000_000).contains(&time.nanos) {
        return invalid("StartTimeFilter has a time that is none: its nanos must be from 0 to 999999999.");
    }
    Ok(Some(time.seconds.saturating_mul(1_000_000_000).saturating_add(time.nanos.into())))
}

fn id(filter: &WorkflowExecutionFilter) -> String {
    let mut condition = format!("WorkflowId = {}", quoted(&filter.workflow_id));
    if !filter.run_id.is_empty() {
        condition += &format!(" AND RunId = {}", quoted(&filter.run_id));
    }
    condition
}

fn kind(filter: &WorkflowTypeFilter) -> String {
    format!("WorkflowType = {}", quoted(&filter.name))
}

fn status(status: i32) -> Result<String> {
    let name = match WorkflowExecutionStatus::try_from(status) {
        Ok(WorkflowExecutionStatus::Completed) => "Completed",
        Ok(WorkflowExecutionStatus::Failed) => "Failed",
        Ok(WorkflowExecutionStatus::Canceled) => "Canceled",
        Ok(WorkflowExecutionStatus::Terminated) => "Terminated",
        Ok(WorkflowExecutionStatus::ContinuedAsNew) => "ContinuedAsNew",
        Ok(WorkflowExecutionStatus::TimedOut) => "TimedOut",
        _ => return invalid("StatusFilter must be specified and must be not Running."),
    };
    Ok(format!("ExecutionStatus = '{name}'"))
}

/// A literal of the filter language.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_filters_become_new_ones() {
        let second = |seconds| Some(prost_wkt_types::Timestamp { seconds, nanos: 0 });
        let start_time_filter = Some(StartTimeFilter { earliest_time: second(0), latest_time: second(i64::MAX) });
        let filter = WorkflowTypeFilter { name: "it's".into() };
        let request = ListOpenWorkflowExecutionsRequest {
            start_time_filter,
            filters: Some(open::Filters::TypeFilter(filter)),
            ..Default::default()
        };
        assert_eq!(
            super::open(&request).unwrap(),
            "ExecutionStatus = 'Running' AND StartTime >= 0 AND StartTime <= 9223372036854775807 \
             AND WorkflowType = 'it''s'"
        );
    }
}
