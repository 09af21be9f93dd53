//! Tasks reach a worker that is there, and only one.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use ostro_wire::CallContext;
use temporalio_protos::temporal::api::enums::v1::CommandType;
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use crate::fixture::{Fixture, ids, poll_request};

pub fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_on_its_way_to_a_worker_that_left_goes_to_the_next() {
    let fixture = Fixture::start().await;
    let context = CallContext::in_process();
    {
        let mut gone = pin!(fixture.workflow.poll_workflow_task_queue(&context, poll_request("queue")));
        assert!(poll_once(gone.as_mut()).is_pending());
        // The poll waits in the engine by the time this call, which comes after it, is answered.
        fixture.start_workflow("w").await;
        // Its answer was committed with the start, and nobody reads it.
    }
    let started = Instant::now();
    let task = fixture.poll("queue").await;
    assert!(started.elapsed() < Duration::from_secs(5), "the task waited for its time-out");
    assert_eq!(ids(&task.history.unwrap().events), (1..=task.started_event_id).collect::<Vec<_>>());
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_left_before_gets_nothing() {
    let fixture = Fixture::start().await;
    let context = CallContext::in_process();
    {
        let mut gone = pin!(fixture.workflow.poll_workflow_task_queue(&context, poll_request("queue")));
        assert!(poll_once(gone.as_mut()).is_pending());
    }
    fixture.start_workflow("w").await;
    let task = fixture.poll("queue").await;
    assert_eq!(task.attempt, 1);
    fixture.complete(task.task_token, Some(CommandType::CompleteWorkflowExecution)).await;
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_says_goodbye_has_its_nexus_poll_answered() {
    let fixture = Fixture::start().await;
    let context = CallContext::in_process();
    let poll = service::PollNexusTaskQueueRequest {
        namespace: "default".into(),
        task_queue: Some(TaskQueue { name: "queue".into(), ..Default::default() }),
        worker_instance_key: "worker".into(),
        ..Default::default()
    };
    let mut poll = pin!(fixture.workflow.poll_nexus_task_queue(&context, poll));
    assert!(poll_once(poll.as_mut()).is_pending());
    let goodbye = service::ShutdownWorkerRequest {
        namespace: "default".into(),
        worker_instance_key: "worker".into(),
        ..Default::default()
    };
    fixture.workflow.shutdown_worker(&context, goodbye).await.unwrap();
    let answered = tokio::time::timeout(Duration::from_secs(10), poll).await.expect("it waits no longer");
    assert!(answered.unwrap().into_message().unwrap().task_token.is_empty());
    fixture.server.shutdown().await;
}
