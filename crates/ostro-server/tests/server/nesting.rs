//! Failures that nest deep, and everything else that does: it is stored so that it can be read back, or refused.

use ostro_nesting::{CAUSES_MAX, Next, Shape, shape_of, shapes};
use ostro_wire::{CallContext, EncodedAnswer};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_wkt_types::Duration;
use temporalio_protos::temporal::api::command::v1::{
    Command, ScheduleActivityTaskCommandAttributes, command::Attributes as Commanded,
};
use temporalio_protos::temporal::api::common::v1::{ActivityType, RetryPolicy};
use temporalio_protos::temporal::api::enums::v1::CommandType;
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use tonic::Code;

use crate::fixture::*;

const SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";

fn field(number: u32, body: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(body.len() + 8);
    encode_key(number, WireType::LengthDelimited, &mut encoded);
    encode_varint(body.len() as u64, &mut encoded);
    encoded.extend_from_slice(body);
    encoded
}

/// A failure with so many causes, encoded. `cause` is the number of that field.
fn chain(cause: u32, causes: usize) -> Vec<u8> {
    (0..causes).fold(field(1, b"failed"), |inner, _| [field(1, b"failed"), field(cause, &inner)].concat())
}

/// A message of this shape for each place in which a failure may be, with a long chain in it.
fn everywhere(shape: &Shape, levels: usize) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (number, next) in shape.fields {
        let inner = match next {
            Next::Itself => return vec![chain(*number, 3_000)],
            Next::Message(_) if levels > 8 => continue,
            Next::Message(inner) => everywhere(inner, levels + 1),
            Next::Any => {
                let rejection = field(5, &chain(4, 3_000));
                vec![[field(1, b"type.googleapis.com/temporal.api.update.v1.Rejection"), field(2, &rejection)].concat()]
            }
        };
        all.extend(inner.iter().map(|inner| field(*number, inner)));
    }
    all
}

impl Fixture {
    async fn call(&self, method: &str, request: Vec<u8>) -> EncodedAnswer {
        self.server.services().call(SERVICE, method, CallContext::in_process(), request.into()).await
    }
}

/// The causes of a failure, which must say that some were left out.
fn cut_causes(failure: Option<&Failure>) -> usize {
    let failures = std::iter::successors(failure, |failure| failure.cause.as_deref());
    let last = failures.clone().last().expect("there is a failure");
    assert!(last.message.contains("left out here"), "{}", last.message);
    failures.count() - 1
}

fn schedule_activity() -> Command {
    let attributes = ScheduleActivityTaskCommandAttributes {
        activity_id: "a".into(),
        activity_type: Some(ActivityType { name: "A".into() }),
        task_queue: Some(TaskQueue { name: "queue".into(), ..Default::default() }),
        start_to_close_timeout: Some(Duration { seconds: 600, nanos: 0 }),
        retry_policy: Some(RetryPolicy { maximum_attempts: 1, ..Default::default() }),
        ..Default::default()
    };
    Command {
        command_type: CommandType::ScheduleActivityTask.into(),
        attributes: Some(Commanded::ScheduleActivityTaskCommandAttributes(attributes)),
        ..Default::default()
    }
}

