//! What happened in an execution, as events with a duration and as a tree of spans.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::http::executions::view::ExecutionView;
use crate::model::event::{EventType, WorkflowEvent};
use crate::model::telemetry::span::SpanRecord;
use crate::model::telemetry::value::object as attribute_object;

/// An event in a trace.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct WorkflowExecutionTraceEvent {
    pub name: String,
    /// The task's identifier: events of one task share it.
    pub id: String,
    pub timestamp_unix_nano: i64,
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    #[serde(rename = "type")]
    pub kind: TraceEventType,
    /// Whether it is of the SDK's own machinery.
    pub internal: bool,
    #[serde(flatten)]
    pub progress: Progress,
}

/// How far a task has come; nothing for an event without a duration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Progress {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time_unix_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time_unix_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ProgressStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether an event has a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum TraceEventType {
    Event,
    EventProgress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ProgressStatus {
    Running,
    Completed,
    Failed,
}

/// A span with those below it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct WorkflowExecutionTraceSummarySpan {
    pub span_id: String,
    pub name: String,
    pub start_time_unix_nano: i64,
    pub end_time_unix_nano: Option<i64>,
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    pub events: Vec<WorkflowExecutionTraceEvent>,
    #[schema(no_recursion)]
    pub children: Vec<WorkflowExecutionTraceSummarySpan>,
}

/// Each event by itself.
pub(crate) fn single(events: &[(bool, WorkflowEvent)]) -> Vec<WorkflowExecutionTraceEvent> {
    events
        .iter()
        .map(|(internal, event)| WorkflowExecutionTraceEvent {
            name: event.event_type.name().to_owned(),
            id: task(event),
            timestamp_unix_nano: event.event_timestamp,
            attributes: attributes(event),
            kind: TraceEventType::Event,
            internal: *internal,
            progress: Progress::default(),
        })
        .collect()
}

/// One event for each task, from its start to its end.
pub(crate) fn merged(events: &[(bool, WorkflowEvent)]) -> Vec<WorkflowExecutionTraceEvent> {
    let mut all: Vec<WorkflowExecutionTraceEvent> = Vec::new();
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    for (internal, event) in events {
        let key = (event.workflow_run_id.clone(), task(event));
        let place = *places.entry(key).or_insert_with(|| {
            all.push(begun(*internal, event));
            all.len() - 1
        });
        let merged = &mut all[place];
        merged.attributes.extend(attributes(event));
        advance(&mut merged.progress, event);
    }
    all
}

fn begun(internal: bool, event: &WorkflowEvent) -> WorkflowExecutionTraceEvent {
    WorkflowExecutionTraceEvent {
        name: title(event),
        id: task(event),
        timestamp_unix_nano: event.event_timestamp,
        attributes: Map::new(),
        kind: TraceEventType::EventProgress,
        internal,
        progress: Progress { start_time_unix_ms: Some(event.event_timestamp / 1_000_000), ..Progress::default() },
    }
}

fn advance(progress: &mut Progress, event: &WorkflowEvent) {
    use EventType as E;
    let status = match event.event_type {
        E::WorkflowExecutionCompleted
        | E::WorkflowExecutionContinuedAsNew
        | E::CustomTaskCompleted
        | E::ActivityTaskCompleted => ProgressStatus::Completed,
        E::WorkflowExecutionFailed
        | E::WorkflowExecutionCanceled
        | E::WorkflowTaskFailed
        | E::WorkflowTaskTimedOut
        | E::CustomTaskFailed
        | E::CustomTaskTimedOut
        | E::CustomTaskCanceled
        | E::ActivityTaskFailed => ProgressStatus::Failed,
        E::WorkflowExecutionStarted
        | E::CustomTaskStarted
        | E::CustomTaskInProgress
        | E::ActivityTaskStarted
        | E::ActivityTaskRetrying => ProgressStatus::Running,
    };
    progress.status = Some(status);
    progress.end_time_unix_ms = (status != ProgressStatus::Running).then_some(event.event_timestamp / 1_000_000);
    progress.error =
        event.attributes.get("failure").and_then(|failure| Some(failure.get("message")?.as_str()?.to_owned()));
}

fn task(event: &WorkflowEvent) -> String {
    let id = event.attributes.get("task_id").or_else(|| event.attributes.get("custom_task_id"));
    id.and_then(Value::as_str).unwrap_or(&event.event_id).to_owned()
}

fn title(event: &WorkflowEvent) -> String {
    let name = event.attributes.get("activity_name").or_else(|| event.attributes.get("custom_task_type"));
    name.and_then(Value::as_str).unwrap_or(&event.workflow_name).to_owned()
}

/// Attributes of a trace are plain values: payloads are shown as text.
fn attributes(event: &WorkflowEvent) -> Map<String, Value> {
    let value = |value: &Value| match value {
        Value::Object(fields) => match fields.get("value") {
            Some(Value::String(text)) => json!(text),
            Some(payload) => json!(payload.to_string()),
            None => json!(value.to_string()),
        },
        other => other.clone(),
    };
    let own = event.attributes.iter().map(|(key, each)| (key.clone(), value(each)));
    std::iter::once(("event_type".to_owned(), json!(event.event_type.name()))).chain(own).collect()
}

