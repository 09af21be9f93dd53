//! Making and running a worker.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::activity::ActivityFn;
use crate::client::Schedule;
use crate::client::schedule;
use crate::depends::{Dependencies, Provider};
use crate::error::{Error, Result};
use crate::ostro_handle::Ostro;
use crate::rate_limit;
use crate::registry::Registry;
use crate::testing::Mocks;
use crate::worker::Shared;
use crate::worker::cores::Purpose;
use crate::worker::fleet::{self, Plan};
use crate::workflow::WorkflowFn;
use crate::workflow::call::Call;

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub task_queue: String,
    pub max_cached_workflows: usize,
    pub max_concurrent_workflow_tasks: usize,
    pub max_concurrent_activities: usize,
    pub max_concurrent_local_activities: usize,
    pub graceful_shutdown: Duration,
    pub tenant_queue_idle: Duration,
    /// How long a workflow task waits for the worker that remembers its workflow.
    pub sticky_wait: Duration,
}

/// Who remembered a workflow before the engine in this process started is gone.
const STICKY_WAIT_IN_PROCESS: Duration = Duration::from_secs(3);
const STICKY_WAIT: Duration = Duration::from_secs(10);

/// How a worker is made: from [`Ostro::worker`].
#[must_use = "a worker runs when it is built and run"]
pub struct WorkerBuilder {
    ostro: Ostro,
    listed: Option<Result<Registry>>,
    settings: Settings,
    dependencies: Arc<Dependencies>,
    mocks: Arc<Mocks>,
}

impl WorkerBuilder {
    pub(crate) fn new(ostro: Ostro) -> Self {
        let number = |name: &str, otherwise: usize| {
            std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
        };
        let settings = Settings {
            task_queue: ostro.task_queue().to_owned(),
            max_cached_workflows: 1000,
            max_concurrent_workflow_tasks: 100,
            max_concurrent_activities: number("MAX_CONCURRENT_ACTIVITIES", 100),
            max_concurrent_local_activities: 100,
            graceful_shutdown: Duration::from_secs(10),
            tenant_queue_idle: Duration::from_secs(300),
            sticky_wait: if ostro.is_in_process() { STICKY_WAIT_IN_PROCESS } else { STICKY_WAIT },
        };
        Self { ostro, listed: None, settings, dependencies: Arc::default(), mocks: Arc::default() }
    }

    /// The queue it takes tasks from. Default: the engine handle's.
    pub fn task_queue(mut self, task_queue: impl Into<String>) -> Self {
        self.settings.task_queue = task_queue.into();
        self
    }

    /// Runs this activity. Once one is listed, the worker runs only what is listed; otherwise everything the program defines.
    pub fn activity<A: ActivityFn>(mut self, _activity: A) -> Self {
        self.list(|registry| registry.add_activity(A::ENTRY));
        self
    }

    /// Runs this workflow: `worker.workflow::<order>()`. Once one is listed, the worker runs only what is listed.
    pub fn workflow<W: WorkflowFn>(mut self) -> Self {
        self.list(|registry| registry.add_workflow(W::ENTRY));
        self
    }

    fn list(&mut self, add: impl FnOnce(&mut Registry) -> Result<()>) {
        let listed = self.listed.take().unwrap_or_else(|| Ok(Registry::default()));
        self.listed = Some(listed.and_then(|mut registry| add(&mut registry).map(|()| registry)));
    }

    /// How many workflows it remembers, to go on with without their history. Default 1000; 0 runs every workflow task from the start,
    /// which is a hard test of determinism.
    pub fn max_cached_workflows(mut self, number: usize) -> Self {
        self.settings.max_cached_workflows = number;
        self
    }

    /// How many workflows it works on at once. Default 100. At least 2.
    pub fn max_concurrent_workflow_tasks(mut self, number: usize) -> Self {
        self.settings.max_concurrent_workflow_tasks = number.max(2);
        self
    }

    /// How many activities of one queue run at once. Default 100, or `MAX_CONCURRENT_ACTIVITIES`.
    pub fn max_concurrent_activities(mut self, number: usize) -> Self {
        self.settings.max_concurrent_activities = number.max(1);
        self
    }

    /// How many local activities run at once. Default 100.
    pub fn max_concurrent_local_activities(mut self, number: usize) -> Self {
        self.settings.max_concurrent_local_activities = number.max(1);
        self
    }

    /// How long activities may go on when the worker stops, before they are cancelled. Default 10 s.
    pub fn graceful_shutdown(mut self, period: Duration) -> Self {
        self.settings.graceful_shutdown = period;
        self
    }

    /// How long the queue of a tenant ([`rate_key`](crate::activity::ActivityCall::rate_key)) is asked for tasks after the last call or
    /// task of it. Default five minutes.
    pub fn tenant_queue_idle(mut self, period: Duration) -> Self {
        self.settings.tenant_queue_idle = period;
        self
    }

    /// The value that `#[depends(provider)]` gives, instead of the provider's: for tests, and for what `main` has made already. Not for
    /// providers with `scope = call`.
    pub fn provide<T, Kind, P>(self, provider: P, value: T) -> Self
    where
        T: Clone + Send + Sync + 'static,
        P: Provider<T, Kind>,
    {
        let _ = provider;
        self.dependencies.set(TypeId::of::<P>(), value);
        self
    }

    pub(crate) fn mocks(mut self, mocks: Arc<Mocks>) -> Self {
        self.mocks = mocks;
        self
    }

