//! The history as a table, and what it must prove.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, SystemTime},
};

use temporalio_common::protos::temporal::api::{
    enums::v1::EventType,
    history::v1::{HistoryEvent, history_event::Attributes},
};

use crate::activities::RESERVE_FAILURES;

/// The back-off of `reserve`: 300 ms, then 600 ms.
const RESERVE_BACKOFF: Duration = Duration::from_millis(900);

pub fn print(events: &[HistoryEvent]) {
    let start = events.first().map(time_of);
    println!("{:>4}  {:>6}  {:<30}  detail", "id", "ms", "event");
    for event in events {
        let elapsed = start.and_then(|start| time_of(event).duration_since(start).ok());
        let elapsed_ms = elapsed.unwrap_or_default().as_millis();
        println!("{:>4}  {elapsed_ms:>6}  {:<30}  {}", event.event_id, name_of(event), detail_of(event));
    }
}

/// Everything in the history that is not as it must be, one sentence each.
pub fn wrong(events: &[HistoryEvent]) -> Vec<String> {
    let mut wrong = Vec::new();
    if !events.iter().map(|event| event.event_id).eq(1..=events.len() as i64) {
        wrong.push("event ids have a gap".to_owned());
    }
    let attempts = attempts_of(events, &mut wrong);
    let expected = [("measure", 1), ("reserve", RESERVE_FAILURES as i32 + 1), ("count", 2)];
    if attempts != BTreeMap::from(expected) {
        wrong.push(format!("activities and attempts in the history: {attempts:?}"));
    }
    if events.iter().filter(|event| event.event_type() == EventType::MarkerRecorded).count() != 1 {
        wrong.push("the local activity left no marker".to_owned());
    }
    match events.last() {
        Some(event) if event.event_type() == EventType::WorkflowExecutionCompleted => {}
        other => wrong.push(format!("the history ends with {}", other.map_or("nothing", name_of))),
    }
    wrong
}

/// The last attempt of each activity type; notes a retry that came before its back-off was over.
fn attempts_of<'a>(events: &'a [HistoryEvent], wrong: &mut Vec<String>) -> BTreeMap<&'a str, i32> {
    let mut scheduled = HashMap::new();
    let mut attempts = BTreeMap::new();
    for event in events {
        match &event.attributes {
            Some(Attributes::ActivityTaskScheduledEventAttributes(attributes)) => {
                let name = attributes.activity_type.as_ref().map_or("", |kind| short(&kind.name));
                scheduled.insert(event.event_id, (name, time_of(event)));
            }
            Some(Attributes::ActivityTaskStartedEventAttributes(attributes)) => {
                let Some((name, at)) = scheduled.get(&attributes.scheduled_event_id) else {
                    continue;
                };
                attempts.insert(*name, attributes.attempt);
                let waited = time_of(event).duration_since(*at).unwrap_or_default();
                if *name == "reserve" && waited < RESERVE_BACKOFF {
                    wrong.push(format!("`reserve` had its last attempt after {waited:?}, before its back-off"));
                }
            }
            _ => {}
        }
    }
    attempts
}

fn detail_of(event: &HistoryEvent) -> String {
    match &event.attributes {
        Some(Attributes::WorkflowExecutionStartedEventAttributes(attributes)) => {
            let kind = attributes.workflow_type.as_ref().map_or("", |kind| &kind.name);
            let queue = attributes.task_queue.as_ref().map_or("", |queue| &queue.name);
            format!("{kind} on {queue}")
        }
        Some(Attributes::ActivityTaskScheduledEventAttributes(attributes)) => {
            let kind = attributes.activity_type.as_ref().map_or("", |kind| &kind.name);
            format!("activity {}: {kind}", attributes.activity_id)
        }
        Some(Attributes::ActivityTaskStartedEventAttributes(attributes)) => match &attributes.last_failure {
            Some(failure) => format!("attempt {}, after: {}", attributes.attempt, failure.message),
            None => format!("attempt {}", attributes.attempt),
        },
        Some(Attributes::ActivityTaskCompletedEventAttributes(attributes)) => {
            format!("of event {}", attributes.scheduled_event_id)
        }
        Some(Attributes::MarkerRecordedEventAttributes(attributes)) => attributes.marker_name.clone(),
        _ => String::new(),
    }
}

fn name_of(event: &HistoryEvent) -> &'static str {
    event.event_type().as_str_name().trim_start_matches("EVENT_TYPE_")
}

/// `Activities::count` is called `count` here.
fn short(activity_type: &str) -> &str {
    activity_type.rsplit("::").next().unwrap_or(activity_type)
}

fn time_of(event: &HistoryEvent) -> SystemTime {
    let time = event.event_time.unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::new(time.seconds.max(0) as u64, time.nanos.max(0) as u32)
}
