//! An API for tests: over an engine that remembers what it is asked, with records in a temporary directory.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ostro_wire::{Answer, CallContext, Caller as Engine, Services, WorkflowService};
use serde_json::{Value, json};
use temporalio_protos::temporal::api::common::v1::{Payloads, WorkflowExecution, WorkflowType};
use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};
use temporalio_protos::temporal::api::schedule::v1::{Schedule, ScheduleListEntry, ScheduleListInfo};
use temporalio_protos::temporal::api::update::v1::{Outcome, outcome};
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1::*;
use tonic::Status as Refusal;

use super::api::{Api, Scheduler, Settings};
use super::registry::register::Registered;
use crate::model::access::{Access, Caller, Role};
use crate::model::definition::WorkflowSpecsRegisterRequest;
use crate::store::SqliteRecords;

/// The namespace of every test.
pub(crate) const NAMESPACE: &str = "n";

/// A run as the engine of a test has it.
#[derive(Clone, Default)]
pub(crate) struct Run {
    pub run_id: String,
    pub workflow: String,
    pub queue: String,
    pub closed: Option<Status>,
    /// Its history, the event of its end the last.
    pub events: Vec<HistoryEvent>,
}

/// What an engine of a test has, and what it was asked.
#[derive(Default)]
pub(crate) struct World {
    pub executions: BTreeMap<String, Vec<Run>>,
    pub schedules: BTreeMap<String, Schedule>,
    pub started: Vec<StartWorkflowExecutionRequest>,
    pub signalled: Vec<SignalWorkflowExecutionRequest>,
    pub reset: Vec<ResetWorkflowExecutionRequest>,
    pub patched: Vec<PatchScheduleRequest>,
    /// The filters of lists.
    pub listed: Vec<String>,
    /// Names of the calls that change something, in order.
    pub calls: Vec<String>,
}

impl World {
    fn run(&self, execution: Option<&WorkflowExecution>) -> Result<(String, Run), Refusal> {
        let WorkflowExecution { workflow_id, run_id } = execution.cloned().unwrap_or_default();
        let runs = self.executions.get(&workflow_id).map(Vec::as_slice).unwrap_or_default();
        let found = runs.iter().rev().find(|run| run_id.is_empty() || run.run_id == run_id);
        let run =
            found.cloned().ok_or_else(|| Refusal::not_found(format!("workflow not found for ID: {workflow_id}")))?;
        Ok((workflow_id, run))
    }

    fn info(id: &str, run: &Run) -> WorkflowExecutionInfo {
        WorkflowExecutionInfo {
            execution: Some(WorkflowExecution { workflow_id: id.into(), run_id: run.run_id.clone() }),
            r#type: Some(WorkflowType { name: run.workflow.clone() }),
            task_queue: run.queue.clone(),
            status: run.closed.unwrap_or(Status::Running).into(),
            start_time: Some(prost_wkt_types::Timestamp { seconds: 1, nanos: 0 }),
            close_time: run.closed.map(|_| prost_wkt_types::Timestamp { seconds: 2, nanos: 0 }),
            history_length: run.events.len() as i64,
            ..Default::default()
        }
    }

    fn schedule(&self, id: &str) -> Result<Schedule, Refusal> {
        self.schedules.get(id).cloned().ok_or_else(|| Refusal::not_found("schedule not found"))
    }
}

#[derive(Clone, Default)]
struct Remembers(Arc<Mutex<World>>);

impl Remembers {
    fn world(&self, call: &str) -> std::sync::MutexGuard<'_, World> {
        let mut world = self.0.lock().unwrap();
        world.calls.push(call.to_owned());
        world
    }

    fn stopped(&self, call: &str, execution: Option<&WorkflowExecution>, how: Status) -> Result<(), Refusal> {
        let mut world = self.world(call);
        let (id, run) = world.run(execution)?;
        if run.closed.is_some() {
            return Err(Refusal::not_found("workflow execution already completed"));
        }
        world.executions.get_mut(&id).unwrap().last_mut().unwrap().closed = Some(how);
        Ok(())
    }
}

