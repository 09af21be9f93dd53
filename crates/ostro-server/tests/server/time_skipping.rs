//! A server whose clock a test moves, asked through the services that SDKs use.

use std::time::Duration;

use ostro_server::{Error, Server};
use ostro_wire::test_service::{GetCurrentTime, UnlockTimeSkippingWithSleep};
use ostro_wire::{CallContext, Caller, Rpc};
use temporalio_protos::temporal::api::command::v1::{Command, StartTimerCommandAttributes, command::Attributes};
use temporalio_protos::temporal::api::enums::v1::CommandType;
use temporalio_protos::temporal::api::testservice::v1 as service;
use temporalio_protos::temporal::api::workflowservice::v1::RespondWorkflowTaskCompletedRequest;
use tonic::Status;

use crate::fixture::{Fixture, config};
use crate::tasks::poll_once;

const DAY_SECONDS: i64 = 86_400;

async fn start() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let config = ostro_server::Config { time_skipping: true, ..config(&directory) };
    Fixture::of(Server::start(config).await.unwrap(), directory)
}

async fn ask<R: Rpc>(fixture: &Fixture, request: R) -> Result<R::Answer, Status> {
    Caller::new(fixture.server.services()).ask(&request).await
}

async fn unlock(fixture: &Fixture) {
    ask(fixture, service::UnlockTimeSkippingRequest::default()).await.unwrap();
}

async fn now(fixture: &Fixture) -> i64 {
    ask(fixture, GetCurrentTime(())).await.unwrap().time.unwrap().seconds
}

fn seconds(seconds: i64) -> service::SleepRequest {
    service::SleepRequest { duration: Some(prost_wkt_types::Duration { seconds, nanos: 0 }) }
}

/// Completes the task with a timer of this many seconds.
async fn start_timer(fixture: &Fixture, task_token: Vec<u8>, duration: i64) {
    let attributes =
        StartTimerCommandAttributes { timer_id: "t".into(), start_to_fire_timeout: seconds(duration).duration };
    let command = Command {
        command_type: CommandType::StartTimer.into(),
        attributes: Some(Attributes::StartTimerCommandAttributes(attributes)),
        ..Default::default()
    };
    let request = RespondWorkflowTaskCompletedRequest {
        namespace: "default".into(),
        task_token,
        commands: vec![command],
        ..Default::default()
    };
    fixture.workflow.respond_workflow_task_completed(&CallContext::in_process(), request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_of_ten_days_fires_at_once_when_time_is_unlocked() {
    let fixture = start().await;
    let began = now(&fixture).await;
    fixture.start_workflow("w").await;
    let task = fixture.poll("queue").await;
    start_timer(&fixture, task.task_token, 10 * DAY_SECONDS).await;
    assert!(now(&fixture).await < began + DAY_SECONDS, "time is locked at first");
    unlock(&fixture).await;
    let task = tokio::time::timeout(Duration::from_secs(20), fixture.poll("queue")).await.unwrap();
    assert!(!task.task_token.is_empty());
    let fired = now(&fixture).await;
    assert!((10 * DAY_SECONDS..10 * DAY_SECONDS + 60).contains(&(fired - began)), "{began} {fired}");
    // The task is with a worker: time waits for it, whatever else is due.
    {
        let mut sleep = std::pin::pin!(ask(&fixture, seconds(DAY_SECONDS)));
        assert!(poll_once(sleep.as_mut()).is_pending());
        // This call comes after the sleep.
        unlock(&fixture).await;
        assert!(now(&fixture).await < fired + DAY_SECONDS, "time went on while a worker worked");
        fixture.complete(task.task_token, Some(CommandType::CompleteWorkflowExecution)).await;
        tokio::time::timeout(Duration::from_secs(20), sleep).await.unwrap().unwrap();
    }
    assert!(now(&fixture).await >= fired + DAY_SECONDS);
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_waits_outlives_a_jump() {
    let fixture = start().await;
    let waiting = tokio::spawn({
        let workflow = fixture.workflow.clone();
        async move {
            let request = crate::fixture::poll_request("queue");
            workflow.poll_workflow_task_queue(&CallContext::in_process(), request).await
        }
    });
    while !fixture.http("/metrics").await.contains("ostro_open_polls{type=\"workflow\"} 1") {
        tokio::task::yield_now().await;
    }
    ask(&fixture, UnlockTimeSkippingWithSleep(seconds(30 * DAY_SECONDS))).await.unwrap();
    fixture.start_workflow("w").await;
    let task = waiting.await.unwrap().unwrap().into_message().unwrap();
    assert!(!task.task_token.is_empty(), "the poll was answered with nothing");
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused() {
    let fixture = start().await;
    let refused = ask(&fixture, seconds(-1)).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::InvalidArgument);
    fixture.server.shutdown().await;

    let other = Fixture::start().await;
    let refused = ask(&other, GetCurrentTime(())).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::Unimplemented);
    other.start_workflow("w").await;
    let directory = other.stop().await;
    let config = ostro_server::Config { time_skipping: true, ..config(&directory) };
    assert!(matches!(Server::start(config).await, Err(Error::NotEmpty { .. })));
}
