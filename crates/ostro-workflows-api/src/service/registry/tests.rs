#![allow(clippy::unwrap_used)]

use serde_json::json;

use crate::model::error::{Code, Error};
use crate::model::registration::{WorkerRecord, workflow_id};
use crate::service::registry::register::Registered;
use crate::service::testing::{Fixture, NAMESPACE, registration};

fn code(error: &Error) -> Code {
    match error {
        Error::Refused { code, .. } => *code,
        Error::Invalid(_) => panic!("{error}"),
    }
}

#[tokio::test]
async fn the_same_registered_again_is_the_same_and_another_definition_is_another() {
    let fixture = Fixture::new().await;
    let first = fixture.register("d", json!({})).await;
    let again = fixture.register("d", json!({})).await;
    assert_eq!(first.registrations[0].id, again.registrations[0].id);
    let made = |registered: &Registered| registered.registrations[0].created_at.0.as_microsecond();
    assert_eq!(made(&first), made(&again));
    assert!(again.registrations[0].registered_at >= first.registrations[0].registered_at);
    let other = fixture.register("d", json!({"on_behalf_of": true})).await;
    assert_ne!(first.registrations[0].id, other.registrations[0].id);
    assert_eq!(first.registrations[0].workflow_id, other.registrations[0].workflow_id);
    let all = fixture.api.registry.registrations_of(NAMESPACE, workflow_id(NAMESPACE, "Greet")).await.unwrap();
    // The worker serves the second now, which comes first.
    let seen: Vec<_> = all.iter().map(|(registration, active)| (registration.id, *active)).collect();
    assert_eq!(seen, [(other.registrations[0].id, true), (first.registrations[0].id, false)]);
}

#[tokio::test]
async fn a_living_worker_of_another_deployment_is_a_conflict() {
    let fixture = Fixture::new().await;
    assert!(!fixture.register("one", json!({})).await.has_conflicts);
    assert!(fixture.register("two", json!({})).await.has_conflicts);
    assert!(fixture.register("one", json!({})).await.has_conflicts);
    // What the SDK registers for itself, every deployment has.
    let own = json!({"name": "__internal", "is_technical": true});
    assert!(!fixture.register("three", own.clone()).await.has_conflicts);
    assert!(!fixture.register("four", own).await.has_conflicts);
}

#[tokio::test]
async fn what_people_set_outlives_a_registration_and_what_they_did_not_follows_it() {
    let fixture = Fixture::new().await;
    let registry = &fixture.api.registry;
    fixture.register("d", json!({"display_name": "Greeting", "description": "says hello"})).await;
    fixture.register("d", json!({"display_name": "Greetings"})).await;
    let workflow = registry.workflow(NAMESPACE, "Greet").await.unwrap();
    assert_eq!((workflow.display_name.as_deref(), workflow.description.as_deref()), (Some("Greetings"), None));
    let changed = registry.change_workflow(NAMESPACE, "Greet", |workflow| {
        workflow.edited = true;
        workflow.display_name = Some("Hello".into());
        workflow.archived = true;
    });
    assert!(changed.await.unwrap().archived);
    let again = fixture.register("d", json!({"display_name": "Greetings"})).await;
    assert_eq!(again.warnings, ["workflow Greet is archived: unarchive it to execute it"]);
    // By its identifier, too.
    let workflow = registry.workflow(NAMESPACE, &workflow.id.to_string()).await.unwrap();
    assert_eq!(workflow.display_name.as_deref(), Some("Hello"));
}

#[tokio::test]
async fn what_cannot_be_registered_says_why() {
    let fixture = Fixture::new().await;
    let many: Vec<_> =
        (0..1001).map(|n| json!({"name": format!("w{n}"), "task_queue": "q", "input_schema": {}})).collect();
    for (more, expected) in [
        (json!({"name": ""}), "must have 1 to 128 characters"),
        (json!({"name": "x".repeat(129)}), "must have 1 to 128 characters"),
        (json!({"name": "a b"}), "may only have letters"),
        (json!({"name": "runs"}), "is a route of this API"),
        (json!({"name": "__mine"}), "begin with two underscores"),
        (json!({"name": "6f737472-6f00-4a7b-9c1e-5d0f2a8411e7"}), "reads as an identifier"),
        (json!({"task_queue": ""}), "has no task queue"),
        (json!({"input_schema": {"type": "nothing"}}), "not a JSON schema"),
        (json!({"signals": [{"name": "s", "input_schema": {"type": 7}}]}), "not a JSON schema"),
    ] {
        let request = registration("d", more.clone());
        let error = fixture.api.registry.register(NAMESPACE, &request).await.err().unwrap().to_string();
        assert!(error.contains(expected), "{more}: {error}");
    }
    for (definitions, deployment, expected) in [
        (json!([]), "d", "between 1 and 1000 definitions, not 0"),
        (json!(many), "d", "not 1001"),
        (json!([{"name": "w", "task_queue": "q", "input_schema": {}}]), "a/b", "deployment_name \"a/b\" is not usable"),
        (
            json!([{"name": "w", "task_queue": "q", "input_schema": {}}, {"name": "w", "task_queue": "q", "input_schema": {}}]),
            "d",
            "defined twice",
        ),
    ] {
        let request = json!({"definitions": definitions, "deployment_name": deployment, "worker_name": "one"});
        let request = serde_json::from_value(request).unwrap();
        let error = fixture.api.registry.register(NAMESPACE, &request).await.err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = fixture.api.registry.workflow(NAMESPACE, "w").await.err().unwrap();
    assert_eq!(code(&error), Code::WorkflowNotFound);
    let error = fixture.api.registry.registration(NAMESPACE, uuid::Uuid::nil()).await.err().unwrap();
    assert_eq!(code(&error), Code::RegistrationNotFound);
}

#[tokio::test]
async fn a_sign_of_life_is_taken_of_what_is_known_only() {
    let fixture = Fixture::new().await;
    let registry = &fixture.api.registry;
    let beat = async |worker: &str, served: Vec<uuid::Uuid>| {
        registry.heartbeat(NAMESPACE, "d", worker, served.into_iter()).await.map_err(|error| code(&error))
    };
    assert_eq!(beat("one", Vec::new()).await, Err(Code::WorkerUnknown));
    let id = fixture.register("d", json!({})).await.registrations[0].id;
    assert_eq!(beat("one", vec![id]).await, Ok(()));
    assert_eq!(beat("one", vec![uuid::Uuid::nil()]).await, Err(Code::WorkerUnknown));
    assert_eq!(beat("two", vec![id]).await, Err(Code::WorkerUnknown));
    let workers = registry.workers(NAMESPACE, Some("d")).await.unwrap();
    assert_eq!(workers.iter().map(WorkerRecord::is_active).collect::<Vec<_>>(), [true]);
    assert!(registry.workers(NAMESPACE, Some("other")).await.unwrap().is_empty());
    assert!(registry.active_registrations(NAMESPACE).await.unwrap().contains(&id));
}
