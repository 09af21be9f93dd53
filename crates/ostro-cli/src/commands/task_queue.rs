//! `ostro task-queue`.

use std::time::SystemTime;

use ostro_explain::QueueView;
use ostro_wire::json::to_json;
use serde_json::{Map, Value, json};
use temporalio_protos::temporal::api::enums::v1::TaskQueueType as WireType;
use temporalio_protos::temporal::api::taskqueue::v1::{PollerInfo, TaskQueue, TaskQueueStats};
use temporalio_protos::temporal::api::workflowservice::v1::{DescribeTaskQueueRequest, DescribeTaskQueueResponse};

use crate::arguments::{TaskQueueCommand, TaskQueueType};
use crate::duration;
use crate::failure::Failure;
use crate::printable::line;
use crate::session::Session;
use crate::table::{Table, indented, properties};
use crate::timestamp;

/// Runs one of the commands.
pub async fn run(session: &Session, command: TaskQueueCommand) -> Result<(), Failure> {
    let TaskQueueCommand::Describe { name, kind } = command;
    let kinds = kind.map_or_else(|| vec![TaskQueueType::Workflow, TaskQueueType::Activity], |kind| vec![kind]);
    let mut halves = Vec::new();
    for kind in kinds {
        halves.push((kind, describe(session, &name, kind).await?));
    }
    session.format.print(|| json_of(&name, &halves), || text_of(&name, &halves, SystemTime::now()));
    Ok(())
}

async fn describe(session: &Session, name: &str, kind: TaskQueueType) -> Result<DescribeTaskQueueResponse, Failure> {
    let request = DescribeTaskQueueRequest {
        namespace: session.namespace.clone(),
        task_queue: Some(TaskQueue { name: name.to_owned(), ..Default::default() }),
        task_queue_type: WireType::from(kind).into(),
        report_stats: true,
        ..Default::default()
    };
    session.ask(&request).await
}

fn json_of(name: &str, halves: &[(TaskQueueType, DescribeTaskQueueResponse)]) -> Value {
    let types: Map<String, Value> = halves
        .iter()
        .map(|(kind, half)| {
            let mut value = to_json(half);
            value["waiting"] = Value::String(sentence(name, *kind, half));
            (kind_name(*kind).into(), value)
        })
        .collect();
    json!({ "taskQueue": name, "types": types })
}

fn text_of(name: &str, halves: &[(TaskQueueType, DescribeTaskQueueResponse)], now: SystemTime) -> String {
    let sections = halves.iter().map(|(kind, half)| section(name, *kind, half, now));
    format!("Task queue {name}\n{}", sections.collect::<String>())
}

fn section(name: &str, kind: TaskQueueType, half: &DescribeTaskQueueResponse, now: SystemTime) -> String {
    let stats = half.stats.as_ref().map(stats_text).unwrap_or_default();
    let body = format!("{}\n{stats}{}", line(&sentence(name, kind, half)), pollers_text(&half.pollers, now));
    format!("\n{} tasks\n{}", capitalised(kind_name(kind)), indented(&body))
}

fn sentence(name: &str, kind: TaskQueueType, half: &DescribeTaskQueueResponse) -> String {
    let view = QueueView::new(name, kind.into(), half.clone(), &[]);
    ostro_explain::task_queue(&view, SystemTime::now())
}

fn stats_text(stats: &TaskQueueStats) -> String {
    let age = stats.approximate_backlog_age.as_ref().map(duration::from_proto).filter(|age| !age.is_zero());
    properties(&[
        ("Backlog", stats.approximate_backlog_count.to_string()),
        ("Oldest task", age.map(duration::text).unwrap_or_default()),
        ("Added", format!("{:.1} per second", stats.tasks_add_rate)),
        ("Dispatched", format!("{:.1} per second", stats.tasks_dispatch_rate)),
    ])
}

fn pollers_text(pollers: &[PollerInfo], now: SystemTime) -> String {
    if pollers.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["POLLER", "LAST ACCESS", "RATE LIMIT"]);
    for poller in pollers {
        let limit =
            if poller.rate_per_second >= 100_000.0 { "-".into() } else { format!("{}/s", poller.rate_per_second) };
        table.row(vec![poller.identity.clone(), timestamp::relative(poller.last_access_time.as_ref(), now), limit]);
    }
    table.render()
}

fn kind_name(kind: TaskQueueType) -> &'static str {
    match kind {
        TaskQueueType::Workflow => "workflow",
        TaskQueueType::Activity => "activity",
    }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_wkt_types::{Duration, Timestamp};

    #[test]
    fn both_halves_with_pollers_and_without() {
        let polled = DescribeTaskQueueResponse {
            pollers: vec![PollerInfo {
                last_access_time: Some(Timestamp { seconds: 1_000_000, nanos: 0 }),
                identity: "7@host".into(),
                rate_per_second: 100_000.0,
                ..Default::default()
            }],
            stats: Some(TaskQueueStats {
                approximate_backlog_count: 3,
                approximate_backlog_age: Some(Duration { seconds: 90, nanos: 0 }),
                tasks_add_rate: 1.25,
                ..Default::default()
            }),
            ..Default::default()
        };
        let halves = [(TaskQueueType::Workflow, polled), (TaskQueueType::Activity, Default::default())];
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_005);
        let expected = "\
Task queue orders

Workflow tasks
  3 workflow tasks wait, the oldest for 1m 30s: its worker is busy.
  Backlog      3
  Oldest task  1m 30s
  Added        1.2 per second
  Dispatched   0.0 per second
  POLLER  LAST ACCESS                    RATE LIMIT
  7@host  1970-01-12 13:46:40Z (5s ago)  -

Activity tasks
  No activity task waits, and no worker polls: the first task will wait for one.
";
        assert_eq!(text_of("orders", &halves, now), expected);
        let value = json_of("orders", &halves);
        assert_eq!(value["types"]["workflow"]["stats"]["approximateBacklogCount"], "3");
    }
}
