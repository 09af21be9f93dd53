//! Activities without a workflow, over restarts.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::time::{SECOND, Time, duration};
use temporalio_protos::temporal::api::{
    activity::v1::activity_execution_outcome::Value,
    common::v1::{ActivityType, RetryPolicy},
    enums::v1::ActivityExecutionStatus as Status,
    failure::v1::{Failure, failure::FailureInfo},
    workflowservice::v1::*,
};

fn start_activity(id: &str) -> StartActivityExecutionRequest {
    StartActivityExecutionRequest {
        namespace: NAMESPACE.into(),
        activity_id: id.into(),
        activity_type: Some(ActivityType { name: "kind".into() }),
        task_queue: Some(queue(QUEUE)),
        start_to_close_timeout: duration(10 * SECOND),
        request_id: format!("request-{id}"),
        ..Default::default()
    }
}

fn describe(world: &mut World, id: &str) -> DescribeActivityExecutionResponse {
    let request = DescribeActivityExecutionRequest {
        namespace: NAMESPACE.into(),
        activity_id: id.into(),
        include_outcome: true,
        include_input: true,
        ..Default::default()
    };
    world.ask(request).unwrap()
}

fn status(world: &mut World, id: &str) -> Status {
    describe(world, id).info.unwrap().status()
}

#[test]
fn it_runs_and_keeps_its_outcome() {
    let mut world = World::new();
    let started = world.ask(start_activity("a")).unwrap();
    assert!(started.started);
    world.restart();
    let task = world.activity_task();
    assert_eq!((task.activity_id.as_str(), task.activity_run_id), ("a", started.run_id));
    world.restart();
    world
        .complete_activity(&PollActivityTaskQueueResponse { task_token: task.task_token, ..Default::default() })
        .unwrap();
    world.restart();
    assert_eq!(status(&mut world, "a"), Status::Completed);
    assert_eq!(describe(&mut world, "a").outcome.unwrap().value, Some(Value::Result(payloads("done"))));
}

#[test]
fn it_is_retried_and_fails_with_its_last_failure() {
    let mut world = World::new();
    let retry_policy = Some(RetryPolicy { maximum_attempts: 2, ..Default::default() });
    world.ask(StartActivityExecutionRequest { retry_policy, ..start_activity("a") }).unwrap();
    for attempt in ["first", "second"] {
        let task = world.activity_task();
        let failure = Some(Failure { message: attempt.into(), ..Default::default() });
        let request = RespondActivityTaskFailedRequest { task_token: task.task_token, failure, ..Default::default() };
        world.ask(request).unwrap();
        world.restart();
        world.advance(2 * SECOND);
    }
    assert_eq!(status(&mut world, "a"), Status::Failed);
    let outcome = describe(&mut world, "a").outcome.unwrap();
    assert!(matches!(outcome.value, Some(Value::Failure(failure)) if failure.message == "second"));
}

#[test]
fn it_times_out_without_a_worker() {
    let mut world = World::new();
    let schedule_to_close_timeout = duration(5 * SECOND);
    world.ask(StartActivityExecutionRequest { schedule_to_close_timeout, ..start_activity("a") }).unwrap();
    world.restart();
    world.advance(6 * SECOND);
    assert_eq!(status(&mut world, "a"), Status::TimedOut);
    assert!(world.try_activity_task().is_none(), "its task is withdrawn");
}

#[test]
fn workers_of_the_current_version_get_it() {
    use temporalio_protos::temporal::api::deployment::v1::WorkerDeploymentOptions;
    let mut world = World::new();
    let poll = |world: &mut World| {
        let deployment_options = Some(WorkerDeploymentOptions {
            deployment_name: "d".into(),
            build_id: "1".into(),
            worker_versioning_mode: 2,
        });
        let request = PollActivityTaskQueueRequest {
            namespace: NAMESPACE.into(),
            task_queue: Some(queue(QUEUE)),
            deployment_options,
            ..Default::default()
        };
        let id = world.send(ostro_engine::call::WithDeadline { request, deadline: Time::MAX });
        world.answer::<ostro_engine::call::WithDeadline<PollActivityTaskQueueRequest>>(id).map(|answer| answer.unwrap())
    };
    assert!(poll(&mut world).is_none());
    world.restart();
    let current = SetWorkerDeploymentCurrentVersionRequest {
        namespace: NAMESPACE.into(),
        deployment_name: "d".into(),
        build_id: "1".into(),
        ..Default::default()
    };
    world.ask(current).unwrap();
    world.ask(start_activity("a")).unwrap();
    assert!(world.try_activity_task().is_none(), "no worker without a version gets it");
    assert_eq!(poll(&mut world).map(|task| task.activity_id), Some("a".to_owned()));
}

