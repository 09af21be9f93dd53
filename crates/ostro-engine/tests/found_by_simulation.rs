//! Bugs that the simulation found, each as a small test; see `docs/internals/simulation.md`.

#![allow(clippy::unwrap_used)]

mod world;

use ostro_engine::command::WithDeadline;
use ostro_engine::reply::ReplyId;
use ostro_engine::time::{SECOND, Time};
use prost::Message as _;
use temporalio_protos::temporal::api::{
    command::v1::{ProtocolMessageCommandAttributes, RequestCancelActivityTaskCommandAttributes},
    enums::v1::{
        CommandType, EventType as E, QueryResultType, TaskQueueKind, UpdateWorkflowExecutionLifecycleStage as Stage,
    },
    failure::v1::Failure,
    protocol::v1::Message,
    update::v1::{Acceptance, Input, Meta, Rejection, Request, WaitPolicy, outcome},
    workflowservice::v1::*,
};
use world::*;

fn update(world: &mut World, workflow_id: &str) -> ReplyId {
    let request = UpdateWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        workflow_execution: Some(execution(workflow_id)),
        wait_policy: Some(WaitPolicy { lifecycle_stage: Stage::Completed as i32 }),
        request: Some(Request {
            meta: Some(Meta { update_id: "u".into(), ..Default::default() }),
            input: Some(Input { name: "update".into(), ..Default::default() }),
            ..Default::default()
        }),
        ..Default::default()
    };
    world.send(WithDeadline { request, deadline: Time::MAX })
}

/// A run that has decided once and waits.
fn idle(world: &mut World) {
    world.start("w");
    let task = world.workflow_task();
    world.complete(&task, vec![]).unwrap();
}

#[test]
fn an_eager_activity_that_the_same_task_cancels_is_not_started() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    let mut eager = schedule_activity("1");
    eager.request_eager_execution = true;
    let cancel = RequestCancelActivityTaskCommandAttributes { scheduled_event_id: 5 };
    let commands = vec![
        command(CommandType::ScheduleActivityTask, eager),
        command(CommandType::RequestCancelActivityTask, cancel),
    ];
    world.complete(&task, commands).unwrap();
    assert_eq!(
        world.event_types("w")[4..7],
        [E::ActivityTaskScheduled, E::ActivityTaskCancelRequested, E::ActivityTaskCanceled]
    );
}

#[test]
fn a_signal_during_a_speculative_task_survives_a_crash() {
    let mut world = World::new();
    idle(&mut world);
    update(&mut world, "w");
    world.workflow_task();
    world.signal("w", "one").unwrap();
    world.restart();
    assert_eq!(world.event_types("w")[4..], [E::WorkflowTaskScheduled, E::WorkflowTaskStarted]);
    world.advance(10 * SECOND);
    let after = [E::WorkflowTaskTimedOut, E::WorkflowExecutionSignaled, E::WorkflowTaskScheduled];
    assert_eq!(world.event_types("w")[6..], after);
}

#[test]
fn a_signal_before_a_speculative_task_starts_survives_a_crash() {
    let mut world = World::new();
    idle(&mut world);
    update(&mut world, "w");
    world.signal("w", "one").unwrap();
    world.restart();
    assert_eq!(world.event_types("w")[4..], [E::WorkflowTaskScheduled, E::WorkflowExecutionSignaled]);
    world.workflow_task();
}

#[test]
fn an_update_leaves_the_sticky_queue_of_a_dead_worker() {
    let mut world = World::new();
    world.start("w");
    let sticky =
        world.send(WithDeadline { request: poll_request("sticky", TaskQueueKind::Sticky), deadline: Time::MAX });
    let task = world.workflow_task();
    world.complete_sticky(&task, vec![], "sticky");
    world.engine.abandon(world.now, sticky);
    update(&mut world, "w");
    assert!(world.try_workflow_task().is_none(), "it waits for the sticky worker first");
    world.advance(10 * SECOND);
    assert_eq!(world.workflow_task().response.messages.len(), 1);
}

