//! Activities: `scheduled --started--> running --> completed | failed | timed out | canceled`.
//!
//! A history tells of the last attempt only: what was before its start is one part, queued where it was the first attempt.

use std::time::SystemTime;

use temporalio_protos::temporal::api::history::v1::history_event::Attributes;

use super::{Kind, Outcome, PartKind, Row, Timeline};

/// Takes an event of an activity; false for one of anything else.
pub(super) fn push(timeline: &mut Timeline, event: i64, time: SystemTime, attributes: &Attributes) -> bool {
    use Attributes::*;
    match attributes {
        ActivityTaskScheduledEventAttributes(a) => {
            let name = a.activity_type.as_ref().map_or("", |kind| &kind.name);
            let mut row = Row::new(event, Kind::Activity, name, &a.activity_id, PartKind::Queued, time);
            row.detail("Activity id", &a.activity_id);
            row.detail("Task queue", a.task_queue.as_ref().map_or("", |queue| &queue.name));
            row.payloads("Input", a.input.as_ref());
            timeline.begin(row);
        }
        ActivityTaskStartedEventAttributes(a) => {
            let Some(row) = timeline.of_event(a.scheduled_event_id) else { return true };
            row.attempt = a.attempt;
            if a.attempt > 1
                && let Some(part) = row.parts.last_mut()
            {
                part.kind = PartKind::Retrying;
            }
            row.fault(a.last_failure.as_ref());
            row.detail("Worker", &a.identity);
            row.next(PartKind::Running, time);
        }
        ActivityTaskCompletedEventAttributes(a) => {
            let Some(row) = timeline.of_event(a.scheduled_event_id) else { return true };
            row.payloads("Result", a.result.as_ref());
            row.close(time, Outcome::Done);
        }
        ActivityTaskFailedEventAttributes(a) => {
            let Some(row) = timeline.of_event(a.scheduled_event_id) else { return true };
            row.fault(a.failure.as_ref());
            row.close(time, Outcome::Failed);
        }
        ActivityTaskTimedOutEventAttributes(a) => {
            let Some(row) = timeline.of_event(a.scheduled_event_id) else { return true };
            row.fault(a.failure.as_ref());
            row.close(time, Outcome::TimedOut);
        }
        ActivityTaskCanceledEventAttributes(a) => {
            let Some(row) = timeline.of_event(a.scheduled_event_id) else { return true };
            row.payloads("Details", a.details.as_ref());
            row.close(time, Outcome::Canceled);
        }
        _ => return false,
    }
    true
}
