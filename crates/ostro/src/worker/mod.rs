//! Workers: what runs workflows and activities.

mod builder;
pub(crate) mod builtin;
mod cores;
mod fleet;
pub(crate) mod rate_queues;

use std::sync::Arc;

use tokio::sync::watch;

pub use builder::{Running, Worker, WorkerBuilder};

use crate::client;
use crate::depends::Dependencies;
use crate::error::Result;
use crate::ostro_handle::Ostro;
use crate::testing::Mocks;
use crate::worker::rate_queues::RateQueues;

/// What all queues of one worker have together.
pub(crate) struct Shared {
    pub dependencies: Arc<Dependencies>,
    pub mocks: Arc<Mocks>,
    /// The queue of this worker alone, where its sticky sessions are.
    pub session_queue: Arc<str>,
    /// True once the worker is to stop.
    pub stopping: watch::Receiver<bool>,
    pub rate_queues: Arc<RateQueues>,
    /// `None` in a replay.
    pub ostro: Option<Ostro>,
}

/// Sent to a workflow that something outside of its history woke, so that it gets a workflow task, and fails in it.
const WOKEN: &str = "ostro:woken_from_outside";

impl Shared {
    /// Has the engine give a workflow a task, from any thread.
    pub fn wake_workflow(&self, runtime: &tokio::runtime::Handle, workflow_id: String, run_id: String) {
        let Some(ostro) = self.ostro.clone() else { return };
        runtime.spawn(async move {
            let target = client::Target::new(ostro, workflow_id, Some(run_id));
            if let Err(error) = target.signal(WOKEN.to_owned(), Vec::new()).await {
                tracing::debug!(%error, "a workflow that was woken from outside is gone");
            }
        });
    }
}

/// Runs a worker of everything this program defines, on the engine that `OSTRO_ADDRESS` names, until SIGINT or SIGTERM.
///
/// It stops in order: no new tasks are taken, activities have ten seconds to end, then they are cancelled. In a process that was started for
/// an activity with `isolation = "process"` it runs that instead.
///
/// ```no_run
/// #[tokio::main]
/// async fn main() -> ostro::Result<()> {
///     ostro::run_worker().await
/// }
/// ```
///
/// # Errors
/// The engine cannot be reached; two activities or two workflows have the same name.
pub async fn run_worker() -> Result<()> {
    crate::activity::serve_isolated().await?;
    let ostro = Ostro::from_env().await?;
    let worker = ostro.worker().build()?;
    let result = worker.run_until(stop_signal()).await;
    ostro.shutdown().await;
    result
}

/// Ends at SIGINT or SIGTERM.
async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
