//! One workflow, from outside.

use std::marker::PhantomData;
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde_json::Value;
use temporalio_common::protos::temporal::api::enums::v1::{HistoryEventFilterType, WorkflowExecutionStatus};
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_common::protos::temporal::api::testservice::v1::{LockTimeSkippingRequest, UnlockTimeSkippingRequest};
use temporalio_common::protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, GetWorkflowExecutionHistoryRequest, QueryWorkflowRequest,
    RequestCancelWorkflowExecutionRequest, SignalWorkflowExecutionRequest, TerminateWorkflowExecutionRequest,
};
use tonic::Code;

use crate::client::history::{self, History};
use crate::client::rpc;
use crate::client::search;
use crate::client::start::{settle, update_request};
use crate::error::{Error, ErrorKind, Result, TimeoutKind};
use crate::ostro_handle::Ostro;
use crate::payload::{self, Payload};
use crate::workflow::{Query, Signal, Update, WorkflowFn};

/// A workflow, without its types.
#[derive(Clone)]
pub(crate) struct Target {
    pub ostro: Ostro,
    pub id: String,
    pub run_id: Option<String>,
}

/// A workflow that was started, or is known by its id.
///
/// It follows the workflow through retries and continue-as-new. Get one from
/// [`start`](crate::workflow::WorkflowCall::start), or for a workflow that runs already from [`Ostro::workflow`].
pub struct WorkflowHandle<W> {
    target: Target,
    workflow: PhantomData<fn(W)>,
}

impl<W> Clone for WorkflowHandle<W> {
    fn clone(&self) -> Self {
        Self { target: self.target.clone(), workflow: PhantomData }
    }
}

/// How a workflow stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkflowStatus {
    /// It is open.
    Running,
    /// It returned.
    Completed,
    /// It returned an error.
    Failed,
    /// It was cancelled.
    Canceled,
    /// It was terminated.
    Terminated,
    /// It went on as a new run.
    ContinuedAsNew,
    /// It took too long.
    TimedOut,
    /// It is open and paused.
    Paused,
    /// Something newer than this crate.
    Unknown,
}

impl From<WorkflowExecutionStatus> for WorkflowStatus {
    fn from(status: WorkflowExecutionStatus) -> Self {
        match status {
            WorkflowExecutionStatus::Running => Self::Running,
            WorkflowExecutionStatus::Completed => Self::Completed,
            WorkflowExecutionStatus::Failed => Self::Failed,
            WorkflowExecutionStatus::Canceled => Self::Canceled,
            WorkflowExecutionStatus::Terminated => Self::Terminated,
            WorkflowExecutionStatus::ContinuedAsNew => Self::ContinuedAsNew,
            WorkflowExecutionStatus::TimedOut => Self::TimedOut,
            WorkflowExecutionStatus::Paused => Self::Paused,
            WorkflowExecutionStatus::Unspecified => Self::Unknown,
        }
    }
}

/// What the engine says of a workflow.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Description {
    /// Its id.
    pub id: String,
    /// The run that is described.
    pub run_id: String,
    /// The registered name.
    pub name: String,
    /// How it stands.
    pub status: WorkflowStatus,
    /// Its task queue.
    pub task_queue: String,
    /// When the run started.
    pub start_time: Option<SystemTime>,
    /// When it closed.
    pub close_time: Option<SystemTime>,
    /// Events in its history.
    pub history_length: u64,
    /// What was kept with it.
    pub memo: Vec<(String, Value)>,
    /// What it is found by.
    pub search_attributes: Vec<(String, Value)>,
    /// Activities that have not ended.
    pub pending_activities: Vec<PendingActivity>,
}

/// An activity that has not ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PendingActivity {
    /// Its id in the workflow.
    pub id: String,
    /// The registered name.
    pub name: String,
    /// From 1.
    pub attempt: u32,
    /// Why the last attempt failed.
    pub last_failure: Option<String>,
    /// The details of the last heartbeat.
    pub heartbeat_details: Option<Value>,
    /// The worker that has it.
    pub worker: String,
}

impl Target {
    pub fn new(ostro: Ostro, id: String, run_id: Option<String>) -> Self {
        Self { ostro, id, run_id }
    }

    fn run(&self) -> &str {
        self.run_id.as_deref().unwrap_or_default()
    }

    /// Waits for the result; on a clock that skips, time may jump meanwhile.
    async fn result(&self) -> Result<Payload> {
        if !self.ostro.skips_time() {
            return self.wait().await;
        }
        rpc::ask(&self.ostro, "the clock", &UnlockTimeSkippingRequest {}).await?;
        let result = self.wait().await;
        rpc::ask(&self.ostro, "the clock", &LockTimeSkippingRequest {}).await?;
        result
    }

