#![allow(clippy::unwrap_used)]

use http::HeaderMap;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;
use temporalio_protos::temporal::api::history::v1::WorkflowExecutionTerminatedEventAttributes;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;

use super::closing::conclude_run;
use super::{events_of, keep, watch};
use crate::model::error::{Code, Error};
use crate::model::event::WorkflowEvent;
use crate::model::record::{Filter, Journal};
use crate::service::engine::close_event;
use crate::service::testing::{Fixture, NAMESPACE, closed, open};

/// An event of an activity of execution `e`, at this time.
fn event(id: &str, activity: &str, at: i64) -> WorkflowEvent {
    serde_json::from_value(json!({
        "event_id": id, "event_timestamp": at, "root_workflow_exec_id": "e", "workflow_exec_id": "e",
        "workflow_run_id": "r", "workflow_name": "Greet", "event_type": "ACTIVITY_TASK_STARTED",
        "attributes": {"task_id": "1", "activity_name": activity, "input": {}},
    }))
    .unwrap()
}

async fn kept(fixture: &Fixture, internal: bool) -> Vec<(bool, String)> {
    let events = events_of(&fixture.api, NAMESPACE, "e", internal).await.unwrap();
    events.into_iter().map(|(internal, event)| (internal, event.event_id)).collect()
}

#[tokio::test]
async fn events_are_kept_once_in_the_order_in_which_they_came() {
    let fixture = Fixture::new().await;
    let put = async |events: &[WorkflowEvent]| {
        keep(&fixture.api, NAMESPACE, events, |index| vec!["body", "events", index]).await
    };
    put(&[event("b", "charge", 9), event("a", "charge", 1)]).await.unwrap();
    put(&[event("b", "charge", 9), event("c", "__internal", 5)]).await.unwrap();
    assert_eq!(kept(&fixture, false).await, [(false, "b".into()), (false, "a".into())]);
    assert_eq!(kept(&fixture, true).await, [(false, "b".into()), (false, "a".into()), (true, "c".into())]);
    // All or none, and the path of what does not fit.
    let bad = WorkflowEvent { attributes: serde_json::Map::new(), ..event("d", "charge", 1) };
    let Error::Invalid(faults) = put(&[event("e", "charge", 1), bad]).await.unwrap_err() else { panic!() };
    assert_eq!(
        serde_json::to_value(&faults[0]).unwrap()["loc"],
        json!(["body", "events", "1", "attributes", "task_id"])
    );
    assert_eq!(kept(&fixture, false).await.len(), 2);
}

#[tokio::test]
async fn the_end_that_no_worker_tells_is_told_once() {
    let fixture = Fixture::new().await;
    let end = WorkflowExecutionTerminatedEventAttributes { reason: "enough".into(), ..Default::default() };
    fixture.run("e", closed("r", Status::Terminated, Attributes::WorkflowExecutionTerminatedEventAttributes(end)));
    for _ in 0..2 {
        conclude_run(&fixture.api, NAMESPACE, "e", "r").await;
    }
    let journal = fixture.api.store.read(Filter::all(Journal::Event, NAMESPACE)).await.unwrap();
    let told: Vec<Value> = journal.iter().map(|entry| serde_json::from_str(&entry.body).unwrap()).collect();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["event_type"], &told[0]["workflow_run_id"]),
        (&json!("WORKFLOW_EXECUTION_FAILED"), &json!("r"))
    );
    assert!(told[0]["attributes"]["failure"].to_string().contains("enough"), "{}", told[0]);
    // What the engine does not have ends nothing, and what is open has not ended.
    conclude_run(&fixture.api, NAMESPACE, "gone", "r").await;
    fixture.run("f", open("r"));
    conclude_run(&fixture.api, NAMESPACE, "f", "r").await;
    assert_eq!(fixture.api.store.read(Filter::all(Journal::Event, NAMESPACE)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_waits_for_an_end_hears_of_it() {
    let fixture = Fixture::new().await;
    let end = WorkflowExecutionTerminatedEventAttributes::default();
    fixture.run("e", closed("r", Status::Terminated, Attributes::WorkflowExecutionTerminatedEventAttributes(end)));
    watch::wait_closed(&fixture.api, NAMESPACE, "e").await.unwrap();
    assert_eq!(kept(&fixture, false).await.len(), 1);
    fixture.run("f", open("r"));
    let run = WorkflowExecution { workflow_id: "f".into(), run_id: "r".into() };
    assert_eq!(close_event(&fixture.api, NAMESPACE, &run, false).await.unwrap(), None);
    let gone = WorkflowExecution { workflow_id: "gone".into(), run_id: String::new() };
    let refused = close_event(&fixture.api, NAMESPACE, &gone, false).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { code: Code::ExecutionNotFound, .. }), "{refused}");
}

#[tokio::test]
async fn a_token_is_for_the_events_of_its_run() {
    let fixture = Fixture::new().await;
    let tokens = &fixture.api.route_tokens;
    let token = tokens.mint(NAMESPACE.into(), "e".into(), "r".into()).unwrap();
    let check = |token: &str, namespace: &str, event: WorkflowEvent| {
        let mut headers = HeaderMap::new();
        headers.insert("x-workflow-route-token", token.parse().unwrap());
        match tokens.check(&headers, namespace, &[event]) {
            Ok(()) => None,
            Err(Error::Refused { code, .. }) => Some(code),
            Err(error) => panic!("{error}"),
        }
    };
    let own = || event("a", "charge", 1);
    assert_eq!(check(&token, NAMESPACE, own()), None);
    assert_eq!(check(&token, "other", own()), Some(Code::EventRouteTokenInvalid));
    assert_eq!(check(&format!("{token}x"), NAMESPACE, own()), Some(Code::EventRouteTokenInvalid));
    assert_eq!(check("nothing", NAMESPACE, own()), Some(Code::EventRouteTokenInvalid));
    let of_another_run = WorkflowEvent { workflow_run_id: "r2".into(), ..own() };
    assert_eq!(check(&token, NAMESPACE, of_another_run), Some(Code::EventRouteScopeUnsupported));
    let none = tokens.check(&HeaderMap::new(), NAMESPACE, &[own()]);
    assert!(matches!(none, Err(Error::Refused { code: Code::EventRouteTokenInvalid, .. })));
}
