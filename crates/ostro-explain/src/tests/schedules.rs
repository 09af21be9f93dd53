//! Sentences on schedules.

use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::schedule::v1::{Schedule, ScheduleInfo, ScheduleState};
use temporalio_protos::temporal::api::workflowservice::v1::DescribeScheduleResponse;

use super::{at, now};
use crate::schedule;

#[test]
fn schedules() {
    let next =
        ScheduleInfo { future_action_times: at(240).into_iter().collect(), buffer_size: 2, ..Default::default() };
    let described = |state: ScheduleState, info: &ScheduleInfo| DescribeScheduleResponse {
        schedule: Some(Schedule { state: Some(state), ..Default::default() }),
        info: Some(info.clone()),
        ..Default::default()
    };
    let running_workflows = vec![WorkflowExecution { workflow_id: "nightly-1".into(), run_id: String::new() }];
    let going_on = ScheduleInfo { running_workflows, buffer_size: 1, ..Default::default() };
    #[allow(deprecated)]
    let invalid = ScheduleInfo { invalid_schedule_error: "no such time zone".into(), ..next.clone() };
    let paused = ScheduleState { paused: true, notes: "stock-taking".into(), ..Default::default() };
    let spent = ScheduleState { limited_actions: true, ..Default::default() };
    let table = [
        (
            described(ScheduleState::default(), &next),
            "Waiting for its next action, in 4m. 2 actions wait for the running one to end.",
        ),
        (
            described(paused, &next),
            "Paused (stock-taking), until somebody unpauses it. 2 actions wait for the running one to end.",
        ),
        (
            described(spent, &going_on),
            "Waiting for nothing: it has no actions left. Workflow `nightly-1` of it runs. 1 action waits for the \
             running one to end.",
        ),
        (
            described(ScheduleState::default(), &invalid),
            "Waiting for an update: its specification is not valid (no such time zone). 2 actions wait for the running \
             one to end.",
        ),
        (
            described(ScheduleState::default(), &ScheduleInfo::default()),
            "Waiting for nothing: no time is left in its specification.",
        ),
    ];
    for (answer, expected) in table {
        assert_eq!(schedule(&answer, now()), expected);
    }
}