    async fn wait(&self) -> Result<Payload> {
        let mut run_id = self.run().to_owned();
        let mut token = Vec::new();
        loop {
            let request = GetWorkflowExecutionHistoryRequest {
                namespace: self.ostro.namespace().to_owned(),
                execution: rpc::execution(&self.id, &run_id),
                wait_new_event: true,
                history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
                next_page_token: std::mem::take(&mut token),
                ..Default::default()
            };
            let what = format!("the result of workflow {:?}", self.id);
            let answer = rpc::wait(&self.ostro, what, &request).await?;
            let close = answer.history.and_then(|history| history.events.into_iter().last());
            match close.and_then(|event| event.attributes) {
                Some(attributes) => match closed(&self.id, attributes) {
                    Closed::With(result) => return result,
                    Closed::GoesOnAs(next) => run_id = next,
                },
                None => token = answer.next_page_token,
            }
        }
    }

    pub async fn signal(&self, name: String, payloads: Vec<Payload>) -> Result<()> {
        payload::check(&payloads, format_args!("the input of signal `{name}`"))?;
        let request = SignalWorkflowExecutionRequest {
            namespace: self.ostro.namespace().to_owned(),
            workflow_execution: rpc::execution(&self.id, if name.starts_with("ostro:") { self.run() } else { "" }),
            signal_name: name.clone(),
            input: rpc::payloads(payloads),
            identity: self.ostro.identity().to_owned(),
            request_id: rpc::request_id(),
            ..Default::default()
        };
        let what = format!("signal `{name}` to workflow {:?}", self.id);
        rpc::ask(&self.ostro, what, &request).await.map(drop)
    }

    async fn query(&self, name: String, payloads: Vec<Payload>) -> Result<Payload> {
        payload::check(&payloads, format!("the input of query `{name}`"))?;
        let request = QueryWorkflowRequest {
            namespace: self.ostro.namespace().to_owned(),
            execution: rpc::execution(&self.id, ""),
            query: Some(WorkflowQuery {
                query_type: name.clone(),
                query_args: rpc::payloads(payloads),
                ..Default::default()
            }),
            ..Default::default()
        };
        let what = format!("query `{name}` of workflow {:?}", self.id);
        let answer = rpc::ask(&self.ostro, what, &request).await?;
        Ok(answer.query_result.and_then(|result| result.payloads.into_iter().next()).unwrap_or_default())
    }

    async fn update(&self, name: String, id: Option<String>, payloads: Vec<Payload>) -> Result<Payload> {
        payload::check(&payloads, format_args!("the input of update `{name}`"))?;
        let id = Some(id.unwrap_or_else(rpc::request_id));
        let what = format!("update `{name}` of workflow {:?}", self.id);
        loop {
            let request = update_request(&self.ostro, (&self.id, ""), name.clone(), id.clone(), payloads.clone());
            let answer = rpc::wait(&self.ostro, &what, &request).await?;
            // Without an outcome the wait was cut short: asked again with the same id it goes on.
            if let Some(outcome) = answer.outcome.and_then(|outcome| outcome.value) {
                return settle(outcome);
            }
        }
    }

    async fn cancel(&self, reason: String) -> Result<()> {
        let request = RequestCancelWorkflowExecutionRequest {
            namespace: self.ostro.namespace().to_owned(),
            workflow_execution: rpc::execution(&self.id, ""),
            identity: self.ostro.identity().to_owned(),
            request_id: rpc::request_id(),
            reason,
            ..Default::default()
        };
        rpc::ask(&self.ostro, format!("the cancellation of workflow {:?}", self.id), &request).await.map(drop)
    }

    async fn terminate(&self, reason: String) -> Result<()> {
        let request = TerminateWorkflowExecutionRequest {
            namespace: self.ostro.namespace().to_owned(),
            workflow_execution: rpc::execution(&self.id, ""),
            identity: self.ostro.identity().to_owned(),
            reason,
            ..Default::default()
        };
        rpc::ask(&self.ostro, format!("the termination of workflow {:?}", self.id), &request).await.map(drop)
    }

    async fn describe(&self) -> Result<Description> {
        let request = DescribeWorkflowExecutionRequest {
            namespace: self.ostro.namespace().to_owned(),
            execution: rpc::execution(&self.id, ""),
        };
        let (id, namespace) = (&self.id, self.ostro.namespace());
        let answer = self.ostro.caller().ask(&request).await.map_err(|status| match status.code() {
            Code::NotFound => Error::engine(format_args!("there is no workflow {id:?} in namespace {namespace:?}"))
                .with_type("NotFound"),
            _ => rpc::refused(format_args!("workflow {id:?}"), &status),
        })?;
        let info = answer.workflow_execution_info.unwrap_or_default();
        let pending = answer.pending_activities.into_iter().map(|activity| PendingActivity {
            id: activity.activity_id,
            name: activity.activity_type.map(|name| name.name).unwrap_or_default(),
            attempt: activity.attempt.try_into().unwrap_or_default(),
            last_failure: activity.last_failure.map(|failure| failure.message),
            heartbeat_details: activity
                .heartbeat_details
                .and_then(|details| details.payloads.first().and_then(|payload| payload::decode(payload).ok())),
            worker: activity.last_worker_identity,
        });
        Ok(describe(info, pending.collect()))
    }
}

