#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::history::v1::*;

use super::handlers::{self, Invocation};
use super::records::{self, Begun};
use super::reset::{self, Reset};
use super::result::result_of;
use super::start::{Start, checked_input, of_registration, routed, start};
use super::stop::{Stop, stop};
use crate::model::error::{Code, Error};
use crate::model::execution::{ExecutionRecord, StatusName};
use crate::model::payload::Input;
use crate::model::record::Kind;
use crate::model::registration::Registration;
use crate::service::testing::{Fixture, NAMESPACE, Run, caller, closed, event, open, payloads};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    match result.unwrap_err() {
        Error::Refused { code, .. } => code,
        error @ Error::Invalid(_) => panic!("{error}"),
    }
}

fn of(registration: &Registration) -> Start<'_> {
    Start {
        registration,
        execution_id: None,
        input: Input::Plain(json!({"name": "Ada"})),
        extensions: None,
        tracing_attributes: None,
        traceparent: None,
    }
}

#[tokio::test]
async fn a_start_goes_to_the_deployment_asked_for_or_to_a_living_one() {
    let fixture = Fixture::new().await;
    fixture.register("old", json!({})).await;
    fixture.register("new", json!({})).await;
    let workflow = fixture.api.registry.workflow(NAMESPACE, "Greet").await.unwrap();
    let queue = async |deployment: Option<&str>, queue: Option<&str>| {
        routed(&fixture.api, NAMESPACE, &workflow, deployment, queue).await.map(|found| found.task_queue)
    };
    assert_eq!(queue(None, None).await.unwrap(), "new");
    assert_eq!(queue(Some("old"), None).await.unwrap(), "old");
    assert_eq!(queue(None, Some("old")).await.unwrap(), "old");
    let refused = queue(Some("gone"), None).await.unwrap_err().to_string();
    assert!(refused.contains("not registered by deployment gone; it is by: new, old"), "{refused}");
    let archived = fixture.api.registry.change_workflow(NAMESPACE, "Greet", |workflow| workflow.archived = true).await;
    let archived = archived.unwrap();
    assert_eq!(code(routed(&fixture.api, NAMESPACE, &archived, None, None).await), Code::WorkflowArchived);
    let id = fixture.register("new", json!({})).await.registrations[0].id;
    assert_eq!(code(of_registration(&fixture.api, NAMESPACE, id).await), Code::WorkflowArchived);
}

#[tokio::test]
async fn input_that_does_not_fit_never_reaches_the_engine() {
    let fixture = Fixture::new().await;
    let registration = &fixture.register("d", json!({})).await.registrations[0];
    let check = |input: Value| checked_input(&fixture.api, registration, Input::Plain(input), &["body", "input"]);
    assert_eq!(check(json!({"name": "Ada"})).unwrap(), Input::Plain(json!({"name": "Ada"})));
    let Error::Invalid(faults) = check(json!({"name": 7})).unwrap_err() else { panic!() };
    assert_eq!(serde_json::to_value(&faults[0]).unwrap()["loc"], json!(["body", "input", "name"]));
    let nothing = &fixture.register("d", json!({"input_schema": {}})).await.registrations[0];
    let none = checked_input(&fixture.api, nothing, Input::Plain(Value::Null), &["body"]).unwrap();
    assert_eq!(none, Input::Plain(json!({})), "the worker reads no arguments as an empty object");
}

