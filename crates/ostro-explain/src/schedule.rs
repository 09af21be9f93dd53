//! What a schedule waits for.

use std::time::SystemTime;

use temporalio_protos::temporal::api::workflowservice::v1::DescribeScheduleResponse;

use crate::moment;

/// One sentence on a schedule.
pub fn schedule(described: &DescribeScheduleResponse, now: SystemTime) -> String {
    let state = described.schedule.as_ref().and_then(|schedule| schedule.state.clone()).unwrap_or_default();
    let info = described.info.clone().unwrap_or_default();
    if state.paused {
        let note = if state.notes.is_empty() { String::new() } else { format!(" ({})", state.notes) };
        return format!("Paused{note}, until somebody unpauses it.");
    }
    if state.limited_actions && state.remaining_actions == 0 {
        return "Waiting for nothing: it has no actions left.".to_owned();
    }
    let running = match info.running_workflows.len() {
        0 => String::new(),
        1 => format!(" Workflow `{}` of it runs.", info.running_workflows[0].workflow_id),
        count => format!(" {count} workflows of it run."),
    };
    let buffered = match info.buffer_size {
        0 => String::new(),
        1 => " 1 action waits for the running one to end.".to_owned(),
        count => format!(" {count} actions wait for the running one to end."),
    };
    match info.future_action_times.iter().find_map(|time| moment::of(Some(time))) {
        Some(next) => format!("Waiting for its next action, {}.{running}{buffered}", moment::until(next, now)),
        None => format!("Waiting for nothing: no time is left in its specification.{running}{buffered}"),
    }
}
