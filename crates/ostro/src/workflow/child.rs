//! Child workflows, and workflows that are not children.

use std::marker::PhantomData;

use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use temporalio_client::UntypedSignal;
use temporalio_common::UntypedWorkflow;
use temporalio_common::data_converters::RawValue;
use temporalio_workflow::{
    CancellableFuture, ChildWorkflowExecutionError, ChildWorkflowOptions, ChildWorkflowStartError,
    SignalWorkflowOptions, StartedChildWorkflow, WorkflowIdReusePolicy, WorkflowSignalError,
};

use crate::client::search;
use crate::error::{Error, Result};
use crate::payload::{self, Payload};
use crate::workflow::call::{Call, WorkflowFn};
use crate::workflow::messages::Signal;
use crate::workflow::operations::CancelOnDrop;
use crate::workflow::options::{IdPolicy, ParentClosePolicy};
use crate::workflow::scope::{self, Scope};

/// A child that has begun.
pub(crate) struct Started {
    scope: Scope,
    name: &'static str,
    id: String,
    child: StartedChildWorkflow<UntypedWorkflow>,
}

pub(crate) async fn start(scope: Scope, call: Call) -> Result<Started> {
    let Call { name, payloads, options } = call;
    if options.start_delay.is_some() || !options.memo.is_empty() {
        let message = "a child workflow has neither a start_delay nor a memo: sleep before it, or set the memo in it (workflow::upsert_memo)";
        return Err(Error::misuse("NotSupported", message));
    }
    let id = options.id.unwrap_or_else(|| scope.run.sdk.uuid4());
    let attributes = (!options.search_attributes.is_empty()).then(|| search::attributes(options.search_attributes));
    let sdk_options = ChildWorkflowOptions::builder()
        .workflow_id(id.clone())
        .maybe_task_queue(options.task_queue)
        .cancellation_token(scope.token.clone())
        .parent_close_policy(close_policy(options.parent_close_policy))
        .id_reuse_policy(reuse_policy(options.id_policy)?)
        .maybe_execution_timeout(options.execution_timeout)
        .maybe_run_timeout(options.run_timeout)
        .maybe_task_timeout(options.task_timeout)
        .maybe_retry_policy(options.retry_policy)
        .maybe_search_attributes(attributes)
        .build();
    let run = scope.run.clone();
    let starting = run.sdk.start_child_workflow(UntypedWorkflow::new(name), RawValue::new(payloads), sdk_options);
    let child = CancelOnDrop::new(run.number, starting).await.map_err(|error| start_error(name, &id, error))?;
    Ok(Started { scope, name, id, child })
}

impl Started {
    pub async fn result(self) -> Result<Payload> {
        let result = CancelOnDrop::new(self.scope.run.number, self.child.result()).await;
        let raw = result.map_err(|error| result_error(self.name, error))?;
        Ok(raw.payloads.into_iter().next().unwrap_or_default())
    }
}

fn start_error(name: &str, id: &str, error: ChildWorkflowStartError) -> Error {
    let mut ours = match (&error, error.failure()) {
        (ChildWorkflowStartError::Cancelled(_), _) => Error::cancelled("it was cancelled before it began"),
        (_, Some(failure)) => Error::from_failure(failure.clone()),
        (ChildWorkflowStartError::StartFailed { .. }, _) => Error::misuse(
            "AlreadyStarted",
            format_args!("an open workflow has the id {id:?}: give the child another, or an id_policy"),
        ),
        _ => Error::new(&error),
    };
    ours.inner_mut().workflow.get_or_insert_with(|| name.to_owned());
    ours
}

fn result_error(name: &str, error: ChildWorkflowExecutionError) -> Error {
    let mut ours = match error.failure() {
        Some(failure) => Error::from_failure(failure.clone()),
        None => Error::new(&error),
    };
    ours.inner_mut().workflow.get_or_insert_with(|| name.to_owned());
    ours
}

fn close_policy(policy: ParentClosePolicy) -> temporalio_workflow::ParentClosePolicy {
    match policy {
        ParentClosePolicy::Terminate => temporalio_workflow::ParentClosePolicy::Terminate,
        ParentClosePolicy::Abandon => temporalio_workflow::ParentClosePolicy::Abandon,
        ParentClosePolicy::RequestCancel => temporalio_workflow::ParentClosePolicy::RequestCancel,
    }
}

