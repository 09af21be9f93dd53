//! Reset: a new run from an earlier point of an old one.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::time::SECOND;
use temporalio_protos::temporal::api::{
    command::v1::{Command, StartChildWorkflowExecutionCommandAttributes, StartTimerCommandAttributes},
    common::v1::{WorkflowExecution, WorkflowType},
    enums::v1::{
        CommandType, EventType as E, ResetReapplyExcludeType, WorkflowExecutionStatus as Status,
        WorkflowTaskFailedCause,
    },
    history::v1::history_event::Attributes,
    workflowservice::v1::*,
};

fn reset_request(event: i64, request_id: &str) -> ResetWorkflowExecutionRequest {
    ResetWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        workflow_execution: Some(execution("w")),
        reason: "why".into(),
        workflow_task_finish_event_id: event,
        request_id: request_id.into(),
        ..Default::default()
    }
}

fn start_child() -> Command {
    let child = StartChildWorkflowExecutionCommandAttributes {
        workflow_id: "child".into(),
        workflow_type: Some(WorkflowType { name: "type".into() }),
        task_queue: Some(queue("children")),
        ..Default::default()
    };
    command(CommandType::StartChildWorkflowExecution, child)
}

fn describe_run(world: &mut World, run_id: &str) -> DescribeWorkflowExecutionResponse {
    let execution = Some(WorkflowExecution { workflow_id: "w".into(), run_id: run_id.into() });
    world.ask(DescribeWorkflowExecutionRequest { namespace: NAMESPACE.into(), execution }).unwrap()
}

#[test]
fn a_reset_goes_back_and_does_again_what_others_did() {
    let mut world = World::new();
    let old = world.start("w");
    let task = world.workflow_task();
    world.complete(&task, vec![command(CommandType::ScheduleActivityTask, schedule_activity("1"))]).unwrap();
    world.signal("w", "again").unwrap();
    let activity = world.activity_task();
    world.advance(5 * SECOND);
    let new = world.ask(reset_request(4, "r")).unwrap().run_id;
    assert_ne!(new, old);
    assert_eq!(world.complete_activity(&activity).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(
        world.event_types("w"),
        [
            E::WorkflowExecutionStarted,
            E::WorkflowTaskScheduled,
            E::WorkflowTaskStarted,
            E::WorkflowTaskFailed,
            E::WorkflowExecutionSignaled,
            E::WorkflowTaskScheduled,
        ]
    );
    let Some(Attributes::WorkflowTaskFailedEventAttributes(failed)) = world.history("w")[3].attributes.clone() else {
        panic!("the task at the reset point fails")
    };
    assert_eq!(failed.cause(), WorkflowTaskFailedCause::ResetWorkflow);
    assert_eq!((&failed.base_run_id, &failed.new_run_id), (&old, &new));
    let described = describe_run(&mut world, &old);
    assert_eq!(described.workflow_execution_info.unwrap().status(), Status::Terminated);
    assert_eq!(described.workflow_extended_info.unwrap().reset_run_id, new);
    let described = describe_run(&mut world, &new);
    assert!(described.workflow_extended_info.unwrap().last_reset_time.is_some());
    assert_eq!(world.ask(reset_request(4, "r")).unwrap().run_id, new, "the same request makes nothing twice");
    world.restart();
    let task = world.workflow_task();
    assert_eq!((task.response.attempt, task.history.from, task.history.to), (1, 1, 8));
    world.complete(&task, vec![complete_workflow()]).unwrap();
}

#[test]
fn signals_stay_behind_where_the_client_wants_it() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    world.complete(&task, vec![]).unwrap();
    world.signal("w", "not again").unwrap();
    let mut request = reset_request(4, "r");
    request.reset_reapply_exclude_types = vec![ResetReapplyExcludeType::Signal as i32];
    world.ask(request).unwrap();
    assert!(!world.event_types("w").contains(&E::WorkflowExecutionSignaled));
}

#[test]
fn a_closed_run_can_be_reset_and_timers_of_before_run_on() {
    let mut world = World::new();
    let old = world.start("w");
    let task = world.workflow_task();
    let timer = StartTimerCommandAttributes {
        timer_id: "t".into(),
        start_to_fire_timeout: ostro_engine::time::duration(10 * SECOND),
    };
    world.complete(&task, vec![command(CommandType::StartTimer, timer)]).unwrap();
    world.signal("w", "wake").unwrap();
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
    world.ask(reset_request(9, "r")).unwrap();
    assert_eq!(describe_run(&mut world, &old).workflow_execution_info.unwrap().status(), Status::Completed);
    world.restart();
    world.advance(10 * SECOND);
    assert!(world.event_types("w").contains(&E::TimerFired));
}

