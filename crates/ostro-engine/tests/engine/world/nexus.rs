//! Nexus: an endpoint, callers of its operation, and a handler whose polls and answers are made by hand.

use ostro_engine::ErrorKind;
use ostro_engine::call::WithDeadline;
use ostro_engine::nexus::outgoing::{OutgoingRequest, TakeOutgoing};
use ostro_engine::time::{Span, Time, duration};
use temporalio_protos::temporal::api::{
    command::v1::{Command, ScheduleNexusOperationCommandAttributes},
    common::v1::{Callback, Payload, callback},
    enums::v1::CommandType,
    nexus::v1::{
        Endpoint, EndpointSpec, EndpointTarget, Response, StartOperationRequest, StartOperationResponse,
        endpoint_target, request, response, start_operation_response as start,
    },
    operatorservice::v1::CreateNexusEndpointRequest,
    workflowservice::v1::*,
};

use super::{NAMESPACE, World, command, payloads, queue};

const HANDLERS: &str = "handlers";

/// An endpoint that workers serve.
pub fn served_by_workers(name: &str) -> Option<EndpointSpec> {
    let worker = endpoint_target::Worker { namespace: NAMESPACE.into(), task_queue: HANDLERS.into() };
    spec(name, endpoint_target::Variant::Worker(worker))
}

/// An endpoint that is served at a URL.
pub fn served_at(name: &str, url: &str) -> Option<EndpointSpec> {
    spec(name, endpoint_target::Variant::External(endpoint_target::External { url: url.into() }))
}

fn spec(name: &str, variant: endpoint_target::Variant) -> Option<EndpointSpec> {
    let target = Some(EndpointTarget { variant: Some(variant) });
    Some(EndpointSpec { name: name.into(), target, ..Default::default() })
}

pub fn create(world: &mut World, spec: Option<EndpointSpec>) -> Endpoint {
    world.ask(CreateNexusEndpointRequest { spec }).unwrap().endpoint.unwrap()
}

/// A world with the endpoint `shop`.
pub fn shop() -> World {
    let mut world = World::new();
    create(&mut world, served_by_workers("shop"));
    world
}

/// Calls an operation of `shop`.
pub fn call(time_outs: [Span; 3]) -> Command {
    let given = |span: Span| if span > Span::ZERO { duration(span) } else { None };
    let attributes = ScheduleNexusOperationCommandAttributes {
        endpoint: "shop".into(),
        service: "orders".into(),
        operation: "place".into(),
        input: payloads("order").payloads.pop(),
        nexus_header: [("Trace".to_owned(), "1".to_owned())].into(),
        schedule_to_close_timeout: given(time_outs[0]),
        schedule_to_start_timeout: given(time_outs[1]),
        start_to_close_timeout: given(time_outs[2]),
    };
    command(CommandType::ScheduleNexusOperation, attributes)
}

/// A world whose workflow `w` has called an operation.
pub fn called(time_outs: [Span; 3]) -> World {
    called_through(served_by_workers("shop"), time_outs)
}

pub fn called_through(spec: Option<EndpointSpec>, time_outs: [Span; 3]) -> World {
    let mut world = World::new();
    create(&mut world, spec);
    world.start("w");
    let task = world.workflow_task();
    world.complete(&task, vec![call(time_outs)]).unwrap();
    world
}

pub fn try_nexus_task(world: &mut World) -> Option<PollNexusTaskQueueResponse> {
    let request = PollNexusTaskQueueRequest {
        namespace: NAMESPACE.into(),
        task_queue: Some(queue(HANDLERS)),
        ..Default::default()
    };
    let id = world.send(WithDeadline { request, deadline: Time::MAX });
    let answer = world.answer::<WithDeadline<PollNexusTaskQueueRequest>>(id);
    if answer.is_none() {
        world.abandon(id);
    }
    answer.map(|answer| answer.unwrap())
}

pub fn nexus_task(world: &mut World) -> PollNexusTaskQueueResponse {
    try_nexus_task(world).expect("a Nexus task waits")
}

/// What the shell is given to send, if anything waits.
pub fn try_outgoing(world: &mut World) -> Option<OutgoingRequest> {
    let id = world.send(TakeOutgoing);
    let answer = world.answer::<TakeOutgoing>(id);
    if answer.is_none() {
        world.abandon(id);
    }
    answer.and_then(|answer| answer.unwrap())
}

pub fn asked(task: &PollNexusTaskQueueResponse) -> StartOperationRequest {
    match task.request.clone().unwrap().variant.unwrap() {
        request::Variant::StartOperation(start) => start,
        other => panic!("{other:?}"),
    }
}

pub fn answer(
    world: &mut World,
    task: &PollNexusTaskQueueResponse,
    variant: response::Variant,
) -> Result<(), ErrorKind> {
    let request = RespondNexusTaskCompletedRequest {
        namespace: NAMESPACE.into(),
        task_token: task.task_token.clone(),
        response: Some(Response { variant: Some(variant) }),
        ..Default::default()
    };
    world.ask(request).map(drop).map_err(|error| error.kind)
}

pub fn started(variant: start::Variant) -> response::Variant {
    response::Variant::StartOperation(StartOperationResponse { variant: Some(variant) })
}

/// The operation goes on.
pub fn later() -> response::Variant {
    started(start::Variant::AsyncSuccess(start::Async { operation_token: "token".into(), ..Default::default() }))
}

/// The operation is done.
pub fn at_once() -> response::Variant {
    started(start::Variant::SyncSuccess(start::Sync { payload: result(), ..Default::default() }))
}

pub fn result() -> Option<Payload> {
    payloads("placed").payloads.pop()
}

/// What a handler starts a workflow or an activity with: the address to which that answers.
pub fn callback_of(operation: &StartOperationRequest) -> Callback {
    let mut header = operation.callback_header.clone();
    header.insert("nexus-operation-token".into(), "token".into());
    to(&operation.callback, header)
}

pub fn to(url: &str, header: std::collections::HashMap<String, String>) -> Callback {
    let nexus = callback::Nexus { url: url.into(), header };
    Callback { variant: Some(callback::Variant::Nexus(nexus)), ..Default::default() }
}
