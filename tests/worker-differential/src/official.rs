//! The official core against a server that only says what it is told to: it gets recorded tasks and must do what was recorded.

mod server;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use temporalio_client::{Connection, ConnectionOptions};
use temporalio_common::worker::WorkerTaskTypes;
use temporalio_protos::coresdk::{
    ActivityTaskCompletion,
    activity_result::{ActivityExecutionResult, Success as Done},
    activity_task::{ActivityTask, activity_task::Variant as TaskVariant},
    workflow_activation::WorkflowActivation,
    workflow_completion::{WorkflowActivationCompletion, workflow_activation_completion},
};
use temporalio_protos::temporal::api::workflowservice::v1::{
    PollWorkflowTaskQueueResponse, RespondWorkflowTaskCompletedResponse,
};
use temporalio_sdk_core::{
    CoreRuntime, PollerBehavior, RuntimeOptions, Worker, WorkerConfig, WorkerVersioningStrategy, init_worker,
};
use tokio::sync::{mpsc, oneshot};
use tonic::Status;

use crate::author::Verdict;
use crate::code::{Code, failure, payload};
use crate::compare::{self, Exactly, Exchange, LocalEnd};
use crate::ours::{cancelled, for_good};
use crate::program::Program;
use server::{Call, Said, service};

/// What the official client says that it is.
pub const SDK_NAME: &str = "temporal-rust";
pub const SDK_VERSION: &str = "1.1.1";

/// Longer than anything takes that will happen at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// A worker of the official core. One for many runs, one after the other.
pub struct Official {
    worker: Arc<Worker>,
    tasks: mpsc::UnboundedSender<PollWorkflowTaskQueueResponse>,
    calls: mpsc::UnboundedReceiver<Call>,
    activations: mpsc::UnboundedReceiver<WorkflowActivation>,
    locals: mpsc::UnboundedReceiver<ActivityTask>,
    begun: HashMap<(String, String), Vec<u8>>,
    code: Option<Code>,
    has_run: bool,
    run_id: Option<String>,
    open: Option<oneshot::Sender<Result<Vec<u8>, Status>>>,
    _runtime: CoreRuntime,
}

impl Official {
    /// A worker with nothing to do.
    pub async fn start() -> Self {
        let (tasks, task_queue) = mpsc::unbounded_channel();
        let (call, calls) = mpsc::unbounded_channel();
        let options =
            ConnectionOptions::new("http://nobody.invalid".parse::<temporalio_sdk_core::Url>().expect("a URL"))
                .identity("differential".to_owned())
                .service_override(service(task_queue, call))
                .dns_load_balancing(None)
                .build();
        let connection = Connection::connect(options).await.expect("nothing to connect to");
        let quiet = RuntimeOptions::builder().heartbeat_interval(None).build().expect("options");
        let runtime = CoreRuntime::new_assume_tokio(quiet).expect("a runtime");
        let worker = Arc::new(init_worker(&runtime, config(), connection).expect("a worker"));
        let (activations, locals) = (polls(worker.clone()), local_polls(worker.clone()));
        Self {
            worker,
            tasks,
            calls,
            activations,
            locals,
            begun: HashMap::new(),
            code: None,
            has_run: false,
            run_id: None,
            open: None,
            _runtime: runtime,
        }
    }

    /// Gives it the tasks of a trace. It must do what the trace says.
    ///
    /// # Errors
    /// The first thing that it does differently.
    pub async fn check(&mut self, program: &Program, trace: &[Exchange], exactly: Exactly) -> Result<(), String> {
        let checked = self.follow(program, trace, exactly).await;
        let run_id = run_of(trace);
        // Whatever is left of the run must not meet the next one.
        if let Some(open) = self.open.take() {
            let _ = open.send(Err(Status::not_found("the run is over")));
        }
        self.evict(program, &run_id).await.map_err(|error| match &checked {
            Ok(()) => error,
            Err(first) => format!("{first}\nand then: {error}"),
        })?;
        self.code = None;
        self.begun.retain(|(run, _), _| *run != run_id);
        checked
    }

    async fn follow(&mut self, program: &Program, trace: &[Exchange], exactly: Exactly) -> Result<(), String> {
        for (index, exchange) in trace.iter().enumerate() {
            let followed = self.exchange(program, exchange, exactly).await;
            let before = || trace[..=index].iter().map(compare::name).collect::<Vec<_>>().join("\n  ");
            followed.map_err(|error| format!("exchange {index} of {}: {error}\n  {}", trace.len(), before()))?;
        }
        Ok(())
    }

