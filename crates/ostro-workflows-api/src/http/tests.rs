//! Requests as clients send them, through the whole of the API, over an engine that remembers what it is asked.

#![allow(clippy::unwrap_used)]

use axum::body::{Body, to_bytes};
use http::{Method, Request};
use serde_json::{Value, json};
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;
use temporalio_protos::temporal::api::history::v1::WorkflowExecutionCompletedEventAttributes;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use tower::ServiceExt;

use crate::service::testing::{Fixture, closed, open, payloads};

/// The status and the body of an answer; a text where it is no JSON.
async fn answer(fixture: &Fixture, request: Request<Body>) -> (u16, Value) {
    let response = super::router(fixture.api.clone()).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| text()))
}

async fn send(fixture: &Fixture, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    answer(fixture, request.body(body).unwrap()).await
}

async fn get(fixture: &Fixture, path: &str) -> (u16, Value) {
    send(fixture, Method::GET, path, Value::Null).await
}

async fn post(fixture: &Fixture, path: &str, body: Value) -> (u16, Value) {
    send(fixture, Method::POST, path, body).await
}

/// Registers `Greet` as a worker does, and gives the registration's identifier.
async fn registered(fixture: &Fixture) -> String {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
    let definition = json!({"name": "Greet", "task_queue": "d", "input_schema": schema, "display_name": "Greeting"});
    let request = json!({"definitions": [definition], "deployment_name": "d", "worker_name": "one"});
    let (status, body) = post(fixture, "/v1/workflows/register", request).await;
    assert_eq!((status, &body["has_conflicts"]), (200, &json!(false)), "{body}");
    assert_eq!(body["workflow_registration_refs"][0]["workflow_registration_id"], body["workflow_registration_ids"][0]);
    body["workflow_registration_ids"][0].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_no_route_says_so() {
    let fixture = Fixture::new().await;
    let (status, body) = get(&fixture, "/v1/nothing").await;
    assert_eq!((status, body["detail"].as_str().unwrap().contains("/openapi.json lists")), (404, true), "{body}");
    assert_eq!(send(&fixture, Method::DELETE, "/v1/workflows/workers/whoami", Value::Null).await.0, 405);
    let (status, body) = post(&fixture, "/v1/workflows/register", json!({"definitions": []})).await;
    assert_eq!((status, &body["detail"][0]["loc"][0]), (422, &json!("body")), "{body}");
    let (status, document) = get(&fixture, "/openapi.json").await;
    assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
    assert!(document["paths"].as_object().unwrap().len() > 45);
}

#[tokio::test]
async fn a_worker_registers_lives_and_is_seen() {
    let fixture = Fixture::new().await;
    let (status, who) = get(&fixture, "/v1/workflows/workers/whoami").await;
    assert_eq!((status, &who["namespace"], &who["scheduler_url"]), (200, &json!("n"), &json!("127.0.0.1:7233")));
    let id = registered(&fixture).await;
    let beat = |worker: &str| {
        let refs = json!([{"workflow_id": id, "workflow_registration_id": id}]);
        json!({"deployment_name": "d", "worker_name": worker, "workflow_registration_refs": refs})
    };
    let path = "/v1/workflows/workers/heartbeat";
    assert_eq!(post(&fixture, path, beat("one")).await, (200, json!({"all_active": true})));
    assert_eq!(post(&fixture, path, beat("two")).await.0, 409);
    let (_, list) = get(&fixture, "/v1/workflows/deployments?search=D").await;
    let seen = &list["deployments"][0];
    assert_eq!((&seen["name"], &seen["is_active"], &seen["worker_count"]), (&json!("d"), &json!(true), &json!(1)));
    let (_, one) = get(&fixture, "/v1/workflows/deployments/d?workflow_name=Greet").await;
    assert_eq!(one["workers"][0]["name"], "one");
    assert_eq!(get(&fixture, "/v1/workflows/deployments/none").await.0, 404);
    let (_, workers) = get(&fixture, "/v1/workflows/deployments/d/workers?worker_status=active").await;
    assert_eq!(workers["workers"].as_array().unwrap().len(), 1);
    assert_eq!(post(&fixture, "/v1/workflows/deployments/d/stop", Value::Null).await.0, 501);
    assert_eq!(post(&fixture, "/v1/workflows/deployments/d/unharden", Value::Null).await.0, 501);
    assert_eq!(get(&fixture, "/v1/workflows/deployments/d/archive").await.0, 501);
}

#[tokio::test]
async fn webhooks_and_triggers_say_that_they_are_not_here() {
    let fixture = Fixture::new().await;
    for path in ["/v1/webhooks", "/v1/webhooks/w/signing-secret", "/v1/triggers/t", "/v1/triggers/t/events"] {
        let (status, body) = get(&fixture, path).await;
        assert_eq!((status, body["message"].to_string().contains("execute")), (501, true), "{body}");
    }
    assert_eq!(post(&fixture, "/v1/triggers", json!({})).await.0, 501);
    assert_eq!(send(&fixture, Method::DELETE, "/v1/webhooks/w", Value::Null).await.0, 501);
}

#[tokio::test]
async fn workflows_are_listed_changed_and_archived() {
    let fixture = Fixture::new().await;
    let id = registered(&fixture).await;
    let names = async |query: &str| {
        let (status, body) = get(&fixture, &format!("/v1/workflows{query}")).await;
        assert_eq!(status, 200, "{body}");
        let names = body["workflows"].as_array().unwrap().iter().map(|workflow| workflow["name"].to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("").await, ["\"Greet\""]);
    assert_eq!(names("?search=greeting&active_only=true&deployment_name=d").await.len(), 1);
    assert!(names("?archived=true").await.is_empty());
    assert!(names("?tags=red").await.is_empty());
    let change = json!({"tags": ["red"], "display_name": "Hello"});
    let (status, changed) = send(&fixture, Method::PUT, "/v1/workflows/Greet", change).await;
    assert_eq!((status, &changed["workflow"]["display_name"]), (200, &json!("Hello")));
    assert_eq!(names("?tags=red").await.len(), 1);
    for (tags, status) in [
        (json!(["red", " blue ", "blue"]), 204),
        (json!(["x".repeat(101)]), 422),
        (json!([" "]), 422),
        (json!((0..99).map(|n| n.to_string()).collect::<Vec<_>>()), 422),
    ] {
        assert_eq!(post(&fixture, "/v1/workflows/Greet/tags", json!({"tags": tags})).await.0, status);
    }
    let (_, tagged) = get(&fixture, "/v1/workflows/Greet").await;
    assert_eq!(tagged["workflow"]["tags"], json!(["red", "blue"]));
    assert_eq!(names("?tags=blue").await.len(), 1);
    assert_eq!(send(&fixture, Method::PUT, "/v1/workflows/Greet", json!({"tags": [""]})).await.0, 422);
    assert_eq!(post(&fixture, "/v1/workflows/none/tags", json!({"tags": ["red"]})).await.0, 404);
    let empty = json!({"display_name": ""});
    assert_eq!(send(&fixture, Method::PUT, "/v1/workflows/Greet", empty).await.0, 422);
    assert_eq!(send(&fixture, Method::PUT, "/v1/workflows/Greet/archive", Value::Null).await.0, 200);
    assert_eq!(post(&fixture, "/v1/workflows/Greet/execute", json!({"input": {"name": "Ada"}})).await.0, 409);
    assert_eq!(send(&fixture, Method::PUT, "/v1/workflows/Greet/unarchive", Value::Null).await.0, 200);
    let (_, one) = get(&fixture, "/v1/workflows/Greet").await;
    assert_eq!((&one["workflow"]["active"], &one["workflow"]["archived"]), (&json!(true), &json!(false)));
    let (_, bulk) =
        send(&fixture, Method::PUT, "/v1/workflows/archive", json!({"workflow_ids": [one["workflow"]["id"]]})).await;
    assert!(bulk.to_string().contains("Greet") || bulk.is_object(), "{bulk}");
    let (_, list) = get(&fixture, "/v1/workflows/registrations?with_workflow=true&active_only=true").await;
    assert_eq!(list["workflow_registrations"][0]["workflow"]["name"], "Greet");
    let (_, one) = get(&fixture, &format!("/v1/workflows/registrations/{id}")).await;
    assert_eq!(
        (&one["workflow_registration"]["id"], &one["workflow_registration"]["active"]),
        (&json!(id), &json!(true))
    );
    for (limit, status) in [("0", 422), ("1001", 422), ("1", 200)] {
        assert_eq!(get(&fixture, &format!("/v1/workflows?limit={limit}")).await.0, status);
    }
}

#[tokio::test]
async fn an_execution_is_started_spoken_to_and_stopped() {
    let fixture = Fixture::new().await;
    let id = registered(&fixture).await;
    let asked = json!({"execution_id": "e", "input": {"name": "Ada"}});
    let (status, started) = post(&fixture, "/v1/workflows/Greet/execute", asked.clone()).await;
    assert_eq!(
        (status, &started["execution_id"], &started["status"]),
        (200, &json!("e"), &json!("RUNNING")),
        "{started}"
    );
    assert_eq!(post(&fixture, "/v1/workflows/Greet/execute", asked).await.0, 409);
    let (status, refused) = post(&fixture, "/v1/workflows/Greet/execute", json!({"input": {"name": 1}})).await;
    assert_eq!((status, &refused["detail"][0]["loc"]), (422, &json!(["body", "input", "name"])));
    let by_registration = format!("/v1/workflows/registrations/{id}/execute");
    assert_eq!(post(&fixture, &by_registration, json!({"execution_id": "f", "input": {"name": "B"}})).await.0, 200);
    let (_, seen) = get(&fixture, "/v1/workflows/executions/e").await;
    assert_eq!((&seen["run_id"], &seen["workflow_name"]), (&json!("e-1"), &json!("Greet")));
    let call = async |how: &str, name: &str| {
        post(&fixture, &format!("/v1/workflows/executions/e/{how}"), json!({"name": name, "input": {"a": 1}})).await
    };
    assert_eq!(call("signals", "__stop").await, (202, json!({"message": "Signal accepted"})));
    assert_eq!(call("queries", "__state").await, (200, json!({"query_name": "__state", "result": {"a": 1}})));
    assert_eq!(call("updates", "__add").await, (200, json!({"update_name": "__add", "result": {"a": 1}})));
    assert_eq!(call("signals", "unknown").await.0, 404);
    assert_eq!(post(&fixture, "/v1/workflows/executions/f/cancel", Value::Null).await.0, 204);
    let (_, all) = post(&fixture, "/v1/workflows/executions/terminate", json!({"execution_ids": ["e", "none"]})).await;
    assert_eq!(
        (&all["results"]["e"]["status"], &all["results"]["none"]["status"]),
        (&json!("success"), &json!("failure"))
    );
    assert_eq!(post(&fixture, "/v1/workflows/executions/cancel", json!({"execution_ids": []})).await.0, 422);
    assert_eq!(call("signals", "__stop").await.0, 409);
}

#[tokio::test]
async fn a_result_can_be_waited_for() {
    let fixture = Fixture::new().await;
    registered(&fixture).await;
    let wait =
        json!({"execution_id": "open", "input": {"name": "A"}, "wait_for_result": true, "timeout_seconds": 0.05});
    assert_eq!(post(&fixture, "/v1/workflows/Greet/execute", wait).await.0, 408);
    let never = json!({"input": {"name": "A"}, "timeout_seconds": -1.0});
    assert_eq!(post(&fixture, "/v1/workflows/Greet/execute", never).await.0, 422);
    let done = WorkflowExecutionCompletedEventAttributes { result: payloads(&json!("hello")), ..Default::default() };
    fixture.run("done", closed("r", Status::Completed, Attributes::WorkflowExecutionCompletedEventAttributes(done)));
    let (_, seen) = get(&fixture, "/v1/workflows/executions/done").await;
    assert_eq!((&seen["status"], &seen["result"]), (&json!("COMPLETED"), &json!("hello")), "{seen}");
    let (_, history) = get(&fixture, "/v1/workflows/executions/done/history").await;
    assert_eq!(
        history["events"][0]["workflowExecutionCompletedEventAttributes"]["result"]["payloads"],
        json!(["hello"])
    );
    let (_, raw) = get(&fixture, "/v1/workflows/executions/done/history?decode_payloads=false").await;
    assert!(
        raw["events"][0].to_string().contains("json/plain") || raw["events"][0].to_string().contains("anNvbi9wbGFpbg")
    );
    assert_eq!(get(&fixture, "/v1/workflows/executions/none").await.0, 404);
}

#[tokio::test]
async fn runs_are_filtered_by_the_engine() {
    let fixture = Fixture::new().await;
    registered(&fixture).await;
    fixture.run("e", open("r"));
    let query = "?workflow_identifier=Greet&search=e&status=RUNNING&deployment_name=d&sort_by=end_time&order=asc\
                 &start_time_after=2026-01-01T00:00:00Z&include_internal=false&root_execution_id=e";
    let (status, list) = get(&fixture, &format!("/v1/workflows/runs{query}")).await;
    assert_eq!((status, &list["executions"][0]["run_id"]), (200, &json!("r")), "{list}");
    let filter = fixture.world().listed.last().unwrap().clone();
    for part in [
        "WorkflowType = 'Greet'",
        "WorkflowId STARTS_WITH 'e'",
        "TaskQueue = 'd'",
        "RootWorkflowId = 'e'",
        "StartTime > '2026-01-01T00:00:00Z'",
        "WorkflowType != '__parallel_execution__'",
        "ORDER BY CloseTime ASC",
    ] {
        assert!(filter.contains(part), "{part} is not in {filter}");
    }
    // What nothing can match is not asked of the engine.
    let asked = fixture.world().listed.len();
    let (_, none) = get(&fixture, "/v1/workflows/runs?search_key=Customer:none").await;
    assert_eq!((none["executions"].as_array().unwrap().len(), fixture.world().listed.len()), (0, asked));
    for wrong in [
        "page_size=0",
        "page_size=1001",
        "search_key=nothing",
        "next_page_token=%21",
        "search_key=a:1&search_key=b:1&search_key=c:1&search_key=d:1",
    ] {
        assert_eq!(get(&fixture, &format!("/v1/workflows/runs?{wrong}")).await.0, 422, "{wrong}");
    }
    let path = "/v1/workflows/Greet/metrics?start_time=2026-01-01T00:00:00Z&end_time=2026-01-02T00:00:00Z";
    let (status, metrics) = get(&fixture, path).await;
    assert!(status == 200 || status == 404, "{metrics}");
}

/// A run registered as the worker does, with a search key.
async fn begun(fixture: &Fixture) {
    let request = json!({
        "temporal_workflow_id": "e", "temporal_run_id": "r", "workflow_name": "Greet", "task_queue": "d",
        "execution_token_hash": "00", "search_key_metadata": {"Customer": "ACME"},
    });
    let (status, body) = post(fixture, "/v1/workflows/executions/register", request).await;
    assert_eq!((status, body), (200, json!({"execution_id": "e", "created": true, "metadata_status": "ok"})));
}

#[tokio::test]
async fn search_keys_find_executions() {
    let fixture = Fixture::new().await;
    begun(&fixture).await;
    let (_, _) = get(&fixture, "/v1/workflows/runs?search_key=Customer:ac").await;
    assert_eq!(fixture.world().listed.last().unwrap(), "WorkflowId IN ('e')");
    let path = "/v1/workflows/executions/search_keys/e";
    let added = json!({"search_key_metadata": {"a:b": "1", "Region": "EU"}});
    let (_, outcome) = send(&fixture, Method::PATCH, path, added).await;
    assert_eq!((&outcome["metadata_status"], &outcome["dropped_keys"]), (&json!("partial"), &json!(["a:b"])));
    let (_, gone) = send(&fixture, Method::DELETE, path, json!({"temporal_run_id": "r", "keys": ["Region"]})).await;
    assert_eq!(gone, json!({"deleted_keys": ["Region"]}));
    let unknown = "/v1/workflows/executions/search_keys/none";
    assert_eq!(send(&fixture, Method::PATCH, unknown, json!({})).await.0, 404);
}

#[tokio::test]
async fn events_are_taken_listed_and_streamed() {
    let fixture = Fixture::new().await;
    begun(&fixture).await;
    fixture.run("e", open("r"));
    let event = |id: &str, run: &str| {
        json!({
            "event_id": id, "event_timestamp": 5, "root_workflow_exec_id": "e", "workflow_exec_id": "e",
            "workflow_run_id": run, "workflow_name": "Greet", "event_type": "ACTIVITY_TASK_STARTED",
            "attributes": {"task_id": "1", "activity_name": "charge", "input": {}},
        })
    };
    let (status, _) = post(&fixture, "/v1/workflows/events", json!({"event": event("1", "r")})).await;
    assert_eq!(status, 200);
    let batch = json!({"events": [event("2", "r"), event("3", "r")]});
    let (_, taken) = post(&fixture, "/v1/workflows/events/batch", batch).await;
    assert_eq!(taken["events_received"], 2);
    let (_, page) = get(&fixture, "/v1/workflows/events/list?workflow_exec_id=e&limit=2").await;
    assert_eq!((page["events"].as_array().unwrap().len(), &page["events"][0]["event_id"]), (2, &json!("1")));
    let next = page["next_cursor"].as_str().unwrap();
    let (_, rest) = get(&fixture, &format!("/v1/workflows/events/list?cursor={next}")).await;
    assert_eq!((&rest["events"][0]["event_id"], &rest["next_cursor"]), (&json!("3"), &Value::Null));
    assert_eq!(get(&fixture, "/v1/workflows/events/list?cursor=x").await.0, 422);
    // What was kept, as a stream that ends.
    let (status, stream) = get(&fixture, "/v1/workflows/executions/e/stream?event_source=DATABASE").await;
    let stream = stream.as_str().unwrap();
    assert_eq!((status, stream.matches("event: ACTIVITY_TASK_STARTED").count()), (200, 3), "{stream}");
    let asked = json!({"workflow_exec_id": "e", "workflow_run_id": "r"});
    let (_, token) = post(&fixture, "/v2/workflows/workers/event-route-token", asked).await;
    let token = token["route_token"].as_str().unwrap().to_owned();
    let with_token = async |run: &str, token: &str| {
        let request = Request::builder().method(Method::POST).uri("/v2/workflows/events");
        let request = request.header("x-workflow-route-token", token).header("content-type", "application/json");
        let body = json!({"event": event("4", run)}).to_string();
        answer(&fixture, request.body(Body::from(body)).unwrap()).await.0
    };
    assert_eq!(with_token("r", &token).await, 200);
    assert_ne!(with_token("r2", &token).await, 200);
    assert_ne!(with_token("r", "forged").await, 200);
    let other = json!({"workflow_exec_id": "none", "workflow_run_id": "r"});
    assert_eq!(post(&fixture, "/v2/workflows/workers/event-route-token", other).await.0, 404);
}

#[tokio::test]
async fn schedules_live_in_the_engine() {
    let fixture = Fixture::new().await;
    registered(&fixture).await;
    let definition = json!({"input": {"name": "Ada"}, "intervals": [{"every": "PT1H"}]});
    let asked = json!({"workflow_identifier": "Greet", "schedule_id": "s", "schedule": definition});
    let (status, made) = post(&fixture, "/v1/workflows/schedules", asked.clone()).await;
    assert_eq!((status, made), (201, json!({"schedule_id": "s"})));
    assert_eq!(post(&fixture, "/v1/workflows/schedules", asked).await.0, 409);
    assert_eq!(post(&fixture, "/v1/workflows/schedules", json!({"schedule": definition})).await.0, 422);
    let (_, list) = get(&fixture, "/v1/workflows/schedules?search=S").await;
    assert_eq!(list["schedules"][0]["schedule_id"], "s", "{list}");
    let (_, none) = get(&fixture, "/v1/workflows/schedules?status=paused").await;
    assert_eq!(none["schedules"], json!([]));
    let change = json!({"schedule": {"intervals": [{"every": "PT2H"}]}});
    assert_eq!(send(&fixture, Method::PATCH, "/v1/workflows/schedules/s", change).await.0, 200);
    assert_eq!(get(&fixture, "/v1/workflows/schedules/s").await.1["intervals"][0]["every"], "PT2H");
    for how in ["pause", "resume", "trigger"] {
        assert_eq!(post(&fixture, &format!("/v1/workflows/schedules/s/{how}"), Value::Null).await.0, 204, "{how}");
    }
    assert_eq!(post(&fixture, "/v1/workflows/schedules/s/trigger", json!({"overlap": 7})).await.0, 422);
    assert_eq!(fixture.world().patched.len(), 3);
    assert_eq!(send(&fixture, Method::DELETE, "/v1/workflows/schedules/s", Value::Null).await.0, 204);
    assert_eq!(get(&fixture, "/v1/workflows/schedules/s").await.0, 404);
}

#[tokio::test]
async fn telemetry_is_kept_and_shown() {
    let fixture = Fixture::new().await;
    begun(&fixture).await;
    fixture.run("e", open("r"));
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let resource = json!({"attributes": [text("deploymentName", "d")]});
    let record = json!({
        "timeUnixNano": "5000000000", "severityText": "INFO", "body": {"stringValue": "hello"},
        "attributes": [text("workflow.execution_id", "e"), text("temporalWorkflowID", "e")],
    });
    let logs = json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]});
    assert_eq!(post(&fixture, "/telemetry/v1/logs", logs).await, (200, json!({})));
    let (_, seen) = get(&fixture, "/v1/workflows/executions/e/logs").await;
    assert!(seen.to_string().contains("hello"), "{seen}");
    let (_, seen) = get(&fixture, "/v1/workflows/deployments/d/logs").await;
    assert!(seen.to_string().contains("hello"), "{seen}");
    let point = |value: f64| {
        let point = json!({"timeUnixNano": "5000000000", "asDouble": value, "attributes": [text("queue", "d")]});
        let metric = json!({"name": "slots", "unit": "1", "gauge": {"dataPoints": [point]}});
        json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}]})
    };
    for value in [1.0, 2.5] {
        assert_eq!(post(&fixture, "/telemetry/v1/metrics", point(value)).await.0, 200);
    }
    let (_, metrics) = get(&fixture, "/v1/workflows/deployments/d/metrics").await;
    assert_eq!((metrics["metrics"].as_array().unwrap().len(), &metrics["metrics"][0]["value"]), (1, &json!(2.5)));
    let span = json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "charge", "kind": 1,
        "startTimeUnixNano": "5000000000", "endTimeUnixNano": "6000000000", "attributes": [text("temporalWorkflowID", "e")],
    });
    let traces =
        json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "s"}, "spans": [span]}]}]});
    assert_eq!(post(&fixture, "/telemetry/v1/traces", traces).await.0, 200);
    let spans =
        crate::service::telemetry::spans_of(&fixture.api, "n", "5b8efff798038103d269b633813fc60c").await.unwrap();
    assert_eq!((spans.len(), spans[0].span.name.as_str()), (1, "charge"));
    assert_eq!(post(&fixture, "/telemetry/v1/traces", json!("nothing")).await.0, 400);
    for path in ["trace/summary", "trace/events", "trace/otel", "trace/info"] {
        let (status, body) = get(&fixture, &format!("/v1/workflows/executions/e/{path}")).await;
        assert!(status == 200 || status == 404, "{path}: {body}");
    }
}

