//! Tasks find workers of their version, over restarts too.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::call::WithDeadline;
use ostro_engine::call::WorkflowTaskAnswer;
use ostro_engine::time::Time;
use temporalio_protos::temporal::api::{
    common::v1::Priority,
    deployment::v1::{WorkerDeploymentOptions, WorkerDeploymentVersion},
    enums::v1::{CommandType, TaskQueueKind, VersioningBehavior as Behavior, WorkerVersioningMode},
    workflow::v1::{VersioningOverride, versioning_override},
    workflowservice::v1::*,
};

fn options(build: &str) -> Option<WorkerDeploymentOptions> {
    Some(WorkerDeploymentOptions {
        deployment_name: "d".into(),
        build_id: build.into(),
        worker_versioning_mode: WorkerVersioningMode::Versioned as i32,
    })
}

/// The task that a worker of the build gets at once, if any.
fn task_for(world: &mut World, build: &str) -> Option<WorkflowTaskAnswer> {
    let request = PollWorkflowTaskQueueRequest {
        deployment_options: options(build),
        ..poll_request(QUEUE, TaskQueueKind::Normal)
    };
    let id = world.send(WithDeadline { request, deadline: Time::MAX });
    world.answer::<WithDeadline<PollWorkflowTaskQueueRequest>>(id).map(|answer| answer.unwrap())
}

fn finish(world: &mut World, task: &WorkflowTaskAnswer, build: &str, behavior: Behavior) {
    let request = RespondWorkflowTaskCompletedRequest {
        task_token: task.response.task_token.clone(),
        namespace: NAMESPACE.into(),
        deployment_options: options(build),
        versioning_behavior: behavior as i32,
        ..Default::default()
    };
    world.ask(request).unwrap();
}

fn set_current(world: &mut World, build: &str) {
    let request = SetWorkerDeploymentCurrentVersionRequest {
        namespace: NAMESPACE.into(),
        deployment_name: "d".into(),
        build_id: build.into(),
        ignore_missing_task_queues: true,
        allow_no_pollers: true,
        ..Default::default()
    };
    world.ask(request).unwrap();
}

/// Builds 1 and 2 are known on the queue; 1 is current.
fn with_versions() -> World {
    let mut world = World::new();
    for build in ["1", "2"] {
        assert!(task_for(&mut world, build).is_none());
    }
    // Their polls are gone, what they told stays.
    world.restart();
    set_current(&mut world, "1");
    world
}

fn build_of(world: &mut World, workflow_id: &str) -> String {
    let info = world.describe(workflow_id).workflow_execution_info.unwrap().versioning_info.unwrap();
    info.deployment_version.unwrap_or_default().build_id
}

#[test]
fn what_waits_follows_the_current_version_and_a_restart_keeps_it_there() {
    let mut world = with_versions();
    world.start("w");
    world.restart();
    assert!(world.try_workflow_task().is_none(), "no worker without a version gets it");
    set_current(&mut world, "2");
    world.restart();
    assert!(task_for(&mut world, "1").is_none());
    let task = task_for(&mut world, "2").expect("the current version's workers get it");
    finish(&mut world, &task, "2", Behavior::AutoUpgrade);
    assert_eq!(build_of(&mut world, "w"), "2");
}

#[test]
fn a_pinned_run_stays_and_an_upgraded_one_moves() {
    let mut world = with_versions();
    for (id, behavior) in [("pinned", Behavior::Pinned), ("auto", Behavior::AutoUpgrade)] {
        world.start(id);
        let task = task_for(&mut world, "1").unwrap();
        finish(&mut world, &task, "1", behavior);
    }
    set_current(&mut world, "2");
    world.signal("pinned", "go").unwrap();
    world.restart();
    let task = task_for(&mut world, "1").expect("the pinned run's own version gets its task");
    assert_eq!(task.response.workflow_execution.as_ref().unwrap().workflow_id, "pinned");
    world.signal("auto", "go").unwrap();
    let task = task_for(&mut world, "2").expect("the new version gets the other's");
    assert_eq!(task.response.workflow_execution.as_ref().unwrap().workflow_id, "auto");
    finish(&mut world, &task, "2", Behavior::AutoUpgrade);
    assert_eq!((build_of(&mut world, "pinned"), build_of(&mut world, "auto")), ("1".to_owned(), "2".to_owned()));
}

#[test]
fn an_override_pins_a_start_and_must_name_a_version_that_has_the_queue() {
    let mut world = with_versions();
    let pinned = |build: &str| {
        Some(VersioningOverride {
            r#override: Some(versioning_override::Override::Pinned(versioning_override::PinnedOverride {
                behavior: versioning_override::PinnedOverrideBehavior::Pinned as i32,
                version: Some(WorkerDeploymentVersion { deployment_name: "d".into(), build_id: build.into() }),
            })),
            ..Default::default()
        })
    };
    let request =
        |build: &str| StartWorkflowExecutionRequest { versioning_override: pinned(build), ..start_request("w") };
    assert_eq!(world.ask(request("9")).unwrap_err().kind, ErrorKind::FailedPrecondition);
    world.ask(request("2")).unwrap();
    world.restart();
    assert!(task_for(&mut world, "1").is_none());
    assert!(task_for(&mut world, "2").is_some());
}

#[test]
fn activities_wait_while_their_run_moves() {
    let mut world = with_versions();
    world.start("w");
    let task = task_for(&mut world, "1").unwrap();
    let activity = command(CommandType::ScheduleActivityTask, schedule_activity("1"));
    let request = RespondWorkflowTaskCompletedRequest {
        task_token: task.response.task_token.clone(),
        namespace: NAMESPACE.into(),
        commands: vec![activity],
        deployment_options: options("1"),
        versioning_behavior: Behavior::AutoUpgrade as i32,
        ..Default::default()
    };
    world.ask(request).unwrap();
    let poll = |world: &mut World, build: &str| {
        let request = PollActivityTaskQueueRequest {
            namespace: NAMESPACE.into(),
            task_queue: Some(queue(QUEUE)),
            deployment_options: options(build),
            ..Default::default()
        };
        let id = world.send(WithDeadline { request, deadline: Time::MAX });
        world.answer::<WithDeadline<PollActivityTaskQueueRequest>>(id).map(|answer| answer.unwrap())
    };
    world.signal("w", "go").unwrap();
    let moving = {
        // The version polls activities too, and becomes the current one.
        set_current(&mut world, "2");
        task_for(&mut world, "2").expect("the run moves with its next task")
    };
    assert!(poll(&mut world, "2").is_none(), "no activity starts on the way");
    finish(&mut world, &moving, "2", Behavior::AutoUpgrade);
    assert_eq!(build_of(&mut world, "w"), "2");
}

#[test]
fn priority_and_fairness_survive_a_restart() {
    let mut world = World::new();
    for (id, priority_key, fairness_key) in
        [("low", 5, ""), ("many-1", 3, "many"), ("many-2", 3, "many"), ("one", 3, "one"), ("high", 1, "")]
    {
        let priority = Priority { priority_key, fairness_key: fairness_key.into(), ..Default::default() };
        world.ask(StartWorkflowExecutionRequest { priority: Some(priority), ..start_request(id) }).unwrap();
    }
    world.restart();
    let order: Vec<String> = std::iter::from_fn(|| world.try_workflow_task())
        .map(|task| task.response.workflow_execution.unwrap().workflow_id)
        .collect();
    assert_eq!(order, ["high", "many-1", "one", "many-2", "low"]);
}