/// The tree of an execution: of its spans, or, where no worker sent any, of its events.
pub(crate) fn tree(
    execution: &ExecutionView,
    spans: &[SpanRecord],
    events: &[(bool, WorkflowEvent)],
) -> WorkflowExecutionTraceSummarySpan {
    let children = if spans.is_empty() { of_events(events) } else { of_spans(spans) };
    if spans.is_empty() || children.len() != 1 {
        return root(execution, children);
    }
    children.into_iter().next().unwrap_or_else(|| root(execution, Vec::new()))
}

fn root(
    execution: &ExecutionView,
    children: Vec<WorkflowExecutionTraceSummarySpan>,
) -> WorkflowExecutionTraceSummarySpan {
    WorkflowExecutionTraceSummarySpan {
        span_id: execution.run_id.clone().unwrap_or_default(),
        name: execution.workflow_name.clone(),
        start_time_unix_nano: execution.start_time.nanoseconds(),
        end_time_unix_nano: execution.end_time.map(crate::model::moment::Moment::nanoseconds),
        attributes: [("execution_id".to_owned(), json!(execution.execution_id))].into_iter().collect(),
        events: Vec::new(),
        children,
    }
}

fn of_events(events: &[(bool, WorkflowEvent)]) -> Vec<WorkflowExecutionTraceSummarySpan> {
    let span = |event: WorkflowExecutionTraceEvent| WorkflowExecutionTraceSummarySpan {
        span_id: event.id,
        name: event.name,
        start_time_unix_nano: event.timestamp_unix_nano,
        end_time_unix_nano: event.progress.end_time_unix_ms.map(|end| end * 1_000_000),
        attributes: event.attributes,
        events: Vec::new(),
        children: Vec::new(),
    };
    merged(events).into_iter().map(span).collect()
}

/// Spans under their parents; those whose parent is not there are at the top.
fn of_spans(spans: &[SpanRecord]) -> Vec<WorkflowExecutionTraceSummarySpan> {
    let known: HashMap<&str, ()> = spans.iter().map(|record| (record.span.span_id.as_str(), ())).collect();
    let mut below: HashMap<Option<&str>, Vec<&SpanRecord>> = HashMap::new();
    for record in spans {
        let parent = record.span.parent_span_id.as_deref();
        let parent = parent.filter(|parent| known.contains_key(parent) && *parent != record.span.span_id);
        below.entry(parent).or_default().push(record);
    }
    take(None, &mut below)
}

/// Each list of children is taken once, so a circle of parents cannot be followed for ever.
fn take<'a>(
    parent: Option<&'a str>,
    below: &mut HashMap<Option<&'a str>, Vec<&'a SpanRecord>>,
) -> Vec<WorkflowExecutionTraceSummarySpan> {
    let own = below.remove(&parent).unwrap_or_default();
    own.into_iter()
        .map(|record| {
            let span = &record.span;
            let end: Option<i64> = span.end_time_unix_nano.parse().ok();
            WorkflowExecutionTraceSummarySpan {
                span_id: span.span_id.clone(),
                name: span.name.clone(),
                start_time_unix_nano: span.start_time_unix_nano.parse().unwrap_or_default(),
                end_time_unix_nano: end.filter(|end| *end > 0),
                attributes: attribute_object(&span.attributes),
                events: span.events.iter().map(|event| of_span(&span.span_id, event)).collect(),
                children: take(Some(&span.span_id), below),
            }
        })
        .collect()
}

fn of_span(span: &str, event: &crate::model::telemetry::span::SpanEventView) -> WorkflowExecutionTraceEvent {
    WorkflowExecutionTraceEvent {
        name: event.name.clone(),
        id: span.to_owned(),
        timestamp_unix_nano: event.time_unix_nano.parse().unwrap_or_default(),
        attributes: attribute_object(&event.attributes),
        kind: TraceEventType::Event,
        internal: false,
        progress: Progress::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventType, at: i64, attributes: Value) -> (bool, WorkflowEvent) {
        let event = json!({
            "event_id": at.to_string(), "event_timestamp": at, "root_workflow_exec_id": "e", "workflow_exec_id": "e",
            "workflow_run_id": "r", "workflow_name": "w", "event_type": kind, "attributes": attributes,
        });
        (false, serde_json::from_value(event).expect("an event"))
    }

    #[test]
    fn events_of_one_task_become_one_with_a_duration() {
        let own = json!({"task_id": "3", "activity_name": "ocr", "input": {"type": "json", "value": [1]}});
        let failed = json!({"task_id": "3", "activity_name": "ocr", "attempt": 1, "failure": {"message": "boom"}});
        let done = json!({"task_id": "3", "activity_name": "ocr", "result": {"type": "json", "value": "x"}});
        let events = [
            event(EventType::ActivityTaskStarted, 1_000_000, own),
            event(EventType::ActivityTaskRetrying, 2_000_000, failed),
            event(EventType::ActivityTaskCompleted, 5_000_000, done),
        ];
        let merged = merged(&events);
        assert_eq!(merged.len(), 1);
        let progress = merged[0].progress.clone();
        assert_eq!((progress.start_time_unix_ms, progress.end_time_unix_ms), (Some(1), Some(5)));
        assert_eq!((progress.status, progress.error), (Some(ProgressStatus::Completed), None));
        assert_eq!(merged[0].name, "ocr");
        assert_eq!(merged[0].attributes["input"], json!("[1]"));
        assert_eq!(single(&events).len(), 3);
    }
}
