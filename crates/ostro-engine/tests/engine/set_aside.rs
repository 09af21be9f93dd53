//! Damaged rows: what they belong to is set aside, everything else goes on, and nothing is lost between the two.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::call::WithDeadline;
use ostro_engine::persistence::{ItemKey, ItemKind};
use ostro_engine::time::{DAY, MINUTE, SECOND, Time, duration};
use temporalio_protos::temporal::api::{
    command::v1::{
        SignalExternalWorkflowExecutionCommandAttributes, StartChildWorkflowExecutionCommandAttributes,
        StartTimerCommandAttributes,
    },
    common::v1::WorkflowType,
    enums::v1::{CommandType, EventType as E},
    schedule::v1::{IntervalSpec, Schedule, ScheduleAction, ScheduleSpec, schedule_action::Action},
    workflow::v1::NewWorkflowExecutionInfo,
    workflowservice::v1::*,
};

fn describe(workflow_id: &str) -> DescribeWorkflowExecutionRequest {
    DescribeWorkflowExecutionRequest { namespace: NAMESPACE.into(), execution: Some(execution(workflow_id)) }
}

/// A run with an activity and a timer, that waits.
fn busy(world: &mut World, workflow_id: &str) {
    world.start(workflow_id);
    let task = world.workflow_task();
    let timer = StartTimerCommandAttributes { timer_id: "t".into(), start_to_fire_timeout: duration(10 * SECOND) };
    let commands = vec![
        command(CommandType::StartTimer, timer),
        command(CommandType::ScheduleActivityTask, schedule_activity("a")),
    ];
    world.complete(&task, commands).unwrap();
}

fn spoil_state(world: &World, workflow_id: &str) -> bytes::Bytes {
    let id = world.id(workflow_id);
    let mut rows = world.store.0.borrow_mut();
    std::mem::replace(&mut rows.states.get_mut(&id).unwrap().0, bytes::Bytes::from_static(b"\xff"))
}

fn mend_state(world: &World, workflow_id: &str, state: bytes::Bytes) {
    let id = world.id(workflow_id);
    world.store.0.borrow_mut().states.get_mut(&id).unwrap().0 = state;
}

#[test]
fn an_execution_whose_state_is_damaged_harms_no_other() {
    let mut world = World::new();
    busy(&mut world, "one");
    busy(&mut world, "innocent");
    spoil_state(&world, "one");
    world.restart();
    let refused = world.ask(describe("one")).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::DataLoss);
    assert!(refused.message.contains("\"one\"") && refused.message.contains("ostro doctor --repair"), "{refused}");
    assert_eq!(world.signal("one", "s").unwrap_err().kind, ErrorKind::DataLoss);
    assert_eq!(world.terminate("one").unwrap_err().kind, ErrorKind::DataLoss);
    assert_eq!(world.ask(start_request("one")).unwrap_err().kind, ErrorKind::DataLoss);
    assert_eq!(world.engine.gauges().set_aside_executions, 1);
    // Its timer falls due, its activity waits on the queue: both belong to the other one now.
    let task = world.activity_task();
    assert_eq!(task.workflow_execution.as_ref().unwrap().workflow_id, "innocent");
    assert!(world.try_activity_task().is_none());
    world.complete_activity(&task).unwrap();
    world.advance(MINUTE);
    assert_eq!(world.workflow_task().response.workflow_execution.unwrap().workflow_id, "innocent");
    assert!(world.try_workflow_task().is_none());
}

