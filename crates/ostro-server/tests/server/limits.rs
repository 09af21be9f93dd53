//! What `docs/reference/limits.md` says: each limit with what happens beyond it.

use std::time::Duration;

use ostro_engine::config::Config as Limits;
use ostro_engine::time::{SECOND, duration};
use ostro_server::Server;
use ostro_wire::{CallContext, Caller};
use temporalio_protos::temporal::api::{
    command::v1::{command::Attributes, *},
    common::v1::{ActivityType, Memo, Payload, Payloads, WorkflowType},
    enums::v1::{CommandType as Kind, EventType, WorkflowTaskFailedCause as Cause},
    history::v1::{HistoryEvent, history_event::Attributes as Event},
    query::v1::WorkflowQuery,
    taskqueue::v1::TaskQueue,
    update::v1::{Input, Meta, Request, WaitPolicy},
    workflowservice::v1 as service,
};
use tonic::{Code, Status};

use crate::fixture::{Fixture, config, history_request, run, start_request};

const PAGE: &str = include_str!("../../../../docs/reference/limits.md");

#[test]
fn every_limit_of_the_configuration_is_on_the_page_with_its_default() {
    let keys = ostro_server::config::REFERENCE.lines().skip_while(|line| *line != "[limits]");
    let keys = keys.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    let set = keys.filter(|(key, _)| key.ends_with("_max"));
    for (key, value) in set {
        let row = PAGE.lines().find(|line| line.contains(&format!("`{key}`")));
        let row = row.unwrap_or_else(|| panic!("{key} is not in docs/reference/limits.md"));
        assert!(row.contains(&format!("| {} |", value.trim_matches('"'))), "{key} is {value}, and the page says {row}");
    }
}

async fn with(change: impl FnOnce(&mut Limits)) -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(&directory);
    change(&mut config.limits);
    Fixture::of(Server::start(config).await.unwrap(), directory)
}

fn bytes(count: usize) -> Option<Payloads> {
    Some(Payloads { payloads: vec![Payload { data: vec![b'x'; count], ..Default::default() }] })
}

fn command(kind: Kind, attributes: impl Into<Attributes>) -> Command {
    Command { command_type: kind as i32, attributes: Some(attributes.into()), ..Default::default() }
}

fn activity(id: &str, input: usize) -> Command {
    let attributes = ScheduleActivityTaskCommandAttributes {
        activity_id: id.into(),
        activity_type: Some(ActivityType { name: "activity".into() }),
        task_queue: Some(TaskQueue { name: "queue".into(), ..Default::default() }),
        start_to_close_timeout: duration(10 * SECOND),
        input: bytes(input),
        ..Default::default()
    };
    command(Kind::ScheduleActivityTask, attributes)
}

fn memo(count: usize) -> Option<Memo> {
    Some(Memo { fields: [("m".to_owned(), bytes(count).unwrap().payloads.remove(0))].into() })
}

impl Fixture {
    async fn try_start(&self, request: service::StartWorkflowExecutionRequest) -> Result<(), Status> {
        self.workflow.start_workflow_execution(&CallContext::in_process(), request).await.map(drop)
    }

    async fn try_signal(&self, id: &str) -> Result<(), Status> {
        let request = service::SignalWorkflowExecutionRequest {
            namespace: "default".into(),
            workflow_execution: run(id),
            signal_name: "signal".into(),
            ..Default::default()
        };
        self.workflow.signal_workflow_execution(&CallContext::in_process(), request).await.map(drop)
    }

    async fn try_complete(&self, task_token: Vec<u8>, commands: Vec<Command>) -> Result<(), Status> {
        let request = service::RespondWorkflowTaskCompletedRequest {
            namespace: "default".into(),
            task_token,
            commands,
            ..Default::default()
        };
        self.workflow.respond_workflow_task_completed(&CallContext::in_process(), request).await.map(drop)
    }

    /// Starts a workflow and lets its first task end with these commands; the history that follows.
    async fn decided(&self, commands: Vec<Command>) -> (Result<(), Status>, Vec<HistoryEvent>) {
        self.start_workflow("w").await;
        let task = self.poll("queue").await;
        let answer = self.try_complete(task.task_token, commands).await;
        (answer, self.history(history_request("w")).await.0)
    }
}

