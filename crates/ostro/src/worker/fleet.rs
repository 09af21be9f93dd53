//! The SDK's workers behind one of ours: one for each task queue, each on a thread of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use temporalio_client::Client;
use temporalio_sdk::runtime::PollerBehavior;
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder};
use temporalio_sdk::{Runtime, Worker as SdkWorker, WorkerOptions};
use temporalio_workflow::workflow_interceptors::WorkflowInterceptorConstructor;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::activity::adapter::Implementer;
use crate::error::{Error, Result};
use crate::ostro_handle::Ostro;
use crate::registry::Registry;
use crate::worker::builder::Settings;
use crate::worker::{Shared, WantedQueue, builtin};
use crate::workflow::adapter::Adapter;
use crate::workflow::remote::HeaderInterceptor;

/// How many calls for tasks of a rate-limited queue wait at the engine.
const RATE_POLLERS: usize = 1;

/// What a queue's worker is for.
pub(crate) enum Purpose {
    /// Workflows and all activities.
    Main,
    /// Sticky activities of this worker.
    Sessions,
    /// Activities of one rate limit.
    Rate { per_second: f64 },
}

pub(crate) struct Fleet {
    client: Client,
    runtime: Arc<Runtime>,
    registry: Registry,
    settings: Settings,
    shared: Arc<Shared>,
    ended: mpsc::UnboundedSender<(String, Result<()>)>,
    stops: HashMap<String, Box<dyn Fn() + Send>>,
}

impl Fleet {
    pub async fn new(
        ostro: Ostro,
        registry: Registry,
        settings: Settings,
        shared: Arc<Shared>,
    ) -> Result<(Self, mpsc::UnboundedReceiver<(String, Result<()>)>)> {
        let (ended, ends) = mpsc::unbounded_channel();
        let runtime = ostro.runtime()?;
        let client = ostro.worker_client().await?;
        Ok((Self { client, runtime, registry, settings, shared, ended, stops: HashMap::new() }, ends))
    }

    pub fn len(&self) -> usize {
        self.stops.len()
    }

    pub fn ended(&mut self, queue: &str) {
        self.stops.remove(queue);
    }

    pub fn stop_all(&self) {
        for stop in self.stops.values() {
            stop();
        }
    }

    pub async fn open_wanted(&mut self, wanted: WantedQueue) -> Result<()> {
        if self.stops.contains_key(&wanted.name) {
            return Ok(());
        }
        self.open(wanted.name, Purpose::Rate { per_second: wanted.per_second }).await
    }

    /// Starts the worker of one queue.
    pub async fn open(&mut self, queue: String, purpose: Purpose) -> Result<()> {
        let (opened, opening) = oneshot::channel();
        let (client, runtime, registry) = (self.client.clone(), self.runtime.clone(), self.registry.clone());
        let (settings, shared, ended) = (self.settings.clone(), self.shared.clone(), self.ended.clone());
        let (handle, name) = (Handle::current(), queue.clone());
        let run = move || {
            handle.block_on(async move {
                let made = options(&name, &purpose, &registry, &settings, &shared)
                    .and_then(|options| Ok(SdkWorker::new(&runtime, client, options)?));
                let mut worker = match made {
                    Ok(worker) => worker,
                    Err(error) => {
                        let _ = opened.send(Err(error));
                        return;
                    }
                };
                let stop: Box<dyn Fn() + Send> = Box::new(worker.shutdown_handle());
                let _ = opened.send(Ok(stop));
                let result = worker.run().await.map_err(|error| run_error(&name, &error));
                let _ = ended.send((name, result));
            });
        };
        std::thread::Builder::new().name(format!("ostro {queue}")).spawn(run)?;
        let stop = opening
            .await
            .map_err(|_| Error::new(format_args!("the worker of queue {queue:?} ended before it began")))??;
        self.stops.insert(queue, stop);
        Ok(())
    }
}

fn run_error(queue: &str, error: &dyn std::error::Error) -> Error {
    let mut message = format!("the worker of queue {queue:?} ended: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    Error::engine(message)
}

fn options(
    queue: &str,
    purpose: &Purpose,
    registry: &Registry,
    settings: &Settings,
    shared: &Arc<Shared>,
) -> Result<WorkerOptions> {
    let slots = |number: usize| FixedSizeSlotSupplier::new(number);
    let tuner = TunerHolder::builder()
        .workflow_task_slot_supplier(slots(settings.max_concurrent_workflow_tasks))
        .activity_task_slot_supplier(slots(settings.max_concurrent_activities))
        .local_activity_task_slot_supplier(slots(settings.max_concurrent_local_activities))
        .nexus_task_slot_supplier(slots(1))
        .build();
    let rate = match purpose {
        Purpose::Rate { per_second } => Some(*per_second),
        _ => None,
    };
    let pollers = rate.map(|_| PollerBehavior::SimpleMaximum(RATE_POLLERS));
    let mut options = WorkerOptions::new(queue)
        .tuner(tuner)
        .max_cached_workflows(settings.max_cached_workflows)
        .graceful_shutdown_period(settings.graceful_shutdown)
        .max_heartbeat_throttle_interval(Duration::from_secs(30))
        .maybe_max_task_queue_activities_per_second(rate)
        .maybe_activity_task_poller_behavior(pollers)
        .workflow_interceptor(WorkflowInterceptorConstructor::new(|_| HeaderInterceptor))
        // Ours (workflow/wakes.rs) lets a workflow wake itself, and names what woke it otherwise.
        .detect_nondeterministic_futures(false)
        .build();
    let activities = registry.activities.values().copied().chain(&builtin::ENTRIES);
    for entry in activities {
        options.register_activities(Implementer::new(entry, shared.clone()));
    }
    if matches!(purpose, Purpose::Main) {
        for entry in registry.workflows.values() {
            options.register_workflow_with_factory::<Adapter, _>(Adapter::factory(entry, shared.clone()))?;
        }
    }
    Ok(options)
}
