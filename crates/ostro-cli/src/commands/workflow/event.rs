//! One history event in one line: id, time, type and what matters in it.

use ostro_explain::failure;
use ostro_wire::json::{from_json, to_json};
use serde_json::Value;
use temporalio_protos::temporal::api::common::v1::{Payload, Payloads};
use temporalio_protos::temporal::api::enums::v1::EventType;
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;

use crate::payload;
use crate::printable;
use crate::table::shortened;
use crate::timestamp;

/// Longest shown text of one payload or failure, in characters.
const VALUE_WIDTH: usize = 120;

/// What a detail is made of.
#[derive(Clone, Copy)]
enum Kind {
    /// A word, number or duration.
    Plain,
    /// An enumeration: `RETRY_STATE_IN_PROGRESS` after this prefix, in lower case.
    Name(&'static str),
    Payloads,
    Failure,
}

use Kind::{Failure as FailureOf, Name, Payloads as PayloadsOf, Plain};

/// The details worth a place, in the order of the line: JSON path in the attributes, label, kind.
///
/// An empty label shows the value alone. What an event does not have is skipped.
const DETAILS: [(&str, &str, Kind); 33] = [
    ("/workflowType/name", "", Plain),
    ("/activityType/name", "", Plain),
    ("/signalName", "", Plain),
    ("/markerName", "", Plain),
    ("/acceptedRequest/input/name", "", Plain),
    ("/request/input/name", "", Plain),
    ("/operation", "", Plain),
    ("/activityId", "id", Plain),
    ("/timerId", "id", Plain),
    ("/workflowId", "workflow", Plain),
    ("/workflowExecution/workflowId", "workflow", Plain),
    ("/externalWorkflowExecution/workflowId", "workflow", Plain),
    ("/acceptedRequest/meta/updateId", "update", Plain),
    ("/meta/updateId", "update", Plain),
    ("/taskQueue/name", "queue", Plain),
    ("/startToFireTimeout", "after", Plain),
    ("/cronSchedule", "cron", Plain),
    ("/attempt", "attempt", Plain),
    ("/input", "input", PayloadsOf),
    ("/acceptedRequest/input/args", "input", PayloadsOf),
    ("/result", "result", PayloadsOf),
    ("/outcome/success", "result", PayloadsOf),
    ("/details", "details", PayloadsOf),
    ("/failure", "failure", FailureOf),
    ("/outcome/failure", "failure", FailureOf),
    ("/lastFailure", "last failure", FailureOf),
    ("/cause", "cause", Name("_CAUSE_")),
    ("/reason", "reason", Plain),
    ("/timeoutType", "timeout", Name("TIMEOUT_TYPE_")),
    ("/retryState", "retry", Name("RETRY_STATE_")),
    ("/newExecutionRunId", "continued by", Plain),
    ("/scheduledEventId", "of", Plain),
    ("/identity", "by", Plain),
];

/// The names of the columns.
pub fn header() -> String {
    columns("ID", "TIME", "TYPE", "DETAILS")
}

/// One event as a line of the table.
pub fn line(event: &HistoryEvent) -> String {
    let name =
        EventType::try_from(event.event_type).map_or_else(|_| event.event_type.to_string(), |kind| format!("{kind:?}"));
    let time = timestamp::milliseconds(event.event_time.as_ref());
    columns(&event.event_id.to_string(), &time, &name, &details(event))
}

/// Fixed widths, so that a followed history stays aligned.
fn columns(id: &str, time: &str, name: &str, details: &str) -> String {
    let details = printable::line(details);
    format!("{id:>5}  {time:<24}  {name:<36}  {details}").trim_end().to_owned()
}

fn details(event: &HistoryEvent) -> String {
    let event = to_json(event);
    let attributes =
        event.as_object().and_then(|fields| fields.iter().find(|(name, _)| name.ends_with("EventAttributes")));
    let Some((_, attributes)) = attributes else {
        return String::new();
    };
    let shown = DETAILS.iter().filter_map(|(path, label, kind)| detail(label, *kind, attributes.pointer(path)?));
    shown.collect::<Vec<_>>().join(" ")
}

fn detail(label: &str, kind: Kind, value: &Value) -> Option<String> {
    let text = match kind {
        Plain => plain(value),
        Name(prefix) => name_after(prefix, &plain(value)),
        PayloadsOf => payloads_text(value),
        FailureOf => from_json::<Failure>(value.clone()).map(|failure| failure::line(&failure)).unwrap_or_default(),
    };
    let boring = text.is_empty() || (label == "attempt" && text == "1");
    let text = shortened(&text, VALUE_WIDTH);
    (!boring).then(|| if label.is_empty() { text } else { format!("{label}={text}") })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn name_after(prefix: &str, name: &str) -> String {
    let short = name.split_once(prefix).map_or(name, |(_, short)| short);
    short.to_lowercase().replace('_', " ")
}

/// `Payloads`, one `Payload`, or a map of names to `Payloads` (markers).
fn payloads_text(value: &Value) -> String {
    if value.get("payloads").is_some() {
        let payloads: Option<Payloads> = from_json(value.clone()).ok();
        return payload::list_text(payloads.as_ref());
    }
    if value.get("metadata").is_some() {
        return from_json::<Payload>(value.clone()).map(|one| payload::text(&one)).unwrap_or_default();
    }
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(name, value)| format!("{name}: {}", payloads_text(value))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_wkt_types::{Duration, Timestamp};
    use serde_json::json;
    use temporalio_protos::temporal::api::common::v1::{ActivityType, WorkflowType};
    use temporalio_protos::temporal::api::enums::v1::RetryState;
    use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
    use temporalio_protos::temporal::api::history::v1::*;
    use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;

    fn event(event_id: i64, kind: EventType, attributes: impl Into<Attributes>) -> HistoryEvent {
        HistoryEvent {
            event_id,
            event_time: Some(Timestamp { seconds: 60 + event_id, nanos: 250_000_000 }),
            event_type: kind.into(),
            attributes: Some(attributes.into()),
            ..Default::default()
        }
    }

    fn queue(name: &str) -> Option<TaskQueue> {
        Some(TaskQueue { name: name.into(), ..Default::default() })
    }

    fn history() -> Vec<HistoryEvent> {
        let started = WorkflowExecutionStartedEventAttributes {
            workflow_type: Some(WorkflowType { name: "Order".into() }),
            task_queue: queue("shop"),
            input: payload::arguments(&[json!({"id": 7}), json!("now")]),
            attempt: 1,
            ..Default::default()
        };
        let scheduled = ActivityTaskScheduledEventAttributes {
            activity_id: "5".into(),
            activity_type: Some(ActivityType { name: "charge".into() }),
            task_queue: queue("shop"),
            input: payload::arguments(&[json!(10)]),
            ..Default::default()
        };
        let failed = ActivityTaskFailedEventAttributes {
            scheduled_event_id: 2,
            failure: Some(Failure { message: "card\ndeclined".into(), ..Default::default() }),
            retry_state: RetryState::MaximumAttemptsReached.into(),
            identity: "7@host".into(),
            ..Default::default()
        };
        let timer = TimerStartedEventAttributes {
            timer_id: "6".into(),
            start_to_fire_timeout: Some(Duration { seconds: 90, nanos: 0 }),
            ..Default::default()
        };
        let marker = MarkerRecordedEventAttributes {
            marker_name: "Version".into(),
            details: [("change".to_owned(), payload::arguments(&[json!("v2")]).expect("one"))].into(),
            ..Default::default()
        };
        vec![
            event(1, EventType::WorkflowExecutionStarted, started),
            event(2, EventType::ActivityTaskScheduled, scheduled),
            event(3, EventType::ActivityTaskFailed, failed),
            event(4, EventType::TimerStarted, timer),
            event(5, EventType::MarkerRecorded, marker),
        ]
    }

    #[test]
    fn a_history_as_a_table() {
        let lines: Vec<String> = std::iter::once(header()).chain(history().iter().map(line)).collect();
        let expected = r#"   ID  TIME                      TYPE                                  DETAILS
    1  1970-01-01 00:01:01.250Z  WorkflowExecutionStarted              Order queue=shop input={"id":7}, "now"
    2  1970-01-01 00:01:02.250Z  ActivityTaskScheduled                 charge id=5 queue=shop input=10
    3  1970-01-01 00:01:03.250Z  ActivityTaskFailed                    failure=card declined retry=maximum attempts reached of=2 by=7@host
    4  1970-01-01 00:01:04.250Z  TimerStarted                          id=6 after=90s
    5  1970-01-01 00:01:05.250Z  MarkerRecorded                        Version details=change: "v2""#;
        assert_eq!(lines.join("\n"), expected);
    }
}
