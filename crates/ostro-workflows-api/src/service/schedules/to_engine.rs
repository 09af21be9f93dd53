//! Schedules on their way to the engine.

use prost_wkt_types::Duration as ProtoDuration;
use serde_json::Value;
use temporalio_protos::temporal::api::common::v1::{Payloads, WorkflowType};
use temporalio_protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_protos::temporal::api::schedule::v1::{
    IntervalSpec, Range, Schedule, ScheduleAction, SchedulePolicies, ScheduleSpec, ScheduleState,
    StructuredCalendarSpec,
};
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflow::v1::NewWorkflowExecutionInfo;

use crate::model::error::{Error, Result};
use crate::model::moment::Moment;
use crate::model::payload::{Context, Input};
use crate::model::registration::Registration;
use crate::model::schedule::{ScheduleCalendar, ScheduleInterval, SchedulePolicy, ScheduleRange, ScheduleTimes};
use crate::model::{moment as clock, payload};

/// The execution that a scheduled input is said to be of: its own id is not known when the schedule is made.
const PLACEHOLDER: &str = "__scheduled_workflow__";

/// Where faults of a schedule are.
const PLACE: [&str; 2] = ["body", "schedule"];

/// A new schedule.
pub(crate) fn schedule(
    namespace: &str,
    id: &str,
    registration: &Registration,
    input: &Input,
    times: &ScheduleTimes,
) -> Result<Schedule> {
    Ok(Schedule {
        spec: Some(spec(times)?),
        action: Some(action(namespace, id, registration, input)?),
        policies: Some(policies(times.policy.as_ref())?),
        state: Some(state(times)),
    })
}

/// The schedule changed: parts that are given replace theirs.
pub(crate) fn change(schedule: &mut Schedule, times: &ScheduleTimes) -> Result<()> {
    let wanted = spec(times)?;
    let spec = schedule.spec.get_or_insert_default();
    if times.calendars.is_some() {
        spec.structured_calendar = wanted.structured_calendar;
    }
    if times.intervals.is_some() {
        spec.interval = wanted.interval;
    }
    if times.cron_expressions.is_some() {
        // What was a cron expression reads back as calendars: new ones replace them.
        if times.calendars.is_none() {
            spec.structured_calendar.clear();
        }
        spec.cron_string = wanted.cron_string;
    }
    if times.skip.is_some() {
        spec.exclude_structured_calendar = wanted.exclude_structured_calendar;
    }
    spec.start_time = wanted.start_time.or(spec.start_time.take());
    spec.end_time = wanted.end_time.or(spec.end_time.take());
    spec.jitter = wanted.jitter.or(spec.jitter.take());
    if times.time_zone_name.is_some() {
        spec.timezone_name = wanted.timezone_name;
    }
    if times.policy.is_some() {
        schedule.policies = Some(policies(times.policy.as_ref())?);
    }
    if times.max_executions.is_some() {
        let limited = state(times);
        let state = schedule.state.get_or_insert_default();
        (state.limited_actions, state.remaining_actions) = (limited.limited_actions, limited.remaining_actions);
    }
    Ok(())
}

/// Replaces the input of a schedule's executions.
pub(crate) fn change_input(schedule: &mut Schedule, namespace: &str, input: &Input) {
    if let Some(Action::StartWorkflow(start)) = schedule.action.as_mut().and_then(|action| action.action.as_mut()) {
        start.input = Some(arguments(namespace, input));
    }
}

fn spec(times: &ScheduleTimes) -> Result<ScheduleSpec> {
    let calendars = |all: &Option<Vec<ScheduleCalendar>>| all.iter().flatten().map(calendar).collect();
    Ok(ScheduleSpec {
        structured_calendar: calendars(&times.calendars),
        exclude_structured_calendar: calendars(&times.skip),
        interval: times.intervals.iter().flatten().map(interval).collect::<Result<_>>()?,
        cron_string: times.cron_expressions.clone().unwrap_or_default(),
        start_time: times.start_at.map(Moment::proto),
        end_time: times.end_at.map(Moment::proto),
        jitter: times.jitter.as_deref().map(|text| duration(text, "jitter")).transpose()?,
        timezone_name: times.time_zone_name.clone().unwrap_or_default(),
        ..Default::default()
    })
}

