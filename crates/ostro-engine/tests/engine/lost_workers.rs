//! Where workers live in the engine's process, what they had begun is lost with it, and goes on at once after a restart.

use crate::world::*;
use ostro_engine::call::DetachActivity;
use ostro_engine::time::{SECOND, Span};
use temporalio_protos::temporal::api::{
    common::v1::RetryPolicy,
    enums::v1::{CommandType, EventType as E, TaskQueueKind},
    failure::v1::failure::FailureInfo,
    history::v1::history_event::Attributes,
};

/// The process ends; the next one's engine knows that its workers are gone.
fn restart_in_process(world: &mut World) {
    world.advance(Span::from_nanos(1));
    world.restart();
    world.engine.lose_workers();
    world.advance(Span::ZERO);
}

fn with_activity(attempts_max: i32) -> World {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    let mut attributes = schedule_activity("1");
    attributes.retry_policy = Some(RetryPolicy { maximum_attempts: attempts_max, ..Default::default() });
    world.complete(&task, vec![command(CommandType::ScheduleActivityTask, attributes)]).unwrap();
    world
}

#[test]
fn an_attempt_that_ran_is_followed_by_the_next_at_once() {
    let mut world = with_activity(3);
    let lost = world.activity_task();
    restart_in_process(&mut world);
    world.complete_activity(&lost).unwrap_err();
    let next = world.activity_task();
    assert_eq!((lost.attempt, next.attempt), (1, 2));
    let pending = world.describe("w").pending_activities.remove(0);
    assert_eq!(pending.last_failure.unwrap().message, "the process that ran it ended");
    world.complete_activity(&next).unwrap();
}

#[test]
fn the_last_attempt_is_the_last() {
    let mut world = with_activity(1);
    world.activity_task();
    restart_in_process(&mut world);
    let history = world.history("w");
    let failed = history.iter().find(|event| event.event_type() == E::ActivityTaskFailed).unwrap();
    let Some(Attributes::ActivityTaskFailedEventAttributes(failed)) = &failed.attributes else { panic!("{failed:?}") };
    let failure = failed.failure.clone().unwrap();
    let Some(FailureInfo::ApplicationFailureInfo(info)) = failure.failure_info else { panic!("{failure:?}") };
    assert_eq!(info.r#type, "ProcessLost");
    world.workflow_task();
}

#[test]
fn what_has_begun_since_is_left_alone() {
    let mut world = with_activity(3);
    world.advance(Span::from_nanos(1));
    world.restart();
    world.engine.lose_workers();
    // Before the first tick: a worker of this process.
    let mine = world.activity_task();
    world.advance(Span::ZERO);
    assert_eq!(mine.attempt, 1);
    world.complete_activity(&mine).unwrap();
}

#[test]
fn what_goes_on_outside_of_the_process_is_left_alone() {
    let mut world = with_activity(3);
    let attempt = world.activity_task();
    world.ask(DetachActivity { task_token: attempt.task_token.clone() }).unwrap();
    restart_in_process(&mut world);
    world.complete_activity(&attempt).unwrap();
}

#[test]
fn a_workflow_task_that_ran_is_given_to_the_next_worker() {
    let mut world = World::new();
    world.start("w");
    let lost = world.workflow_task();
    restart_in_process(&mut world);
    let next = world.workflow_task();
    world.complete(&lost, vec![complete_workflow()]).unwrap_err();
    world.complete(&next, vec![complete_workflow()]).unwrap();
}

#[test]
fn a_task_on_a_lost_workers_own_queue_waits_for_any() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    world.complete_sticky(&task, vec![], "own");
    // The worker has polled its queue a moment ago and is busy when the signal comes, so the task goes there.
    world.send(ostro_engine::call::WithDeadline {
        request: poll_request("own", TaskQueueKind::Sticky),
        deadline: world.now + SECOND,
    });
    world.advance(SECOND);
    world.signal("w", "go").unwrap();
    assert!(world.try_workflow_task().is_none(), "it waits on the worker's own queue");
    restart_in_process(&mut world);
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
    assert!(!world.event_types("w").contains(&E::WorkflowTaskTimedOut));
}

#[test]
fn whoever_waits_for_something_else_is_not_touched() {
    let mut world = with_activity(3);
    let before = world.history("w").len();
    restart_in_process(&mut world);
    assert_eq!(world.history("w").len(), before);
    assert_eq!(world.activity_task().attempt, 1);
    world.advance(SECOND);
}