    async fn exchange(&mut self, program: &Program, exchange: &Exchange, exactly: Exactly) -> Result<(), String> {
        match exchange {
            Exchange::Task(task) => {
                self.run_id = task.workflow_execution.as_ref().map(|execution| execution.run_id.clone());
                self.tasks.send((**task).clone()).map_err(|_| "the worker is gone".to_owned())
            }
            Exchange::Activation(ours) => match self.next(program).await? {
                Said::Activation(official) => {
                    compare::activations(ours, &official, exactly)?;
                    self.turn(program, &official);
                    Ok(())
                }
                other => Err(format!("ours has an activation {ours:#?}, official {other:#?}")),
            },
            Exchange::Completes(ours) => match self.next(program).await? {
                Said::Completes(official) => compare::completions(ours, &official),
                other => Err(format!("ours completes the task, official {other:#?}")),
            },
            Exchange::AnswersQuery(ours) => match self.next(program).await? {
                Said::AnswersQuery(official) => compare::same("answer", &ours.query_result, &official.query_result),
                other => Err(format!("ours answers a query, official {other:#?}")),
            },
            Exchange::Fails(ours) => match self.next(program).await? {
                Said::Fails(_) => Ok(()),
                other => Err(format!("ours fails the task: {:?}\nofficial {other:#?}", ours.failure)),
            },
            Exchange::Answer(verdict) => {
                self.answer(*verdict);
                if *verdict == Verdict::Refused { self.gone(program).await } else { Ok(()) }
            }
            Exchange::LocalBegins(id) => self.local_begins(id).await,
            Exchange::LocalEnds(id, end) => self.end_local(id, *end).await,
            Exchange::Evict => {
                let run_id = self.run_id.clone().unwrap_or_default();
                self.evict(program, &run_id).await
            }
        }
    }
}

impl Official {
    /// The next thing that it says. That it has forgotten a run it says between others: that is answered here.
    async fn next(&mut self, program: &Program) -> Result<Said, String> {
        loop {
            let said = tokio::select! {
                biased;
                Some(call) = self.calls.recv() => {
                    self.open = Some(call.answer);
                    call.said
                }
                Some(activation) = self.activations.recv() => Said::Activation(Box::new(activation)),
                () = tokio::time::sleep(PATIENCE) => return Err("official does nothing".to_owned()),
            };
            match said {
                Said::Activation(activation) if activation.is_only_eviction() => self.forgotten(&activation).await,
                Said::Activation(activation) => {
                    self.has_run = true;
                    self.code.get_or_insert_with(|| Code::new(program.clone()));
                    return Ok(Said::Activation(activation));
                }
                said => return Ok(said),
            }
        }
    }

    async fn forgotten(&mut self, activation: &WorkflowActivation) {
        self.code = None;
        self.has_run = false;
        // They may begin again.
        self.begun.clear();
        let completion = WorkflowActivationCompletion::empty(activation.run_id.clone());
        let _ = self.worker.complete_workflow_activation(completion).await;
    }

    /// The code's answer. The worker may talk to its server before it has taken it, so nobody waits.
    fn turn(&mut self, program: &Program, activation: &WorkflowActivation) {
        let code = self.code.get_or_insert_with(|| Code::new(program.clone()));
        let completion = WorkflowActivationCompletion {
            run_id: activation.run_id.clone(),
            status: Some(workflow_activation_completion::Status::Successful(code.turn(activation))),
            ..Default::default()
        };
        let worker = self.worker.clone();
        tokio::spawn(async move { worker.complete_workflow_activation(completion).await });
    }

    fn answer(&mut self, verdict: Verdict) {
        let answer = match verdict {
            Verdict::Taken => Ok(Vec::new()),
            Verdict::ResetTo(id) => {
                let response =
                    RespondWorkflowTaskCompletedResponse { reset_history_event_id: id, ..Default::default() };
                Ok(response.encode_to_vec())
            }
            Verdict::Refused => Err(Status::not_found("the workflow task is over")),
        };
        if let Some(open) = self.open.take() {
            let _ = open.send(answer);
        }
    }

