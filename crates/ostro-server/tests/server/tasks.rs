//! Tasks reach a worker that is there, and only one.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use ostro_wire::CallContext;
use temporalio_protos::temporal::api::enums::v1::CommandType;

use crate::fixture::{Fixture, ids, poll_request};

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
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
