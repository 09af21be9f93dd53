//! The cores behind one of our workers: one for each task queue, all on one thread, and the workflows' code on another.
//!
//! Not on the program's runtime: what a workflow does goes back and forth between its code, the core and local activities, and waking
//! one of many threads costs more than each of these. Bodies of activities that wait run on the program's runtime.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use temporalio_client::Client;
use temporalio_sdk_core::{CoreRuntime, Worker as Core};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use crate::activity::tasks::Tasks;
use crate::error::{Error, Result, chain};
use crate::ostro_handle::Ostro;
use crate::registry::Registry;
use crate::worker::builder::Settings;
use crate::worker::cores::{self, Purpose};
use crate::worker::{Shared, builtin};

/// What a worker is made of.
pub(crate) struct Plan {
    pub ostro: Ostro,
    pub registry: Registry,
    pub settings: Settings,
    pub shared: Arc<Shared>,
    /// Queues that are there for as long as the worker is, beside its main one.
    pub queues: Vec<(String, Purpose)>,
    /// The names of the queues that it asks for tasks.
    pub polled: watch::Sender<Vec<String>>,
}

struct Fleet {
    plan: Plan,
    runtime: Arc<CoreRuntime>,
    client: Client,
    program: Handle,
    open: HashMap<String, Open>,
    ended: mpsc::UnboundedSender<(String, Result<()>)>,
}

/// A queue that is asked for tasks, or whose last tasks are under way.
struct Open {
    core: Arc<Core>,
    tasks: Arc<Tasks>,
    closing: bool,
}

/// Starts the thread; what is received is how it ended: after `shared.stopping`, or by an error.
pub(crate) fn start(plan: Plan) -> Result<oneshot::Receiver<Result<()>>> {
    let program = Handle::current();
    let name = format!("ostro {}", plan.settings.task_queue);
    let (sender, result) = oneshot::channel();
    std::thread::Builder::new().name(name).spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time();
        if !plan.ostro.is_in_process() {
            // Without sockets a thread sleeps on a futex, which costs less than an epoll.
            runtime.enable_io();
        }
        let ended = runtime.build().map_err(Error::from).and_then(|thread| thread.block_on(run(plan, program)));
        // Nobody listens where the worker's future was dropped.
        let _ = sender.send(ended);
    })?;
    Ok(result)
}

async fn run(plan: Plan, program: Handle) -> Result<()> {
    let (runtime, client) = (plan.ostro.runtime()?, plan.ostro.worker_client().await?);
    let (ended, mut ends) = mpsc::unbounded_channel();
    let mut fleet = Fleet { plan, runtime, client, program, open: HashMap::new(), ended };
    let queue = fleet.plan.settings.task_queue.clone();
    for (queue, purpose) in std::mem::take(&mut fleet.plan.queues) {
        fleet.open(queue, purpose)?;
    }
    if fleet.plan.registry.workflows.is_empty() {
        fleet.open(queue, Purpose::Activities)?;
        return fleet.supervise(&mut ends).await;
    }
    let core = fleet.open(queue, Purpose::Main)?;
    let workflows = spawn_workflows(core.clone(), fleet.plan.registry.clone(), fleet.plan.shared.clone())?;
    let workflows = async {
        let result = workflows.await.unwrap_or_else(|_| Err(crashed()));
        // By itself it ends only where it failed.
        core.initiate_shutdown();
        result
    };
    let (workflows, activities) = tokio::join!(workflows, fleet.supervise(&mut ends));
    workflows.and(activities)
}

/// Runs the workflows' code on a thread of its own, where nothing of tokio but its handle is around it: on the cores' thread, where
/// tokio schedules, `yield_now` would wake a workflow only after its poll, which looks like a wake from outside.
fn spawn_workflows(core: Arc<Core>, registry: Registry, shared: Arc<Shared>) -> Result<oneshot::Receiver<Result<()>>> {
    let (sender, ended) = oneshot::channel();
    let (cores, queue) = (Handle::current(), core.get_config().task_queue.clone());
    std::thread::Builder::new().name(format!("ostro workflows {queue}")).spawn(move || {
        let result = cores.block_on(async {
            let mut workflows = cores::workflows(core, &registry, &shared).await?;
            workflows.run().await.map_err(|error| run_error(&queue, chain(&error)))
        });
        // Nobody listens where the worker has failed otherwise.
        let _ = sender.send(result);
    })?;
    Ok(ended)
}