#[test]
fn a_query_leaves_the_sticky_queue_of_a_dead_worker() {
    let mut world = World::new();
    world.start("w");
    let poll = || WithDeadline { request: poll_request("sticky", TaskQueueKind::Sticky), deadline: Time::MAX };
    let sticky = world.send(poll());
    let task = world.workflow_task();
    world.complete_sticky(&task, vec![], "sticky");
    let query = world.send(QueryWorkflowRequest {
        namespace: NAMESPACE.into(),
        execution: Some(execution("w")),
        query: Some(Default::default()),
        ..Default::default()
    });
    let lost = world.answer::<WithDeadline<PollWorkflowTaskQueueRequest>>(sticky);
    assert!(lost.unwrap().unwrap().response.query.is_some(), "its worker was told, and is dead");
    assert!(world.try_workflow_task().is_none(), "the sticky worker may still answer");
    world.advance(10 * SECOND);
    let task = world.workflow_task();
    let answer = RespondQueryTaskCompletedRequest {
        task_token: task.response.task_token,
        completed_type: QueryResultType::Answered as i32,
        query_result: Some(payloads("state")),
        namespace: NAMESPACE.into(),
        ..Default::default()
    };
    world.ask(answer).unwrap();
    let answered = world.answer::<QueryWorkflowRequest>(query).expect("the query is answered").unwrap();
    assert_eq!(answered.query_result, Some(payloads("state")));
}

/// Found by the model.
#[test]
fn an_update_that_is_rejected_as_the_run_ends_is_rejected_not_aborted() {
    let mut world = World::new();
    idle(&mut world);
    let call = update(&mut world, "w");
    let task = world.workflow_task();
    let rejection =
        Rejection { failure: Some(Failure { message: "no".into(), ..Default::default() }), ..Default::default() };
    let message = Message {
        id: "u/reject".into(),
        protocol_instance_id: "u".into(),
        body: Some(prost_wkt_types::Any {
            type_url: "type.googleapis.com/temporal.api.update.v1.Rejection".into(),
            value: rejection.encode_to_vec(),
        }),
        ..Default::default()
    };
    world
        .ask(RespondWorkflowTaskCompletedRequest {
            namespace: NAMESPACE.into(),
            task_token: task.response.task_token,
            commands: vec![complete_workflow()],
            messages: vec![message],
            ..Default::default()
        })
        .unwrap();
    let answer = world.answer::<WithDeadline<UpdateWorkflowExecutionRequest>>(call).expect("it is answered").unwrap();
    let Some(outcome::Value::Failure(failure)) = answer.outcome.unwrap().value else { panic!("it is not rejected") };
    assert_eq!(failure.message, "no");
}

/// Found by the model.
#[test]
fn an_update_that_a_reset_brought_is_with_the_worker_also_after_a_restart() {
    let mut world = World::new();
    idle(&mut world);
    update(&mut world, "w");
    let task = world.workflow_task();
    let value = Acceptance { accepted_request_message_id: "u/request".into(), ..Default::default() }.encode_to_vec();
    let type_url = "type.googleapis.com/temporal.api.update.v1.Acceptance".into();
    let message = Message {
        id: "u/accept".into(),
        protocol_instance_id: "u".into(),
        body: Some(prost_wkt_types::Any { type_url, value }),
        ..Default::default()
    };
    let accept = ProtocolMessageCommandAttributes { message_id: "u/accept".into() };
    world
        .ask(RespondWorkflowTaskCompletedRequest {
            namespace: NAMESPACE.into(),
            task_token: task.response.task_token,
            commands: vec![command(CommandType::ProtocolMessage, accept)],
            messages: vec![message],
            ..Default::default()
        })
        .unwrap();
    world
        .ask(ResetWorkflowExecutionRequest {
            namespace: NAMESPACE.into(),
            workflow_execution: Some(execution("w")),
            workflow_task_finish_event_id: 4,
            request_id: "r".into(),
            ..Default::default()
        })
        .unwrap();
    assert!(world.event_types("w").contains(&E::WorkflowExecutionUpdateAdmitted));
    let task = world.workflow_task();
    world.restart();
    world.complete(&task, vec![complete_workflow()]).expect("no update waits for another task");
}
