//! The extremes of each type at every field of every request, and of every event of an imported history.
//!
//! Made from the descriptors, so that a new field is tried by itself. Whatever is asked is answered, never with INTERNAL; the engine lives
//! on, also when the clock moves a second, a day, a year and two hundred years on; what is stored is sound and opens again.

mod requests;
mod values;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use ostro_engine::call::ResolveNamespace;
use ostro_engine::invariants;
use ostro_engine::time::{DAY, HOUR, SECOND};
use ostro_wire::CallContext;
use ostro_wire::ostro_service::ImportWorkflowExecutionRequest;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};
use tempfile::TempDir;
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};
use tonic::Code;

use crate::fixture::*;
use values::{Path, extremes, paths, set, written};

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(ostro_wire::DESCRIPTORS).expect("it compiles"));

const WORKFLOWS: &str = "temporal.api.workflowservice.v1.WorkflowService";
const OPERATOR: &str = "temporal.api.operatorservice.v1.OperatorService";
const OSTRO: &str = "ostro.v1.OstroService";
/// For calls that wait where there is nothing.
const PATIENCE: Duration = Duration::from_millis(4);
/// For all others: an answer that does not come by then does not come at all.
const LONG: Duration = Duration::from_secs(20);

fn descriptor(name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(name).expect("a message of the protocol")
}

