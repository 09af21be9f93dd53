//! Nexus requests that come in by HTTP: who asks waits on the line for the answer of one worker.

use std::collections::HashMap;

use crate::world::nexus::*;
use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::call::WithDeadline;
use ostro_engine::call::{Answer, ReplyId};
use ostro_engine::nexus::incoming::{AskNexusWorker, NexusWorkerAnswer};
use ostro_engine::time::{SECOND, Span, Time};
use temporalio_protos::temporal::api::{
    common::v1::Payload,
    deployment::v1::WorkerDeploymentOptions,
    enums::v1::WorkerVersioningMode,
    failure::v1::Failure,
    nexus::v1::{HandlerError, Request, StartOperationRequest, request::Variant},
    workflowservice::v1::*,
};

fn asking(within: Span) -> AskNexusWorker {
    let start = StartOperationRequest { service: "orders".into(), operation: "place".into(), ..Default::default() };
    let header = [("trace".to_owned(), "1".to_owned()), ("operation-timeout".to_owned(), "1m30s".to_owned())].into();
    AskNexusWorker {
        namespace: NAMESPACE.into(),
        task_queue: "handlers".into(),
        request: Request { header, variant: Some(Variant::StartOperation(start)), ..Default::default() },
        within,
    }
}

fn told(world: &mut World, id: ReplyId) -> Option<Option<NexusWorkerAnswer>> {
    world.answer::<AskNexusWorker>(id).map(Result::unwrap)
}

fn header(task: &PollNexusTaskQueueResponse) -> &HashMap<String, String> {
    &task.request.as_ref().unwrap().header
}

fn refuse(world: &mut World, task: &PollNexusTaskQueueResponse, namespace: &str) -> Result<(), ErrorKind> {
    let request = RespondNexusTaskFailedRequest {
        namespace: namespace.into(),
        task_token: task.task_token.clone(),
        failure: Some(Failure::default()),
        ..Default::default()
    };
    world.ask(request).map(drop).map_err(|error| error.kind)
}

#[test]
fn a_worker_answers_who_asks() {
    let mut world = World::new();
    let asked = world.send(asking(10 * SECOND));
    world.advance(2 * SECOND);
    let task = nexus_task(&mut world);
    assert_eq!(named(&task), ("orders", "place"));
    let header = header(&task);
    assert_eq!((header["trace"].as_str(), header["operation-timeout"].as_str()), ("1", "88000ms"));
    assert_eq!((header["request-timeout"].as_str(), header["Request-Timeout"].as_str()), ("8000ms", "8000ms"));
    assert_eq!(told(&mut world, asked), None);
    assert_eq!(world.engine.work_under_way(), 1, "a clock that skips waits for the worker");
    answer(&mut world, &task, at_once()).unwrap();
    assert_eq!(told(&mut world, asked), Some(Some(NexusWorkerAnswer::Completed(Some(at_once())))));
    assert_eq!(answer(&mut world, &task, at_once()), Err(ErrorKind::NotFound));
    assert_eq!((world.engine.next_wake_up(), world.engine.work_under_way()), (None, 0));
}

fn named(task: &PollNexusTaskQueueResponse) -> (&str, &str) {
    match &task.request.as_ref().unwrap().variant {
        Some(Variant::StartOperation(start)) => (&start.service, &start.operation),
        other => panic!("{other:?}"),
    }
}

#[test]
fn failures_come_as_the_worker_said_them() {
    let mut world = World::new();
    let asked = world.send(asking(SECOND));
    let task = nexus_task(&mut world);
    refuse(&mut world, &task, NAMESPACE).unwrap();
    assert_eq!(told(&mut world, asked), Some(Some(NexusWorkerAnswer::Failed(Failure::default()))));
    let asked = world.send(asking(SECOND));
    let task = nexus_task(&mut world);
    let error = HandlerError { error_type: "INTERNAL".into(), ..Default::default() };
    #[allow(deprecated, reason = "SDKs that know no newer form still send it")]
    let request = RespondNexusTaskFailedRequest {
        namespace: NAMESPACE.into(),
        task_token: task.task_token,
        error: Some(error.clone()),
        ..Default::default()
    };
    world.ask(request).unwrap();
    assert_eq!(told(&mut world, asked), Some(Some(NexusWorkerAnswer::HandlerError(error))));
}

#[test]
fn nobody_answers_in_time() {
    let mut world = World::new();
    let at_once = world.send(asking(Span::ZERO));
    let waits = world.send(asking(2 * SECOND));
    let with_worker = world.send(asking(2 * SECOND));
    world.advance(SECOND);
    assert_eq!(told(&mut world, at_once), Some(None));
    let task = nexus_task(&mut world);
    world.advance(SECOND);
    assert_eq!(told(&mut world, waits), Some(None));
    assert_eq!(told(&mut world, with_worker), Some(None));
    assert!(try_nexus_task(&mut world).is_none(), "no worker is asked in vain");
    assert_eq!(answer(&mut world, &task, later()), Err(ErrorKind::NotFound));
}

