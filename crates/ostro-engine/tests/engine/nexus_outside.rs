//! Nexus to URLs outside: what is to be sent is kept over restarts, sent at least once, and given up when it can never be.

use crate::world::nexus::*;
use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::nexus::outgoing::*;
use ostro_engine::stored::execution::Completion;
use ostro_engine::time::{SECOND, Span};
use temporalio_protos::temporal::api::{
    enums::v1::{CallbackState, EventType as E, PendingNexusOperationState as Pending},
    failure::v1::failure::FailureInfo,
    operatorservice::v1::*,
    workflowservice::v1::*,
};

const URL: &str = "https://shop.example/nexus";

/// What is sent to the handler of an operation.
fn sent(world: &mut World) -> PollNexusTaskQueueResponse {
    match try_outgoing(world) {
        Some(OutgoingRequest::Operation { url, namespace, task }) => {
            assert_eq!((url.as_str(), namespace.as_str()), (URL, NAMESPACE));
            task
        }
        other => panic!("{other:?}"),
    }
}

fn lost(world: &mut World, task: &PollNexusTaskQueueResponse, retryable: bool) {
    let error = NotDelivered { message: "connection refused".into(), retryable };
    world.ask(OperationNotDelivered { task_token: task.task_token.clone(), error }).unwrap();
}

/// A workflow `w` that has ended, and whose end somebody outside is to be told.
fn ended() -> World {
    let mut world = World::new();
    let callback = to(URL, [("key".to_owned(), "value".to_owned())].into());
    world.ask(StartWorkflowExecutionRequest { completion_callbacks: vec![callback], ..start_request("w") }).unwrap();
    assert_eq!(state(&mut world), CallbackState::Standby);
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
    world
}

fn state(world: &mut World) -> CallbackState {
    world.describe("w").callbacks[0].state()
}

/// A callback that is sent, and what it says.
fn delivery(world: &mut World) -> (CallbackAttempt, Completion) {
    match try_outgoing(world) {
        Some(OutgoingRequest::Callback { attempt, url, header, completion }) => {
            assert_eq!((url.as_str(), header["key"].as_str()), (URL, "value"));
            (attempt, completion)
        }
        other => panic!("{other:?}"),
    }
}

fn answer_callback(world: &mut World, attempt: CallbackAttempt, outcome: Result<(), bool>) {
    let outcome = outcome.map_err(|retryable| NotDelivered { message: "no".into(), retryable });
    world.ask(CallbackAnswered { attempt, outcome }).unwrap();
}