#[test]
fn a_part_that_is_another_ones_or_lacks_what_it_must_have_is_damage() {
    for spoil in [
        |rows: &mut memory::Rows, id| drop(rows.items.remove(&(id, ItemKind::Start, ItemKey::Id(0)))),
        |rows: &mut memory::Rows, id| {
            let (key, row) =
                rows.items.iter().find(|((of, kind, _), _)| *of == id && *kind == ItemKind::Activity).unwrap();
            let (other, row) = ((id, key.1, ItemKey::Id(77)), row.clone());
            rows.items.insert(other, row);
        },
        |rows: &mut memory::Rows, id| {
            let key = (id, ItemKind::Activity, ItemKey::Name("no number".into()));
            rows.items.insert(key, (bytes::Bytes::new(), None));
        },
    ] {
        let mut world = World::new();
        busy(&mut world, "one");
        let id = world.id("one");
        spoil(&mut world.store.0.borrow_mut(), id);
        world.restart();
        assert_eq!(world.ask(describe("one")).unwrap_err().kind, ErrorKind::DataLoss);
        world.advance(DAY);
    }
}

use crate::world::memory;

#[test]
fn a_closed_run_that_is_damaged_leaves_its_workflow_id_free() {
    let mut world = World::new();
    let first = world.start("one");
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
    spoil_state(&world, "one");
    world.restart();
    assert_eq!(world.ask(describe("one")).unwrap_err().kind, ErrorKind::DataLoss);
    let again = StartWorkflowExecutionRequest { request_id: "another".into(), ..start_request("one") };
    assert_ne!(world.ask(again).unwrap().response.run_id, first);
    world.ask(describe("one")).unwrap();
}

#[test]
fn retention_takes_what_is_damaged_too() {
    let mut world = World::new();
    world.start("one");
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
    spoil_state(&world, "one");
    world.restart();
    let executions = vec![world.id("one")];
    world.advance(30 * DAY);
    assert_eq!(world.ask(ostro_engine::call::ExpireExecutions { executions }).unwrap(), 1);
    assert_eq!(world.ask(describe("one")).unwrap_err().kind, ErrorKind::NotFound);
}

/// A parent whose child has begun.
fn parent_and_child(world: &mut World) {
    world.start("parent");
    let task = world.workflow_task();
    let child = StartChildWorkflowExecutionCommandAttributes {
        workflow_id: "child".into(),
        workflow_type: Some(WorkflowType { name: "type".into() }),
        task_queue: Some(queue("children")),
        ..Default::default()
    };
    world.complete(&task, vec![command(CommandType::StartChildWorkflowExecution, child)]).unwrap();
    let task = world.workflow_task();
    world.complete(&task, vec![]).unwrap();
}

#[test]
fn a_parent_that_is_damaged_hears_of_its_child_once_it_is_back() {
    let mut world = World::new();
    parent_and_child(&mut world);
    let state = spoil_state(&world, "parent");
    world.restart();
    world.terminate("child").unwrap();
    world.advance(5 * MINUTE);
    world.restart();
    mend_state(&world, "parent", state);
    world.advance(5 * MINUTE);
    assert_eq!(world.event_types("parent").iter().filter(|e| **e == E::ChildWorkflowExecutionTerminated).count(), 1);
    world.advance(DAY);
    assert_eq!(world.event_types("parent").iter().filter(|e| **e == E::ChildWorkflowExecutionTerminated).count(), 1);
}

#[test]
fn a_parent_waits_for_a_child_that_is_damaged() {
    let mut world = World::new();
    parent_and_child(&mut world);
    let state = spoil_state(&world, "child");
    world.restart();
    assert_eq!(world.describe("parent").pending_children.len(), 1);
    world.advance(DAY);
    assert_eq!(world.describe("parent").pending_children.len(), 1);
    mend_state(&world, "child", state);
    world.restart();
    world.terminate("child").unwrap();
    assert_eq!(world.describe("parent").pending_children.len(), 0);
}