    /// Checks everything and makes the worker.
    ///
    /// # Errors
    /// Two activities or workflows have one name; two activities with one rate limit key have different rates; there is nothing to run.
    pub fn build(self) -> Result<Worker> {
        let registry = match self.listed {
            Some(listed) => listed?,
            None => Registry::linked()?,
        };
        if registry.activities.is_empty() && registry.workflows.is_empty() {
            let message = "this program defines neither activities nor workflows: put #[activity] or #[workflow] on functions, in a crate that is linked into it";
            return Err(Error::misuse("NothingToRun", message));
        }
        let rates = rates(&registry, &self.settings.task_queue)?;
        let Self { ostro, settings, dependencies, mocks, .. } = self;
        Ok(Worker { ostro, registry, settings, dependencies, mocks, rates })
    }

    /// Makes the worker and runs it until the program ends.
    pub async fn run(self) -> Result<()> {
        self.build()?.run_until(std::future::pending()).await
    }

    /// Makes the worker and runs it beside other code.
    pub fn spawn(self) -> Result<Running> {
        Ok(self.build()?.spawn())
    }
}

/// The queues of all rate limits with their rates per second.
fn rates(registry: &Registry, task_queue: &str) -> Result<BTreeMap<String, f64>> {
    let mut rates = BTreeMap::new();
    for entry in registry.activities.values() {
        let Some(limit) = (entry.options)().rate_limit else { continue };
        let key = limit.key_or(entry.name);
        let rate = limit.per_second_rate();
        if rates.insert(rate_limit::queue(task_queue, key, None), rate).is_some_and(|other| other != rate) {
            return Err(Error::misuse(
                "RateLimit",
                format_args!(
                    "activity `{}` has another rate than the others with the rate limit key {key:?}: give them one rate, or other keys",
                    entry.name
                ),
            ));
        }
    }
    Ok(rates)
}

/// Runs workflows and activities of one task queue.
pub struct Worker {
    ostro: Ostro,
    registry: Registry,
    settings: Settings,
    dependencies: Arc<Dependencies>,
    mocks: Arc<Mocks>,
    rates: BTreeMap<String, f64>,
}

impl Worker {
    /// Runs until `stop` ends; then takes no new tasks and waits for what runs.
    ///
    /// # Errors
    /// The namespace does not exist; the engine went away for good.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<()> {
        let (polled, _) = watch::channel(Vec::new());
        self.run_and_tell(stop, polled).await
    }

    async fn run_and_tell(self, stop: impl Future<Output = ()>, polled: watch::Sender<Vec<String>>) -> Result<()> {
        let Self { ostro, registry, settings, dependencies, mocks, rates } = self;
        make_schedules(&ostro, &registry, &settings.task_queue).await?;
        let (stop_sender, stopping) = watch::channel(false);
        let session_queue = format!("{}::worker::{}", settings.task_queue, uuid::Uuid::new_v4().simple());
        let shared = Arc::new(Shared {
            dependencies,
            mocks,
            session_queue: session_queue.as_str().into(),
            stopping,
            rate_queues: Arc::default(),
            ostro: Some(ostro.clone()),
        });
        let sticky = registry.activities.values().any(|entry| (entry.options)().sticky_to_worker);
        let sessions = sticky.then_some((session_queue, Purpose::Activities));
        let limited = rates.into_iter().map(|(queue, per_second)| (queue, Purpose::Rate { per_second }));
        let queues = sessions.into_iter().chain(limited).collect();
        let mut ended = fleet::start(Plan { ostro, registry, settings, shared, queues, polled })?;
        tokio::select! {
            () = stop => {}
            result = &mut ended => return result.unwrap_or_else(|_| Err(fleet::crashed())),
        }
        stop_sender.send_replace(true);
        ended.await.unwrap_or_else(|_| Err(fleet::crashed()))
    }

    /// Runs beside other code.
    pub fn spawn(self) -> Running {
        let (stop, mut stopped) = watch::channel(false);
        let (polled, task_queues) = watch::channel(Vec::new());
        let task = tokio::spawn(async move {
            let stopped = async move {
                // Ends when the handle says so, or is gone.
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            self.run_and_tell(stopped, polled).await
        });
        Running { stop, task_queues, task }
    }
}

async fn make_schedules(ostro: &Ostro, registry: &Registry, task_queue: &str) -> Result<()> {
    for entry in registry.workflows.values() {
        let mut options = (entry.options)();
        for (number, cron) in std::mem::take(&mut options.schedules).into_iter().enumerate() {
            options.task_queue.get_or_insert_with(|| task_queue.to_owned());
            let call = Call { name: entry.name, payloads: Vec::new(), options: options.clone() };
            schedule::create(ostro, &format!("{}:{number}", entry.name), Schedule::cron(cron), call).await?;
        }
    }
    Ok(())
}

/// A worker that runs beside other code. It stops when this is dropped; [`shutdown`](Self::shutdown) waits for it.
pub struct Running {
    stop: watch::Sender<bool>,
    task_queues: watch::Receiver<Vec<String>>,
    task: JoinHandle<Result<()>>,
}

impl Running {
    /// The task queues that it asks for tasks now: its own, that of its sessions, those of rate limits and tenants.
    pub fn task_queues(&self) -> Vec<String> {
        self.task_queues.borrow().clone()
    }

    /// Stops it in order, and gives its error if it had one.
    pub async fn shutdown(self) -> Result<()> {
        self.stop.send_replace(true);
        self.task.await?
    }
}