/// Why a workflow task failed.
fn cause(events: &[HistoryEvent]) -> Option<Cause> {
    events.iter().find_map(|event| match &event.attributes {
        Some(Event::WorkflowTaskFailedEventAttributes(a)) => Some(a.cause()),
        _ => None,
    })
}

#[track_caller]
fn refused(answer: Result<(), Status>, code: Code, word: &str) {
    let status = answer.expect_err("it is beyond the limit");
    assert_eq!(status.code(), code, "{status:?}");
    assert!(status.message().contains(word), "{} does not say {word:?}", status.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_set() {
    let fixture = with(|limits| limits.blob_bytes_max = 100).await;
    let with_input = |count| service::StartWorkflowExecutionRequest { input: bytes(count), ..start_request("i") };
    // A worker's command beyond it fails the workflow.
    let (answer, events) = fixture.decided(vec![activity("a", 200)]).await;
    refused(answer, Code::InvalidArgument, "limit");
    assert_eq!(cause(&events), Some(Cause::BadScheduleActivityAttributes));
    fixture.try_start(with_input(50)).await.unwrap();
    refused(fixture.try_start(with_input(200)).await, Code::InvalidArgument, "100 are allowed");
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memo() {
    let fixture = with(|limits| limits.memo_bytes_max = 100).await;
    let with_memo = |count| service::StartWorkflowExecutionRequest { memo: memo(count), ..start_request("m") };
    fixture.try_start(with_memo(50)).await.unwrap();
    refused(fixture.try_start(with_memo(200)).await, Code::InvalidArgument, "100");
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name() {
    let fixture = with(|limits| limits.id_length_max = 20).await;
    let named = |id: String| service::StartWorkflowExecutionRequest {
        workflow_type: Some(WorkflowType { name: "t".into() }),
        ..start_request(&id)
    };
    fixture.try_start(named("x".repeat(20))).await.unwrap();
    refused(fixture.try_start(named("x".repeat(21))).await, Code::InvalidArgument, "20");
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_activities() {
    let fixture = with(|limits| limits.pending_max = 2).await;
    let (answer, events) = fixture.decided(vec![activity("a", 0), activity("b", 0), activity("c", 0)]).await;
    refused(answer, Code::InvalidArgument, "2");
    assert_eq!(cause(&events), Some(Cause::PendingActivitiesLimitExceeded));
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_of_a_run() {
    let fixture = with(|limits| limits.signals_max = 2).await;
    fixture.start_workflow("w").await;
    fixture.try_signal("w").await.unwrap();
    fixture.try_signal("w").await.unwrap();
    refused(fixture.try_signal("w").await, Code::InvalidArgument, "2; continue as new");
    fixture.server.shutdown().await;
}

async fn ends_with(change: impl FnOnce(&mut Limits)) {
    let fixture = with(change).await;
    fixture.start_workflow("w").await;
    for _ in 0..60 {
        drop(fixture.try_signal("w").await);
    }
    let events = fixture.history(history_request("w")).await.0;
    assert_eq!(events.last().map(|event| event.event_type()), Some(EventType::WorkflowExecutionTerminated));
    refused(fixture.try_signal("w").await, Code::NotFound, "completed");
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_history() {
    ends_with(|limits| limits.history_count_max = 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_a_history() {
    ends_with(|limits| limits.history_bytes_max = 1000).await;
}

fn update(id: &str) -> service::UpdateWorkflowExecutionRequest {
    service::UpdateWorkflowExecutionRequest {
        namespace: "default".into(),
        workflow_execution: run("w"),
        wait_policy: Some(WaitPolicy { lifecycle_stage: 2 }),
        request: Some(Request {
            meta: Some(Meta { update_id: id.into(), ..Default::default() }),
            input: Some(Input { name: "update".into(), ..Default::default() }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// The first update waits for a worker that never comes; the answer to the next.
async fn second_update(fixture: &Fixture) -> Result<(), Status> {
    fixture.start_workflow("w").await;
    // Its caller gives up, the update itself stays.
    let impatient = Caller::new(fixture.server.services()).with_timeout(Duration::from_millis(50));
    drop(impatient.ask(&update("first")).await);
    let second = fixture.workflow.update_workflow_execution(&CallContext::in_process(), update("second")).await;
    second.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_in_flight() {
    let fixture = with(|limits| limits.updates_in_flight_max = 1).await;
    refused(second_update(&fixture).await, Code::ResourceExhausted, "(1)");
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_of_a_run() {
    let fixture = with(|limits| limits.updates_total_max = 1).await;
    refused(second_update(&fixture).await, Code::FailedPrecondition, "(1)");
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_queries() {
    let fixture = with(|limits| limits.queries_max = 0).await;
    fixture.start_workflow("w").await;
    let request = service::QueryWorkflowRequest {
        namespace: "default".into(),
        execution: run("w"),
        query: Some(WorkflowQuery { query_type: "q".into(), ..Default::default() }),
        ..Default::default()
    };
    let answer = fixture.workflow.query_workflow(&CallContext::in_process(), request).await;
    refused(answer.map(drop), Code::ResourceExhausted, "start a worker on queue");
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_out_of_a_workflow_task() {
    let fixture = with(|limits| limits.workflow_task_timeout_max = 3 * SECOND).await;
    let request =
        service::StartWorkflowExecutionRequest { workflow_task_timeout: duration(60 * SECOND), ..start_request("w") };
    fixture.try_start(request).await.unwrap();
    let events = fixture.history(history_request("w")).await.0;
    let Some(Event::WorkflowTaskScheduledEventAttributes(scheduled)) = &events[1].attributes else { panic!() };
    assert_eq!(scheduled.start_to_close_timeout, duration(3 * SECOND));
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request() {
    let fixture = with(|_| ()).await;
    let service = ostro_wire::workflow_service::SERVICE;
    let request = vec![0; ostro_wire::REQUEST_BYTES_MAX_DEFAULT + 1].into();
    let context = CallContext::in_process();
    let answer = fixture.server.services().call(service, "StartWorkflowExecution", context, request).await;
    refused(answer.map(drop), Code::ResourceExhausted, "larger than max");
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_workflow_task_that_is_larger_than_a_request() {
    let fixture = with(|_| ()).await;
    fixture.start_workflow("w").await;
    let task = fixture.poll("queue").await;
    let commands = ["a", "b", "c"].map(|id| activity(id, 1_900_000)).into();
    let complete = service::RespondWorkflowTaskCompletedRequest {
        namespace: "default".into(),
        task_token: task.task_token.clone(),
        commands,
        ..Default::default()
    };
    let (service, context) = (ostro_wire::workflow_service::SERVICE, CallContext::in_process());
    let request = prost::Message::encode_to_vec(&complete).into();
    let answer = fixture.server.services().call(service, "RespondWorkflowTaskCompleted", context, request).await;
    refused(answer.map(drop), Code::ResourceExhausted, "larger than max");
    // What SDKs say then.
    let failed = service::RespondWorkflowTaskFailedRequest {
        namespace: "default".into(),
        task_token: task.task_token,
        cause: Cause::GrpcMessageTooLarge as i32,
        ..Default::default()
    };
    fixture.workflow.respond_workflow_task_failed(&CallContext::in_process(), failed).await.unwrap();
    let events = fixture.history(history_request("w")).await.0;
    let Some(Event::WorkflowExecutionTerminatedEventAttributes(ended)) = events.last().unwrap().attributes.clone()
    else {
        panic!("{events:?}")
    };
    assert_eq!((ended.reason.as_str(), ended.identity.as_str()), ("GrpcMessageTooLarge", "history-service"));
    assert_eq!(cause(&events), Some(Cause::ForceCloseCommand));
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_a_page_of_schedules() {
    let fixture = with(|_| ()).await;
    for number in 0..5 {
        let request = service::CreateScheduleRequest {
            namespace: "default".into(),
            schedule_id: format!("s{number}"),
            request_id: format!("s{number}"),
            memo: memo(1_000_000),
            schedule: Some(Default::default()),
            ..Default::default()
        };
        fixture.workflow.create_schedule(&CallContext::in_process(), request).await.unwrap();
    }
    let (mut seen, mut next_page_token) = (Vec::new(), Vec::new());
    loop {
        let request =
            service::ListSchedulesRequest { namespace: "default".into(), next_page_token, ..Default::default() };
        let page = fixture.workflow.list_schedules(&CallContext::in_process(), request).await.unwrap();
        let page = page.into_message().unwrap();
        assert!(prost::Message::encoded_len(&page) < 4 << 20);
        seen.extend(page.schedules.into_iter().map(|schedule| schedule.schedule_id));
        next_page_token = page.next_page_token;
        if next_page_token.is_empty() {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, ["s0", "s1", "s2", "s3", "s4"]);
    fixture.server.shutdown().await;
}