fn describe(info: WorkflowExecutionInfo, pending_activities: Vec<PendingActivity>) -> Description {
    let status = info.status().into();
    let execution = info.execution.unwrap_or_default();
    Description {
        id: execution.workflow_id,
        run_id: execution.run_id,
        name: info.r#type.map(|name| name.name).unwrap_or_default(),
        status,
        task_queue: info.task_queue,
        start_time: rpc::time(info.start_time),
        close_time: rpc::time(info.close_time),
        history_length: info.history_length.try_into().unwrap_or_default(),
        memo: info.memo.map(|memo| search::memo_to_json(&memo.fields)).unwrap_or_default(),
        search_attributes: info.search_attributes.map(|attributes| search::to_json(&attributes)).unwrap_or_default(),
        pending_activities,
    }
}

enum Closed {
    With(Result<Payload>),
    GoesOnAs(String),
}

fn closed(id: &str, attributes: Attributes) -> Closed {
    let goes_on = |next: String, otherwise: Result<Payload>| match next.is_empty() {
        true => Closed::With(otherwise),
        false => Closed::GoesOnAs(next),
    };
    match attributes {
        Attributes::WorkflowExecutionCompletedEventAttributes(a) => {
            let payload = a.result.and_then(|result| result.payloads.into_iter().next()).unwrap_or_default();
            goes_on(a.new_execution_run_id, Ok(payload))
        }
        Attributes::WorkflowExecutionFailedEventAttributes(a) => {
            goes_on(a.new_execution_run_id, Err(Error::from_failure(a.failure.unwrap_or_default())))
        }
        Attributes::WorkflowExecutionCanceledEventAttributes(_) => {
            Closed::With(Err(Error::cancelled(format_args!("workflow {id:?} was cancelled"))))
        }
        Attributes::WorkflowExecutionTerminatedEventAttributes(a) => {
            let message = format!("workflow {id:?} was terminated: {}", a.reason);
            Closed::With(Err(Error::of(ErrorKind::Terminated, message)))
        }
        Attributes::WorkflowExecutionTimedOutEventAttributes(a) => {
            let error = Error::of(ErrorKind::Timeout(TimeoutKind::Workflow), format_args!("workflow {id:?} timed out"));
            goes_on(a.new_execution_run_id, Err(error))
        }
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(a) => Closed::GoesOnAs(a.new_execution_run_id),
        _ => Closed::With(Err(Error::engine(format_args!(
            "workflow {id:?} closed with an event this program does not know"
        )))),
    }
}

impl<W> WorkflowHandle<W> {
    pub(crate) fn of(target: Target) -> Self {
        Self { target, workflow: PhantomData }
    }

    /// The workflow's id.
    pub fn id(&self) -> &str {
        &self.target.id
    }

    /// The run that was started; `None` where the handle is by id only.
    pub fn run_id(&self) -> Option<&str> {
        self.target.run_id.as_deref()
    }

    /// Sends a signal. It is in the history when this returns.
    pub async fn signal(&self, signal: Signal<W>) -> Result<()> {
        self.target.signal(signal.name, signal.arguments.into_payloads()?).await
    }

    /// Asks a question. Closed workflows answer too.
    pub async fn query<T: DeserializeOwned>(&self, query: Query<W, T>) -> Result<T> {
        payload::decode(&self.target.query(query.name, query.arguments.into_payloads()?).await?)
    }

    /// Asks for a change and waits until it is done.
    ///
    /// # Errors
    /// What the validator or the handler returned; no such workflow.
    pub async fn update<T: DeserializeOwned>(&self, update: Update<W, T>) -> Result<T> {
        payload::decode(&self.target.update(update.name, update.id, update.arguments.into_payloads()?).await?)
    }

    /// Asks it to cancel.
    pub async fn cancel(&self, reason: impl Into<String>) -> Result<()> {
        self.target.cancel(reason.into()).await
    }

    /// Ends it at once. Its code is not told.
    pub async fn terminate(&self, reason: impl Into<String>) -> Result<()> {
        self.target.terminate(reason.into()).await
    }

    /// How it stands.
    pub async fn describe(&self) -> Result<Description> {
        self.target.describe().await
    }

    /// Its history up to now: of the run that was started; of the newest, where the handle is by id only.
    pub async fn history(&self) -> Result<History> {
        history::fetch(&self.target).await
    }

    /// The history of one of its runs.
    pub async fn history_of_run(&self, run_id: impl Into<String>) -> Result<History> {
        history::fetch(&Target { run_id: Some(run_id.into()), ..self.target.clone() }).await
    }
}

impl<W: WorkflowFn> WorkflowHandle<W> {
    /// Waits for its result.
    ///
    /// # Errors
    /// The workflow's own; kind [`Cancelled`](ErrorKind::Cancelled), [`Terminated`](ErrorKind::Terminated) or
    /// [`Timeout`](ErrorKind::Timeout) where it ended so; kind [`Engine`](ErrorKind::Engine) where it could not be asked.
    pub async fn result(&self) -> Result<W::Output>
    where
        W::Output: DeserializeOwned,
    {
        payload::decode(&self.target.result().await?)
    }
}
