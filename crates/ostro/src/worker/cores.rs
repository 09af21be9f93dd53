//! The SDK's cores: one for each task queue. They poll, keep workflows' state machines, and answer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use temporalio_client::callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, NamespacedClient};
use temporalio_common::worker::{WorkerDeploymentOptions, WorkerTaskTypes, build_id_from_current_exe};
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::{Runtime, Worker as SdkWorker, WorkerOptions};
use temporalio_sdk_core::{
    CoreRuntime, PollerBehavior, Worker as Core, WorkerConfig, WorkerVersioningStrategy, init_worker,
};
use temporalio_workflow::workflow_interceptors::WorkflowInterceptorConstructor;
use tonic::Status;

use crate::error::{Error, Result};
use crate::failure;
use crate::ostro_handle::in_process;
use crate::registry::Registry;
use crate::worker::Shared;
use crate::worker::builder::Settings;
use crate::workflow::adapter::Adapter;
use crate::workflow::remote::HeaderInterceptor;

/// How many calls for tasks of a rate-limited queue wait at the engine.
const RATE_POLLERS: usize = 1;

/// How much longer than its time-out an attempt may go on here: the engine decides a time-out, this ends the attempt soon after.
const TIMEOUT_BUFFER: Duration = Duration::from_secs(1);

/// What a queue's core is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// Workflows and all activities.
    Main,
    /// Only activities: those of sessions, and all of a program without workflows.
    Activities,
    /// Activities of one rate limit.
    Rate { per_second: f64 },
}

/// Makes the core of one queue. It begins to poll when it is asked for tasks.
pub(crate) fn start(
    runtime: &CoreRuntime,
    client: &Client,
    queue: &str,
    purpose: Purpose,
    settings: &Settings,
    is_in_process: bool,
) -> Result<Arc<Core>> {
    let config = config(client, queue, purpose, settings, is_in_process).map_err(Error::new)?;
    let core = init_worker(runtime, config, client.connection().clone());
    core.map(Arc::new)
        .map_err(|error| Error::new(format_args!("the worker of queue {queue:?} does not start: {error}")))
}

fn config(
    client: &Client,
    queue: &str,
    purpose: Purpose,
    settings: &Settings,
    is_in_process: bool,
) -> Result<WorkerConfig, String> {
    let workflows = matches!(purpose, Purpose::Main);
    let pollers = ostro_embedded::pollers(is_in_process);
    let (rate, activity_pollers) = match purpose {
        Purpose::Rate { per_second } => (Some(per_second), RATE_POLLERS),
        Purpose::Main | Purpose::Activities => (None, pollers),
    };
    let build = WorkerDeploymentOptions::from_build_id(build_id_from_current_exe().to_owned());
    WorkerConfig::builder()
        .namespace(client.namespace())
        .task_queue(queue)
        .task_types(WorkerTaskTypes {
            enable_workflows: workflows,
            enable_local_activities: workflows,
            enable_remote_activities: true,
            enable_nexus: false,
        })
        .max_cached_workflows(if workflows { settings.max_cached_workflows } else { 0 })
        .sticky_queue_schedule_to_start_timeout(settings.sticky_wait)
        .max_outstanding_workflow_tasks(settings.max_concurrent_workflow_tasks)
        .max_outstanding_activities(settings.max_concurrent_activities)
        .max_outstanding_local_activities(settings.max_concurrent_local_activities)
        .max_outstanding_nexus_tasks(1_usize)
        .workflow_task_poller_behavior(PollerBehavior::SimpleMaximum(pollers))
        .activity_task_poller_behavior(PollerBehavior::SimpleMaximum(activity_pollers))
        .maybe_max_task_queue_activities_per_second(rate)
        .max_heartbeat_throttle_interval(Duration::from_secs(30))
        .local_timeout_buffer_for_activities(TIMEOUT_BUFFER)
        .graceful_shutdown_period(settings.graceful_shutdown)
        .versioning_strategy(WorkerVersioningStrategy::WorkerDeploymentBased(build))
        .build()
}

/// The SDK's workflow half on a core of ours, without its activity half: see `activity/tasks.rs`.
///
/// The SDK makes a worker only together with a core, so it gets one that talks to nobody, which is then exchanged.
pub(crate) async fn workflows(core: Arc<Core>, registry: &Registry, shared: &Arc<Shared>) -> Result<SdkWorker> {
    let config = core.get_config();
    let mut options = WorkerOptions::new(config.task_queue.clone())
        .max_cached_workflows(config.max_cached_workflows)
        .workflow_interceptor(WorkflowInterceptorConstructor::new(|_| HeaderInterceptor))
        // Ours (workflow/wakes.rs) lets a workflow wake itself, and names what woke it otherwise.
        .detect_nondeterministic_futures(false)
        .build();
    for entry in registry.workflows.values() {
        options.register_workflow_with_factory::<Adapter, _>(Adapter::factory(entry, shared.clone()))?;
    }
    let quiet = RuntimeOptions::builder().heartbeat_interval(None).build().map_err(Error::new)?;
    let runtime = Runtime::from_current_tokio(quiet)?;
    let client = client_of_nobody(&config.namespace).await?;
    let mut worker = SdkWorker::new(&runtime, client, options)?;
    worker.with_new_core_worker(core);
    Ok(worker)
}

/// Gets an empty answer to whatever it asks.
async fn client_of_nobody(namespace: &str) -> Result<Client> {
    let callback = |_: GrpcRequest| -> BoxFuture<'static, Result<GrpcSuccessResponse, Status>> {
        Box::pin(async { Ok(GrpcSuccessResponse { headers: Default::default(), proto: Vec::new() }) })
    };
    let nobody = CallbackBasedGrpcService { callback: Arc::new(callback) };
    let options = ConnectionOptions::new(in_process())
        .identity("nobody".to_owned())
        .service_override(nobody)
        .dns_load_balancing(None);
    let connection = Connection::connect(options.build()).await?;
    let options = ClientOptions::new(namespace).data_converter(failure::data_converter()).build();
    Ok(Client::new(connection, options)?)
}