#[tokio::test]
async fn a_start_says_all_that_the_worker_must_know_and_notes_who_asked() {
    let fixture = Fixture::new().await;
    let registration =
        &fixture.register("d", json!({"execution_timeout": 90.0, "on_behalf_of": true})).await.registrations[0];
    let asked = Start {
        execution_id: Some("greeting".into()),
        extensions: json!({"a": 1}).as_object().cloned(),
        tracing_attributes: Some(BTreeMap::from([("team".to_owned(), "red".to_owned())])),
        traceparent: Some("00-1-2-01".into()),
        ..of(registration)
    };
    let started = start(&fixture.api, &caller(), asked).await.unwrap();
    assert_eq!((started.execution_id.as_str(), started.run_id.as_str()), ("greeting", "greeting-1"));
    let request = fixture.world().started[0].clone();
    assert_eq!(request.task_queue.unwrap().name, "d");
    assert_eq!(request.workflow_execution_timeout.unwrap().seconds, 90);
    assert!(request.memo.unwrap().fields.contains_key("custom_tracing_attributes"));
    assert!(request.header.unwrap().fields.contains_key("_tracer-data"));
    let payload = &request.input.unwrap().payloads[0];
    assert_eq!(payload.data, br#"{"name":"Ada"}"#);
    let text = |key: &str| String::from_utf8(payload.metadata[key].clone()).unwrap();
    assert_eq!((text("namespace"), text("execution_id")), (NAMESPACE.to_owned(), "greeting".to_owned()));
    assert_eq!((text("__internal_on_behalf_of"), text("__internal_extensions")), ("true".into(), r#"{"a":1}"#.into()));
    let kept: ExecutionRecord = fixture.api.store.get(Kind::Execution, NAMESPACE, "greeting").await.unwrap().unwrap();
    assert_eq!((kept.user_id.as_deref(), kept.workflow_name.as_str()), (Some("ada"), "Greet"));
    let again = Start { execution_id: Some("greeting".into()), ..of(registration) };
    assert_eq!(code(start(&fixture.api, &caller(), again).await.map(drop)), Code::ExecutionExists);
    for id in [String::new(), "x".repeat(1001)] {
        let refused = start(&fixture.api, &caller(), Start { execution_id: Some(id), ..of(registration) }).await;
        assert!(refused.err().unwrap().to_string().contains("give 1 to 1000 bytes"));
    }
    let random = start(&fixture.api, &caller(), of(registration)).await.unwrap();
    assert!(random.execution_id.parse::<uuid::Uuid>().is_ok());
}

fn begun(run: &str) -> Begun {
    Begun {
        execution_id: "e".into(),
        run_id: run.into(),
        workflow_name: "Greet".into(),
        task_queue: "d".into(),
        root: None,
        parent: None,
        token_hash: format!("hash of {run}"),
        search_keys: BTreeMap::from([("Customer".to_owned(), Some("ACME".to_owned()))]),
    }
}

#[tokio::test]
async fn a_run_is_registered_once_and_its_execution_keeps_its_keys() {
    let fixture = Fixture::new().await;
    let register = async |run: &str| records::register(&fixture.api, NAMESPACE, begun(run)).await.unwrap().0;
    assert_eq!((register("r1").await, register("r1").await, register("r2").await), (true, false, true));
    let kept: ExecutionRecord = fixture.api.store.get(Kind::Execution, NAMESPACE, "e").await.unwrap().unwrap();
    assert_eq!((kept.run_id.as_deref(), kept.search_keys.len()), (Some("r2"), 1));
    assert!(records::knows_run(&fixture.api, NAMESPACE, "e", "r1").await.unwrap());
    assert!(!records::knows_run(&fixture.api, NAMESPACE, "other", "r1").await.unwrap());
    // A reset makes runs that no worker registers.
    fixture.run("f", open("r9"));
    assert!(records::knows_run(&fixture.api, NAMESPACE, "f", "r9").await.unwrap());
    assert!(!records::knows_run(&fixture.api, NAMESPACE, "f", "r8").await.unwrap());
    assert_eq!(records::execution_of(&fixture.api, NAMESPACE, "r2").await.unwrap(), "e");
}

#[tokio::test]
async fn search_keys_come_and_go() {
    let fixture = Fixture::new().await;
    let keys = |keys: &[(&str, &str)]| {
        keys.iter().map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned()))).collect::<BTreeMap<_, _>>()
    };
    let unknown = records::add_search_keys(&fixture.api, NAMESPACE, "e", keys(&[("a", "1")])).await;
    assert_eq!(code(unknown), Code::ExecutionNotFound);
    records::register(&fixture.api, NAMESPACE, begun("r")).await.unwrap();
    let outcome = records::add_search_keys(&fixture.api, NAMESPACE, "e", keys(&[("a", "1"), ("b:c", "2"), ("d", "4")]));
    assert_eq!(outcome.await.unwrap().dropped, ["b:c"]);
    let remove = async |keys: Option<Vec<String>>| {
        records::remove_search_keys(&fixture.api, NAMESPACE, "e", keys).await.unwrap()
    };
    assert_eq!(remove(Some(vec!["a".into(), "none".into()])).await, ["a"]);
    assert_eq!(remove(None).await, ["Customer", "d"]);
    assert!(remove(None).await.is_empty());
}

