//! Pages of history: of a reader, of a worker, backwards, and waiting for more.

use std::time::Duration;

use ostro_wire::CallContext;
use temporalio_protos::temporal::api::enums::v1::{CommandType, EventType, HistoryEventFilterType};
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use crate::fixture::{Fixture, history_request, ids, run};

const SIGNALS: i64 = 1200;

async fn with_long_history() -> Fixture {
    let fixture = Fixture::start().await;
    fixture.start_workflow("long").await;
    for _ in 0..SIGNALS {
        fixture.signal("long").await;
    }
    fixture
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_reads_a_long_history_page_by_page() {
    let fixture = with_long_history().await;
    let task = fixture.poll("queue").await;
    let mut events = task.history.unwrap().events;
    assert_eq!(events.len(), 1000);
    let mut token = task.next_page_token;
    let elsewhere = service::GetWorkflowExecutionHistoryRequest {
        namespace: "mistral-workflows".into(),
        next_page_token: token.clone(),
        ..history_request("long")
    };
    let refused = fixture.workflow.get_workflow_execution_history(&CallContext::in_process(), elsewhere).await;
    assert_eq!(refused.err().map(|status| status.code()), Some(tonic::Code::NotFound), "it is another namespace's run");
    while !token.is_empty() {
        let request = service::GetWorkflowExecutionHistoryRequest { next_page_token: token, ..history_request("long") };
        let (page, next) = fixture.history(request).await;
        events.extend(page);
        token = next;
    }
    assert_eq!(ids(&events), (1..=task.started_event_id).collect::<Vec<_>>());
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_the_size_that_was_asked_for_and_both_directions_agree() {
    let fixture = with_long_history().await;
    let request = service::GetWorkflowExecutionHistoryRequest { maximum_page_size: 500, ..history_request("long") };
    let (mut forward, mut token) = fixture.history(request.clone()).await;
    assert_eq!(forward.len(), 500);
    while !token.is_empty() {
        let request = service::GetWorkflowExecutionHistoryRequest { next_page_token: token, ..request.clone() };
        let (page, next) = fixture.history(request).await;
        forward.extend(page);
        token = next;
    }
    let mut backward = Vec::new();
    let mut request = service::GetWorkflowExecutionHistoryReverseRequest {
        namespace: "default".into(),
        execution: run("long"),
        maximum_page_size: 500,
        ..Default::default()
    };
    loop {
        let context = CallContext::in_process();
        let page = fixture
            .workflow
            .get_workflow_execution_history_reverse(&context, request.clone())
            .await
            .unwrap()
            .into_message()
            .unwrap();
        backward.extend(page.history.unwrap().events);
        if page.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = page.next_page_token;
    }
    backward.reverse();
    assert_eq!(forward.len() as i64, SIGNALS + 2);
    assert_eq!(forward, backward);
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_told_of_new_events_and_of_the_end() {
    let fixture = Fixture::start().await;
    fixture.start_workflow("w").await;
    let wait = service::GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..history_request("w") };
    let (events, token) = fixture.history(wait.clone()).await;
    assert_eq!(ids(&events), [1, 2]);
    let more = service::GetWorkflowExecutionHistoryRequest { next_page_token: token, ..wait.clone() };
    let (more, ()) = tokio::join!(fixture.history(more), fixture.signal("w"));
    assert_eq!(ids(&more.0), [3]);

    let close = service::GetWorkflowExecutionHistoryRequest {
        history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
        ..wait
    };
    let finish = async {
        let task = fixture.poll("queue").await;
        fixture.complete(task.task_token, Some(CommandType::CompleteWorkflowExecution)).await;
    };
    let ((last, token), ()) = tokio::join!(fixture.history(close), finish);
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].event_type(), EventType::WorkflowExecutionCompleted);
    assert!(token.is_empty());
    let (rest, token) = fixture
        .history(service::GetWorkflowExecutionHistoryRequest { next_page_token: more.1, ..history_request("w") })
        .await;
    assert!(rest.is_empty() && token.is_empty(), "a round that was shown whole has no more pages");
    fixture.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_with_an_empty_page_before_the_deadline() {
    let fixture = Fixture::start().await;
    fixture.start_workflow("w").await;
    let wait = service::GetWorkflowExecutionHistoryRequest { wait_new_event: true, ..history_request("w") };
    let (_, next_page_token) = fixture.history(wait.clone()).await;
    let request = service::GetWorkflowExecutionHistoryRequest { next_page_token, ..wait };
    let context = CallContext::in_process().with_timeout(Duration::from_millis(1500));
    let page =
        fixture.workflow.get_workflow_execution_history(&context, request).await.unwrap().into_message().unwrap();
    assert!(page.history.unwrap().events.is_empty() && !page.next_page_token.is_empty());
    assert!(context.remaining().unwrap() > Duration::ZERO);
    fixture.server.shutdown().await;
}
