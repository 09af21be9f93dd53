//! Runs that do not get on: paused ones, which hear everything and do nothing, and those whose tasks fail.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::time::{SECOND, duration};
use temporalio_protos::temporal::api::{
    command::v1::StartTimerCommandAttributes,
    enums::v1::{CommandType, EventType as E, WorkflowExecutionStatus as Status, WorkflowTaskFailedCause},
    query::v1::WorkflowQuery,
    workflowservice::v1::*,
};

fn pause(world: &mut World) {
    let request = PauseWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        workflow_id: "w".into(),
        reason: "why".into(),
        request_id: "p".into(),
        ..Default::default()
    };
    world.ask(request).unwrap();
}

fn unpause(world: &mut World) -> ostro_engine::error::Result<UnpauseWorkflowExecutionResponse> {
    let request =
        UnpauseWorkflowExecutionRequest { namespace: NAMESPACE.into(), workflow_id: "w".into(), ..Default::default() };
    world.ask(request)
}

fn status(world: &mut World) -> Status {
    world.describe("w").workflow_execution_info.unwrap().status()
}

#[test]
fn nothing_leaves_until_it_is_unpaused() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    let timer = StartTimerCommandAttributes { timer_id: "t".into(), start_to_fire_timeout: duration(SECOND) };
    let commands = vec![
        command(CommandType::ScheduleActivityTask, schedule_activity("a")),
        command(CommandType::StartTimer, timer),
    ];
    world.complete(&task, commands).unwrap();
    pause(&mut world);
    pause(&mut world);
    assert_eq!(status(&mut world), Status::Paused);
    world.signal("w", "s").unwrap();
    world.restart();
    world.advance(2 * SECOND);
    assert!(world.try_activity_task().is_none() && world.try_workflow_task().is_none());
    assert_eq!(world.event_types("w")[6..], [E::WorkflowExecutionPaused, E::WorkflowExecutionSignaled, E::TimerFired]);
    unpause(&mut world).unwrap();
    assert_eq!(unpause(&mut world).unwrap_err().kind, ErrorKind::FailedPrecondition);
    world.restart();
    let activity = world.activity_task();
    world.complete_activity(&activity).unwrap();
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
    assert_eq!(status(&mut world), Status::Completed);
}

#[test]
fn a_task_that_waits_fails_and_one_with_a_worker_may_end() {
    let mut world = World::new();
    world.start("w");
    pause(&mut world);
    let failed = [E::WorkflowExecutionStarted, E::WorkflowTaskScheduled, E::WorkflowTaskFailed];
    assert_eq!(world.event_types("w")[..3], failed);
    unpause(&mut world).unwrap();
    let task = world.workflow_task();
    pause(&mut world);
    world.complete(&task, vec![command(CommandType::ScheduleActivityTask, schedule_activity("a"))]).unwrap();
    world.restart();
    assert!(world.try_activity_task().is_none(), "what it schedules meanwhile waits");
    unpause(&mut world).unwrap();
    world.activity_task();
}

#[test]
fn a_retry_that_falls_due_meanwhile_waits() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    world.complete(&task, vec![command(CommandType::ScheduleActivityTask, schedule_activity("a"))]).unwrap();
    let activity = world.activity_task();
    pause(&mut world);
    let failed = RespondActivityTaskFailedRequest { task_token: activity.task_token, ..Default::default() };
    world.ask(failed).unwrap();
    world.advance(5 * SECOND);
    assert!(world.try_activity_task().is_none());
    world.restart();
    unpause(&mut world).unwrap();
    assert_eq!(world.activity_task().attempt, 2);
}

#[test]
fn queries_and_updates_are_refused_and_an_end_is_an_end() {
    let mut world = World::new();
    world.start("w");
    pause(&mut world);
    let query = QueryWorkflowRequest {
        namespace: NAMESPACE.into(),
        execution: Some(execution("w")),
        query: Some(WorkflowQuery { query_type: "q".into(), ..Default::default() }),
        ..Default::default()
    };
    assert_eq!(world.ask(query).unwrap().query_rejected.unwrap().status(), Status::Paused);
    let update =
        ostro_engine::call::WithDeadline { request: update_request("w", "u"), deadline: ostro_engine::time::Time::MAX };
    assert_eq!(world.ask(update).unwrap_err().kind, ErrorKind::FailedPrecondition);
    world.terminate("w").unwrap();
    assert_eq!(status(&mut world), Status::Terminated);
    assert_eq!(unpause(&mut world).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn a_run_whose_tasks_fail_is_found_by_its_problems() {
    let mut world = World::new();
    world.start("w");
    let problems = |world: &mut World| {
        let info = world.describe("w").workflow_execution_info.unwrap();
        let attributes = info.search_attributes.unwrap_or_default();
        attributes
            .indexed_fields
            .get("TemporalReportedProblems")
            .map(|payload| String::from_utf8_lossy(&payload.data).into_owned())
    };
    for _ in 0..5 {
        assert_eq!(problems(&mut world), None);
        let task = world.workflow_task();
        let failed = RespondWorkflowTaskFailedRequest {
            task_token: task.response.task_token,
            cause: WorkflowTaskFailedCause::NonDeterministicError as i32,
            ..Default::default()
        };
        world.ask(failed).unwrap();
    }
    let words = r#"["category=WorkflowTaskFailed","cause=WorkflowTaskFailedCauseNonDeterministicError"]"#;
    assert_eq!(problems(&mut world).as_deref(), Some(words));
    world.restart();
    let task = world.workflow_task();
    world.complete(&task, vec![command(CommandType::ScheduleActivityTask, schedule_activity("a"))]).unwrap();
    assert_eq!(problems(&mut world), None);
}
