//! A call of a workflow: started by a client, awaited by another workflow as its child, or the next run of this one.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;
use temporalio_common::MemoValues;
use temporalio_common::data_converters::RawValue;
use temporalio_workflow::{ContinueAsNewOptions, MemoValue, RetryPolicy};

use crate::client::search::{self, SearchAttribute};
use crate::client::{self, WorkflowHandle};
use crate::error::{Error, ErrorKind, Result};
use crate::ostro_handle::Ostro;
use crate::payload::{self, Arguments, Payload};
use crate::workflow::child::{self, ChildHandle};
use crate::workflow::entry::WorkflowEntry;
use crate::workflow::messages::{Signal, Update};
use crate::workflow::options::{IdPolicy, ParentClosePolicy, WorkflowOptions};
use crate::workflow::scope;

/// What `#[workflow]` makes of a function or a type: which workflow is meant.
pub trait WorkflowFn: 'static {
    /// What it returns.
    type Output;
    #[doc(hidden)]
    const ENTRY: &'static WorkflowEntry;
    /// The registered name.
    const NAME: &'static str = Self::ENTRY.name;
}

/// A call of a workflow. Nothing happens until it is started or awaited.
///
/// In a workflow, awaiting it runs it as a child and gives its result. From outside it is [started](Self::start), and a handle
/// waits for it. The other methods set options.
#[must_use = "a workflow runs when it is started or awaited"]
pub struct WorkflowCall<W> {
    arguments: Arguments,
    options: WorkflowOptions,
    workflow: PhantomData<fn(W)>,
}

/// A call without its types.
pub(crate) struct Call {
    pub name: &'static str,
    pub payloads: Vec<Payload>,
    pub options: WorkflowOptions,
}

impl<W: WorkflowFn> WorkflowCall<W> {
    #[doc(hidden)]
    pub fn new(arguments: Arguments) -> Self {
        Self { arguments, options: (W::ENTRY.options)(), workflow: PhantomData }
    }