#[tokio::test]
async fn keys_of_many_at_once_are_all_kept() {
    let fixture = Fixture::new().await;
    records::register(&fixture.api, NAMESPACE, begun("r")).await.unwrap();
    let add = |number: usize| {
        let api = fixture.api.clone();
        let key = BTreeMap::from([(format!("key{number}"), None)]);
        tokio::spawn(async move { records::add_search_keys(&api, NAMESPACE, "e", key).await.map(drop) })
    };
    for added in (0..30).map(add).collect::<Vec<_>>() {
        added.await.unwrap().unwrap();
    }
    let kept: ExecutionRecord = fixture.api.store.get(Kind::Execution, NAMESPACE, "e").await.unwrap().unwrap();
    assert_eq!(kept.search_keys.len(), 31);
}

fn invocation(name: &str, input: Value) -> Invocation {
    Invocation { namespace: NAMESPACE.into(), execution: "e".into(), name: name.into(), input: Some(input) }
}

#[tokio::test]
async fn a_handler_is_called_with_what_its_schema_takes() {
    let fixture = Fixture::new().await;
    fixture.register("d", json!({})).await;
    fixture.run("e", open("r"));
    let api = &fixture.api;
    handlers::signal(api, invocation("greet", json!({"name": "Ada"}))).await.unwrap();
    handlers::signal(api, invocation("__built_in", Value::Null)).await.unwrap();
    let signalled = fixture.world().signalled.clone();
    assert_eq!(signalled[0].input.as_ref().unwrap().payloads[0].data, br#"{"name":"Ada"}"#);
    assert_eq!(signalled[1].input, None);
    assert_eq!(
        handlers::query(api, invocation("greet", json!({"name": "Ada"}))).await.unwrap(),
        json!({"name": "Ada"})
    );
    assert_eq!(handlers::update(api, invocation("greet", json!({"name": "B"}))).await.unwrap(), json!({"name": "B"}));
    let wrong = handlers::update(api, invocation("greet", json!({"name": 1}))).await.unwrap_err();
    assert!(matches!(wrong, Error::Invalid(_)), "{wrong}");
    let unknown = handlers::signal(api, invocation("wave", Value::Null)).await.unwrap_err().to_string();
    assert!(unknown.contains("workflow Greet has no signal wave; it has: greet"), "{unknown}");
    assert!(handlers::signal(api, invocation("", Value::Null)).await.is_err());
    assert_eq!(fixture.world().signalled.len(), 2);
}

#[tokio::test]
async fn what_handlers_refuse_is_told_as_what_it_is() {
    let fixture = Fixture::new().await;
    let api = &fixture.api;
    assert_eq!(code(handlers::signal(api, invocation("greet", Value::Null)).await), Code::ExecutionNotFound);
    fixture.run("e", open("r"));
    assert_eq!(code(handlers::query(api, invocation("__broken", Value::Null)).await), Code::QueryFailed);
    let nobody = handlers::query(api, invocation("__slow", Value::Null)).await.unwrap_err();
    let why = "execution e cannot answer a query now: no poller seen for task queue recently";
    assert!(nobody.to_string().starts_with(why), "{nobody}");
    assert_eq!(code(handlers::update(api, invocation("__refused", Value::Null)).await), Code::UpdateFailed);
    stop(api, NAMESPACE, "e", Stop::Terminate).await.unwrap();
    assert_eq!(code(handlers::signal(api, invocation("__x", Value::Null)).await), Code::ExecutionClosed);
    assert_eq!(code(handlers::update(api, invocation("__x", Value::Null)).await), Code::ExecutionClosed);
    // Closed executions answer queries too.
    handlers::query(api, invocation("__x", Value::Null)).await.unwrap();
}

#[tokio::test]
async fn a_result_is_that_of_the_last_run() {
    let fixture = Fixture::new().await;
    let result = async |execution: &str, run: &str| {
        result_of(&fixture.api, NAMESPACE, execution, run, Some(Duration::from_secs(10))).await
    };
    let next =
        WorkflowExecutionContinuedAsNewEventAttributes { new_execution_run_id: "r2".into(), ..Default::default() };
    fixture.run(
        "e",
        closed("r1", Status::ContinuedAsNew, Attributes::WorkflowExecutionContinuedAsNewEventAttributes(next)),
    );
    let done =
        WorkflowExecutionCompletedEventAttributes { result: payloads(&json!({"hello": "Ada"})), ..Default::default() };
    fixture.run("e", closed("r2", Status::Completed, Attributes::WorkflowExecutionCompletedEventAttributes(done)));
    assert_eq!(result("e", "r1").await.unwrap(), json!({"hello": "Ada"}));
    let failure = Some(Failure { message: "no such person".into(), ..Default::default() });
    let failed = WorkflowExecutionFailedEventAttributes { failure, ..Default::default() };
    let terminated = WorkflowExecutionTerminatedEventAttributes { reason: "enough".into(), ..Default::default() };
    for (id, status, end, expected) in [
        (
            "failed",
            Status::Failed,
            Attributes::WorkflowExecutionFailedEventAttributes(failed),
            "failed: no such person",
        ),
        (
            "terminated",
            Status::Terminated,
            Attributes::WorkflowExecutionTerminatedEventAttributes(terminated),
            "was terminated: enough",
        ),
        (
            "late",
            Status::TimedOut,
            Attributes::WorkflowExecutionTimedOutEventAttributes(WorkflowExecutionTimedOutEventAttributes::default()),
            "timed out",
        ),
        (
            "cancelled",
            Status::Canceled,
            Attributes::WorkflowExecutionCanceledEventAttributes(WorkflowExecutionCanceledEventAttributes::default()),
            "was cancelled",
        ),
    ] {
        fixture.run(id, closed("r", status, end));
        let refused = result(id, "r").await.unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
        assert_eq!(code::<()>(Err(refused)), Code::ExecutionFailed);
    }
    fixture.run("open", open("r"));
    let patience = Some(Duration::from_millis(20));
    assert_eq!(code(result_of(&fixture.api, NAMESPACE, "open", "r", patience).await), Code::WaitTimedOut);
}

#[tokio::test]
async fn executions_are_stopped_in_two_ways() {
    let fixture = Fixture::new().await;
    for id in ["a", "b"] {
        fixture.run(id, open("r"));
    }
    stop(&fixture.api, NAMESPACE, "a", Stop::Cancel).await.unwrap();
    stop(&fixture.api, NAMESPACE, "b", Stop::Terminate).await.unwrap();
    assert_eq!(fixture.world().calls, ["cancel", "terminate"]);
    assert_eq!(code(stop(&fixture.api, NAMESPACE, "none", Stop::Cancel).await), Code::ExecutionNotFound);
}

#[tokio::test]
async fn a_reset_goes_back_to_the_task_that_ended_at_or_before_the_event() {
    let fixture = Fixture::new().await;
    let completed =
        || Attributes::WorkflowTaskCompletedEventAttributes(WorkflowTaskCompletedEventAttributes::default());
    let timed_out = Attributes::WorkflowTaskTimedOutEventAttributes(WorkflowTaskTimedOutEventAttributes::default());
    let signalled =
        Attributes::WorkflowExecutionSignaledEventAttributes(WorkflowExecutionSignaledEventAttributes::default());
    let events = vec![event(4, completed()), event(5, signalled), event(8, timed_out), event(11, completed())];
    fixture.run("e", Run { events, ..open("r") });
    let to = async |event_id: i64| {
        let back = Reset { event_id, reason: None, exclude_signals: true, exclude_updates: false };
        reset::reset(&fixture.api, NAMESPACE.into(), "e".into(), back).await
    };
    for (asked, expected) in [(4, 4), (7, 4), (8, 8), (100, 11)] {
        to(asked).await.unwrap();
        let sent = fixture.world().reset.pop().unwrap();
        assert_eq!(sent.workflow_task_finish_event_id, expected);
        assert_eq!((sent.reset_reapply_exclude_types.as_slice(), sent.reason.is_empty()), ([1].as_slice(), false));
    }
    assert!(to(3).await.unwrap_err().to_string().contains("no workflow task at or before this event"));
}

#[tokio::test]
async fn workflows_are_found_by_the_state_of_their_runs() {
    let fixture = Fixture::new().await;
    fixture.run("e", open("r"));
    let found = super::find::workflows_with_status(&fixture.api, NAMESPACE, &[StatusName::Running, StatusName::Failed]);
    assert_eq!(found.await.unwrap().into_iter().collect::<Vec<_>>(), ["Greet"]);
    let filter = fixture.world().listed[0].clone();
    assert!(filter.contains(" OR ") && filter.contains("Failed"), "{filter}");
    fixture.register("d", json!({})).await;
    let tag = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    let tagged = async |tags: &[&str]| super::find::tagged(&fixture.api, NAMESPACE, &tag(tags)).await.unwrap();
    assert_eq!(tagged(&["red"]).await, None);
    let set =
        fixture.api.registry.change_workflow(NAMESPACE, "Greet", |workflow| workflow.tags = tag(&["red", "blue"]));
    set.await.unwrap();
    assert_eq!(tagged(&["red"]).await.as_deref(), Some("WorkflowType IN ('Greet')"));
    assert_eq!(tagged(&["red", "green"]).await, None);
}
