//! Nexus: a workflow calls an operation by the name of an endpoint; a handler answers, or starts a workflow behind it.

use crate::world::nexus::*;
use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::time::{SECOND, Span};
use temporalio_protos::temporal::api::{
    command::v1::{Command, RequestCancelNexusOperationCommandAttributes},
    enums::v1::{
        CallbackState, CommandType, EventType as E, PendingNexusOperationState as Pending, ResetReapplyExcludeType,
        TimeoutType,
    },
    failure::v1::{ApplicationFailureInfo, Failure, NexusHandlerFailureInfo, failure::FailureInfo},
    history::v1::{HistoryEvent, history_event::Attributes},
    nexus::v1::{CancelOperationResponse, StartOperationRequest, request, response, start_operation_response as start},
    operatorservice::v1::*,
    workflowservice::v1::*,
};

fn cancel(event: i64) -> Command {
    let attributes = RequestCancelNexusOperationCommandAttributes { scheduled_event_id: event };
    command(CommandType::RequestCancelNexusOperation, attributes)
}

fn fail(world: &mut World, task: &PollNexusTaskQueueResponse, kind: &str) {
    let info = NexusHandlerFailureInfo { r#type: kind.into(), ..Default::default() };
    let failure = Failure {
        message: "no".into(),
        failure_info: Some(FailureInfo::NexusHandlerFailureInfo(info)),
        ..Default::default()
    };
    let request = RespondNexusTaskFailedRequest {
        namespace: NAMESPACE.into(),
        task_token: task.task_token.clone(),
        failure: Some(failure),
        ..Default::default()
    };
    world.ask(request).unwrap();
}

fn last(world: &World, kind: E) -> HistoryEvent {
    world.history("w").into_iter().rfind(|event| event.event_type() == kind).unwrap_or_else(|| panic!("no {kind:?}"))
}

/// Starts the workflow behind an operation, as handlers do.
fn start_behind(world: &mut World, operation: &StartOperationRequest) {
    let request = StartWorkflowExecutionRequest {
        completion_callbacks: vec![callback_of(operation)],
        request_id: operation.request_id.clone(),
        ..start_request("behind")
    };
    world.ask(request).unwrap();
}

#[test]
fn a_handler_answers_at_once() {
    let mut world = called([Span::ZERO, Span::ZERO, Span::ZERO]);
    world.restart();
    // The request is made again once its time is over: nobody knows whether a worker had it.
    world.advance(12 * SECOND);
    let task = nexus_task(&mut world);
    let (request, start) = (task.request.clone().unwrap(), asked(&task));
    assert_eq!((request.endpoint.as_str(), request.header["trace"].as_str()), ("shop", "1"));
    assert!(request.header["request-timeout"].ends_with("ms"));
    assert_eq!((start.service.as_str(), start.operation.as_str()), ("orders", "place"));
    assert!(start.links[0].url.contains("eventID=5&eventType=NexusOperationScheduled"), "{}", start.links[0].url);
    assert!(try_nexus_task(&mut world).is_none(), "one request, one worker");
    answer(&mut world, &task, at_once()).unwrap();
    assert_eq!(answer(&mut world, &task, at_once()), Err(ErrorKind::NotFound), "the second answer comes too late");
    let Some(Attributes::NexusOperationCompletedEventAttributes(done)) =
        last(&world, E::NexusOperationCompleted).attributes
    else {
        panic!()
    };
    assert_eq!((done.scheduled_event_id, done.result), (5, result()));
    assert!(world.describe("w").pending_nexus_operations.is_empty());
    world.workflow_task();
}

#[test]
fn a_handler_that_fails_is_asked_again_unless_it_says_never() {
    let mut world = called([Span::ZERO, Span::ZERO, Span::ZERO]);
    let task = nexus_task(&mut world);
    fail(&mut world, &task, "INTERNAL");
    let pending = world.describe("w").pending_nexus_operations.remove(0);
    assert_eq!((pending.state(), pending.attempt), (Pending::BackingOff, 1));
    assert_eq!(pending.last_attempt_failure.unwrap().message, "no");
    assert!(try_nexus_task(&mut world).is_none());
    world.restart();
    world.advance(SECOND);
    let task = nexus_task(&mut world);
    fail(&mut world, &task, "BAD_REQUEST");
    let Some(Attributes::NexusOperationFailedEventAttributes(failed)) =
        last(&world, E::NexusOperationFailed).attributes
    else {
        panic!()
    };
    let failure = failed.failure.unwrap();
    assert_eq!(failure.message, "nexus operation completed unsuccessfully");
    assert_eq!(failure.cause.unwrap().message, "no");
}

#[test]
fn a_request_that_nobody_answers_is_made_again() {
    let mut world = called([Span::ZERO, Span::ZERO, Span::ZERO]);
    let lost = nexus_task(&mut world);
    world.advance(10 * SECOND);
    assert_eq!(world.describe("w").pending_nexus_operations[0].state(), Pending::BackingOff);
    assert_eq!(answer(&mut world, &lost, at_once()), Err(ErrorKind::NotFound));
    world.advance(SECOND);
    let task = nexus_task(&mut world);
    assert_eq!(asked(&task).request_id, asked(&lost).request_id, "the handler can tell that it is the same request");
    answer(&mut world, &task, at_once()).unwrap();
}

#[test]
fn the_workflow_behind_an_operation_answers_when_it_ends() {
    let mut world = called([Span::ZERO, Span::ZERO, Span::ZERO]);
    let task = nexus_task(&mut world);
    start_behind(&mut world, &asked(&task));
    answer(&mut world, &task, later()).unwrap();
    assert_eq!(world.describe("w").pending_nexus_operations[0].state(), Pending::Started);
    assert_eq!(world.describe("behind").callbacks[0].state(), CallbackState::Standby);
    world.restart();
    while let Some(task) = world.try_workflow_task() {
        let behind = task.response.workflow_execution.as_ref().unwrap().workflow_id == "behind";
        world.complete(&task, if behind { vec![complete_workflow()] } else { Vec::new() }).unwrap();
    }
    assert_eq!(world.describe("behind").callbacks[0].state(), CallbackState::Succeeded);
    let Some(Attributes::NexusOperationCompletedEventAttributes(done)) =
        last(&world, E::NexusOperationCompleted).attributes
    else {
        panic!()
    };
    assert_eq!(done.result, payloads("result").payloads.pop());
}

#[test]
fn an_end_may_come_before_the_start_is_known() {
    let mut world = called([Span::ZERO, Span::ZERO, Span::ZERO]);
    let task = nexus_task(&mut world);
    start_behind(&mut world, &asked(&task));
    world.terminate("behind").unwrap();
    let Some(Attributes::NexusOperationStartedEventAttributes(start)) =
        last(&world, E::NexusOperationStarted).attributes
    else {
        panic!()
    };
    assert_eq!((start.scheduled_event_id, start.operation_token.as_str()), (5, "token"));
    let Some(Attributes::NexusOperationFailedEventAttributes(failed)) =
        last(&world, E::NexusOperationFailed).attributes
    else {
        panic!()
    };
    assert_eq!(failed.failure.unwrap().cause.unwrap().message, "operation terminated");
    assert_eq!(answer(&mut world, &task, at_once()), Err(ErrorKind::NotFound));
}

#[test]
fn a_cancellation_waits_for_the_start_and_is_delivered() {
    let mut world = called([Span::ZERO, Span::ZERO, Span::ZERO]);
    world.signal("w", "cancel").unwrap();
    let task = world.workflow_task();
    world.complete(&task, vec![cancel(5)]).unwrap();
    let task = nexus_task(&mut world);
    assert!(try_nexus_task(&mut world).is_none(), "there is nothing to cancel yet");
    answer(&mut world, &task, later()).unwrap();
    let task = nexus_task(&mut world);
    let Some(request::Variant::CancelOperation(asked)) = task.request.clone().unwrap().variant else { panic!() };
    assert_eq!(asked.operation_token, "token");
    answer(&mut world, &task, response::Variant::CancelOperation(CancelOperationResponse {})).unwrap();
    let event = last(&world, E::NexusOperationCancelRequestCompleted);
    assert!(event.worker_may_ignore);
    // Twice is a mistake of the workflow.
    let task = world.workflow_task();
    assert_eq!(world.complete(&task, vec![cancel(5)]).unwrap_err().kind, ErrorKind::InvalidArgument);
}

#[test]
fn each_time_out_strikes() {
    for (time_outs, is_started) in [
        ([3 * SECOND, Span::ZERO, Span::ZERO], false),
        ([Span::ZERO, 3 * SECOND, Span::ZERO], false),
        ([Span::ZERO, Span::ZERO, 3 * SECOND], true),
        ([3 * SECOND, Span::ZERO, Span::ZERO], true),
    ] {
        let mut world = called(time_outs);
        if is_started {
            let task = nexus_task(&mut world);
            answer(&mut world, &task, later()).unwrap();
        }
        world.advance(2 * SECOND);
        assert_eq!(world.describe("w").pending_nexus_operations.len(), 1);
        world.restart();
        world.advance(2 * SECOND);
        let event = last(&world, E::NexusOperationTimedOut);
        let Some(Attributes::NexusOperationTimedOutEventAttributes(a)) = event.attributes else { panic!() };
        assert_eq!(a.failure.unwrap().cause.unwrap().message, "operation timed out");
        assert!(try_nexus_task(&mut world).is_none(), "nobody is asked any more");
    }
}

#[test]
fn endpoints_are_kept_and_guarded() {
    let mut world = World::new();
    let endpoint = create(&mut world, served_by_workers("shop"));
    let refused = |world: &mut World, name: &str| {
        world.ask(CreateNexusEndpointRequest { spec: served_by_workers(name) }).unwrap_err().kind
    };
    assert_eq!(refused(&mut world, "shop"), ErrorKind::AlreadyExists);
    for name in ["", "a b", "1a", "a"] {
        assert_eq!(refused(&mut world, name), ErrorKind::InvalidArgument, "{name}");
    }
    world.restart();
    let update =
        |version| UpdateNexusEndpointRequest { id: endpoint.id.clone(), version, spec: served_by_workers("store") };
    assert_eq!(world.ask(update(7)).unwrap_err().kind, ErrorKind::FailedPrecondition);
    assert_eq!(world.ask(update(1)).unwrap().endpoint.unwrap().version, 2);
    let listed = world.ask(ListNexusEndpointsRequest { name: "store".into(), ..Default::default() }).unwrap();
    assert_eq!(listed.endpoints.len(), 1);
    let delete = || DeleteNexusEndpointRequest { id: endpoint.id.clone(), version: 2 };
    world.ask(delete()).unwrap();
    assert_eq!(world.ask(delete()).unwrap_err().kind, ErrorKind::NotFound);
    // A workflow that calls an endpoint that is not there fails its task.
    world.start("w");
    let task = world.workflow_task();
    let refused = world.complete(&task, vec![call([Span::ZERO, Span::ZERO, Span::ZERO])]).unwrap_err();
    assert!(refused.message.contains("endpoint \"shop\" not found"), "{}", refused.message);
}

#[test]
fn an_operation_outlives_a_reset_of_its_caller() {
    let mut world = called([Span::ZERO, Span::ZERO, Span::ZERO]);
    let task = nexus_task(&mut world);
    start_behind(&mut world, &asked(&task));
    answer(&mut world, &task, later()).unwrap();
    while let Some(task) = world.try_workflow_task() {
        if task.response.workflow_execution.as_ref().unwrap().workflow_id == "w" {
            world.complete(&task, Vec::new()).unwrap();
        }
    }
    let completed = world.event_types("w").len() as i64;
    reset(&mut world, completed, &[]);
    world.terminate("behind").unwrap();
    last(&world, E::NexusOperationFailed);
    assert!(world.describe("w").pending_nexus_operations.is_empty());
}

/// A caller that has decided once more between the call and the first answer, and whose operation has ended since.
fn ended_after_its_reset_point() -> World {
    let mut world = called([Span::ZERO, Span::ZERO, Span::ZERO]);
    world.signal("w", "wake").unwrap();
    let task = world.workflow_task();
    world.complete(&task, Vec::new()).unwrap();
    let task = nexus_task(&mut world);
    start_behind(&mut world, &asked(&task));
    answer(&mut world, &task, later()).unwrap();
    world.terminate("behind").unwrap();
    assert_eq!(
        world.event_types("w")[7..],
        [
            E::WorkflowTaskStarted,
            E::WorkflowTaskCompleted,
            E::NexusOperationStarted,
            E::WorkflowTaskScheduled,
            E::NexusOperationFailed
        ]
    );
    world
}

fn reset(world: &mut World, finish: i64, exclude: &[ResetReapplyExcludeType]) {
    world
        .ask(ResetWorkflowExecutionRequest {
            namespace: NAMESPACE.into(),
            workflow_execution: Some(execution("w")),
            workflow_task_finish_event_id: finish,
            request_id: "r".into(),
            reset_reapply_exclude_types: exclude.iter().map(|kind| *kind as i32).collect(),
            ..Default::default()
        })
        .unwrap();
}

#[test]
fn what_a_handler_said_after_the_point_of_a_reset_is_said_again() {
    let mut world = ended_after_its_reset_point();
    reset(&mut world, 9, &[]);
    assert_eq!(
        world.event_types("w")[8..],
        [E::WorkflowTaskFailed, E::NexusOperationStarted, E::NexusOperationFailed, E::WorkflowTaskScheduled]
    );
    assert!(world.describe("w").pending_nexus_operations.is_empty());
    assert!(try_nexus_task(&mut world).is_none(), "nobody is asked twice");
}

#[test]
fn a_reset_without_what_handlers_said_asks_them_again() {
    let mut world = ended_after_its_reset_point();
    reset(&mut world, 9, &[ResetReapplyExcludeType::Nexus]);
    assert_eq!(world.event_types("w")[8..], [E::WorkflowTaskFailed, E::WorkflowTaskScheduled]);
    nexus_task(&mut world);
}

#[test]
fn the_time_out_that_struck_first_counts_when_nobody_was_there() {
    let mut world = called([5 * SECOND, Span::ZERO, 4 * SECOND]);
    world.advance(2 * SECOND);
    let task = nexus_task(&mut world);
    answer(&mut world, &task, later()).unwrap();
    world.now += 10 * SECOND;
    world.restart();
    world.advance(Span::ZERO);
    let event = last(&world, E::NexusOperationTimedOut);
    let Some(Attributes::NexusOperationTimedOutEventAttributes(a)) = event.attributes else { panic!() };
    let cause = a.failure.unwrap().cause.unwrap();
    let Some(FailureInfo::TimeoutFailureInfo(info)) = cause.failure_info else { panic!() };
    assert_eq!(info.timeout_type(), TimeoutType::ScheduleToClose);
}

#[test]
fn a_failure_of_the_operation_is_no_failure_of_the_request() {
    let mut world = called([Span::ZERO, Span::ZERO, Span::ZERO]);
    let task = nexus_task(&mut world);
    let failure = Failure {
        message: "sold out".into(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo::default())),
        ..Default::default()
    };
    answer(&mut world, &task, started(start::Variant::Failure(failure))).unwrap();
    let Some(Attributes::NexusOperationFailedEventAttributes(a)) = last(&world, E::NexusOperationFailed).attributes
    else {
        panic!()
    };
    assert_eq!(a.failure.unwrap().cause.unwrap().message, "sold out");
}
