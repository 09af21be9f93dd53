//! Stored histories against the code of today.

use std::sync::Arc;

use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};
use temporalio_workflow::workflow_interceptors::WorkflowInterceptorConstructor;
use tokio::sync::watch;

use crate::client::History;
use crate::error::{Error, Result, chain};
use crate::failure;
use crate::registry::Registry;
use crate::worker::Shared;
use crate::workflow::adapter::Adapter;
use crate::workflow::remote::HeaderInterceptor;

/// Runs the workflows of this program over a history, and fails where they would do something else today than they did then.
///
/// Store histories of workflows that are open ([`History::to_json`], `ostro workflow show --output json`), and replay them in a
/// test before deploying a change; guard what differs with [`workflow::patched`](crate::workflow::patched).
///
/// ```no_run
/// # async fn example() -> ostro::Result<()> {
/// let history = ostro::client::History::from_json(include_str!("../../README.md"))?;
/// ostro::testing::replay(history).await
/// # }
/// ```
///
/// # Errors
/// Type name `NonDeterminism`: the code does something else. `NotFound`: this program does not define the workflow.
pub async fn replay(history: History) -> Result<()> {
    let registry = Registry::linked()?;
    let (_stop, stopping) = watch::channel(false);
    let shared = Arc::new(Shared {
        dependencies: Arc::default(),
        mocks: Arc::default(),
        session_queue: "replay".into(),
        stopping,
        rate_queues: Arc::default(),
        ostro: None,
    });
    let mut options = WorkflowReplayerOptions::new()
        .data_converter(failure::data_converter())
        .detect_nondeterministic_futures(false)
        .workflow_interceptor(WorkflowInterceptorConstructor::new(|_| HeaderInterceptor));
    for entry in registry.workflows.values() {
        options = options.register_workflow_with_factory::<Adapter, _>(Adapter::factory(entry, shared.clone()))?;
    }
    let options = options.build();
    // The replay worker's future stays on its thread.
    let handle = tokio::runtime::Handle::current();
    let replayed = tokio::task::spawn_blocking(move || {
        handle.block_on(async move {
            let replayer = WorkflowReplayer::new(options).map_err(|error| Error::new(chain(&error)))?;
            replayer.replay_workflow(history.into_sdk()).await.map_err(|error| {
                let message = format!("the history cannot be replayed by this code: {}", chain(&error));
                Error::misuse("NonDeterminism", message)
            })
        })
    });
    replayed.await?
}
