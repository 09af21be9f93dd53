//! `ostro workflow describe`.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use ostro_explain::{Reason, failure};
use ostro_wire::json::to_json;
use prost_wkt_types::Duration;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::common::v1::{Payload, WorkflowExecution};
use temporalio_protos::temporal::api::enums::v1::{PendingActivityState, PendingWorkflowTaskState};
use temporalio_protos::temporal::api::workflow::v1::{
    PendingActivityInfo, PendingChildExecutionInfo, PendingWorkflowTaskInfo, WorkflowExecutionConfig,
    WorkflowExecutionExtendedInfo, WorkflowExecutionInfo,
};
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse,
};

use super::status_name;
use crate::arguments::Target;
use crate::failure::Failure;
use crate::printable::line;
use crate::session::Session;
use crate::table::{Table, indented, properties, shortened};
use crate::{duration, payload, timestamp};

/// Longest shown text of a failure, in characters.
const FAILURE_WIDTH: usize = 100;

/// A name and its value, as [`properties`] takes them.
type Property = (&'static str, String);

/// Prints the state of an execution.
pub async fn describe(session: &Session, target: Target) -> Result<(), Failure> {
    let request =
        DescribeWorkflowExecutionRequest { namespace: session.namespace.clone(), execution: Some(target.into()) };
    let answer = session.ask(&request).await?;
    let now = SystemTime::now();
    let waiting = session.explain(&answer, now).await?;
    session.format.print(|| json_of(&answer, &waiting), || text(&answer, &waiting, now));
    Ok(())
}

/// The answer with one field more.
fn json_of(answer: &DescribeWorkflowExecutionResponse, waiting: &[Reason]) -> Value {
    let mut value = to_json(answer);
    value["waiting"] = json!(waiting);
    value
}

fn text(answer: &DescribeWorkflowExecutionResponse, waiting: &[Reason], now: SystemTime) -> String {
    let info = answer.workflow_execution_info.clone().unwrap_or_default();
    let config = answer.execution_config.clone().unwrap_or_default();
    let extended = answer.workflow_extended_info.clone().unwrap_or_default();
    let memo = info.memo.as_ref().map(|memo| &memo.fields);
    let attributes = info.search_attributes.as_ref().map(|attributes| &attributes.indexed_fields);
    [
        properties(&[identity(&info, &config), times(&info, &extended, now), limits(&config, &extended)].concat()),
        section("Why it waits", Some(sentences(waiting))),
        section("Search attributes", attributes.map(fields_text)),
        section("Memo", memo.map(fields_text)),
        section("Pending workflow task", answer.pending_workflow_task.as_ref().map(|task| task_text(task, now))),
        section("Pending activities", activities_text(&answer.pending_activities, now)),
        section("Pending children", children_text(&answer.pending_children)),
    ]
    .concat()
}

fn section(title: &str, text: Option<String>) -> String {
    text.filter(|text| !text.is_empty()).map(|text| format!("\n{title}\n{}", indented(&text))).unwrap_or_default()
}

fn sentences(waiting: &[Reason]) -> String {
    waiting.iter().map(|reason| format!("{}\n", line(&reason.sentence))).collect()
}

fn identity(info: &WorkflowExecutionInfo, config: &WorkflowExecutionConfig) -> Vec<Property> {
    let execution = info.execution.clone().unwrap_or_default();
    let queue = config.task_queue.as_ref().map_or(&info.task_queue, |queue| &queue.name);
    vec![
        ("Workflow id", execution.workflow_id),
        ("Run id", execution.run_id),
        ("Type", info.r#type.clone().unwrap_or_default().name),
        ("Status", status_name(info.status)),
        ("Task queue", queue.clone()),
        ("Parent", info.parent_execution.as_ref().map(execution_text).unwrap_or_default()),
        ("History", format!("{} events, {} bytes", info.history_length, info.history_size_bytes)),
    ]
}

fn execution_text(execution: &WorkflowExecution) -> String {
    format!("{} (run {})", execution.workflow_id, execution.run_id)
}

fn times(info: &WorkflowExecutionInfo, extended: &WorkflowExecutionExtendedInfo, now: SystemTime) -> Vec<Property> {
    let took = info.start_time.as_ref().zip(info.close_time.as_ref());
    let took = took.and_then(|(start, close)| timestamp::between(start, close));
    let delayed = info.execution_time.as_ref().filter(|time| Some(*time) != info.start_time.as_ref());
    vec![
        ("Started", timestamp::relative(info.start_time.as_ref(), now)),
        ("Begins", timestamp::relative(delayed, now)),
        ("Closed", timestamp::relative(info.close_time.as_ref(), now)),
        ("Took", took.map(duration::text).unwrap_or_default()),
        ("Cancel requested", if extended.cancel_requested { "yes".into() } else { String::new() }),
        ("Paused", if extended.pause_info.is_some() { "yes".into() } else { String::new() }),
    ]
}

fn limits(config: &WorkflowExecutionConfig, extended: &WorkflowExecutionExtendedInfo) -> Vec<Property> {
    vec![
        ("Execution timeout", limit(config.workflow_execution_timeout.as_ref())),
        ("Run timeout", limit(config.workflow_run_timeout.as_ref())),
        ("Expires", timestamp::seconds(extended.run_expiration_time.as_ref())),
    ]
}

/// Zero stands for no limit.
fn limit(limit: Option<&Duration>) -> String {
    limit.map(duration::from_proto).filter(|limit| !limit.is_zero()).map(duration::text).unwrap_or_default()
}

fn fields_text(fields: &HashMap<String, Payload>) -> String {
    let sorted: BTreeMap<&String, &Payload> = fields.iter().collect();
    let entries: Vec<(&str, String)> =
        sorted.iter().map(|(name, value)| (name.as_str(), payload::text(value))).collect();
    properties(&entries)
}

fn task_text(task: &PendingWorkflowTaskInfo, now: SystemTime) -> String {
    let state = PendingWorkflowTaskState::try_from(task.state).unwrap_or_default();
    properties(&[
        ("State", format!("{state:?}")),
        ("Attempt", task.attempt.to_string()),
        ("Scheduled", timestamp::relative(task.scheduled_time.as_ref(), now)),
        ("Started", timestamp::relative(task.started_time.as_ref(), now)),
    ])
}

fn activities_text(activities: &[PendingActivityInfo], now: SystemTime) -> Option<String> {
    let blocks: Vec<String> = activities.iter().map(|activity| activity_text(activity, now)).collect();
    (!blocks.is_empty()).then(|| blocks.join("\n"))
}

fn activity_text(activity: &PendingActivityInfo, now: SystemTime) -> String {
    let name = activity.activity_type.clone().unwrap_or_default().name;
    let state = PendingActivityState::try_from(activity.state).unwrap_or_default();
    let attempts = match activity.maximum_attempts {
        0 => activity.attempt.to_string(),
        maximum => format!("{} of {maximum}", activity.attempt),
    };
    let failure = activity.last_failure.as_ref().map(|failure| shortened(&failure::line(failure), FAILURE_WIDTH));
    let details = properties(&[
        ("State", if activity.paused { format!("{state:?}, paused") } else { format!("{state:?}") }),
        ("Attempt", attempts),
        ("Scheduled", timestamp::relative(activity.scheduled_time.as_ref(), now)),
        ("Started", timestamp::relative(activity.last_started_time.as_ref(), now)),
        ("Next retry", timestamp::relative(activity.next_attempt_schedule_time.as_ref(), now)),
        ("Last heartbeat", timestamp::relative(activity.last_heartbeat_time.as_ref(), now)),
        ("Heartbeat", payload::list_text(activity.heartbeat_details.as_ref())),
        ("Last worker", activity.last_worker_identity.clone()),
        ("Last failure", failure.unwrap_or_default()),
        ("Expires", timestamp::relative(activity.expiration_time.as_ref(), now)),
    ]);
    format!("{} (id {})\n{}", line(&name), line(&activity.activity_id), indented(&details))
}

fn children_text(children: &[PendingChildExecutionInfo]) -> Option<String> {
    let mut table = Table::new(&["WORKFLOW ID", "TYPE", "RUN ID"]);
    for child in children {
        table.row(vec![child.workflow_id.clone(), child.workflow_type_name.clone(), child.run_id.clone()]);
    }
    (!table.is_empty()).then(|| table.render())
}

#[cfg(test)]
mod tests;
