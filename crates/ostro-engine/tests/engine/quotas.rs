//! Quotas of namespaces: whoever would open one execution too many is refused, in whichever way it is opened.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::config::Config;
use ostro_engine::quota::{Quota, Quotas};
use ostro_engine::time::{DAY, MINUTE, SECOND, duration};
use temporalio_protos::temporal::api::{
    command::v1::{
        Command, ContinueAsNewWorkflowExecutionCommandAttributes, StartChildWorkflowExecutionCommandAttributes,
    },
    common::v1::WorkflowType,
    enums::v1::{CommandType, EventType},
    schedule::v1::{schedule_action::Action, *},
    workflow::v1::NewWorkflowExecutionInfo,
    workflowservice::v1::*,
};

fn world(quota: Quota) -> World {
    let mut quotas = Quotas::default();
    quotas.set(NAMESPACE, quota);
    World::with(Config { quotas, ..Config::default() })
}

fn two_open() -> World {
    world(Quota { executions_open_max: Some(2), ..Quota::default() })
}

fn refused(world: &mut World, workflow_id: &str) -> String {
    let error = world.ask(start_request(workflow_id)).expect_err("the quota is used up");
    assert_eq!(error.kind, ErrorKind::ResourceExhausted);
    error.message
}

#[test]
fn a_start_too_many_is_refused_with_the_name_of_the_quota_until_one_ends() {
    let mut world = two_open();
    world.start("a");
    world.start("b");
    let message = refused(&mut world, "c");
    assert!(message.contains("2 open executions") && message.contains("executions_open_max"), "{message}");
    assert!(message.contains("[quotas.\"default\"]"), "{message}");
    let signal = SignalWithStartWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        workflow_id: "c".into(),
        workflow_type: Some(WorkflowType { name: "type".into() }),
        task_queue: Some(queue(QUEUE)),
        signal_name: "s".into(),
        ..Default::default()
    };
    assert_eq!(world.ask(signal.clone()).unwrap_err().kind, ErrorKind::ResourceExhausted);
    world.ask(SignalWithStartWorkflowExecutionRequest { workflow_id: "b".into(), ..signal }).unwrap();
    // The same request again is no new execution.
    world.ask(start_request("a")).unwrap();
    world.terminate("a").unwrap();
    world.start("c");
    refused(&mut world, "d");
}

#[test]
fn what_is_open_is_remembered_and_what_is_deleted_is_not() {
    let mut world = two_open();
    world.start("a");
    world.start("b");
    world.restart();
    refused(&mut world, "c");
    let delete =
        DeleteWorkflowExecutionRequest { namespace: NAMESPACE.into(), workflow_execution: Some(execution("a")) };
    world.ask(delete).unwrap();
    world.start("c");
    world.restart();
    world.terminate("b").unwrap();
    world.start("d");
    refused(&mut world, "e");
}

#[test]
fn a_run_that_continues_as_new_takes_no_second_place() {
    let mut world = two_open();
    world.start("a");
    world.start("b");
    let task = world.workflow_task();
    let next = ContinueAsNewWorkflowExecutionCommandAttributes {
        workflow_type: Some(WorkflowType { name: "type".into() }),
        task_queue: Some(queue(QUEUE)),
        ..Default::default()
    };
    world.complete(&task, vec![command(CommandType::ContinueAsNewWorkflowExecution, next)]).unwrap();
    refused(&mut world, "c");
    world.terminate("b").unwrap();
    world.start("c");
    refused(&mut world, "d");
}

fn child(workflow_id: &str) -> Command {
    let child = StartChildWorkflowExecutionCommandAttributes {
        workflow_id: workflow_id.into(),
        workflow_type: Some(WorkflowType { name: "type".into() }),
        task_queue: Some(queue(QUEUE)),
        ..Default::default()
    };
    command(CommandType::StartChildWorkflowExecution, child)
}

#[test]
fn a_task_that_starts_a_child_too_many_fails_with_its_cause_and_is_tried_again() {
    let mut world = two_open();
    world.start("a");
    let task = world.workflow_task();
    let error = world.complete(&task, vec![child("1"), child("2")]).unwrap_err();
    assert!(error.message.contains("\"2\" is one more than the quota of namespace default"), "{}", error.message);
    assert_eq!(world.event_types("a").last(), Some(&EventType::WorkflowTaskFailed));
    world.advance(MINUTE);
    let task = world.workflow_task();
    world.complete(&task, vec![child("1")]).unwrap();
    assert!(world.event_types("a").contains(&EventType::ChildWorkflowExecutionStarted));
    refused(&mut world, "c");
}

#[test]
fn a_schedule_that_is_refused_says_why_until_it_acts_again() {
    let mut world = world(Quota { executions_open_max: Some(1), ..Quota::default() });
    world.start("a");
    let action = NewWorkflowExecutionInfo {
        workflow_id: "run".into(),
        workflow_type: Some(WorkflowType { name: "type".into() }),
        task_queue: Some(queue(QUEUE)),
        ..Default::default()
    };
    let interval = vec![IntervalSpec { interval: duration(10 * SECOND), phase: None }];
    let create = CreateScheduleRequest {
        namespace: NAMESPACE.into(),
        schedule_id: "s".into(),
        schedule: Some(Schedule {
            spec: Some(ScheduleSpec { interval, ..Default::default() }),
            action: Some(ScheduleAction { action: Some(Action::StartWorkflow(action)) }),
            ..Default::default()
        }),
        request_id: "create".into(),
        ..Default::default()
    };
    world.ask(create).unwrap();
    #[allow(deprecated)]
    let said = |world: &mut World| {
        let request = DescribeScheduleRequest { namespace: NAMESPACE.into(), schedule_id: "s".into() };
        world.ask(request).unwrap().info.unwrap().invalid_schedule_error
    };
    assert_eq!(said(&mut world), "");
    world.advance(15 * SECOND);
    let why = said(&mut world);
    assert!(why.contains("was not taken") && why.contains("executions_open_max"), "{why}");
    world.restart();
    assert_eq!(said(&mut world), why);
    world.terminate("a").unwrap();
    world.advance(15 * SECOND);
    assert_eq!(said(&mut world), "");
}

#[test]
fn histories_that_are_kept_count_until_retention_deletes_them() {
    let mut world = world(Quota { history_bytes_max: Some(200), ..Quota::default() });
    world.start("a");
    world.terminate("a").unwrap();
    let message = refused(&mut world, "b");
    assert!(message.contains("history_bytes_max"), "{message}");
    world.restart();
    refused(&mut world, "b");
    world.advance(4 * DAY);
    let executions = vec![world.id("a")];
    world.ask(ostro_engine::call::ExpireExecutions { executions }).unwrap();
    world.start("b");
}