async fn activity_fails(server: &Fixture, id: &str, causes: usize) {
    let context = CallContext::in_process();
    let start = service::StartWorkflowExecutionRequest {
        task_queue: Some(TaskQueue { name: id.into(), ..Default::default() }),
        ..start_request(id)
    };
    server.workflow.start_workflow_execution(&context, start).await.unwrap();
    let task = server.poll(id).await;
    let complete = service::RespondWorkflowTaskCompletedRequest {
        namespace: "default".into(),
        task_token: task.task_token,
        commands: vec![schedule_activity()],
        ..Default::default()
    };
    server.workflow.respond_workflow_task_completed(&context, complete).await.unwrap();
    let poll = service::PollActivityTaskQueueRequest {
        namespace: "default".into(),
        task_queue: Some(TaskQueue { name: "queue".into(), ..Default::default() }),
        ..Default::default()
    };
    let activity = server.workflow.poll_activity_task_queue(&context, poll).await.unwrap().into_message().unwrap();
    // A workflow task is under way, so that the event is buffered: it is kept in a row of its own.
    server.signal(id).await;
    server.poll(id).await;
    let request = service::RespondActivityTaskFailedRequest {
        task_token: activity.task_token,
        namespace: "default".into(),
        ..Default::default()
    };
    // An application's failure.
    let failure = [chain(4, causes), field(5, &field(1, b"T"))].concat();
    let encoded = [request.encode_to_vec(), field(2, &failure)].concat();
    server.call("RespondActivityTaskFailed", encoded).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_with_many_causes_survives_a_restart_and_can_be_read() {
    let server = Fixture::start().await;
    for causes in [61, 97, 98, 99, 10_000] {
        activity_fails(&server, &format!("w{causes}"), causes).await;
    }
    let server = server.restart().await;
    for causes in [61, 97, 98, 99, 10_000] {
        let id = format!("w{causes}");
        // The worker that had the task is gone: time-outs are not waited for, the buffer is emptied by a termination.
        let terminate = service::TerminateWorkflowExecutionRequest {
            namespace: "default".into(),
            workflow_execution: run(&id),
            ..Default::default()
        };
        let context = CallContext::in_process();
        server.workflow.terminate_workflow_execution(&context, terminate).await.unwrap();
        let (events, _) = server.history(history_request(&id)).await;
        let failed = events.iter().find_map(|event| match event.attributes.as_ref()? {
            Attributes::ActivityTaskFailedEventAttributes(failed) => Some(failed),
            _ => None,
        });
        assert_eq!(cut_causes(failed.expect("it failed").failure.as_ref()), CAUSES_MAX, "{causes}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_takes_failures_however_deep_or_says_what_is_wrong_otherwise() {
    let server = Fixture::start().await;
    server.start_workflow("w").await;
    let mut tried = 0;
    for (service, method) in ostro_wire::methods() {
        let Some((request, _)) = ostro_wire::json::method_types(service, method) else { continue };
        let Some(shape) = shape_of(&request) else { continue };
        for encoded in everywhere(shape, 0) {
            tried += 1;
            let context = CallContext::in_process().with_timeout(std::time::Duration::from_millis(500));
            let answer = server.server.services().call(service, method, context, encoded.into()).await;
            let code = answer.map_or_else(|status| status.code(), |_| Code::Ok);
            assert_ne!(code, Code::Internal, "{method}");
        }
    }
    assert!(tried > 10, "{tried} places were tried");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_history_with_deep_failures_is_cut() {
    let server = Fixture::start().await;
    server.start_workflow("w").await;
    let (mut events, _) = server.history(history_request("w")).await;
    let whole = temporalio_protos::temporal::api::history::v1::History { events: std::mem::take(&mut events) };
    let mut encoded = whole.encode_to_vec();
    let started = everywhere(&shapes::HISTORY_V1_HISTORYEVENT, 0).swap_remove(0);
    encoded.extend(field(1, &[&[8, 3][..], &started].concat()));
    let import = [field(1, b"default"), field(2, b"copy"), field(4, &encoded)].concat();
    let answer = server.server.services().call(
        "ostro.v1.OstroService",
        "ImportWorkflowExecution",
        CallContext::in_process(),
        import.into(),
    );
    // It is no history that goes on so; what is said of it is about that, not about its depth.
    assert_eq!(answer.await.unwrap_err().code(), Code::InvalidArgument);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nests_deeper_than_can_be_read_is_refused() {
    let server = Fixture::start().await;
    // Groups of a field that nobody knows: no failure, so nothing to cut.
    let groups = [0xfb, 0x07].repeat(200);
    let status = server.call("DescribeNamespace", groups).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert!(status.message().contains("nests too deep"), "{status:?}");
    let status = server.call("DescribeNamespace", vec![0xff]).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal, "{status:?}");
    server.stop().await;
}
