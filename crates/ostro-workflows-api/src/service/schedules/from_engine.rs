//! Schedules as the engine describes them.

use prost_wkt_types::Duration as ProtoDuration;
use serde_json::Value;
use temporalio_protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_protos::temporal::api::schedule::v1::{
    IntervalSpec, Range, Schedule, ScheduleActionResult, ScheduleInfo, SchedulePolicies, StructuredCalendarSpec,
};

use crate::model::moment::Moment;
use crate::model::payload;
use crate::model::schedule::{
    ScheduleCalendar, ScheduleDefinitionOutput, ScheduleFutureExecution, ScheduleInterval, SchedulePolicy,
    ScheduleRange, ScheduleRecentExecution,
};

/// A schedule with what it has done and will do.
pub(crate) fn output(id: String, schedule: Schedule, info: &ScheduleInfo) -> ScheduleDefinitionOutput {
    let spec = schedule.spec.unwrap_or_default();
    let state = schedule.state.unwrap_or_default();
    let start = match schedule.action.and_then(|action| action.action) {
        Some(Action::StartWorkflow(start)) => start,
        None => Default::default(),
    };
    let policy = schedule.policies.map(|policies| policy(&policies));
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    ScheduleDefinitionOutput {
        input: start.input.as_ref().and_then(|all| all.payloads.first()).map_or(Value::Null, payload::decode),
        schedule_id: id,
        workflow_name: start.workflow_type.unwrap_or_default().name,
        paused: state.paused,
        calendars: spec.structured_calendar.iter().map(calendar).collect(),
        intervals: spec.interval.iter().map(interval).collect(),
        cron_expressions: spec.cron_string,
        skip: spec.exclude_structured_calendar.iter().map(calendar).collect(),
        start_at: spec.start_time.as_ref().and_then(Moment::of),
        end_at: spec.end_time.as_ref().and_then(Moment::of),
        jitter: spec.jitter.as_ref().filter(|jitter| jitter.seconds > 0 || jitter.nanos > 0).map(iso),
        time_zone_name: text(spec.timezone_name),
        policy,
        remaining_executions: state.limited_actions.then_some(state.remaining_actions),
        deployment_name: text(start.task_queue.unwrap_or_default().name),
        note: text(state.notes),
        future_executions: info
            .future_action_times
            .iter()
            .filter_map(Moment::of)
            .map(|scheduled_at| ScheduleFutureExecution { scheduled_at })
            .collect(),
        recent_executions: info.recent_actions.iter().filter_map(recent).collect(),
    }
}

pub(crate) fn recent(action: &ScheduleActionResult) -> Option<ScheduleRecentExecution> {
    Some(ScheduleRecentExecution {
        scheduled_at: action.schedule_time.as_ref().and_then(Moment::of)?,
        started_at: action.actual_time.as_ref().and_then(Moment::of)?,
        execution_id: action.start_workflow_result.clone()?.workflow_id,
    })
}

fn calendar(calendar: &StructuredCalendarSpec) -> ScheduleCalendar {
    let ranges = |ranges: &[Range]| {
        let one = |range: &Range| ScheduleRange { start: range.start, end: range.end, step: range.step };
        Some(ranges.iter().map(one).collect())
    };
    ScheduleCalendar {
        second: ranges(&calendar.second),
        minute: ranges(&calendar.minute),
        hour: ranges(&calendar.hour),
        day_of_month: ranges(&calendar.day_of_month),
        month: ranges(&calendar.month),
        year: ranges(&calendar.year),
        day_of_week: ranges(&calendar.day_of_week),
        comment: Some(calendar.comment.clone()).filter(|comment| !comment.is_empty()),
    }
}

fn interval(interval: &IntervalSpec) -> ScheduleInterval {
    ScheduleInterval {
        every: interval.interval.as_ref().map_or_else(|| "PT0S".to_owned(), iso),
        offset: interval.phase.as_ref().map(iso),
    }
}

fn policy(policies: &SchedulePolicies) -> SchedulePolicy {
    SchedulePolicy {
        catchup_window_seconds: policies.catchup_window.as_ref().map_or(0, |window| window.seconds),
        overlap: u8::try_from(policies.overlap_policy).ok().map(|overlap| overlap.max(1)),
        pause_on_failure: policies.pause_on_failure,
    }
}

/// An ISO 8601 duration.
fn iso(duration: &ProtoDuration) -> String {
    jiff::SignedDuration::new(duration.seconds, duration.nanos).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_they_are_read() {
        let hour = ProtoDuration { seconds: 3600, nanos: 500_000_000 };
        assert_eq!(crate::model::moment::iso_seconds(&iso(&hour)), Some(3600.5));
    }
}
