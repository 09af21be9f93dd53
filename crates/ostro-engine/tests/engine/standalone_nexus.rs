//! Nexus operations without a workflow, over restarts; callbacks of what has no workflow; the server's own endpoint.

use crate::world::nexus::*;
use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::time::{SECOND, duration};
use prost::Message;
use temporalio_protos::temporal::api::{
    command::v1::ScheduleNexusOperationCommandAttributes,
    common::v1::{ActivityType, Payload, link},
    enums::v1::{
        CallbackState, CommandType, EventType as E, NexusOperationExecutionStatus as Status,
        NexusOperationWaitStage as Stage,
    },
    failure::v1::failure::FailureInfo,
    nexus::v1::request,
    workflowservice::v1::*,
};

fn operation(id: &str) -> StartNexusOperationExecutionRequest {
    StartNexusOperationExecutionRequest {
        namespace: NAMESPACE.into(),
        operation_id: id.into(),
        endpoint: "shop".into(),
        service: "orders".into(),
        operation: "place".into(),
        request_id: format!("request-{id}"),
        ..Default::default()
    }
}

fn describe(world: &mut World, id: &str) -> DescribeNexusOperationExecutionResponse {
    let request = DescribeNexusOperationExecutionRequest {
        namespace: NAMESPACE.into(),
        operation_id: id.into(),
        include_outcome: true,
        ..Default::default()
    };
    world.ask(request).unwrap()
}

fn status(world: &mut World, id: &str) -> Status {
    describe(world, id).info.unwrap().status()
}

fn progress(world: &mut World, id: &str) -> PollNexusOperationExecutionResponse {
    let request = PollNexusOperationExecutionRequest {
        namespace: NAMESPACE.into(),
        operation_id: id.into(),
        ..Default::default()
    };
    world.ask(request).unwrap()
}

#[test]
fn it_runs_and_keeps_its_outcome() {
    let mut world = shop();
    assert!(world.ask(operation("o")).unwrap().started);
    assert!(!world.ask(operation("o")).unwrap().started, "the same request again");
    world.restart();
    // The request is made again once its time is over: nobody knows whether a worker had it.
    world.advance(12 * SECOND);
    let task = nexus_task(&mut world);
    answer(&mut world, &task, at_once()).unwrap();
    world.restart();
    assert_eq!(status(&mut world, "o"), Status::Completed);
    let outcome = describe(&mut world, "o").outcome.unwrap();
    let placed = describe_nexus_operation_execution_response::Outcome::Result(result().unwrap());
    assert_eq!(outcome, placed);
    assert_eq!(progress(&mut world, "o").wait_stage(), Stage::Closed);
}

#[test]
fn the_workflow_behind_it_answers_it() {
    let mut world = shop();
    world.ask(operation("o")).unwrap();
    let task = nexus_task(&mut world);
    let request = StartWorkflowExecutionRequest {
        completion_callbacks: vec![callback_of(&asked(&task))],
        ..start_request("behind")
    };
    world.ask(request).unwrap();
    answer(&mut world, &task, later()).unwrap();
    assert_eq!(progress(&mut world, "o").wait_stage(), Stage::Started);
    world.restart();
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
    world.restart();
    assert_eq!(status(&mut world, "o"), Status::Completed);
    assert_eq!(progress(&mut world, "o").operation_token, "token");
}

#[test]
fn its_time_outs_strike_over_restarts() {
    let mut world = shop();
    let limits =
        StartNexusOperationExecutionRequest { schedule_to_close_timeout: duration(5 * SECOND), ..operation("o") };
    world.ask(limits).unwrap();
    world.restart();
    world.advance(6 * SECOND);
    assert_eq!(status(&mut world, "o"), Status::TimedOut);
    assert!(try_nexus_task(&mut world).is_none(), "its request is withdrawn");
    assert!(
        world.ask(StartNexusOperationExecutionRequest { request_id: "new".into(), ..operation("o") }).unwrap().started
    );
}