#[test]
fn its_start_may_wait() {
    let mut world = World::new();
    world.ask(StartActivityExecutionRequest { start_delay: duration(3 * SECOND), ..start_activity("a") }).unwrap();
    world.restart();
    assert!(world.try_activity_task().is_none());
    world.advance(3 * SECOND);
    assert_eq!(world.activity_task().attempt, 1);
}

#[test]
fn ids_are_used_again_as_policies_say() {
    let mut world = World::new();
    world.start("a");
    world.ask(start_activity("a")).unwrap();
    assert!(!world.ask(start_activity("a")).unwrap().started, "the same request starts once");
    let other = |reuse, conflict| StartActivityExecutionRequest {
        request_id: "other".into(),
        id_reuse_policy: reuse,
        id_conflict_policy: conflict,
        ..start_activity("a")
    };
    assert_eq!(world.ask(other(0, 0)).unwrap_err().kind, ErrorKind::AlreadyExists);
    assert!(!world.ask(other(0, 2)).unwrap().started);
    let task = world.activity_task();
    world.complete_activity(&task).unwrap();
    assert_eq!(world.ask(other(3, 0)).unwrap_err().kind, ErrorKind::AlreadyExists);
    assert!(world.ask(other(1, 0)).unwrap().started);
}

#[test]
fn a_cancellation_ends_it_at_once_or_by_its_worker() {
    let mut world = World::new();
    let cancel = |id: &str, request_id: &str| RequestCancelActivityExecutionRequest {
        namespace: NAMESPACE.into(),
        activity_id: id.into(),
        request_id: request_id.into(),
        reason: "why".into(),
        ..Default::default()
    };
    world.ask(start_activity("waits")).unwrap();
    world.ask(cancel("waits", "1")).unwrap();
    assert_eq!(status(&mut world, "waits"), Status::Canceled);
    world.ask(start_activity("runs")).unwrap();
    let task = world.activity_task();
    world.ask(cancel("runs", "1")).unwrap();
    assert_eq!(world.ask(cancel("runs", "2")).unwrap_err().kind, ErrorKind::FailedPrecondition);
    let heartbeat = RecordActivityTaskHeartbeatRequest { task_token: task.task_token.clone(), ..Default::default() };
    assert!(world.ask(heartbeat).unwrap().cancel_requested);
    world.ask(RespondActivityTaskCanceledRequest { task_token: task.task_token, ..Default::default() }).unwrap();
    let outcome = describe(&mut world, "runs").outcome.unwrap().value;
    assert!(
        matches!(outcome, Some(Value::Failure(f)) if matches!(f.failure_info, Some(FailureInfo::CanceledFailureInfo(_))))
    );
}

#[test]
fn a_terminated_one_tells_its_worker_nothing_more() {
    let mut world = World::new();
    world.ask(start_activity("a")).unwrap();
    let task = world.activity_task();
    let terminate = TerminateActivityExecutionRequest {
        namespace: NAMESPACE.into(),
        activity_id: "a".into(),
        reason: "enough".into(),
        request_id: "1".into(),
        ..Default::default()
    };
    world.ask(terminate.clone()).unwrap();
    world.restart();
    world.ask(terminate).unwrap();
    assert_eq!(status(&mut world, "a"), Status::Terminated);
    assert_eq!(world.complete_activity(&task).unwrap_err().kind, ErrorKind::NotFound);
    let delete =
        DeleteActivityExecutionRequest { namespace: NAMESPACE.into(), activity_id: "a".into(), ..Default::default() };
    world.ask(delete.clone()).unwrap();
    assert_eq!(world.ask(delete).unwrap_err().kind, ErrorKind::NotFound);
}