/// The message that is written so.
fn message(name: &str, json: Value) -> DynamicMessage {
    DynamicMessage::deserialize(descriptor(name), json).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The message with each extreme of each field, one at a time, and which that is.
fn cases(
    kind: &MessageDescriptor,
    mut base: impl FnMut() -> DynamicMessage,
    mut each: impl FnMut(String, DynamicMessage),
) {
    for path in paths(kind) {
        let field = path.last().expect("a path has a field");
        for value in extremes(field) {
            let what = format!("{} = {value:?}", written(&path));
            let mut message = base();
            set(&mut message, &path as &Path, value);
            each(what, message);
        }
    }
}

struct World {
    fixture: Fixture,
    clock: Arc<Moved>,
    number: usize,
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(Moved::default());
        let fixture = Fixture::start_with(tempfile::tempdir().unwrap(), clock.clone()).await;
        let mut world = Self { fixture, clock, number: 0 };
        world.made(OPERATOR, "CreateNexusEndpoint", "endpoint").await;
        world.made(WORKFLOWS, "CreateSchedule", "schedule").await;
        world.made(WORKFLOWS, "StartWorkflowExecution", "w").await;
        world
    }

    /// Makes what the requests name.
    async fn made(&mut self, service: &str, method: &str, id: &str) {
        let (request, _) = ostro_wire::json::method_types(service, method).unwrap();
        let json = requests::request(method, 0).to_string().replace("\"n0\"", &format!("{id:?}"));
        let request = message(&request, serde_json::from_str(&json).unwrap());
        let made = self.call(service, method, request.encode_to_vec(), "as it is").await;
        assert!(made.is_some(), "{method} of {id}");
    }

    /// The answer, if there is one in time.
    async fn call(&self, service: &str, method: &str, request: Vec<u8>, what: &str) -> Option<Bytes> {
        let context = CallContext::in_process();
        let answer = self.fixture.server.services().call(service, method, context, request.into());
        let answer = match waits(method) {
            true => tokio::time::timeout(PATIENCE, answer).await.ok()?,
            false => tokio::time::timeout(LONG, answer).await.unwrap_or_else(|_| panic!("{method} with {what} hangs")),
        };
        if let Err(status) = &answer {
            assert_ne!(status.code(), Code::Internal, "{method} with {what}: {status:?}");
        }
        answer.ok()
    }

    async fn try_method(&mut self, service: &str, method: &str) -> usize {
        let (request, _) = ostro_wire::json::method_types(service, method).unwrap();
        let mut all = Vec::new();
        let number = &mut self.number;
        let base = || {
            *number += 1;
            message(&request, requests::request(method, *number))
        };
        cases(&descriptor(&request), base, |what, message| all.push((what, message.encode_to_vec())));
        let tried = all.len();
        for (what, request) in all {
            self.call(service, method, request, &what).await;
        }
        self.is_alive(method).await;
        tried
    }

    async fn is_alive(&self, after: &str) {
        let alive = self.fixture.server.engine().call(ResolveNamespace { namespace: "default".to_owned() });
        let alive = tokio::time::timeout(Duration::from_secs(20), alive).await;
        assert!(alive.is_ok_and(|answer| answer.is_ok()), "the engine has stopped after {after}");
    }

    /// A workflow that answers its first task with each kind of command, one extreme at a time.
    async fn try_command(&mut self, attributes: &'static str, plain: Value) -> usize {
        let kind = "temporal.api.command.v1.Command";
        let field = descriptor(kind).fields().find(|field| field.json_name() == attributes).expect("a kind of command");
        let base = || {
            let mut command = json!({"commandType": requests::command_type(attributes)});
            command[attributes] = plain.clone();
            message(kind, command)
        };
        let mut all = Vec::new();
        let prost_reflect::Kind::Message(inner) = field.kind() else { panic!("{attributes} are a message") };
        for path in paths(&inner) {
            let whole: Path = std::iter::once(field.clone()).chain(path.iter().cloned()).collect();
            for value in extremes(path.last().expect("a path has a field")) {
                let what = format!("{} = {value:?}", written(&whole));
                let mut command = base();
                set(&mut command, &whole, value);
                all.push((what, command));
            }
        }
        let tried = all.len();
        for (what, command) in all {
            self.complete_with(command, &what).await;
        }
        self.is_alive(attributes).await;
        tried
    }

    async fn complete_with(&mut self, command: DynamicMessage, what: &str) {
        self.number += 1;
        let id = format!("c{}", self.number);
        let mut start = requests::start(&id);
        start["taskQueue"] = json!({"name": id});
        let start = message("temporal.api.workflowservice.v1.StartWorkflowExecutionRequest", start);
        self.call(WORKFLOWS, "StartWorkflowExecution", start.encode_to_vec(), "as it is").await;
        let task = self.fixture.poll(&id).await;
        let name = "temporal.api.workflowservice.v1.RespondWorkflowTaskCompletedRequest";
        let mut complete = message(name, json!({"namespace": "default"}));
        complete.set_field_by_name("task_token", prost_reflect::Value::Bytes(task.task_token.into()));
        complete
            .set_field_by_name("commands", prost_reflect::Value::List(vec![prost_reflect::Value::Message(command)]));
        self.call(WORKFLOWS, "RespondWorkflowTaskCompleted", complete.encode_to_vec(), what).await;
    }

    /// Time passes; whatever is due happens.
    async fn later(&self) {
        for span in [SECOND, HOUR, DAY, 365 * DAY, 200 * 365 * DAY] {
            self.clock.forward(span.nanos());
            self.fixture.server.engine().wake();
            self.is_alive(&format!("{span} more")).await;
        }
    }

    /// Whatever came of it, the file is sound and is served again.
    async fn ends_well(self) {
        self.later().await;
        let clock = self.clock.clone();
        let directory: TempDir = self.fixture.stop().await;
        let inspector = ostro_store::Inspector::open(directory.path().join("ostro.db")).unwrap();
        let looked = inspector.runs(|found| {
            let wrong = match &found.content {
                Ok((run, told)) => invariants::check(run, told).err().map(|wrong| wrong.to_string()),
                Err(what) => Some(what.clone()),
            };
            assert_eq!(wrong, None, "{} {}", found.workflow_id, found.run_id);
        });
        looked.unwrap();
        let again = Fixture::start_with(directory, clock).await;
        again.stop().await;
    }
}

/// Whether a call may wait for what comes later.
fn waits(method: &str) -> bool {
    let waiting = [
        "Poll",
        "Query",
        "GetWorkflowExecutionHistory",
        "UpdateWorkflowExecution",
        "ExecuteMultiOperation",
        "Describe",
    ];
    waiting.iter().any(|begins| method.starts_with(begins))
}

