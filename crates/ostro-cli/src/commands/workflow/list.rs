//! `ostro workflow list` and `count`.

use ostro_wire::json::to_json;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, CountWorkflowExecutionsResponse, ListWorkflowExecutionsRequest,
};

use super::status_name;
use crate::failure::Failure;
use crate::payload;
use crate::session::Session;
use crate::table::Table;
use crate::{duration, timestamp};

/// Executions asked for at once.
const PAGE_SIZE_MAX: usize = 1_000;

/// Prints the executions that match, at most `limit`.
pub async fn list(session: &Session, query: String, limit: usize) -> Result<(), Failure> {
    let mut executions: Vec<WorkflowExecutionInfo> = Vec::new();
    let mut request =
        ListWorkflowExecutionsRequest { namespace: session.namespace.clone(), query, ..Default::default() };
    let more = loop {
        request.page_size = (limit - executions.len()).clamp(1, PAGE_SIZE_MAX) as i32;
        let page = session.ask(&request).await?;
        executions.extend(page.executions);
        if page.next_page_token.is_empty() || executions.len() >= limit {
            break executions.len() > limit || !page.next_page_token.is_empty();
        }
        request.next_page_token = page.next_page_token;
    };
    executions.truncate(limit);
    session.format.print(|| executions.iter().map(to_json).collect(), || list_text(&executions, more));
    Ok(())
}

fn list_text(executions: &[WorkflowExecutionInfo], more: bool) -> String {
    if executions.is_empty() && !more {
        return "No executions".into();
    }
    let mut table = Table::new(&["STATUS", "WORKFLOW ID", "TYPE", "STARTED", "TOOK", "RUN ID"]);
    for info in executions {
        table.row(row(info));
    }
    let note =
        if more { format!("... the first {}; raise --limit for more\n", executions.len()) } else { String::new() };
    table.render() + &note
}

fn row(info: &WorkflowExecutionInfo) -> Vec<String> {
    let execution = info.execution.clone().unwrap_or_default();
    let took = info.start_time.as_ref().zip(info.close_time.as_ref());
    let took = took.and_then(|(start, close)| timestamp::between(start, close));
    vec![
        status_name(info.status),
        execution.workflow_id,
        info.r#type.clone().unwrap_or_default().name,
        timestamp::seconds(info.start_time.as_ref()),
        took.map_or_else(|| "-".into(), duration::text),
        execution.run_id,
    ]
}

/// Prints how many executions match, by group if the query groups.
pub async fn count(session: &Session, query: String) -> Result<(), Failure> {
    let request = CountWorkflowExecutionsRequest { namespace: session.namespace.clone(), query };
    let answer = session.ask(&request).await?;
    session.format.print(|| count_json(&answer), || count_text(&answer));
    Ok(())
}

fn count_json(answer: &CountWorkflowExecutionsResponse) -> Value {
    let groups = answer.groups.iter().map(|group| {
        let values: Vec<Value> = group.group_values.iter().map(payload::to_json).collect();
        json!({ "values": values, "count": group.count })
    });
    json!({ "count": answer.count, "groups": groups.collect::<Vec<_>>() })
}

fn count_text(answer: &CountWorkflowExecutionsResponse) -> String {
    if answer.groups.is_empty() {
        return answer.count.to_string();
    }
    let mut table = Table::new(&["GROUP", "COUNT"]);
    for group in &answer.groups {
        let values: Vec<String> =
            group.group_values.iter().map(|value| payload::text(value).replace('"', "")).collect();
        table.row(vec![values.join(", "), group.count.to_string()]);
    }
    table.row(vec!["total".into(), answer.count.to_string()]);
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_wkt_types::Timestamp;
    use temporalio_protos::temporal::api::common::v1::{WorkflowExecution, WorkflowType};
    use temporalio_protos::temporal::api::workflowservice::v1::count_workflow_executions_response::AggregationGroup;

    #[test]
    fn a_table_of_executions() {
        let info = WorkflowExecutionInfo {
            execution: Some(WorkflowExecution { workflow_id: "order-1".into(), run_id: "r1".into() }),
            r#type: Some(WorkflowType { name: "Order".into() }),
            status: 2,
            start_time: Some(Timestamp { seconds: 60, nanos: 0 }),
            close_time: Some(Timestamp { seconds: 61, nanos: 500_000_000 }),
            ..Default::default()
        };
        let expected = "\
STATUS     WORKFLOW ID  TYPE   STARTED               TOOK    RUN ID
Completed  order-1      Order  1970-01-01 00:01:00Z  1.500s  r1
... the first 1; raise --limit for more
";
        assert_eq!(list_text(&[info], true), expected);
        assert_eq!(list_text(&[], false), "No executions");
    }

    #[test]
    fn counts_by_group() {
        let group = AggregationGroup { group_values: vec![payload::from_json(&json!("Running"))], count: 2 };
        let answer = CountWorkflowExecutionsResponse { count: 2, groups: vec![group] };
        assert_eq!(count_text(&answer), "GROUP    COUNT\nRunning  2\ntotal    2\n");
        assert_eq!(count_json(&answer), json!({"count": 2, "groups": [{"values": ["Running"], "count": 2}]}));
        assert_eq!(count_text(&CountWorkflowExecutionsResponse { count: 7, groups: vec![] }), "7");
    }
}
