//! Update-with-start: both or neither, in one commit.

use crate::world::*;
use ostro_engine::call::{UpdateWithStart, WithDeadline};
use ostro_engine::error::{Error, ErrorKind};
use ostro_engine::time::Time;
use prost::Message;
use prost_wkt_types::Any;
use temporalio_protos::temporal::api::{
    enums::v1::{UpdateWorkflowExecutionLifecycleStage as Stage, WorkflowIdConflictPolicy as Conflict},
    errordetails::v1::MultiOperationExecutionFailure,
    protocol::v1::Message as ProtocolMessage,
    update::v1::{Acceptance, Input, Meta, Outcome, Request, Response, WaitPolicy, outcome},
    workflowservice::v1::{execute_multi_operation_response::response::Response as Part, *},
};

type Call = WithDeadline<UpdateWithStart>;

fn both(workflow_id: &str, request_id: &str, update_id: &str, conflict: Conflict) -> Call {
    let start = StartWorkflowExecutionRequest {
        request_id: request_id.into(),
        workflow_id_conflict_policy: conflict as i32,
        ..start_request(workflow_id)
    };
    let update = UpdateWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        workflow_execution: Some(execution(workflow_id)),
        wait_policy: Some(WaitPolicy { lifecycle_stage: Stage::Completed as i32 }),
        request: Some(Request {
            meta: Some(Meta { update_id: update_id.into(), ..Default::default() }),
            input: Some(Input { name: "update".into(), ..Default::default() }),
            ..Default::default()
        }),
        ..Default::default()
    };
    WithDeadline { request: UpdateWithStart { start, update }, deadline: Time::MAX }
}

fn message(update_id: &str, kind: &str, body: &impl Message) -> ProtocolMessage {
    ProtocolMessage {
        id: format!("{update_id}/{kind}"),
        protocol_instance_id: update_id.into(),
        body: Some(Any {
            type_url: format!("type.googleapis.com/temporal.api.update.v1.{kind}"),
            value: body.encode_to_vec(),
        }),
        ..Default::default()
    }
}

/// A worker takes the task, accepts the update and answers it.
fn answer_update(world: &mut World, update_id: &str) {
    let task = world.workflow_task();
    assert_eq!(task.response.messages.len(), 1);
    let outcome = Outcome { value: Some(outcome::Value::Success(payloads("done"))) };
    let meta = Some(Meta { update_id: update_id.into(), ..Default::default() });
    let response = Response { meta, outcome: Some(outcome) };
    world
        .ask(RespondWorkflowTaskCompletedRequest {
            task_token: task.response.task_token,
            messages: vec![
                message(update_id, "Acceptance", &Acceptance::default()),
                message(update_id, "Response", &response),
            ],
            namespace: NAMESPACE.into(),
            ..Default::default()
        })
        .unwrap();
}

fn parts(answer: ExecuteMultiOperationResponse) -> (StartWorkflowExecutionResponse, UpdateWorkflowExecutionResponse) {
    let mut parts = answer.responses.into_iter().filter_map(|part| part.response);
    match (parts.next(), parts.next()) {
        (Some(Part::StartWorkflow(start)), Some(Part::UpdateWorkflow(update))) => (start, update),
        other => panic!("a start and an update, not {other:?}"),
    }
}

fn codes(error: &Error) -> Vec<i32> {
    let detail = error.detail.clone().expect("it tells of each operation");
    let failure = MultiOperationExecutionFailure::decode(detail.value.as_slice()).unwrap();
    failure.statuses.iter().map(|status| status.code).collect()
}

#[test]
fn a_new_run_takes_the_update_with_its_first_task() {
    let mut world = World::new();
    let call = world.send(both("w", "r", "u", Conflict::Fail));
    assert!(world.answer::<Call>(call).is_none());
    answer_update(&mut world, "u");
    let (start, update) = parts(world.answer::<Call>(call).unwrap().unwrap());
    assert!(start.started && !start.run_id.is_empty());
    assert_eq!(update.stage(), Stage::Completed);
    world.restart();
    let (again, update) = parts(world.ask(both("w", "other", "u", Conflict::Fail)).unwrap());
    assert_eq!((again.run_id, again.started), (start.run_id, false));
    assert!(update.outcome.is_some(), "the same update has its outcome already");
}

#[test]
fn a_run_that_is_there_takes_it_where_the_policy_allows() {
    let mut world = World::new();
    let run_id = world.start("w");
    let refused = world.ask(both("w", "r", "u", Conflict::Fail)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::AlreadyExists);
    assert_eq!(refused.message, "Update-with-Start could not be executed.");
    assert_eq!(codes(&refused), [ErrorKind::AlreadyExists.code(), ErrorKind::Aborted.code()]);
    let call = world.send(both("w", "r", "u", Conflict::UseExisting));
    answer_update(&mut world, "u");
    let (start, _) = parts(world.answer::<Call>(call).unwrap().unwrap());
    assert_eq!((start.run_id, start.started), (run_id.clone(), false));
    let call = world.send(both("w", "r", "u2", Conflict::TerminateExisting));
    answer_update(&mut world, "u2");
    let (start, _) = parts(world.answer::<Call>(call).unwrap().unwrap());
    assert!(start.started && start.run_id != run_id);
}

#[test]
fn a_run_that_closes_before_it_took_the_update_makes_way_for_a_new_one() {
    let mut world = World::new();
    let first = world.start("w");
    let call = world.send(both("w", "r", "u", Conflict::UseExisting));
    let workflow_execution = Some(execution("w"));
    let namespace = NAMESPACE.into();
    world.ask(TerminateWorkflowExecutionRequest { namespace, workflow_execution, ..Default::default() }).unwrap();
    assert!(world.answer::<Call>(call).is_none(), "it is tried again");
    answer_update(&mut world, "u");
    let (start, _) = parts(world.answer::<Call>(call).unwrap().unwrap());
    assert!(start.started && start.run_id != first);
}

#[test]
fn the_client_goes_away_and_nothing_is_left_behind() {
    let mut world = World::new();
    let call = world.send(both("w", "r", "u", Conflict::Fail));
    let output = world.engine.abandon(world.now, call);
    assert!(output.replies.is_empty());
    answer_update(&mut world, "u");
    assert!(world.answer::<Call>(call).is_none());
}