#[async_trait]
#[allow(deprecated, reason = "messages have fields that are")]
impl WorkflowService for Remembers {
    async fn start_workflow_execution(
        &self,
        _: &CallContext,
        request: StartWorkflowExecutionRequest,
    ) -> Answer<StartWorkflowExecutionResponse> {
        let mut world = self.world("start");
        let runs = world.executions.entry(request.workflow_id.clone()).or_default();
        if runs.last().is_some_and(|run| run.closed.is_none()) {
            return Err(Refusal::already_exists("Workflow execution is already running."));
        }
        let run_id = format!("{}-{}", request.workflow_id, runs.len() + 1);
        runs.push(Run {
            run_id: run_id.clone(),
            workflow: request.workflow_type.clone().unwrap_or_default().name,
            queue: request.task_queue.clone().unwrap_or_default().name,
            ..Run::default()
        });
        world.started.push(request);
        Ok(StartWorkflowExecutionResponse { run_id, started: true, ..Default::default() }.into())
    }

    async fn describe_workflow_execution(
        &self,
        _: &CallContext,
        request: DescribeWorkflowExecutionRequest,
    ) -> Answer<DescribeWorkflowExecutionResponse> {
        let (id, run) = self.0.lock().unwrap().run(request.execution.as_ref())?;
        let workflow_execution_info = Some(World::info(&id, &run));
        Ok(DescribeWorkflowExecutionResponse { workflow_execution_info, ..Default::default() }.into())
    }

    async fn list_workflow_executions(
        &self,
        _: &CallContext,
        request: ListWorkflowExecutionsRequest,
    ) -> Answer<ListWorkflowExecutionsResponse> {
        let mut world = self.0.lock().unwrap();
        world.listed.push(request.query);
        let runs = world.executions.iter().flat_map(|(id, runs)| runs.iter().map(move |run| World::info(id, run)));
        Ok(ListWorkflowExecutionsResponse { executions: runs.collect(), ..Default::default() }.into())
    }

    async fn get_workflow_execution_history(
        &self,
        _: &CallContext,
        request: GetWorkflowExecutionHistoryRequest,
    ) -> Answer<GetWorkflowExecutionHistoryResponse> {
        let (_, run) = self.0.lock().unwrap().run(request.execution.as_ref())?;
        if request.wait_new_event && run.closed.is_none() {
            std::future::pending::<()>().await;
        }
        // Of a filtered history the last event is given.
        let events = match request.history_event_filter_type {
            2 => run.events.last().cloned().into_iter().collect(),
            _ => run.events,
        };
        Ok(GetWorkflowExecutionHistoryResponse { history: Some(History { events }), ..Default::default() }.into())
    }

    async fn signal_workflow_execution(
        &self,
        _: &CallContext,
        request: SignalWorkflowExecutionRequest,
    ) -> Answer<SignalWorkflowExecutionResponse> {
        self.world("signal").signalled.push(request);
        Ok(SignalWorkflowExecutionResponse::default().into())
    }

    /// Answers its arguments; `slow` has no worker, and `broken` fails.
    async fn query_workflow(&self, _: &CallContext, request: QueryWorkflowRequest) -> Answer<QueryWorkflowResponse> {
        let query = request.query.unwrap_or_default();
        match query.query_type.as_str() {
            "__slow" => Err(Refusal::failed_precondition("no poller seen for task queue recently")),
            "__broken" => Err(Refusal::invalid_argument("it is broken")),
            _ => Ok(QueryWorkflowResponse { query_result: query.query_args, ..Default::default() }.into()),
        }
    }