/// A thread is gone without a word.
pub(crate) fn crashed() -> Error {
    Error::engine("a thread of the worker panicked: its message is on the standard error")
}

fn run_error(queue: &str, error: impl std::fmt::Display) -> Error {
    Error::engine(format_args!("the worker of queue {queue:?} ended: {error}"))
}

impl Fleet {
    /// Begins to ask for the activities of a queue.
    fn open(&mut self, queue: String, purpose: Purpose) -> Result<Arc<Core>> {
        let Plan { ostro, registry, settings, shared, .. } = &self.plan;
        let core = cores::start(&self.runtime, &self.client, &queue, purpose, settings, ostro.is_in_process())?;
        let activities = registry.activities.values().copied().chain(&builtin::ENTRIES);
        let tasks = Tasks::new(core.clone(), activities, shared.clone(), self.program.clone());
        let (running, ended, name) = (tasks.clone(), self.ended.clone(), queue.clone());
        let is_main = matches!(purpose, Purpose::Main);
        let run = {
            let core = core.clone();
            async move {
                if !is_main {
                    // The workflow half does the same for the main queue.
                    core.validate().await.map_err(|error| Error::engine(error.to_string()))?;
                }
                let result = running.run().await;
                core.initiate_shutdown();
                if !is_main {
                    core.shutdown().await;
                }
                result
            }
        };
        tokio::spawn(async move {
            let result = run.await.map_err(|error: Error| run_error(&name, error));
            let _ = ended.send((name, result));
        });
        self.open.insert(queue, Open { core: core.clone(), tasks, closing: false });
        self.tell();
        Ok(core)
    }

    /// Opens and closes queues until the worker is to stop, or a queue has failed; then waits for what is under way.
    async fn supervise(&mut self, ends: &mut mpsc::UnboundedReceiver<(String, Result<()>)>) -> Result<()> {
        let shared = self.plan.shared.clone();
        let mut stopping = shared.stopping.clone();
        let idle = self.plan.settings.tenant_queue_idle;
        let mut looks = tokio::time::interval((idle / 4).max(Duration::from_millis(10)));
        let mut result = Ok(());
        while result.is_ok() {
            tokio::select! {
                // Its end, too: nobody is left who could stop the worker.
                _ = stopping.wait_for(|stopping| *stopping) => break,
                () = shared.rate_queues.changed.notified() => result = self.open_wanted(),
                _ = looks.tick() => self.close_idle(idle),
                Some((queue, ended)) = ends.recv() => result = self.ended(&queue, ended).and_then(|()| self.open_wanted()),
            }
        }
        for open in self.open.values() {
            open.core.initiate_shutdown();
        }
        while !self.open.is_empty() {
            let Some((queue, ended)) = ends.recv().await else { break };
            self.open.remove(&queue);
            result = result.and(ended);
        }
        result
    }

    fn open_wanted(&mut self) -> Result<()> {
        for (queue, per_second) in self.plan.shared.rate_queues.wanted() {
            // One that is closing is opened again when it has ended.
            if !self.open.contains_key(&queue) {
                self.open(queue, Purpose::Rate { per_second })?;
            }
        }
        Ok(())
    }

    fn close_idle(&mut self, idle: Duration) {
        let runs = |queue: &str| self.open.get(queue).is_some_and(|open| open.tasks.any_running());
        for queue in self.plan.shared.rate_queues.forget_idle(idle, runs) {
            if let Some(open) = self.open.get_mut(&queue) {
                open.closing = true;
                open.core.initiate_shutdown();
            }
        }
        self.tell();
    }

    fn ended(&mut self, queue: &str, result: Result<()>) -> Result<()> {
        let open = self.open.remove(queue);
        self.tell();
        match open {
            Some(Open { core, tasks, closing: true }) => {
                drop(tasks);
                // The program may still hold a future of one of its activities.
                if let Ok(core) = Arc::try_unwrap(core) {
                    tokio::spawn(core.finalize_shutdown());
                }
                result
            }
            _ => result.and(Err(Error::engine(format_args!("the worker of queue {queue:?} stopped by itself")))),
        }
    }

    fn tell(&self) {
        let mut polled: Vec<String> =
            self.open.iter().filter(|(_, open)| !open.closing).map(|(queue, _)| queue.clone()).collect();
        polled.sort_unstable();
        self.plan.polled.send_if_modified(|before| {
            let changed = *before != polled;
            *before = polled;
            changed
        });
    }
}
