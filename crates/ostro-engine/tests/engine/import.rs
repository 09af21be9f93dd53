//! Runs that come from the history of another server.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::call::ImportExecution;
use ostro_engine::time::{SECOND, Span, duration};
use temporalio_protos::temporal::api::{
    command::v1::{Command, StartTimerCommandAttributes},
    enums::v1::{CommandType, EventType, WorkflowExecutionStatus as Status},
    history::v1::HistoryEvent,
};

fn import(events: Vec<HistoryEvent>) -> ImportExecution {
    ImportExecution { namespace: NAMESPACE.into(), events, ..Default::default() }
}

fn status(world: &mut World, workflow_id: &str) -> Status {
    world.describe(workflow_id).workflow_execution_info.unwrap().status()
}

fn start_timer(span: Span) -> Command {
    let timer = StartTimerCommandAttributes { timer_id: "t".into(), start_to_fire_timeout: duration(span) };
    command(CommandType::StartTimer, timer)
}

/// A world in which a run waits for an activity and a timer of a minute, with its history.
fn waiting() -> (World, Vec<HistoryEvent>) {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    world
        .complete(
            &task,
            vec![command(CommandType::ScheduleActivityTask, schedule_activity("a")), start_timer(60 * SECOND)],
        )
        .unwrap();
    let history = world.history("w");
    (world, history)
}

#[test]
fn a_run_goes_on_where_its_history_ends() {
    let (there, history) = waiting();
    let mut here = World::new();
    here.now = there.now + 10 * SECOND;
    let imported = here.ask(import(history.clone())).unwrap();
    assert_eq!((imported.workflow_id.as_str(), imported.status), ("w", Status::Running as i32));
    assert_eq!(here.history("w"), history);
    here.restart();
    let task = here.activity_task();
    here.complete_activity(&task).unwrap();
    here.advance(49 * SECOND);
    assert!(!here.event_types("w").contains(&EventType::TimerFired), "the timer keeps its moment");
    here.advance(2 * SECOND);
    assert!(here.event_types("w").contains(&EventType::TimerFired));
    let task = here.workflow_task();
    here.complete(&task, vec![complete_workflow()]).unwrap();
    assert_eq!(status(&mut here, "w"), Status::Completed);
}

#[test]
fn a_task_that_a_worker_had_there_is_not_waited_for() {
    let mut there = World::new();
    there.start("w");
    there.workflow_task();
    let mut here = World::new();
    here.now = there.now;
    here.ask(import(there.history("w"))).unwrap();
    let task = here.workflow_task();
    assert_eq!(task.response.attempt, 2);
    here.complete(&task, vec![complete_workflow()]).unwrap();
    assert_eq!(status(&mut here, "w"), Status::Completed);
}

#[test]
fn what_the_workflow_was_not_told_of_makes_a_task() {
    let (mut there, _) = waiting();
    there.signal("w", "s").unwrap();
    let mut history = there.history("w");
    // The task that tells of the signal was not in the history yet: a server may keep a retried one to itself.
    assert_eq!(history.pop().unwrap().event_type(), EventType::WorkflowTaskScheduled);
    let mut here = World::new();
    here.now = there.now;
    here.ask(import(history)).unwrap();
    here.workflow_task();
}

#[test]
fn a_closed_run_is_kept_from_its_import_on() {
    let mut there = World::new();
    there.start("w");
    let task = there.workflow_task();
    there.complete(&task, vec![complete_workflow()]).unwrap();
    let history = there.history("w");
    let mut here = World::new();
    here.now = there.now + 365 * 24 * 3600 * SECOND;
    here.ask(import(history.clone())).unwrap();
    assert_eq!((status(&mut here, "w"), here.history("w")), (Status::Completed, history));
    assert!(here.store.0.borrow().visibility[&here.id("w")].delete_time > here.now);
    assert!(here.try_workflow_task().is_none());
}

#[test]
fn what_stands_in_the_way_is_named() {
    let (there, history) = waiting();
    let mut here = World::new();
    here.now = there.now;
    here.ask(import(history.clone())).unwrap();
    let twice = here.ask(import(history.clone())).unwrap_err();
    assert_eq!(twice.kind, ErrorKind::AlreadyExists);
    let run_id = "01a21708-43eb-77be-b43f-5f5d534c0d9b".to_owned();
    let beside = here.ask(ImportExecution { run_id, ..import(history.clone()) }).unwrap_err();
    assert!(beside.message.contains("terminate that run first"), "{beside}");
    let tail = here.ask(import(history[1..].to_vec())).unwrap_err();
    assert_eq!(
        (tail.kind, tail.message.as_str()),
        (ErrorKind::InvalidArgument, "a history begins with WorkflowExecutionStarted")
    );
    let mut gap = history;
    gap.remove(2);
    assert!(here.ask(import(gap)).unwrap_err().message.contains("follows event"));
}