    /// Answers its arguments; `__refused` fails.
    async fn update_workflow_execution(
        &self,
        _: &CallContext,
        request: UpdateWorkflowExecutionRequest,
    ) -> Answer<UpdateWorkflowExecutionResponse> {
        let input = request.request.unwrap_or_default().input.unwrap_or_default();
        let value = if input.name == "__refused" {
            outcome::Value::Failure(Failure { message: "not now".into(), ..Default::default() })
        } else {
            outcome::Value::Success(input.args.unwrap_or_default())
        };
        let outcome = Some(Outcome { value: Some(value) });
        Ok(UpdateWorkflowExecutionResponse { outcome, ..Default::default() }.into())
    }

    async fn request_cancel_workflow_execution(
        &self,
        _: &CallContext,
        request: RequestCancelWorkflowExecutionRequest,
    ) -> Answer<RequestCancelWorkflowExecutionResponse> {
        self.stopped("cancel", request.workflow_execution.as_ref(), Status::Canceled)?;
        Ok(RequestCancelWorkflowExecutionResponse::default().into())
    }

    async fn terminate_workflow_execution(
        &self,
        _: &CallContext,
        request: TerminateWorkflowExecutionRequest,
    ) -> Answer<TerminateWorkflowExecutionResponse> {
        self.stopped("terminate", request.workflow_execution.as_ref(), Status::Terminated)?;
        Ok(TerminateWorkflowExecutionResponse::default().into())
    }

    async fn reset_workflow_execution(
        &self,
        _: &CallContext,
        request: ResetWorkflowExecutionRequest,
    ) -> Answer<ResetWorkflowExecutionResponse> {
        self.world("reset").reset.push(request);
        Ok(ResetWorkflowExecutionResponse { run_id: "reset".into() }.into())
    }

    async fn create_schedule(&self, _: &CallContext, request: CreateScheduleRequest) -> Answer<CreateScheduleResponse> {
        let mut world = self.world("create schedule");
        if world.schedules.contains_key(&request.schedule_id) {
            return Err(Refusal::already_exists("schedule already exists"));
        }
        world.schedules.insert(request.schedule_id, request.schedule.unwrap_or_default());
        Ok(CreateScheduleResponse::default().into())
    }

    async fn describe_schedule(
        &self,
        _: &CallContext,
        request: DescribeScheduleRequest,
    ) -> Answer<DescribeScheduleResponse> {
        let schedule = Some(self.0.lock().unwrap().schedule(&request.schedule_id)?);
        Ok(DescribeScheduleResponse { schedule, conflict_token: b"token".to_vec(), ..Default::default() }.into())
    }

    async fn update_schedule(&self, _: &CallContext, request: UpdateScheduleRequest) -> Answer<UpdateScheduleResponse> {
        assert_eq!(request.conflict_token, b"token");
        let mut world = self.world("update schedule");
        world.schedules.insert(request.schedule_id, request.schedule.unwrap_or_default());
        Ok(UpdateScheduleResponse::default().into())
    }

    async fn patch_schedule(&self, _: &CallContext, request: PatchScheduleRequest) -> Answer<PatchScheduleResponse> {
        let mut world = self.world("patch schedule");
        world.schedule(&request.schedule_id)?;
        world.patched.push(request);
        Ok(PatchScheduleResponse::default().into())
    }

    async fn delete_schedule(&self, _: &CallContext, request: DeleteScheduleRequest) -> Answer<DeleteScheduleResponse> {
        let mut world = self.world("delete schedule");
        world.schedules.remove(&request.schedule_id).ok_or_else(|| Refusal::not_found("schedule not found"))?;
        Ok(DeleteScheduleResponse::default().into())
    }

