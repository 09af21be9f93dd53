//! What a schedule waits for.

use std::time::SystemTime;

use temporalio_protos::temporal::api::schedule::v1::{ScheduleInfo, ScheduleState};
use temporalio_protos::temporal::api::workflowservice::v1::DescribeScheduleResponse;

use crate::moment;

/// One sentence on a schedule, and one more on each of: what of it runs, what waits for that.
pub fn schedule(described: &DescribeScheduleResponse, now: SystemTime) -> String {
    let state = described.schedule.as_ref().and_then(|schedule| schedule.state.clone()).unwrap_or_default();
    let info = described.info.clone().unwrap_or_default();
    // A schedule may be paused or spent, and what it began goes on.
    format!("{}{}{}", next(&state, &info, now), running(&info), buffered(&info))
}

fn next(state: &ScheduleState, info: &ScheduleInfo, now: SystemTime) -> String {
    #[allow(deprecated)]
    let invalid = &info.invalid_schedule_error;
    if state.paused {
        let note = if state.notes.is_empty() { String::new() } else { format!(" ({})", state.notes) };
        return format!("Paused{note}, until somebody unpauses it.");
    }
    if !invalid.is_empty() {
        return format!("Waiting for an update: its specification is not valid ({invalid}).");
    }
    if state.limited_actions && state.remaining_actions == 0 {
        return "Waiting for nothing: it has no actions left.".to_owned();
    }
    match info.future_action_times.iter().find_map(|time| moment::of(Some(time))) {
        Some(next) => format!("Waiting for its next action, {}.", moment::until(next, now)),
        None => "Waiting for nothing: no time is left in its specification.".to_owned(),
    }
}

fn running(info: &ScheduleInfo) -> String {
    match &info.running_workflows[..] {
        [] => String::new(),
        [one] => format!(" Workflow `{}` of it runs.", one.workflow_id),
        more => format!(" {} workflows of it run.", more.len()),
    }
}

fn buffered(info: &ScheduleInfo) -> String {
    match info.buffer_size {
        0 => String::new(),
        1 => " 1 action waits for the running one to end.".to_owned(),
        count => format!(" {count} actions wait for the running one to end."),
    }
}
