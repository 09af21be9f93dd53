//! Activities that operators pause, reset and change.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::time::{SECOND, duration};
use prost_wkt_types::FieldMask;
use temporalio_protos::temporal::api::{
    activity::v1::ActivityOptions,
    common::v1::RetryPolicy,
    enums::v1::{CommandType, EventType as E, PendingActivityState as State},
    failure::v1::Failure,
    taskqueue::v1::TaskQueue,
    workflow::v1::PendingActivityInfo,
    workflowservice::v1::{
        pause_activity_request::Activity as Pausing, reset_activity_request::Activity as Resetting,
        unpause_activity_request::Activity as Unpausing, update_activity_options_request::Activity as Updating, *,
    },
};

fn with_activity() -> World {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    let mut attributes = schedule_activity("1");
    attributes.start_to_close_timeout = duration(30 * SECOND);
    attributes.schedule_to_close_timeout = None;
    world.complete(&task, vec![command(CommandType::ScheduleActivityTask, attributes)]).unwrap();
    world
}

fn pause(world: &mut World, request_id: &str) -> Result<(), ErrorKind> {
    let request = PauseActivityRequest {
        namespace: NAMESPACE.into(),
        execution: Some(execution("w")),
        activity: Some(Pausing::Id("1".into())),
        request_id: request_id.into(),
        ..Default::default()
    };
    world.ask(request).map(drop).map_err(|error| error.kind)
}

fn unpause(world: &mut World, reset_attempts: bool) {
    let request = UnpauseActivityRequest {
        namespace: NAMESPACE.into(),
        execution: Some(execution("w")),
        activity: Some(Unpausing::UnpauseAll(true)),
        reset_attempts,
        ..Default::default()
    };
    world.ask(request).unwrap();
}

fn reset(world: &mut World, keep_paused: bool) {
    let request = ResetActivityRequest {
        namespace: NAMESPACE.into(),
        execution: Some(execution("w")),
        activity: Some(Resetting::MatchAll(true)),
        keep_paused,
        ..Default::default()
    };
    world.ask(request).unwrap();
}

fn fail(world: &mut World, task: &PollActivityTaskQueueResponse) {
    let request = RespondActivityTaskFailedRequest {
        task_token: task.task_token.clone(),
        failure: Some(Failure { message: "no".into(), ..Default::default() }),
        namespace: NAMESPACE.into(),
        ..Default::default()
    };
    world.ask(request).unwrap();
}

fn pending(world: &mut World) -> PendingActivityInfo {
    world.describe("w").pending_activities.remove(0)
}

#[test]
fn a_paused_activity_waits_for_no_worker_and_survives_a_restart() {
    let mut world = with_activity();
    pause(&mut world, "r").unwrap();
    pause(&mut world, "r").unwrap();
    assert_eq!(pause(&mut world, "other"), Err(ErrorKind::FailedPrecondition));
    world.restart();
    assert!(world.try_activity_task().is_none());
    assert_eq!(pending(&mut world).state(), State::Paused);
    world.advance(3600 * SECOND);
    unpause(&mut world, false);
    world.restart();
    let task = world.activity_task();
    world.complete_activity(&task).unwrap();
    assert!(world.event_types("w").contains(&E::ActivityTaskCompleted));
}

#[test]
fn an_attempt_that_runs_goes_on_but_has_no_successor_before_the_end_of_the_pause() {
    let mut world = with_activity();
    let task = world.activity_task();
    pause(&mut world, "r").unwrap();
    assert_eq!(pending(&mut world).state(), State::PauseRequested);
    let token = task.task_token.clone();
    let told = world
        .ask(RecordActivityTaskHeartbeatRequest {
            task_token: token,
            namespace: NAMESPACE.into(),
            ..Default::default()
        })
        .unwrap();
    assert!(told.activity_paused && !told.activity_reset);
    fail(&mut world, &task);
    world.advance(3600 * SECOND);
    assert!(world.try_activity_task().is_none());
    assert_eq!(pending(&mut world).attempt, 2);
    unpause(&mut world, true);
    assert_eq!(world.activity_task().attempt, 1);
}

#[test]
fn a_reset_activity_begins_anew() {
    let mut world = with_activity();
    let task = world.activity_task();
    reset(&mut world, false);
    let token = task.task_token.clone();
    let request =
        RecordActivityTaskHeartbeatRequest { task_token: token, namespace: NAMESPACE.into(), ..Default::default() };
    assert!(world.ask(request).unwrap().activity_reset);
    fail(&mut world, &task);
    assert!(world.try_activity_task().is_none(), "it backs off");
    reset(&mut world, false);
    assert_eq!(world.activity_task().attempt, 1);
    pause(&mut world, "r").unwrap();
    reset(&mut world, true);
    assert!(pending(&mut world).paused);
    reset(&mut world, false);
    assert!(!pending(&mut world).paused);
}

#[test]
fn options_change_and_come_back() {
    let mut world = with_activity();
    let update = |restore: bool| UpdateActivityOptionsRequest {
        namespace: NAMESPACE.into(),
        execution: Some(execution("w")),
        activity: Some(Updating::Type(schedule_activity("1").activity_type.unwrap_or_default().name)),
        activity_options: (!restore).then(|| ActivityOptions {
            task_queue: Some(TaskQueue { name: "elsewhere".into(), ..Default::default() }),
            retry_policy: Some(RetryPolicy { maximum_attempts: 1, ..Default::default() }),
            ..Default::default()
        }),
        update_mask: (!restore)
            .then(|| FieldMask { paths: vec!["task_queue.name".into(), "retry_policy.maximum_attempts".into()] }),
        restore_original: restore,
        ..Default::default()
    };
    let options = world.ask(update(false)).unwrap().activity_options.unwrap();
    assert_eq!(options.retry_policy.unwrap().maximum_attempts, 1);
    world.restart();
    assert!(world.try_activity_task().is_none(), "it waits on the other queue");
    let options = world.ask(update(true)).unwrap().activity_options.unwrap();
    assert_eq!(options.task_queue.unwrap().name, QUEUE);
    world.restart();
    let task = world.activity_task();
    fail(&mut world, &task);
    assert_eq!(pending(&mut world).attempt, 2, "it may be tried again");
}