    /// A page for each schedule.
    async fn list_schedules(&self, _: &CallContext, request: ListSchedulesRequest) -> Answer<ListSchedulesResponse> {
        let world = self.0.lock().unwrap();
        let at: usize = String::from_utf8(request.next_page_token).unwrap().parse().unwrap_or(0);
        let entry = |id: &String| ScheduleListEntry {
            schedule_id: id.clone(),
            info: Some(ScheduleListInfo::default()),
            ..Default::default()
        };
        let next = if at + 1 < world.schedules.len() { (at + 1).to_string() } else { String::new() };
        Ok(ListSchedulesResponse {
            schedules: world.schedules.keys().skip(at).take(1).map(entry).collect(),
            next_page_token: next.into_bytes(),
        }
        .into())
    }
}

/// An API, and the engine's side of it.
pub(crate) struct Fixture {
    pub api: Arc<Api>,
    world: Remembers,
    _directory: tempfile::TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let records = SqliteRecords::open(&directory.path().join("records.db"), false).unwrap();
        let settings = Settings {
            namespace: NAMESPACE.into(),
            access: Access::Open,
            nexus_callers: Default::default(),
            scheduler: Scheduler::At("127.0.0.1:7233".into()),
            scheduler_tls: false,
            records_retention: None,
            retention_interval: Duration::from_secs(60),
            throttle: None,
        };
        let world = Remembers::default();
        let engine = Engine::new(Services::new(Arc::new(world.clone())));
        let api = Api::new(engine, Arc::new(records), settings).await.unwrap();
        Self { api, world, _directory: directory }
    }

    /// The engine, to look at or to change.
    pub(crate) fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.0.lock().unwrap()
    }

    /// Registers one workflow, `Greet`, whose input is an object with a text `name`: as the worker `one` of the deployment, with
    /// the deployment's name as task queue, and with what `more` adds to the definition.
    pub(crate) async fn register(&self, deployment: &str, more: Value) -> Registered {
        super::workers::register(&self.api, &caller(), &registration(deployment, more)).await.unwrap()
    }

    /// Adds a run to the engine, under its execution.
    pub(crate) fn run(&self, execution: &str, run: Run) {
        self.world().executions.entry(execution.to_owned()).or_default().push(run);
    }
}

/// What [`Fixture::register`] sends.
pub(crate) fn registration(deployment: &str, more: Value) -> WorkflowSpecsRegisterRequest {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
    let handler = json!([{"name": "greet", "input_schema": schema}]);
    let mut definition = json!({
        "name": "Greet", "task_queue": deployment, "input_schema": schema,
        "signals": handler, "queries": handler, "updates": handler,
    });
    for (key, value) in more.as_object().cloned().unwrap_or_default() {
        definition[key] = value;
    }
    let request = json!({"definitions": [definition], "deployment_name": deployment, "worker_name": "one"});
    serde_json::from_value(request).unwrap()
}

/// A caller with the key `ada` that may do everything.
pub(crate) fn caller() -> Caller {
    Caller { namespace: NAMESPACE.into(), role: Role::Admin, subject: "ada".into(), key: None }
}

/// An event of a history.
pub(crate) fn event(event_id: i64, attributes: Attributes) -> HistoryEvent {
    let event_time = Some(prost_wkt_types::Timestamp { seconds: 2, nanos: 0 });
    HistoryEvent { event_id, event_time, attributes: Some(attributes), ..Default::default() }
}

/// A run of `Greet` on the queue `d` that is closed as `status` by its only event.
pub(crate) fn closed(run_id: &str, status: Status, end: Attributes) -> Run {
    Run {
        run_id: run_id.into(),
        workflow: "Greet".into(),
        queue: "d".into(),
        closed: Some(status),
        events: vec![event(5, end)],
    }
}

/// A run of `Greet` on the queue `d` that is open.
pub(crate) fn open(run_id: &str) -> Run {
    Run { run_id: run_id.into(), workflow: "Greet".into(), queue: "d".into(), ..Run::default() }
}

/// The payloads of one value.
pub(crate) fn payloads(value: &Value) -> Option<Payloads> {
    Some(Payloads { payloads: vec![crate::model::payload::plain(value)] })
}
