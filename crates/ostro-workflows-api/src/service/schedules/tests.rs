#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use temporalio_protos::temporal::api::schedule::v1::SchedulePatch;
use temporalio_protos::temporal::api::schedule::v1::schedule_action::Action;

use super::from_engine::output;
use super::{create, delete, describe, entries, patch, update};
use crate::model::error::{Code, Error, Result};
use crate::model::schedule::{PartialScheduleDefinition, ScheduleDefinition};
use crate::service::testing::{Fixture, NAMESPACE};

fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
    match result.unwrap_err() {
        Error::Refused { code, .. } => code,
        error @ Error::Invalid(_) => panic!("{error}"),
    }
}

fn definition(more: Value) -> ScheduleDefinition {
    let mut definition = json!({"input": {"name": "Ada"}});
    for (key, value) in more.as_object().cloned().unwrap() {
        definition[key] = value;
    }
    serde_json::from_value(definition).unwrap()
}

async fn made(fixture: &Fixture, id: &str, more: Value) -> Result<()> {
    let registration = &fixture.register("d", json!({})).await.registrations[0];
    create(&fixture.api, NAMESPACE, id, registration, &definition(more)).await
}

async fn shown(fixture: &Fixture, id: &str) -> Value {
    let described = describe(&fixture.api, NAMESPACE, id).await.unwrap();
    let output = output(id.into(), described.schedule.unwrap(), &described.info.unwrap_or_default());
    serde_json::to_value(output).unwrap()
}

#[tokio::test]
async fn what_was_given_is_shown_again() {
    let fixture = Fixture::new().await;
    let times = json!({
        "intervals": [{"every": "PT1H", "offset": "PT5M"}],
        "calendars": [{"hour": [{"start": 9, "end": 17, "step": 2}], "comment": "office hours"}],
        "jitter": "PT30S",
        "time_zone_name": "Europe/Berlin",
        "policy": {"overlap": 2, "pause_on_failure": true},
    });
    made(&fixture, "s", times).await.unwrap();
    let seen = shown(&fixture, "s").await;
    assert_eq!(seen["intervals"][0]["every"], "PT1H");
    assert_eq!(seen["intervals"][0]["offset"], "PT5M");
    assert_eq!(seen["calendars"][0]["hour"][0], json!({"start": 9, "end": 17, "step": 2}));
    assert_eq!(seen["calendars"][0]["comment"], "office hours");
    assert_eq!((&seen["time_zone_name"], &seen["jitter"]), (&json!("Europe/Berlin"), &json!("PT30S")));
    assert_eq!((&seen["policy"]["overlap"], &seen["policy"]["pause_on_failure"]), (&json!(2), &json!(true)));
    assert_eq!(code(made(&fixture, "s", json!({})).await), Code::ScheduleExists);
}

#[tokio::test]
async fn input_is_checked_when_it_is_made_and_when_it_changes() {
    let fixture = Fixture::new().await;
    assert!(matches!(made(&fixture, "s", json!({"input": {"name": 7}})).await, Err(Error::Invalid(_))));
    made(&fixture, "s", json!({})).await.unwrap();
    let change = async |change: Value| {
        let change: PartialScheduleDefinition = serde_json::from_value(change).unwrap();
        update(&fixture.api, NAMESPACE, "s", change).await
    };
    assert!(matches!(change(json!({"input": {"name": 7}})).await, Err(Error::Invalid(_))));
    change(json!({"input": {"name": "Grace"}, "intervals": [{"every": "P1D"}]})).await.unwrap();
    let schedule = fixture.world().schedules["s"].clone();
    let Some(Action::StartWorkflow(start)) = schedule.action.unwrap().action else { panic!() };
    assert_eq!(start.input.unwrap().payloads[0].data, br#"{"name":"Grace"}"#);
    assert_eq!(schedule.spec.unwrap().interval[0].interval.unwrap().seconds, 86_400);
    // What is absent stays.
    change(json!({"jitter": "PT1S"})).await.unwrap();
    let schedule = fixture.world().schedules["s"].clone();
    let spec = schedule.spec.unwrap();
    assert_eq!((spec.interval.len(), spec.jitter.unwrap().seconds), (1, 1));
    assert!(matches!(change(json!({"jitter": "soon"})).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn schedules_are_listed_steered_and_deleted() {
    let fixture = Fixture::new().await;
    for id in ["a", "b", "c"] {
        made(&fixture, id, json!({})).await.unwrap();
    }
    let listed = entries(&fixture.api, NAMESPACE).await.unwrap();
    assert_eq!(listed.iter().map(|entry| entry.schedule_id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    let pause = SchedulePatch { pause: "noted".into(), ..Default::default() };
    patch(&fixture.api, NAMESPACE.into(), "a".into(), pause.clone()).await.unwrap();
    assert_eq!(fixture.world().patched[0].patch, Some(pause.clone()));
    delete(&fixture.api, NAMESPACE.into(), "a".into()).await.unwrap();
    for gone in [
        code(delete(&fixture.api, NAMESPACE.into(), "a".into()).await),
        code(patch(&fixture.api, NAMESPACE.into(), "a".into(), pause).await),
        code(describe(&fixture.api, NAMESPACE, "a").await),
    ] {
        assert_eq!(gone, Code::ScheduleNotFound);
    }
}

#[tokio::test]
async fn a_registration_brings_its_schedules_once() {
    let fixture = Fixture::new().await;
    let spoiled = json!({"schedules": [
        {"input": {"name": "Ada"}, "schedule_id": "own"}, {"input": {"name": "Ada"}}, {"input": {"name": 7}}]});
    let warnings = fixture.register("d", spoiled.clone()).await.warnings;
    assert_eq!(fixture.world().schedules.keys().collect::<Vec<_>>(), ["Greet-1", "own"]);
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].starts_with("schedule Greet-2 of workflow Greet was not made"), "{warnings:?}");
    assert_eq!(fixture.register("d", spoiled).await.warnings, warnings);
    assert_eq!(fixture.world().schedules.len(), 2);
}