#[test]
fn a_signal_to_a_damaged_execution_is_held_until_it_is_back() {
    let mut world = World::new();
    world.start("target");
    let task = world.workflow_task();
    world.complete(&task, vec![]).unwrap();
    world.start("sender");
    let state = spoil_state(&world, "target");
    world.restart();
    let task = world.workflow_task();
    let signal = SignalExternalWorkflowExecutionCommandAttributes {
        execution: Some(execution("target")),
        signal_name: "s".into(),
        ..Default::default()
    };
    world.complete(&task, vec![command(CommandType::SignalExternalWorkflowExecution, signal)]).unwrap();
    world.advance(3 * MINUTE);
    assert!(!world.event_types("sender").contains(&E::SignalExternalWorkflowExecutionFailed));
    mend_state(&world, "target", state);
    world.restart();
    world.advance(2 * MINUTE);
    assert!(world.event_types("sender").contains(&E::ExternalWorkflowExecutionSignaled));
    assert!(world.event_types("target").contains(&E::WorkflowExecutionSignaled));
}

#[test]
fn a_damaged_schedule_is_refused_and_others_act() {
    let mut world = World::new();
    for id in ["one", "two"] {
        let action = NewWorkflowExecutionInfo {
            workflow_id: format!("run-of-{id}"),
            workflow_type: Some(WorkflowType { name: "type".into() }),
            task_queue: Some(queue(QUEUE)),
            ..Default::default()
        };
        let schedule = Schedule {
            spec: Some(ScheduleSpec {
                interval: vec![IntervalSpec { interval: duration(MINUTE), phase: None }],
                ..Default::default()
            }),
            action: Some(ScheduleAction { action: Some(Action::StartWorkflow(action)) }),
            ..Default::default()
        };
        world
            .ask(CreateScheduleRequest {
                namespace: NAMESPACE.into(),
                schedule_id: id.into(),
                schedule: Some(schedule),
                ..Default::default()
            })
            .unwrap();
    }
    let key = ("schedule".to_owned(), "1/one".to_owned());
    world.store.0.borrow_mut().records.insert(key, bytes::Bytes::from_static(b"\xff"));
    world.restart();
    let describe = |id: &str| DescribeScheduleRequest { namespace: NAMESPACE.into(), schedule_id: id.into() };
    assert_eq!(world.ask(describe("one")).unwrap_err().kind, ErrorKind::DataLoss);
    let delete = DeleteScheduleRequest { namespace: NAMESPACE.into(), schedule_id: "one".into(), ..Default::default() };
    assert_eq!(world.ask(delete).unwrap_err().kind, ErrorKind::DataLoss);
    world.ask(describe("two")).unwrap();
    world.advance(3 * MINUTE);
    assert!(world.workflow_task().response.workflow_execution.unwrap().workflow_id.starts_with("run-of-two"));
    assert_eq!(world.engine.gauges().set_aside_records, 1);
}

#[test]
fn a_damaged_namespace_is_refused_with_its_executions() {
    let mut world = World::new();
    busy(&mut world, "one");
    world.store.0.borrow_mut().namespaces.get_mut(&1).unwrap().blob = bytes::Bytes::from_static(b"\xff");
    world.restart();
    assert_eq!(world.ask(describe("one")).unwrap_err().kind, ErrorKind::DataLoss);
    let register = RegisterNamespaceRequest {
        namespace: "other".into(),
        workflow_execution_retention_period: duration(DAY),
        ..Default::default()
    };
    assert_eq!(world.ask(register).unwrap_err().kind, ErrorKind::DataLoss);
    world.advance(DAY);
}

#[test]
fn whoever_waits_on_an_execution_that_turns_out_to_be_damaged_is_refused() {
    let mut world = World::new();
    world.start("one");
    let task = world.workflow_task();
    world.complete(&task, vec![]).unwrap();
    let update = world.send(WithDeadline { request: update_request("one", "u"), deadline: Time::MAX });
    let id = world.id("one");
    let output = world.engine.set_aside(world.now, id, ostro_engine::persistence::Damaged("a page".into()));
    assert_eq!(output.set_aside.len(), 1);
    assert!(output.replies.iter().any(|reply| reply.id == update && reply.answer.is_err()));
    assert!(world.try_workflow_task().is_none());
    assert_eq!(world.ask(describe("one")).unwrap_err().kind, ErrorKind::DataLoss);
}
