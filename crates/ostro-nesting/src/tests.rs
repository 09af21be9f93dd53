use prost::Message;
use prost_wkt_types::Any;
use temporalio_protos::temporal::api::{
    command::v1::{Command, FailWorkflowExecutionCommandAttributes, command::Attributes},
    failure::v1::Failure,
    protocol::v1::Message as Protocol,
    update::v1::Rejection,
    workflowservice::v1::{RespondActivityTaskFailedRequest, RespondWorkflowTaskCompletedRequest},
};

use super::*;
use crate::fields::write;

const CAUSE: u32 = 4;

/// A failure with so many causes, encoded; each with a message before and a source after its cause.
fn chain(causes: usize) -> Vec<u8> {
    let mut encoded = Vec::new();
    for at in (0..=causes).rev() {
        let mut outer = Failure { message: format!("f{at}"), ..Default::default() }.encode_to_vec();
        if at < causes {
            write(CAUSE, &encoded, &mut outer);
        }
        write(2, b"source", &mut outer);
        encoded = outer;
    }
    encoded
}

fn messages(failure: &Failure) -> Vec<&str> {
    std::iter::successors(Some(failure), |failure| failure.cause.as_deref()).map(|f| f.message.as_str()).collect()
}

fn is_cut(failure: &Failure, causes: usize) {
    let messages = messages(failure);
    assert_eq!(messages.len(), CAUSES_MAX + 1);
    assert_eq!(messages[0], "f0");
    let mark = format!("f60 [{causes} more causes were left out here: a failure has at most 60]");
    assert_eq!(messages[CAUSES_MAX], if causes == 1 { mark.replace("causes were", "cause was") } else { mark });
}

#[test]
fn short_chains_stay_as_they_are() {
    for causes in [0, 1, CAUSES_MAX] {
        assert_eq!(cut(&shapes::FAILURE_V1_FAILURE, &chain(causes)), None, "{causes}");
    }
}

#[test]
fn long_chains_are_cut_however_long() {
    for causes in [CAUSES_MAX + 1, 98, 99, 10_000] {
        let failure: Failure = decode(&shapes::FAILURE_V1_FAILURE, &chain(causes)).unwrap();
        is_cut(&failure, causes - CAUSES_MAX);
        assert_eq!(failure.source, "source");
    }
}

#[test]
fn what_is_around_a_chain_stays() {
    let mut encoded =
        RespondActivityTaskFailedRequest { task_token: b"token".to_vec(), identity: "me".into(), ..Default::default() }
            .encode_to_vec();
    write(2, &chain(200), &mut encoded);
    let shape = shape_of("temporal.api.workflowservice.v1.RespondActivityTaskFailedRequest").unwrap();
    let request: RespondActivityTaskFailedRequest = decode(shape, &encoded).unwrap();
    assert_eq!((&request.task_token[..], request.identity.as_str()), (&b"token"[..], "me"));
    is_cut(&request.failure.unwrap(), 140);
}

#[test]
fn chains_are_found_in_commands_and_in_messages_of_updates() {
    let mut rejection = Rejection { rejected_request_message_id: "r".into(), ..Default::default() }.encode_to_vec();
    write(4, &chain(70), &mut rejection);
    let body = Any { type_url: "type.googleapis.com/temporal.api.update.v1.Rejection".into(), value: rejection };
    let mut encoded = RespondWorkflowTaskCompletedRequest {
        messages: vec![Protocol { body: Some(body), ..Default::default() }],
        ..Default::default()
    }
    .encode_to_vec();
    let mut attributes = Vec::new();
    write(1, &chain(61), &mut attributes);
    let mut command = Vec::new();
    write(5, &attributes, &mut command);
    write(2, &command, &mut encoded);
    let shape = shape_of("temporal.api.workflowservice.v1.RespondWorkflowTaskCompletedRequest").unwrap();
    let request: RespondWorkflowTaskCompletedRequest = decode(shape, &encoded).unwrap();
    let rejection = Rejection::decode(request.messages[0].body.as_ref().unwrap().value.as_slice()).unwrap();
    assert_eq!(rejection.rejected_request_message_id, "r");
    is_cut(&rejection.failure.unwrap(), 10);
    let Command { attributes: Some(attributes), .. } = &request.commands[0] else { panic!("has attributes") };
    let Attributes::FailWorkflowExecutionCommandAttributes(FailWorkflowExecutionCommandAttributes { failure }) =
        attributes
    else {
        panic!("{attributes:?}")
    };
    is_cut(failure.as_ref().unwrap(), 1);
}

#[test]
fn an_any_within_itself_ends() {
    let mut value = Vec::new();
    for _ in 0..1000 {
        let body = Any { type_url: "x/temporal.api.protocol.v1.Message".into(), value };
        value = Protocol { body: Some(body), ..Default::default() }.encode_to_vec();
    }
    assert_eq!(cut(&shapes::PROTOCOL_V1_MESSAGE, &value), None);
}

#[test]
fn what_is_no_message_stays_as_it_is() {
    let whole = chain(300);
    for length in 0..whole.len() {
        // No panic, and no other bytes where the chain's beginning is not whole.
        let _ = cut(&shapes::FAILURE_V1_FAILURE, &whole[..length]);
    }
    for bytes in [&b"\xff"[..], b"\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x23\x23", b"\x22\x05\x22"] {
        assert_eq!(cut(&shapes::FAILURE_V1_FAILURE, bytes), None);
    }
}

#[test]
fn failures_in_memory_are_cut_alike() {
    let mut failure = Failure { message: "f10000".into(), ..Default::default() };
    for at in (0..10_000).rev() {
        failure = Failure { message: format!("f{at}"), cause: Some(Box::new(failure)), ..Default::default() };
    }
    cut_failure(&mut failure);
    is_cut(&failure, 10_000 - CAUSES_MAX);
    let before = failure.clone();
    cut_failure(&mut failure);
    assert_eq!(failure, before);
}

#[test]
fn only_messages_with_failures_have_a_shape() {
    assert!(shape_of("temporal.api.workflowservice.v1.RespondActivityTaskCompletedRequest").is_none());
    for name in ["history.v1.History", "workflowservice.v1.RespondNexusTaskFailedRequest", "nexus.v1.Failure"] {
        assert!(shape_of(&format!("temporal.api.{name}")).is_some(), "{name}");
    }
}
