//! Cron workflows: the chain of runs as a Temporal server 1.32 made it for the same commands.

use crate::world::*;
use ostro_engine::time::{SECOND, duration};
use temporalio_protos::temporal::api::{
    command::v1::{
        CompleteWorkflowExecutionCommandAttributes, ContinueAsNewWorkflowExecutionCommandAttributes,
        FailWorkflowExecutionCommandAttributes,
    },
    common::v1::RetryPolicy,
    enums::v1::{CommandType, ContinueAsNewInitiator as Initiator, EventType, RetryState},
    failure::v1::Failure,
    history::v1::{WorkflowExecutionStartedEventAttributes, history_event::Attributes},
    workflowservice::v1::*,
};

fn start(world: &mut World, cron: &str, change: impl FnOnce(&mut StartWorkflowExecutionRequest)) {
    let mut request = start_request("w");
    request.cron_schedule = cron.into();
    change(&mut request);
    world.ask(request).unwrap();
}

fn started(world: &World) -> WorkflowExecutionStartedEventAttributes {
    match world.history("w")[0].attributes.clone().unwrap() {
        Attributes::WorkflowExecutionStartedEventAttributes(started) => started,
        _ => unreachable!(),
    }
}

fn fail(world: &mut World) {
    let task = world.workflow_task();
    let failure = Some(Failure { message: "boom".into(), ..Default::default() });
    let fail = command(CommandType::FailWorkflowExecution, FailWorkflowExecutionCommandAttributes { failure });
    world.complete(&task, vec![fail]).unwrap();
}

#[test]
fn runs_follow_one_another_with_what_the_last_one_left() {
    let mut world = World::new();
    start(&mut world, "@every 2s", |_| {});
    let first = started(&world);
    assert_eq!((first.initiator(), first.first_workflow_task_backoff), (Initiator::CronSchedule, duration(2 * SECOND)));
    assert!(world.try_workflow_task().is_none());
    world.restart();
    world.advance(2 * SECOND);
    let task = world.workflow_task();
    world.advance(SECOND);
    world.complete(&task, vec![complete_workflow()]).unwrap();

    let second = started(&world);
    assert_eq!((second.initiator(), second.attempt), (Initiator::CronSchedule, 1));
    assert_eq!(second.first_workflow_task_backoff, duration(SECOND));
    assert_eq!(second.last_completion_result, Some(payloads("result")));
    assert_eq!(second.first_execution_run_id, first.first_execution_run_id);
    world.restart();
    world.advance(SECOND);
    world.advance(2500 * SECOND / 1000);
    fail(&mut world);

    let third = started(&world);
    assert_eq!(third.last_completion_result, Some(payloads("result")));
    assert_eq!(third.continued_failure.unwrap().message, "boom");
    // Times that passed while the run was open are left out; the rest is rounded up to seconds.
    assert_eq!(third.first_workflow_task_backoff, duration(2 * SECOND));
    world.advance(2 * SECOND);
    let task = world.workflow_task();
    let nothing = CompleteWorkflowExecutionCommandAttributes { result: None };
    world.complete(&task, vec![command(CommandType::CompleteWorkflowExecution, nothing)]).unwrap();
    let fourth = started(&world);
    assert_eq!((fourth.last_completion_result, fourth.continued_failure), (None, None));
}

#[test]
fn retries_come_before_the_schedule() {
    let mut world = World::new();
    start(&mut world, "@every 10s", |request| {
        request.retry_policy =
            Some(RetryPolicy { maximum_attempts: 2, initial_interval: duration(SECOND), ..Default::default() });
        request.workflow_run_timeout = duration(3 * SECOND);
    });
    world.advance(10 * SECOND);
    fail(&mut world);
    let retried = started(&world);
    assert_eq!((retried.initiator(), retried.attempt), (Initiator::Retry, 2));
    world.advance(SECOND);
    fail(&mut world);
    let next = started(&world);
    assert_eq!((next.initiator(), next.attempt), (Initiator::CronSchedule, 1));
    world.advance(duration_of(&next));
    // Left alone it times out; the retry of that, too; then the schedule goes on.
    world.advance(3 * SECOND);
    assert_eq!(started(&world).initiator(), Initiator::Retry);
    world.advance(4 * SECOND);
    let next = started(&world);
    assert_eq!((next.initiator(), next.attempt), (Initiator::CronSchedule, 1));
    assert_eq!(next.continued_failure.unwrap().message, "workflow timeout");
    let retry_states: Vec<_> = world.store.0.borrow().visibility.values().map(|row| row.status).collect();
    assert_eq!(retry_states.len(), 5, "{:?}", RetryState::MaximumAttemptsReached);
}

fn duration_of(started: &WorkflowExecutionStartedEventAttributes) -> ostro_engine::time::Span {
    ostro_engine::time::from_duration(&started.first_workflow_task_backoff)
}

#[test]
fn a_workflow_that_continues_by_itself_leaves_its_schedule() {
    let mut world = World::new();
    start(&mut world, "@every 1s", |_| {});
    world.advance(SECOND);
    let task = world.workflow_task();
    let again = ContinueAsNewWorkflowExecutionCommandAttributes::default();
    world.complete(&task, vec![command(CommandType::ContinueAsNewWorkflowExecution, again)]).unwrap();
    let next = started(&world);
    assert_eq!((next.initiator(), next.cron_schedule.as_str()), (Initiator::Workflow, ""));
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
    assert_eq!(world.event_types("w").last(), Some(&EventType::WorkflowExecutionCompleted));
    assert_eq!(world.engine.next_wake_up(), None);
}

#[test]
fn cancelled_and_terminated_chains_end() {
    let mut world = World::new();
    start(&mut world, "@every 1s", |_| {});
    world.terminate("w").unwrap();
    assert_eq!(world.engine.next_wake_up(), None);
}

#[test]
fn faulty_schedules_are_refused() {
    let mut world = World::new();
    for (cron, message) in [
        ("* * *", "invalid CronSchedule."),
        ("0 0 30 2 *", "invalid CronSchedule, no time can be found to satisfy the schedule"),
    ] {
        let error =
            world.ask(StartWorkflowExecutionRequest { cron_schedule: cron.into(), ..start_request("w") }).unwrap_err();
        assert!(error.message.starts_with(message), "{}", error.message);
    }
}