#[tokio::test]
async fn graphs_and_credentials_are_kept_with_what_they_are_of() {
    let fixture = Fixture::new().await;
    let id = registered(&fixture).await;
    let graph = json!({"workflow_registration_id": id, "version": 1, "graph_data": {"nodes": []}});
    assert_eq!(get(&fixture, "/v1/workflows/Greet/graphs").await.0, 404);
    assert_eq!(post(&fixture, "/v1/workflows/Greet/graphs", graph).await.0, 200);
    let (_, seen) = get(&fixture, "/v1/workflows/Greet/graphs").await;
    assert_eq!((&seen["workflow_name"], &seen["graph_data"]["nodes"]), (&json!("Greet"), &json!([])));
    let (_, deployment) = get(&fixture, "/v1/workflows/deployments/d").await;
    let path = "/v1/workflows/deployments/authorized-credentials";
    let credential = json!({"deployment_id": deployment["id"], "credential_id": "key", "principal_type": "api_key"});
    assert_eq!(post(&fixture, path, credential.clone()).await.0, 201);
    let (_, list) = get(&fixture, path).await;
    assert_eq!(list["authorized_credentials"][0]["deployment_name"], "d");
    assert_eq!(send(&fixture, Method::DELETE, path, credential).await.0, 204);
    assert_eq!(get(&fixture, path).await.1, json!({"authorized_credentials": []}));
    let stranger = json!({"deployment_id": uuid::Uuid::nil(), "credential_id": "key"});
    assert_eq!(post(&fixture, path, stranger).await.0, 404);
}