#[test]
fn who_has_gone_is_not_answered() {
    let mut world = World::new();
    let first = world.send(asking(10 * SECOND));
    let second = world.send(asking(10 * SECOND));
    world.abandon(second);
    let task = nexus_task(&mut world);
    assert!(try_nexus_task(&mut world).is_none());
    world.abandon(first);
    assert_eq!(answer(&mut world, &task, at_once()), Err(ErrorKind::NotFound));
    assert_eq!(world.engine.next_wake_up(), None);
}

#[test]
fn a_request_that_did_not_reach_its_worker_is_offered_again() {
    let mut world = World::new();
    let asked = world.send(asking(10 * SECOND));
    let lost = nexus_task(&mut world);
    world.advance(SECOND);
    let output = world.engine.undelivered(world.now, Answer::PollNexusTask(Box::new(lost.clone())));
    assert!(output.writes.is_empty(), "nothing of it is stored");
    let task = nexus_task(&mut world);
    assert_eq!(answer(&mut world, &lost, at_once()), Err(ErrorKind::NotFound));
    answer(&mut world, &task, at_once()).unwrap();
    assert!(told(&mut world, asked).is_some());
}

#[test]
fn a_token_is_good_for_its_request_only() {
    let mut world = World::new();
    world
        .ask(RegisterNamespaceRequest {
            namespace: "other".into(),
            workflow_execution_retention_period: ostro_engine::time::duration(SECOND * 3600 * 24),
            ..Default::default()
        })
        .unwrap();
    world.send(asking(10 * SECOND));
    let task = nexus_task(&mut world);
    assert_eq!(refuse(&mut world, &task, "other"), Err(ErrorKind::InvalidArgument));
    // A process that begins anew counts its calls from the same number.
    let mut again = World::new();
    again.advance(SECOND);
    again.send(asking(10 * SECOND));
    nexus_task(&mut again);
    assert_eq!(answer(&mut again, &task, at_once()), Err(ErrorKind::NotFound));
}

#[test]
fn the_namespace_must_be_there() {
    let mut world = World::new();
    let elsewhere = AskNexusWorker { namespace: "elsewhere".into(), ..asking(SECOND) };
    assert_eq!(world.ask(elsewhere).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn what_waits_is_bounded() {
    let mut world = World::new();
    let mut large = asking(10 * SECOND);
    let Some(Variant::StartOperation(start)) = &mut large.request.variant else { unreachable!() };
    start.payload = Some(Payload { data: vec![0; 2 << 20], ..Default::default() });
    let waiting: Vec<ReplyId> = (0..31).map(|_| world.send(large.clone())).collect();
    assert_eq!(world.ask(large.clone()).unwrap_err().kind, ErrorKind::ResourceExhausted);
    waiting.into_iter().for_each(|id| world.abandon(id));
    let asked = world.send(large);
    let task = nexus_task(&mut world);
    answer(&mut world, &task, at_once()).unwrap();
    assert!(told(&mut world, asked).is_some());
}

fn poll_of_version(world: &mut World, build_id: &str) -> ReplyId {
    let request = PollNexusTaskQueueRequest {
        namespace: NAMESPACE.into(),
        task_queue: Some(queue("handlers")),
        deployment_options: Some(WorkerDeploymentOptions {
            deployment_name: "deployment".into(),
            build_id: build_id.into(),
            worker_versioning_mode: WorkerVersioningMode::Versioned as i32,
        }),
        ..Default::default()
    };
    world.send(WithDeadline { request, deadline: Time::MAX })
}

#[test]
fn a_request_follows_the_routing_of_its_queue() {
    let mut world = World::new();
    let versioned = poll_of_version(&mut world, "1");
    let asked = world.send(asking(10 * SECOND));
    assert!(world.answer::<WithDeadline<PollNexusTaskQueueRequest>>(versioned).is_none(), "no version is current");
    world
        .ask(SetWorkerDeploymentCurrentVersionRequest {
            namespace: NAMESPACE.into(),
            deployment_name: "deployment".into(),
            build_id: "1".into(),
            ..Default::default()
        })
        .unwrap();
    let task = world.answer::<WithDeadline<PollNexusTaskQueueRequest>>(versioned).unwrap().unwrap();
    answer(&mut world, &task, at_once()).unwrap();
    assert!(told(&mut world, asked).is_some());
}