    /// Its id: unique among open workflows of the namespace. Default: a new UUID.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.options.id = Some(id.into());
        self
    }

    /// The task queue whose workers run it. Default: the client's, or the parent's.
    pub fn task_queue(mut self, task_queue: impl Into<String>) -> Self {
        self.options.task_queue = Some(task_queue.into());
        self
    }

    /// The most that it may take with all its runs.
    pub fn execution_timeout(mut self, timeout: Duration) -> Self {
        self.options.execution_timeout = Some(timeout);
        self
    }

    /// The most that one run may take.
    pub fn run_timeout(mut self, timeout: Duration) -> Self {
        self.options.run_timeout = Some(timeout);
        self
    }

    /// The most that a worker may take to answer one workflow task.
    pub fn task_timeout(mut self, timeout: Duration) -> Self {
        self.options.task_timeout = Some(timeout);
        self
    }

    /// What happens where the id is in use, or was.
    pub fn id_policy(mut self, policy: IdPolicy) -> Self {
        self.options.id_policy = policy;
        self
    }

    /// What happens to it, as a child, when its parent closes.
    pub fn parent_close_policy(mut self, policy: ParentClosePolicy) -> Self {
        self.options.parent_close_policy = policy;
        self
    }

    /// Runs it again when it fails. Default: never.
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.options.retry_policy = Some(policy);
        self
    }

    /// A value that is kept with it, and shown in lists.
    pub fn memo(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options.memo.insert(key.into(), value.into());
        self
    }

    /// A value that lists can be filtered by; the namespace must know the attribute.
    pub fn search_attribute(mut self, key: impl Into<String>, value: impl Into<SearchAttribute>) -> Self {
        self.options.search_attributes.push((key.into(), value.into()));
        self
    }

    /// Waits this long before it begins. Not for children.
    pub fn start_delay(mut self, delay: Duration) -> Self {
        self.options.start_delay = Some(delay);
        self
    }

    pub(crate) fn into_call(self) -> Result<Call> {
        let name = W::ENTRY.name;
        let payloads = self.arguments.into_payloads()?;
        payload::check(&payloads, format_args!("the input of workflow `{name}`"))?;
        Ok(Call { name, payloads, options: self.options })
    }

    /// Starts it.
    ///
    /// # Errors
    /// An open workflow has this id ([`id_policy`](Self::id_policy)); the input is over 2 MiB; the engine cannot be reached.
    pub async fn start(self, ostro: &Ostro) -> Result<WorkflowHandle<W>> {
        client::start::start(ostro, self.into_call()?).await.map(WorkflowHandle::of)
    }

    /// Starts it and waits for its result.
    pub async fn execute(self, ostro: &Ostro) -> Result<W::Output>
    where
        W::Output: DeserializeOwned,
    {
        self.start(ostro).await?.result().await
    }

    /// Sends a signal; starts the workflow first where none of this id is open.
    pub async fn signal_with_start(self, ostro: &Ostro, signal: Signal<W>) -> Result<WorkflowHandle<W>> {
        let call = self.into_call()?;
        client::start::signal_with_start(ostro, call, signal.name, signal.arguments.into_payloads()?)
            .await
            .map(WorkflowHandle::of)
    }

    /// Sends an update and waits for its answer; starts the workflow first where none of this id is open.
    pub async fn update_with_start<T: DeserializeOwned>(self, ostro: &Ostro, update: Update<W, T>) -> Result<T> {
        let call = self.into_call()?;
        let payloads = update.arguments.into_payloads()?;
        let answer = client::start::update_with_start(ostro, call, update.name, update.id, payloads).await?;
        payload::decode(&answer)
    }

    /// Makes or replaces a schedule that starts it.
    pub async fn schedule(self, ostro: &Ostro, id: &str, schedule: client::Schedule) -> Result<client::ScheduleHandle> {
        client::schedule::create(ostro, id, schedule, self.into_call()?).await
    }

    /// Starts it as a child of the workflow that this is called in, and gives a handle to it once it has begun.
    ///
    /// # Errors
    /// Outside of a workflow; where the id is in use; cancelled.
    pub async fn start_child(self) -> Result<ChildHandle<W>> {
        let scope = scope::required("start_child()")?;
        child::start(scope, self.into_call()?).await.map(ChildHandle::of)
    }

    /// Ends this run and goes on as a new one with an empty history: `return next(state).continue_as_new();`. Signals that
    /// nobody has taken yet are lost with the run, so take them first.
    ///
    /// # Errors
    /// Always: return it. Outside of a workflow it is an error like any other.
    pub fn continue_as_new<T>(self) -> Result<T> {
        let scope = scope::required("continue_as_new()")?;
        let Call { name, payloads, options } = self.into_call()?;
        let memo = (!options.memo.is_empty()).then(|| {
            let mut memo = MemoValues::new();
            for (key, value) in options.memo {
                memo.insert(key, MemoValue::new(value));
            }
            memo
        });
        let attributes = (!options.search_attributes.is_empty()).then(|| search::attributes(options.search_attributes));
        let sdk_options = ContinueAsNewOptions::builder()
            .workflow_type(name.to_owned())
            .maybe_task_queue(options.task_queue)
            .maybe_run_timeout(options.run_timeout)
            .maybe_task_timeout(options.task_timeout)
            .maybe_memo(memo)
            .maybe_search_attributes(attributes)
            .maybe_retry_policy(options.retry_policy)
            .build();
        let Err(termination) = scope.run.sdk.continue_as_new(RawValue::new(payloads), sdk_options);
        let mut error = Error::of(ErrorKind::ContinueAsNew, "the workflow continues as new: return this error");
        error.inner_mut().continuation = Some(Box::new(termination));
        Err(error)
    }
}

impl<W: WorkflowFn> IntoFuture for WorkflowCall<W>
where
    W::Output: DeserializeOwned,
{
    type Output = Result<W::Output>;
    type IntoFuture = LocalBoxFuture<'static, Result<W::Output>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Some(scope) = crate::context::scope() else {
                return Err(Error::misuse(
                    "NotInWorkflow",
                    format_args!(
                        "workflow `{}` is awaited outside of a workflow, where nothing keeps its history: start it with `.start(&ostro)`",
                        W::NAME
                    ),
                ));
            };
            let call = self.into_call()?;
            let payload = child::start(scope, call).await?.result().await?;
            payload::decode(&payload)
        })
    }
}

/// Options that are the same for a call of a workflow and its schedule.
pub(crate) fn encode_memo(
    memo: &std::collections::BTreeMap<String, Value>,
) -> Result<std::collections::HashMap<String, Payload>> {
    memo.iter().map(|(key, value)| Ok((key.clone(), payload::encode(value)?))).collect()
}