#[test]
fn cancelling_asks_the_handler_and_terminating_asks_nobody() {
    let mut world = shop();
    world.ask(operation("o")).unwrap();
    let cancel = RequestCancelNexusOperationExecutionRequest {
        namespace: NAMESPACE.into(),
        operation_id: "o".into(),
        request_id: "c".into(),
        ..Default::default()
    };
    world.ask(cancel.clone()).unwrap();
    world.ask(cancel.clone()).unwrap();
    let other = RequestCancelNexusOperationExecutionRequest { request_id: "d".into(), ..cancel };
    assert_eq!(world.ask(other).unwrap_err().kind, ErrorKind::FailedPrecondition);
    let task = nexus_task(&mut world);
    answer(&mut world, &task, later()).unwrap();
    let task = nexus_task(&mut world);
    assert!(matches!(task.request.unwrap().variant, Some(request::Variant::CancelOperation(_))));
    let terminate = TerminateNexusOperationExecutionRequest {
        namespace: NAMESPACE.into(),
        operation_id: "o".into(),
        reason: "enough".into(),
        ..Default::default()
    };
    world.ask(terminate.clone()).unwrap();
    assert_eq!(status(&mut world, "o"), Status::Terminated);
    assert_eq!(world.ask(terminate).unwrap_err().kind, ErrorKind::FailedPrecondition);
    let delete = DeleteNexusOperationExecutionRequest {
        namespace: NAMESPACE.into(),
        operation_id: "o".into(),
        ..Default::default()
    };
    world.ask(delete).unwrap();
    let request = DescribeNexusOperationExecutionRequest {
        namespace: NAMESPACE.into(),
        operation_id: "o".into(),
        ..Default::default()
    };
    assert_eq!(world.ask(request).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn a_standalone_activity_behind_it_answers_it() {
    let mut world = shop();
    world.ask(operation("o")).unwrap();
    let task = nexus_task(&mut world);
    let activity = StartActivityExecutionRequest {
        namespace: NAMESPACE.into(),
        activity_id: "a".into(),
        activity_type: Some(ActivityType { name: "kind".into() }),
        task_queue: Some(queue(QUEUE)),
        start_to_close_timeout: duration(10 * SECOND),
        request_id: "a".into(),
        completion_callbacks: vec![callback_of(&asked(&task))],
        ..Default::default()
    };
    world.ask(activity).unwrap();
    answer(&mut world, &task, later()).unwrap();
    world.restart();
    let activity = world.activity_task();
    world.complete_activity(&activity).unwrap();
    assert_eq!(status(&mut world, "o"), Status::Completed);
    let described =
        DescribeActivityExecutionRequest { namespace: NAMESPACE.into(), activity_id: "a".into(), ..Default::default() };
    let callbacks = world.ask(described).unwrap().callbacks;
    assert_eq!(callbacks[0].info.as_ref().unwrap().state(), CallbackState::Succeeded);
}

/// A workflow `w` that asks the server itself to signal `target`, and to start it where it is not there.
fn signals_with_start(request: &SignalWithStartWorkflowExecutionRequest) -> World {
    let mut world = World::new();
    world.start("w");
    let task = world.workflow_task();
    let attributes = ScheduleNexusOperationCommandAttributes {
        endpoint: "__temporal_system".into(),
        service: "temporal.api.workflowservice.v1.WorkflowService".into(),
        operation: "SignalWithStartWorkflowExecution".into(),
        input: Some(Payload { data: request.encode_to_vec(), ..Default::default() }),
        ..Default::default()
    };
    let _ = world.complete(&task, vec![command(CommandType::ScheduleNexusOperation, attributes)]);
    world
}

fn signal_with_start() -> SignalWithStartWorkflowExecutionRequest {
    let start = start_request("target");
    SignalWithStartWorkflowExecutionRequest {
        namespace: start.namespace,
        workflow_id: start.workflow_id,
        workflow_type: start.workflow_type,
        task_queue: start.task_queue,
        signal_name: "go".into(),
        ..Default::default()
    }
}

#[test]
fn the_server_itself_signals_with_start() {
    let world = signals_with_start(&signal_with_start());
    let started = [E::WorkflowExecutionStarted, E::WorkflowExecutionSignaled, E::WorkflowTaskScheduled];
    assert_eq!(world.event_types("target"), started);
    assert_eq!(world.event_types("w")[4..6], [E::NexusOperationScheduled, E::NexusOperationCompleted]);
    let links = &world.history("target")[0].links;
    let Some(link::Variant::WorkflowEvent(event)) = &links[0].variant else { panic!("{links:?}") };
    assert_eq!(event.workflow_id, "w");
}

#[test]
fn what_it_cannot_do_fails_the_task_or_the_operation() {
    let nameless = SignalWithStartWorkflowExecutionRequest { signal_name: String::new(), ..signal_with_start() };
    let world = signals_with_start(&nameless);
    assert_eq!(world.event_types("w")[3], E::WorkflowTaskFailed);
    // A cron schedule is looked at when it is used.
    let unusable = SignalWithStartWorkflowExecutionRequest { cron_schedule: "nonsense".into(), ..signal_with_start() };
    let world = signals_with_start(&unusable);
    let failed = world.history("w").into_iter().find(|event| event.event_type() == E::NexusOperationFailed).unwrap();
    let temporalio_protos::temporal::api::history::v1::history_event::Attributes::NexusOperationFailedEventAttributes(
        a,
    ) = failed.attributes.unwrap()
    else {
        panic!()
    };
    let cause = a.failure.unwrap().cause.unwrap();
    assert!(matches!(cause.failure_info, Some(FailureInfo::ServerFailureInfo(_))), "{cause:?}");
    assert!(cause.message.starts_with("InvalidArgument: "), "{}", cause.message);
}
