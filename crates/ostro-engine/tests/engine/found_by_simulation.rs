//! Bugs that the simulation found, each as a small test; see `docs/internals/simulation.md`.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::call::WithDeadline;
use ostro_engine::call::{ReplyId, WorkflowTaskAnswer};
use ostro_engine::time::{MINUTE, SECOND, Span, Time, duration};
use prost::Message as _;
use temporalio_protos::temporal::api::{
    command::v1::{
        ProtocolMessageCommandAttributes, RequestCancelActivityTaskCommandAttributes,
        ScheduleActivityTaskCommandAttributes,
    },
    common::v1::RetryPolicy,
    enums::v1::{
        CommandType, EventType as E, QueryResultType, TaskQueueKind, UpdateWorkflowExecutionLifecycleStage as Stage,
    },
    failure::v1::Failure,
    history::v1::{HistoryEvent, history_event::Attributes},
    protocol::v1::Message,
    update::v1::{Acceptance, Input, Meta, Rejection, Request, WaitPolicy, outcome},
    workflowservice::v1::*,
};

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
    update(&mut world, "w");
    let sent = world.answer::<WithDeadline<PollWorkflowTaskQueueRequest>>(sticky).unwrap().unwrap();
    assert_eq!(sent.response.messages.len(), 1, "the sticky worker has it, and is dead");
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
    let mut world = reset_to_before_its_update();
    let task = world.workflow_task();
    world.restart();
    world.complete(&task, vec![complete_workflow()]).expect("no update waits for another task");
}

/// A completion that accepts the update, so many times.
fn accepts(task: &WorkflowTaskAnswer, times: usize) -> RespondWorkflowTaskCompletedRequest {
    let request = Request { meta: Some(Meta { update_id: "u".into(), ..Default::default() }), ..Default::default() };
    let acceptance = Acceptance { accepted_request: Some(request), ..Default::default() };
    let message = |number: usize| Message {
        id: format!("u/accept {number}"),
        protocol_instance_id: "u".into(),
        body: Some(prost_wkt_types::Any {
            type_url: "type.googleapis.com/temporal.api.update.v1.Acceptance".into(),
            value: acceptance.encode_to_vec(),
        }),
        ..Default::default()
    };
    let accept = |number: usize| ProtocolMessageCommandAttributes { message_id: format!("u/accept {number}") };
    RespondWorkflowTaskCompletedRequest {
        namespace: NAMESPACE.into(),
        task_token: task.response.task_token.clone(),
        commands: (0..times).map(|number| command(CommandType::ProtocolMessage, accept(number))).collect(),
        messages: (0..times).map(message).collect(),
        ..Default::default()
    }
}

/// A run that has accepted an update and is back at its first workflow task: the update comes again, by an event.
fn reset_to_before_its_update() -> World {
    let mut world = World::new();
    idle(&mut world);
    update(&mut world, "w");
    let task = world.workflow_task();
    world.ask(accepts(&task, 1)).unwrap();
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
    world
}

/// The worker says that it needs more time, and gets the next task.
fn heartbeat(world: &mut World, task: &WorkflowTaskAnswer) -> WorkflowTaskAnswer {
    world
        .ask(RespondWorkflowTaskCompletedRequest {
            namespace: NAMESPACE.into(),
            task_token: task.response.task_token.clone(),
            force_create_new_workflow_task: true,
            ..Default::default()
        })
        .unwrap();
    world.workflow_task()
}

#[test]
fn a_heartbeat_leaves_updates_with_the_worker() {
    let mut world = World::new();
    idle(&mut world);
    let call = update(&mut world, "w");
    let task = world.workflow_task();
    assert_eq!(task.response.messages.len(), 1);
    let task = heartbeat(&mut world, &task);
    assert!(task.response.messages.is_empty(), "the worker has it");
    assert!(world.answer::<WithDeadline<UpdateWorkflowExecutionRequest>>(call).is_none(), "it was not rejected");
    world.ask(accepts(&task, 1)).unwrap();
    assert!(world.event_types("w").contains(&E::WorkflowExecutionUpdateAccepted));
}

#[test]
fn an_update_that_a_reset_brought_is_asked_for_again_after_a_heartbeat_and_comes_once() {
    let mut world = reset_to_before_its_update();
    let task = world.workflow_task();
    heartbeat(&mut world, &task);
    world.restart();
    update(&mut world, "w");
    // The worker is lost, and another gets the task.
    world.advance(10 * SECOND);
    let task = world.workflow_task();
    assert!(task.response.messages.is_empty(), "an event brings it");
    world.ask(accepts(&task, 1)).unwrap();
    let accepted = |kind: &&E| **kind == E::WorkflowExecutionUpdateAccepted;
    assert_eq!(world.event_types("w").iter().filter(accepted).count(), 1);
}

#[test]
fn an_update_that_a_reset_brought_ends_with_its_run() {
    let mut world = reset_to_before_its_update();
    world.terminate("w").unwrap();
    world.restart();
    let call = update(&mut world, "w");
    let answer = world.answer::<WithDeadline<UpdateWorkflowExecutionRequest>>(call).expect("nobody waits for it");
    assert_eq!(answer.unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn time_outs_that_struck_while_nobody_was_there_are_told_in_their_order() {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    let activity = |id: &str, to_start: Span, to_close: Span, maximum_attempts: i32| {
        let attributes = ScheduleActivityTaskCommandAttributes {
            schedule_to_start_timeout: duration(to_start),
            start_to_close_timeout: duration(to_close),
            retry_policy: Some(RetryPolicy { maximum_attempts, ..Default::default() }),
            ..schedule_activity(id)
        };
        command(CommandType::ScheduleActivityTask, attributes)
    };
    let commands = vec![activity("a", 3 * SECOND, 5 * SECOND, 2), activity("b", MINUTE, 20 * SECOND, 1)];
    world.complete(&task, commands).unwrap();
    world.activity_task();
    world.activity_task();
    // The first backs off until the sixth second, and then waits in vain until the ninth.
    world.advance(5 * SECOND);
    world.now += MINUTE;
    world.restart();
    world.advance(Span::ZERO);
    let ended = |event: HistoryEvent| match event.attributes {
        Some(Attributes::ActivityTaskTimedOutEventAttributes(a)) => Some(a.scheduled_event_id),
        _ => None,
    };
    assert_eq!(world.history("w").into_iter().filter_map(ended).collect::<Vec<_>>(), [5, 6]);
}

#[test]
fn no_update_is_accepted_twice() {
    let mut world = World::new();
    idle(&mut world);
    update(&mut world, "w");
    let task = world.workflow_task();
    let refused = world.ask(accepts(&task, 2)).unwrap_err();
    assert!(refused.message.ends_with("update u was accepted before"), "{}", refused.message);
    let task = world.workflow_task();
    world.ask(accepts(&task, 1)).unwrap();
    world.signal("w", "news").unwrap();
    let task = world.workflow_task();
    world.ask(accepts(&task, 1)).unwrap_err();
}
