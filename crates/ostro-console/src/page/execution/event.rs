//! One event of a history: in a line, and in full.

use ostro_explain::failure;
use ostro_wire::json::{from_json, to_json};
use serde_json::Value;
use temporalio_protos::temporal::api::common::v1::{Payload, Payloads};
use temporalio_protos::temporal::api::enums::v1::EventType;
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;

use crate::moment::{self, Clock};
use crate::{payload, shown};

/// What is worth a place in a line: path in the attributes, and a word before it.
const DETAILS: [(&str, &str); 19] = [
    ("/workflowType/name", ""),
    ("/activityType/name", ""),
    ("/signalName", ""),
    ("/markerName", ""),
    ("/acceptedRequest/input/name", ""),
    ("/operation", ""),
    ("/activityId", "id"),
    ("/timerId", "timer"),
    ("/workflowId", "workflow"),
    ("/workflowExecution/workflowId", "workflow"),
    ("/acceptedRequest/meta/updateId", "update"),
    ("/startToFireTimeout", "after"),
    ("/input", "input"),
    ("/result", "result"),
    ("/failure", "failure"),
    ("/outcome/failure", "failure"),
    ("/cause", "cause"),
    ("/reason", "reason"),
    ("/scheduledEventId", "of event"),
];

/// An event on a page.
pub(super) struct Line {
    pub id: i64,
    /// `Activity task scheduled`.
    pub kind: String,
    pub class: &'static str,
    pub time: moment::Shown,
    pub summary: String,
    /// All of it, payloads decoded; empty where only a line is wanted.
    pub full: String,
}

/// An event as a line, with the whole of it where that is wanted.
pub(super) fn line(event: &HistoryEvent, clock: &Clock, full: bool) -> Line {
    let kind = EventType::try_from(event.event_type).map_or("", |kind| kind.as_str_name());
    let json = to_json(event);
    let fields = json.as_object();
    let attributes = fields.and_then(|fields| fields.iter().find(|(name, _)| name.ends_with("EventAttributes")));
    Line {
        id: event.event_id,
        kind: shown::name(kind, "EVENT_TYPE_"),
        class: class(kind),
        time: clock.shown(event.event_time.as_ref()),
        summary: attributes.map(|(_, attributes)| summary(attributes)).unwrap_or_default(),
        full: if full { shown::text(&format!("{:#}", readable(json.clone()))) } else { String::new() },
    }
}

fn class(kind: &str) -> &'static str {
    match kind {
        _ if kind.ends_with("_FAILED") || kind.ends_with("_TIMED_OUT") => "failed",
        _ if kind.ends_with("_TERMINATED") || kind.ends_with("_CANCELED") => "stopped",
        _ if kind.ends_with("_COMPLETED") && kind.contains("WORKFLOW_EXECUTION") => "done",
        _ => "plain",
    }
}

fn summary(attributes: &Value) -> String {
    let detail = |(path, label): &(&str, &str)| {
        let text = text(attributes.pointer(path)?);
        let text = if *path == "/cause" { shown::name(text.rsplit("CAUSE_").next()?, "") } else { text };
        let named = if label.is_empty() { text.clone() } else { format!("{label} {text}") };
        (!text.is_empty()).then_some(named)
    };
    shown::line(&DETAILS.iter().filter_map(detail).collect::<Vec<_>>().join(" · "))
}

fn text(value: &Value) -> String {
    if value.get("payloads").is_some() {
        let payloads: Option<Payloads> = from_json(value.clone()).ok();
        return payload::preview_all(payloads.as_ref());
    }
    if value.is_object() {
        return from_json::<Failure>(value.clone()).map(|failure| failure::line(&failure)).unwrap_or_default();
    }
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The same JSON with payloads as what they say.
fn readable(value: Value) -> Value {
    match value {
        Value::Object(fields) if fields.contains_key("metadata") && fields.len() <= 2 => {
            let whole = Value::Object(fields);
            let decoded = from_json::<Payload>(whole.clone()).ok().and_then(|payload| payload::to_json(&payload));
            decoded.unwrap_or(whole)
        }
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, readable(value))).collect(),
        Value::Array(items) => items.into_iter().map(readable).collect(),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use temporalio_protos::temporal::api::common::v1::ActivityType;
    use temporalio_protos::temporal::api::history::v1::ActivityTaskScheduledEventAttributes;
    use temporalio_protos::temporal::api::history::v1::history_event::Attributes;

    use super::*;

    #[test]
    fn an_event_is_a_line_and_its_payloads_are_readable_in_full() {
        let scheduled = ActivityTaskScheduledEventAttributes {
            activity_id: "5".into(),
            activity_type: Some(ActivityType { name: "charge\u{202e}".into() }),
            input: Some(Payloads { payloads: vec![payload::of_json(&serde_json::json!({"a": [1]}))] }),
            ..Default::default()
        };
        let event = HistoryEvent {
            event_id: 5,
            event_type: EventType::ActivityTaskScheduled.into(),
            attributes: Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)),
            ..Default::default()
        };
        let clock = Clock { now: SystemTime::UNIX_EPOCH, zone: jiff::tz::TimeZone::UTC };
        let line = line(&event, &clock, true);
        assert_eq!((line.kind.as_str(), line.class), ("Activity task scheduled", "plain"));
        assert_eq!(line.summary, "charge\\u202e · id 5 · input {\"a\":[1]}");
        assert!(line.full.contains("\"a\": [\n"), "{}", line.full);
    }
}
