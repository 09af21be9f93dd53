//! Deletes closed executions whose retention is over.

use std::sync::Arc;
use std::time::Duration;

use ostro_engine::call::ExpireExecutions;
use ostro_store::Readers;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::shell::EngineHandle;

/// Executions deleted in one commit.
const CHUNK: usize = 100;

/// What retention works with.
pub(crate) struct Retention {
    pub engine: EngineHandle,
    pub readers: Readers,
    pub clock: Arc<dyn Clock>,
    pub metrics: Arc<Metrics>,
    /// Between two looks at the store.
    pub interval: Duration,
}

impl Retention {
    /// Runs for ever: end it by dropping the future.
    pub(crate) async fn run(self) {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.expire().await;
        }
    }

    /// Deletes all that is due, a chunk at a time, so that other commands get their turn in between.
    async fn expire(&self) {
        loop {
            let executions = self.due().await;
            let full = executions.len() == CHUNK;
            if executions.is_empty() {
                return;
            }
            match self.engine.call(ExpireExecutions { executions }).await {
                Ok(deleted) => self.metrics.executions_expired.add(deleted as i64),
                Err(error) => {
                    return tracing::warn!(%error, "expired executions could not be deleted: the next round tries again");
                }
            }
            if !full {
                return;
            }
        }
    }

    async fn due(&self) -> Vec<i64> {
        let now = self.clock.now();
        // It is of no namespace: theirs cannot hold it up.
        match self.readers.list("", move |reads| reads.expired(now, CHUNK)).await {
            Ok(Ok(executions)) => executions,
            Ok(Err(error)) => {
                tracing::warn!(%error, "expired executions could not be found: the next round tries again");
                Vec::new()
            }
            Err(refused) => {
                tracing::warn!(%refused, "expired executions could not be found: the next round tries again");
                Vec::new()
            }
        }
    }
}