#[test]
fn children_of_before_the_reset_point_answer_the_new_run() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    world.complete(&task, vec![start_child()]).unwrap();
    let task = world.workflow_task();
    world.complete(&task, vec![]).unwrap();
    let types = world.event_types("w");
    assert_eq!(types.last(), Some(&E::WorkflowTaskCompleted), "{types:?}");
    world.ask(reset_request(types.len() as i64, "r")).unwrap();
    assert_eq!(world.describe("w").pending_children.len(), 1);
    let status = world.describe("child").workflow_execution_info.unwrap().status();
    assert_eq!(status, Status::Running, "the child was not told that its parent ended");
    world.terminate("child").unwrap();
    assert!(world.event_types("w").contains(&E::ChildWorkflowExecutionTerminated));
}

#[test]
fn a_child_that_ended_after_its_parent_answers_the_new_run_at_once() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    world.complete(&task, vec![start_child()]).unwrap();
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
    // Its parent's end ended it, and the parent's history says nothing of that.
    assert_eq!(world.describe("child").workflow_execution_info.unwrap().status(), Status::Terminated);
    let point = world.event_types("w").iter().rposition(|kind| *kind == E::WorkflowTaskCompleted).unwrap() as i64 + 1;
    world.ask(reset_request(point, "r")).unwrap();
    assert!(world.event_types("w").contains(&E::ChildWorkflowExecutionTerminated));
    assert!(world.describe("w").pending_children.is_empty());
}

#[test]
fn a_child_answers_the_new_run_also_when_the_old_one_is_deleted() {
    let mut world = World::new();
    let old = world.start("w");
    let task = world.workflow_task();
    world.complete(&task, vec![start_child()]).unwrap();
    let task = world.workflow_task();
    world.complete(&task, vec![]).unwrap();
    let point = world.event_types("w").len() as i64;
    world.ask(reset_request(point, "r")).unwrap();
    world
        .ask(DeleteWorkflowExecutionRequest {
            namespace: NAMESPACE.into(),
            workflow_execution: Some(WorkflowExecution { workflow_id: "w".into(), run_id: old }),
        })
        .unwrap();
    world.terminate("child").unwrap();
    assert!(world.event_types("w").contains(&E::ChildWorkflowExecutionTerminated));
}

/// Found by simulation: the first run is reset twice, and the child is of the run that the first reset made.
#[test]
fn a_child_answers_the_run_that_another_reset_put_in_the_place_of_its_parent() {
    let mut world = World::new();
    let first = world.start("w");
    let task = world.workflow_task();
    world.complete(&task, vec![]).unwrap();
    for request_id in ["r1", "r2"] {
        let mut reset = reset_request(4, request_id);
        reset.workflow_execution = Some(WorkflowExecution { workflow_id: "w".into(), run_id: first.clone() });
        world.ask(reset).unwrap();
        let task = world.workflow_task();
        world.complete(&task, vec![start_child()]).unwrap();
        assert!(world.event_types("w").contains(&E::ChildWorkflowExecutionStarted), "it has the child that is there");
        let task = world.workflow_task();
        world.complete(&task, vec![]).unwrap();
    }
    world.restart();
    world.terminate("child").unwrap();
    assert!(world.event_types("w").contains(&E::ChildWorkflowExecutionTerminated));
}

#[test]
fn only_workflow_tasks_are_reset_points() {
    let mut world = World::new();
    world.start("w");
    for event in [0, 1, 2, 3] {
        let refused = world.ask(reset_request(event, "r")).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::InvalidArgument, "{event}");
    }
    assert_eq!(world.event_types("w").len(), 2, "nothing has changed");
    let task = world.workflow_task();
    world.complete(&task, vec![]).unwrap();
    world.ask(reset_request(3, "r")).unwrap();
    assert_eq!(world.event_types("w")[2..], [E::WorkflowTaskStarted, E::WorkflowTaskFailed, E::WorkflowTaskScheduled]);
}
