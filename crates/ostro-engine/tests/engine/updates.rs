//! Updates: how long their clients wait, and what becomes of them when the workflow task goes another way.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::call::ReplyId;
use ostro_engine::call::{UpdateWithStart, WithDeadline};
use ostro_engine::error::Error;
use ostro_engine::time::{MILLISECOND, SECOND, Span, Time, duration};
use temporalio_protos::temporal::api::{
    command::v1::{
        Command, ContinueAsNewWorkflowExecutionCommandAttributes as ContinueAsNew, StartTimerCommandAttributes as Timer,
    },
    enums::v1::{CommandType, EventType as E, UpdateWorkflowExecutionLifecycleStage as Stage},
    update::v1::{UpdateRef, WaitPolicy},
    workflowservice::v1::*,
};

type Update = WithDeadline<UpdateWorkflowExecutionRequest>;
type Poll = WithDeadline<PollWorkflowExecutionUpdateRequest>;

fn poll_update(update_id: &str) -> PollWorkflowExecutionUpdateRequest {
    PollWorkflowExecutionUpdateRequest {
        namespace: NAMESPACE.into(),
        update_ref: Some(UpdateRef { workflow_execution: Some(execution("w")), update_id: update_id.into() }),
        wait_policy: Some(WaitPolicy { lifecycle_stage: Stage::Completed as i32 }),
        ..Default::default()
    }
}

fn update(world: &mut World, update_id: &str) -> ReplyId {
    world.send(WithDeadline { request: update_request("w", update_id), deadline: Time::MAX })
}

fn refused(world: &mut World, id: ReplyId) -> Error {
    world.answer::<Update>(id).expect("the update's client is answered").expect_err("the update is refused")
}

fn continue_as_new() -> Command {
    command(CommandType::ContinueAsNewWorkflowExecution, ContinueAsNew::default())
}

/// A timer without a name, which the server refuses.
fn refusable() -> Command {
    command(CommandType::StartTimer, Timer::default())
}

#[test]
fn a_client_waits_for_an_update_until_its_own_deadline() {
    for milliseconds in [100, 3000] {
        let mut world = World::new();
        world.start("w");
        let deadline = world.now + milliseconds * MILLISECOND;
        let first = world.send(WithDeadline { request: update_request("w", "u"), deadline });
        let polled = world.send(WithDeadline { request: poll_update("u"), deadline });
        world.advance(milliseconds * MILLISECOND - Span::from_nanos(1));
        assert!(world.answer::<Update>(first).is_none() && world.answer::<Poll>(polled).is_none());
        world.advance(Span::from_nanos(1));
        assert_eq!(refused(&mut world, first), Error::deadline_exceeded());
        assert_eq!(world.answer::<Poll>(polled).unwrap().unwrap_err(), Error::deadline_exceeded());
    }
}

#[test]
fn an_update_with_start_is_waited_for_until_the_deadline() {
    let mut world = World::new();
    let request = UpdateWithStart { start: start_request("w"), update: update_request("w", "u") };
    let id = world.send(WithDeadline { request, deadline: world.now + SECOND });
    world.advance(SECOND);
    let answer = world.answer::<WithDeadline<UpdateWithStart>>(id).unwrap();
    assert_eq!(answer.unwrap_err(), Error::deadline_exceeded());
}

#[test]
fn a_patient_client_is_told_how_far_the_update_is() {
    let mut world = World::new();
    world.start("w");
    let first = update(&mut world, "u");
    world.advance(20 * SECOND);
    assert_eq!(world.answer::<Update>(first).unwrap().unwrap().stage(), Stage::Admitted);
}

#[test]
fn an_update_that_the_worker_has_not_seen_does_not_hold_up_the_end_of_the_run() {
    let ends = [
        (complete_workflow(), ErrorKind::NotFound, "workflow update was aborted by closing workflow"),
        (
            continue_as_new(),
            ErrorKind::ResourceExhausted,
            "workflow operation can not be applied because workflow is closing",
        ),
    ];
    for (end, kind, message) in ends {
        let mut world = World::new();
        world.start("w");
        let task = world.workflow_task();
        let id = update(&mut world, "u");
        world.complete(&task, vec![end]).unwrap();
        let error = refused(&mut world, id);
        assert_eq!((error.kind, error.message.as_str()), (kind, message));
    }
}

#[test]
fn an_update_that_a_refused_answer_took_along_fails_and_one_that_came_later_does_not() {
    let mut world = World::new();
    world.start("w");
    let taken = update(&mut world, "taken");
    let task = world.workflow_task();
    let late = update(&mut world, "late");
    world.complete(&task, vec![refusable()]).unwrap_err();
    let error = refused(&mut world, taken);
    assert_eq!(error.kind, ErrorKind::FailedPrecondition);
    assert!(error.message.ends_with("due to unexpected workflow task failure."), "{error}");
    assert!(error.detail.unwrap().type_name.ends_with("WorkflowNotReadyFailure"));
    assert!(world.answer::<Update>(late).is_none());
    let next = world.workflow_task();
    assert_eq!((next.response.attempt, next.response.messages.len()), (2, 1));
}

#[test]
fn an_answer_that_is_refused_again_and_again_is_tried_at_the_pace_of_its_time_outs() {
    let mut world = World::new();
    world.start("w");
    let first = world.workflow_task();
    world.complete(&first, vec![refusable()]).unwrap_err();
    for attempt in 2..6 {
        let task = world.workflow_task();
        assert_eq!(task.response.attempt, attempt);
        let error = world.complete(&task, vec![refusable()]).unwrap_err();
        assert!(error.message.starts_with("BadStartTimerAttributes: TimerId is not set"), "{error}");
        assert!(world.try_workflow_task().is_none(), "attempt {attempt} is followed at once");
        world.advance(10 * SECOND - Span::from_nanos(1));
        assert!(world.try_workflow_task().is_none(), "attempt {attempt} is followed too early");
        // The time-out of later attempts grows.
        world.advance(60 * SECOND);
    }
    let failed = world.event_types("w").iter().filter(|kind| **kind == E::WorkflowTaskFailed).count();
    assert_eq!(failed, 1);
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
}

#[test]
fn a_worker_that_gives_up_again_and_again_waits_as_well() {
    let mut world = World::new();
    world.start("w");
    let mut attempts = 0;
    while let Some(task) = world.try_workflow_task() {
        attempts = task.response.attempt;
        let task_token = task.response.task_token;
        world.ask(RespondWorkflowTaskFailedRequest { task_token, ..Default::default() }).unwrap();
        assert!(attempts < 100, "it never waits");
    }
    assert_eq!(attempts, 11);
    world.signal("w", "fixed").unwrap();
    world.advance(3600 * SECOND);
    assert_eq!(world.workflow_task().response.attempt, 1, "something new came");
}

#[test]
fn commands_after_the_one_that_ends_the_run_are_refused() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    let timer = Timer { timer_id: "t".into(), start_to_fire_timeout: duration(SECOND) };
    let commands = vec![complete_workflow(), command(CommandType::StartTimer, timer)];
    let error = world.complete(&task, commands).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (
            ErrorKind::InvalidArgument,
            "invalid command sequence: [CompleteWorkflowExecution, StartTimer], command CompleteWorkflowExecution must be the last command."
        )
    );
    assert_eq!(world.event_types("w").len(), 3, "the task goes on");
    world.complete(&task, vec![complete_workflow()]).unwrap();
}