fn reuse_policy(policy: IdPolicy) -> Result<WorkflowIdReusePolicy> {
    Ok(match policy {
        IdPolicy::AllowDuplicate => WorkflowIdReusePolicy::AllowDuplicate,
        IdPolicy::AllowDuplicateFailedOnly => WorkflowIdReusePolicy::AllowDuplicateFailedOnly,
        IdPolicy::RejectDuplicate => WorkflowIdReusePolicy::RejectDuplicate,
        IdPolicy::UseExisting | IdPolicy::TerminateExisting => {
            let message = format!("a child cannot have the id_policy {policy:?}: it is a new workflow or none");
            return Err(Error::misuse("NotSupported", message));
        }
    })
}

/// A child that has begun: from [`start_child`](crate::workflow::WorkflowCall::start_child).
pub struct ChildHandle<W> {
    started: Started,
    workflow: PhantomData<fn(W)>,
}

impl<W: WorkflowFn> ChildHandle<W> {
    pub(crate) fn of(started: Started) -> Self {
        Self { started, workflow: PhantomData }
    }

    /// The child's id.
    pub fn id(&self) -> &str {
        &self.started.id
    }

    /// The child's first run.
    pub fn run_id(&self) -> &str {
        &self.started.child.run_id
    }

    /// Waits for its result.
    ///
    /// # Errors
    /// The child's own, with [`Error::workflow`] naming it; cancelled.
    pub async fn result(self) -> Result<W::Output>
    where
        W::Output: DeserializeOwned,
    {
        payload::decode(&self.started.result().await?)
    }

    /// Sends it a signal.
    pub async fn signal(&self, signal: Signal<W>) -> Result<()> {
        let payloads = RawValue::new(signal.arguments.into_payloads()?);
        let options = SignalWorkflowOptions::builder().cancellation_token(self.started.scope.token.clone()).build();
        let sent = self.started.child.signal(UntypedSignal::<UntypedWorkflow>::new(signal.name), payloads, options);
        settle(&self.started.id, self.started.scope.run.number, sent).await
    }

    /// Asks it to cancel.
    pub fn cancel(&self, reason: impl Into<String>) {
        self.started.child.cancel(reason.into());
    }
}

/// A workflow that is not a child, seen from a workflow.
pub struct ExternalHandle<W> {
    id: String,
    run_id: Option<String>,
    workflow: PhantomData<fn(W)>,
}

/// The workflow of this id, to signal or cancel it from a workflow.
pub fn external<W>(id: impl Into<String>) -> ExternalHandle<W> {
    ExternalHandle { id: id.into(), run_id: None, workflow: PhantomData }
}

impl<W> ExternalHandle<W> {
    /// Only this run of it.
    pub fn run_id(mut self, run_id: impl Into<String>) -> Self {
        self.run_id = Some(run_id.into());
        self
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// No such workflow is open; cancelled; outside of a workflow.
    pub fn signal(&self, signal: Signal<W>) -> LocalBoxFuture<'static, Result<()>> {
        let (id, run_id) = (self.id.clone(), self.run_id.clone());
        Box::pin(async move {
            let scope = scope::required("signal() of a workflow")?;
            let payloads = RawValue::new(signal.arguments.into_payloads()?);
            let options = SignalWorkflowOptions::builder().cancellation_token(scope.token.clone()).build();
            let handle = scope.run.sdk.external_workflow(id.clone(), run_id);
            let sent = handle.signal(UntypedSignal::<UntypedWorkflow>::new(signal.name), payloads, options);
            settle(&id, scope.run.number, sent).await
        })
    }

    /// Asks it to cancel.
    pub fn cancel(&self, reason: impl Into<String>) -> LocalBoxFuture<'static, Result<()>> {
        let (id, run_id, reason) = (self.id.clone(), self.run_id.clone(), reason.into());
        Box::pin(async move {
            let scope = scope::required("cancel() of a workflow")?;
            let handle = scope.run.sdk.external_workflow(id.clone(), run_id);
            handle.cancel(Some(reason)).await.map_err(|error| {
                let message = format!("workflow {id:?} could not be cancelled: {error}");
                Error::misuse("NotFound", message)
            })
        })
    }
}

async fn settle(
    id: &str,
    run: u64,
    sent: impl CancellableFuture<Output = Result<(), WorkflowSignalError>>,
) -> Result<()> {
    CancelOnDrop::new(run, sent).await.map_err(|error| match (&error, error.as_cancelled()) {
        (_, Some(_)) => Error::cancelled(format_args!("a signal to workflow {id:?} was cancelled")),
        (WorkflowSignalError::NotFound(_), _) => {
            Error::misuse("NotFound", format_args!("no open workflow has the id {id:?}"))
        }
        _ => Error::new(format_args!("workflow {id:?} could not be signalled: {error}")),
    })
}