    /// Waits until it has forgotten the run.
    async fn gone(&mut self, program: &Program) -> Result<(), String> {
        while self.has_run {
            let Ok(next) = tokio::time::timeout(PATIENCE, self.activations.recv()).await else {
                return Err("official does not forget the run".to_owned());
            };
            match next {
                Some(activation) if activation.is_only_eviction() => self.forgotten(&activation).await,
                Some(activation) => self.turn(program, &activation),
                None => return Err("the worker is gone".to_owned()),
            }
        }
        Ok(())
    }

    async fn evict(&mut self, program: &Program, run_id: &str) -> Result<(), String> {
        if !self.has_run {
            return Ok(());
        }
        self.worker.request_workflow_eviction(run_id);
        while self.has_run {
            // What it was about to say is not heard any more.
            tokio::select! {
                biased;
                Some(call) = self.calls.recv() => drop(call.answer.send(Err(Status::not_found("the run is over")))),
                gone = self.activations.recv() => match gone {
                    Some(activation) if activation.is_only_eviction() => self.forgotten(&activation).await,
                    Some(activation) => self.turn(program, &activation),
                    None => return Err("the worker is gone".to_owned()),
                },
                () = tokio::time::sleep(PATIENCE) => return Err("official does not forget the run".to_owned()),
            }
        }
        Ok(())
    }

    /// Waits for an attempt of a local activity to begin.
    async fn local_begins(&mut self, id: &str) -> Result<(), String> {
        let run_id = self.run_id.clone().unwrap_or_default();
        let key = (run_id, id.to_owned());
        while !self.begun.contains_key(&key) {
            let next = tokio::time::timeout(PATIENCE, self.locals.recv()).await;
            let task = next.map_err(|_| format!("official does not begin {id}"))?.ok_or("the worker is gone")?;
            let token = task.task_token;
            if let Some(TaskVariant::Start(start)) = task.variant {
                let run_id = start.workflow_execution.map(|execution| execution.run_id).unwrap_or_default();
                self.begun.insert((run_id, start.activity_id), token);
            }
        }
        Ok(())
    }

    async fn end_local(&mut self, id: &str, end: LocalEnd) -> Result<(), String> {
        let key = (self.run_id.clone().unwrap_or_default(), id.to_owned());
        let task_token = self.begun.remove(&key).unwrap_or_default();
        let result = match end {
            LocalEnd::Completes => ActivityExecutionResult {
                status: Some(
                    temporalio_protos::coresdk::activity_result::activity_execution_result::Status::Completed(Done {
                        result: Some(payload("local")),
                    }),
                ),
            },
            LocalEnd::FailsForNow => ActivityExecutionResult::fail(failure("for now")),
            LocalEnd::FailsForGood => ActivityExecutionResult::fail(for_good()),
            LocalEnd::IsCancelled => ActivityExecutionResult::cancel(cancelled()),
        };
        let completion = ActivityTaskCompletion { task_token, result: Some(result) };
        self.worker.complete_activity_task(completion).await.map_err(|error| error.to_string())
    }
}

fn run_of(trace: &[Exchange]) -> String {
    let task = trace.iter().find_map(|exchange| match exchange {
        Exchange::Task(task) => task.workflow_execution.as_ref(),
        _ => None,
    });
    task.map(|execution| execution.run_id.clone()).unwrap_or_default()
}

fn config() -> WorkerConfig {
    WorkerConfig::builder()
        .namespace("default")
        .task_queue("queue")
        .task_types(WorkerTaskTypes {
            enable_workflows: true,
            enable_local_activities: true,
            enable_remote_activities: false,
            enable_nexus: false,
        })
        .max_cached_workflows(100_usize)
        .max_outstanding_workflow_tasks(100_usize)
        .max_outstanding_activities(1_usize)
        .max_outstanding_local_activities(10_000_usize)
        .max_outstanding_nexus_tasks(1_usize)
        .workflow_task_poller_behavior(PollerBehavior::SimpleMaximum(2))
        .versioning_strategy(WorkerVersioningStrategy::None { build_id: String::new() })
        .build()
        .expect("a configuration")
}

fn polls(worker: Arc<Worker>) -> mpsc::UnboundedReceiver<WorkflowActivation> {
    let (send, receive) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok(activation) = worker.poll_workflow_activation().await {
            if send.send(activation).is_err() {
                return;
            }
        }
    });
    receive
}

fn local_polls(worker: Arc<Worker>) -> mpsc::UnboundedReceiver<ActivityTask> {
    let (send, receive) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok(task) = worker.poll_activity_task().await {
            if send.send(task).is_err() {
                return;
            }
        }
    });
    receive
}