#[test]
fn an_operation_is_sent_until_it_is_answered() {
    let mut world = called_through(served_at("shop", URL), [Span::ZERO, Span::ZERO, Span::ZERO]);
    let task = sent(&mut world);
    assert_eq!(try_outgoing(&mut world), None, "one request at a time");
    assert_eq!(asked(&task).operation, "place");
    lost(&mut world, &task, true);
    let pending = world.describe("w").pending_nexus_operations.remove(0);
    assert_eq!((pending.state(), pending.attempt), (Pending::BackingOff, 1));
    let Some(FailureInfo::ApplicationFailureInfo(info)) = pending.last_attempt_failure.unwrap().failure_info else {
        panic!()
    };
    assert_eq!(info.r#type, "CallError");
    world.advance(SECOND);
    let lost_in_crash = sent(&mut world);
    world.restart();
    // Nobody knows whether it was sent: its time passes, a back-off follows.
    world.advance(13 * SECOND);
    let task = sent(&mut world);
    assert_eq!(asked(&task).request_id, asked(&lost_in_crash).request_id, "the handler can tell that it is the same");
    assert_eq!(answer(&mut world, &lost_in_crash, at_once()), Err(ErrorKind::NotFound));
    answer(&mut world, &task, at_once()).unwrap();
    assert!(world.event_types("w").contains(&E::NexusOperationCompleted));
}

#[test]
fn a_request_that_can_never_be_sent_fails_the_operation() {
    let mut world = called_through(served_at("shop", URL), [Span::ZERO, Span::ZERO, Span::ZERO]);
    let task = sent(&mut world);
    lost(&mut world, &task, false);
    assert!(world.event_types("w").contains(&E::NexusOperationFailed));
    assert_eq!(try_outgoing(&mut world), None);
}

#[test]
fn a_request_that_is_given_up_is_not_sent() {
    let mut world = called_through(served_at("shop", URL), [3 * SECOND, Span::ZERO, Span::ZERO]);
    world.advance(4 * SECOND);
    assert!(world.event_types("w").contains(&E::NexusOperationTimedOut));
    assert_eq!(try_outgoing(&mut world), None);
}

#[test]
fn a_request_follows_its_endpoint() {
    let mut world = World::new();
    let endpoint = create(&mut world, served_at("shop", "http://elsewhere"));
    world.start("w");
    let task = world.workflow_task();
    world.complete(&task, vec![call([Span::ZERO, Span::ZERO, Span::ZERO])]).unwrap();
    let change = |version, spec| UpdateNexusEndpointRequest { id: endpoint.id.clone(), version, spec };
    world.ask(change(1, served_at("shop", URL))).unwrap();
    let task = sent(&mut world);
    lost(&mut world, &task, true);
    world.advance(SECOND);
    world.ask(change(2, served_by_workers("shop"))).unwrap();
    assert_eq!(try_outgoing(&mut world), None, "workers serve it now");
    let task = nexus_task(&mut world);
    answer(&mut world, &task, at_once()).unwrap();
}

#[test]
fn a_handler_outside_ends_its_operation_by_its_token() {
    let mut world = called_through(served_at("shop", URL), [Span::ZERO, Span::ZERO, Span::ZERO]);
    let task = sent(&mut world);
    let callback_token = asked(&task).callback_header["temporal-callback-token"].clone();
    let complete = |namespace: &str, operation_token: &str| CompleteNexusOperation {
        namespace: Some(namespace.into()),
        callback_token: callback_token.clone(),
        operation_token: operation_token.into(),
        completion: Completion { result: result(), start_time: (5 * SECOND).nanos(), ..Default::default() },
    };
    let refused = |world: &mut World, request| world.ask::<CompleteNexusOperation>(request).unwrap_err().kind;
    assert_eq!(refused(&mut world, complete("elsewhere", "")), ErrorKind::InvalidArgument);
    assert_eq!(refused(&mut world, complete(NAMESPACE, &"t".repeat(5000))), ErrorKind::InvalidArgument);
    let nothing = CompleteNexusOperation { callback_token: "00".into(), ..complete(NAMESPACE, "") };
    assert_eq!(refused(&mut world, nothing), ErrorKind::InvalidArgument);
    world.restart();
    world.ask(complete(NAMESPACE, "token")).unwrap();
    let types = world.event_types("w");
    assert_eq!(types[5..], [E::NexusOperationStarted, E::NexusOperationCompleted, E::WorkflowTaskScheduled]);
    assert_eq!(world.history("w")[5].event_time.as_ref().unwrap().seconds, 5, "it had begun when the handler says");
    assert_eq!(refused(&mut world, complete(NAMESPACE, "token")), ErrorKind::NotFound);
    assert_eq!(answer(&mut world, &task, later()), Err(ErrorKind::NotFound));
}

#[test]
fn a_callback_is_sent_until_it_is_delivered() {
    let mut world = ended();
    assert_eq!(state(&mut world), CallbackState::Scheduled);
    world.restart();
    world.advance(12 * SECOND);
    let (attempt, completion) = delivery(&mut world);
    assert_eq!(try_outgoing(&mut world), None, "one attempt at a time");
    assert_eq!((completion.result, completion.failure), (payloads("result").payloads.pop(), None));
    assert!(completion.close_time >= completion.start_time && completion.links.len() == 1);
    answer_callback(&mut world, attempt, Err(true));
    let info = world.describe("w").callbacks[0].clone();
    assert_eq!((info.state(), info.attempt), (CallbackState::BackingOff, 2));
    assert!(info.next_attempt_schedule_time.is_some() && info.last_attempt_failure.unwrap().message == "no");
    world.restart();
    world.advance(2 * SECOND);
    let (again, _) = delivery(&mut world);
    answer_callback(&mut world, attempt, Err(false));
    assert_eq!(state(&mut world), CallbackState::Scheduled, "the answer to an attempt that was given up is nothing");
    answer_callback(&mut world, again, Ok(()));
    world.restart();
    let info = world.describe("w").callbacks[0].clone();
    assert_eq!((info.state(), info.attempt), (CallbackState::Succeeded, 3));
    assert_eq!(world.engine.next_wake_up(), None, "a closed run whose callbacks are delivered sleeps for ever");
}

#[test]
fn a_callback_that_can_never_be_delivered_fails() {
    let mut world = ended();
    let (attempt, _) = delivery(&mut world);
    answer_callback(&mut world, attempt, Err(false));
    assert_eq!(state(&mut world), CallbackState::Failed);
    world.advance(3600 * SECOND);
    assert_eq!(try_outgoing(&mut world), None);
}

#[test]
fn what_never_reached_the_shell_is_sent_at_once() {
    let mut world = ended();
    let id = world.send(TakeOutgoing);
    let answer = world.answer::<TakeOutgoing>(id).unwrap().unwrap();
    let output = world.engine.undelivered(world.now, ostro_engine::call::Answer::TakeOutgoing(Box::new(answer)));
    world.store.commit(output.writes);
    let (attempt, _) = delivery(&mut world);
    answer_callback(&mut world, attempt, Ok(()));
    assert_eq!(state(&mut world), CallbackState::Succeeded);
}

#[test]
fn the_target_of_an_endpoint_is_a_url_that_can_be_called() {
    let mut world = World::new();
    for (url, said) in [
        ("", "empty target URL"),
        ("shop.example", "invalid target URL scheme: \"\""),
        ("ftp://shop.example", "invalid target URL scheme: \"ftp\""),
        (&format!("http://{}", "a".repeat(5000)), "target URL length exceeds limit of 4096"),
    ] {
        let error = world.ask(CreateNexusEndpointRequest { spec: served_at("shop", url) }).unwrap_err();
        assert!(error.kind == ErrorKind::InvalidArgument && error.message.contains(said), "{}", error.message);
    }
}