/// What these do would end the test, or is tried with commands.
fn is_left_out(method: &str) -> bool {
    matches!(method, "RespondWorkflowTaskCompleted" | "DeprecateNamespace" | "DeleteNamespace" | "DeleteSchedule")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_every_request_takes_the_extremes_of_its_type() {
    let mut world = World::new().await;
    let mut tried = 0;
    for (service, method) in ostro_wire::methods().filter(|(service, _)| [WORKFLOWS, OPERATOR].contains(service)) {
        if !is_left_out(method) {
            tried += world.try_method(service, method).await;
        }
    }
    assert!(tried > 5_000, "{tried} cases");
    world.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_every_command_takes_the_extremes_of_its_type() {
    let mut world = World::new().await;
    let mut tried = 0;
    for (attributes, plain) in requests::commands() {
        tried += world.try_command(attributes, plain).await;
    }
    assert!(tried > 500, "{tried} cases");
    world.ends_well().await;
}

/// The history of a run that did a bit of everything.
async fn history(world: &mut World) -> Vec<HistoryEvent> {
    let start = message("temporal.api.workflowservice.v1.StartWorkflowExecutionRequest", {
        requests::merged(requests::start("all"), json!({"taskQueue": {"name": "all"}}))
    });
    world.call(WORKFLOWS, "StartWorkflowExecution", start.encode_to_vec(), "as it is").await;
    let task = world.fixture.poll("all").await;
    let open = requests::commands().into_iter().filter(|(attributes, _)| {
        !["complete", "fail", "cancelW", "continueAsNew", "requestCancelNexus"]
            .iter()
            .any(|kind| attributes.starts_with(kind))
    });
    let commands: Vec<_> = open
        .map(|(attributes, plain)| {
            let mut command = json!({"commandType": requests::command_type(attributes)});
            command[attributes] = plain;
            command
        })
        .collect();
    let name = "temporal.api.workflowservice.v1.RespondWorkflowTaskCompletedRequest";
    let mut complete = message(name, json!({"namespace": "default", "commands": commands}));
    complete.set_field_by_name("task_token", prost_reflect::Value::Bytes(task.task_token.into()));
    world.call(WORKFLOWS, "RespondWorkflowTaskCompleted", complete.encode_to_vec(), "as it is").await;
    world.is_alive("its commands").await;
    world.fixture.history(history_request("all")).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_an_imported_history_takes_the_extremes_of_its_type() {
    let mut world = World::new().await;
    let events = history(&mut world).await;
    assert!(events.len() > 8, "{events:?}");
    let kind = descriptor("temporal.api.history.v1.HistoryEvent");
    let mut all = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let plain = DynamicMessage::decode(kind.clone(), event.encode_to_vec().as_slice()).unwrap();
        let of_event = |path: &Path| path[0].containing_oneof().is_none() || plain.has_field(&path[0]);
        for path in paths(&kind).into_iter().filter(of_event) {
            for value in extremes(path.last().expect("a path has a field")) {
                let what = format!("event {}: {} = {value:?}", index + 1, written(&path));
                let mut changed = plain.clone();
                set(&mut changed, &path, value);
                let mut events = events.clone();
                events[index] = HistoryEvent::decode(changed.encode_to_vec().as_slice()).unwrap();
                all.push((what, events));
            }
        }
    }
    assert!(all.len() > 1_000, "{} cases", all.len());
    for (number, (what, events)) in all.into_iter().enumerate() {
        let request = ImportWorkflowExecutionRequest {
            namespace: "default".into(),
            workflow_id: format!("i{number}"),
            run_id: uuid::Uuid::new_v4().to_string(),
            history: Some(History { events }),
        };
        world.call(OSTRO, "ImportWorkflowExecution", request.encode_to_vec(), &what).await;
    }
    world.is_alive("all imports").await;
    world.ends_well().await;
}