fn calendar(calendar: &ScheduleCalendar) -> StructuredCalendarSpec {
    let ranges = |ranges: &Option<Vec<ScheduleRange>>, absent: &[Range]| match ranges.as_deref() {
        None | Some([]) => absent.to_vec(),
        Some(ranges) => ranges.iter().map(range).collect(),
    };
    let zero = [Range { start: 0, end: 0, step: 1 }];
    StructuredCalendarSpec {
        second: ranges(&calendar.second, &zero),
        minute: ranges(&calendar.minute, &zero),
        hour: ranges(&calendar.hour, &zero),
        day_of_month: ranges(&calendar.day_of_month, &[Range { start: 1, end: 31, step: 1 }]),
        month: ranges(&calendar.month, &[Range { start: 1, end: 12, step: 1 }]),
        year: ranges(&calendar.year, &[]),
        day_of_week: ranges(&calendar.day_of_week, &[Range { start: 0, end: 6, step: 1 }]),
        comment: calendar.comment.clone().unwrap_or_default(),
    }
}

fn range(range: &ScheduleRange) -> Range {
    Range { start: range.start, end: range.end.max(range.start), step: range.step.max(1) }
}

fn interval(interval: &ScheduleInterval) -> Result<IntervalSpec> {
    Ok(IntervalSpec {
        interval: Some(duration(&interval.every, "every")?),
        phase: interval.offset.as_deref().map(|text| duration(text, "offset")).transpose()?,
    })
}

fn duration(text: &str, key: &str) -> Result<ProtoDuration> {
    clock::iso_seconds(text).and_then(clock::proto_seconds).ok_or_else(|| {
        let message = format!("{text:?} is no ISO 8601 duration such as PT5M");
        Error::at(&[PLACE[0], PLACE[1], key], message, "value_error")
    })
}

fn policies(policy: Option<&SchedulePolicy>) -> Result<SchedulePolicies> {
    let Some(policy) = policy else { return Ok(SchedulePolicies::default()) };
    let overlap = policy.overlap.unwrap_or(1);
    if !(1..=6).contains(&overlap) {
        let place = [PLACE[0], PLACE[1], "policy", "overlap"];
        return Err(Error::at(&place, format!("{overlap} is none of 1 to 6"), "value_error"));
    }
    Ok(SchedulePolicies {
        overlap_policy: overlap.into(),
        catchup_window: Some(ProtoDuration { seconds: policy.catchup_window_seconds.max(0), nanos: 0 }),
        pause_on_failure: policy.pause_on_failure,
        ..Default::default()
    })
}

fn state(times: &ScheduleTimes) -> ScheduleState {
    ScheduleState {
        limited_actions: times.max_executions.is_some(),
        remaining_actions: times.max_executions.map_or(0, i64::from),
        ..Default::default()
    }
}

fn action(namespace: &str, id: &str, registration: &Registration, input: &Input) -> Result<ScheduleAction> {
    let timeout = registration.definition.execution_timeout.map(|seconds| {
        clock::proto_seconds(seconds)
            .ok_or_else(|| Error::at(&PLACE, "the execution timeout is too long", "value_error"))
    });
    let start = NewWorkflowExecutionInfo {
        workflow_id: format!("{}-{id}", registration.workflow_name),
        workflow_type: Some(WorkflowType { name: registration.workflow_name.clone() }),
        task_queue: Some(TaskQueue { name: registration.task_queue.clone(), ..Default::default() }),
        input: Some(arguments(namespace, input)),
        workflow_execution_timeout: timeout.transpose()?,
        ..Default::default()
    };
    Ok(ScheduleAction { action: Some(Action::StartWorkflow(start)) })
}

/// Plain JSON where it can be: the worker then takes the execution's own id for its context.
fn arguments(namespace: &str, input: &Input) -> Payloads {
    let payload = match input {
        Input::Plain(Value::Null) => payload::plain(&Value::Object(serde_json::Map::new())),
        Input::Plain(value) => payload::plain(value),
        encoded => payload::encode(
            encoded,
            &Context {
                namespace,
                execution_id: PLACEHOLDER,
                execution_token: None,
                extensions: None,
                on_behalf_of: None,
            },
        ),
    };
    Payloads { payloads: vec![payload] }
}
