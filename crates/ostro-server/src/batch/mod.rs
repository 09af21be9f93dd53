//! Does the work of batch operations, a page of executions at a time. The engine keeps how far each has come, so that a
//! server that comes back goes on there; what was done twice then is done once, for its request ids are the same.

mod operation;
mod reset_point;
mod targets;

use std::sync::Arc;
use std::time::Duration;

use ostro_engine::batch::{Batch, Progress, RunningBatches};
use ostro_engine::error::ErrorKind;
use ostro_engine::persistence::NamespaceId;
use ostro_store::Readers;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::workflowservice::v1::StartBatchOperationRequest;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::shell::EngineHandle;
use targets::Page;

pub(crate) use targets::attribute_types;

/// Between two looks for batches, where nobody says that there is one.
const INTERVAL: Duration = Duration::from_secs(60);
/// After a failure of the server itself, before the batch is tried again.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest wait between two operations; slower rates are taken for this one.
const PERIOD_MAX: Duration = Duration::from_secs(86_400);

/// What batches work with.
#[derive(Clone)]
pub(crate) struct Batches {
    pub engine: EngineHandle,
    pub readers: Readers,
    /// Rung when a batch was started.
    pub started: Arc<Notify>,
}

/// The server could not do its part; the batch goes on later.
struct Interrupted(String);

impl Batches {
    /// Runs for ever: end it by dropping the future.
    pub(crate) async fn run(self) {
        loop {
            self.run_all().await;
            tokio::select! {
                () = self.started.notified() => {}
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    async fn run_all(&self) {
        let mut under_way = Vec::new();
        let mut work = JoinSet::new();
        // One that is slow, or is to be, holds up none of another namespace; of its own there is one at a time.
        loop {
            let Ok(running) = self.engine.call(RunningBatches).await else { return };
            for batch in running {
                if !under_way.contains(&batch.namespace) {
                    under_way.push(batch.namespace);
                    work.spawn(self.clone().run_one(batch));
                }
            }
            tokio::select! {
                () = self.started.notified() => {}
                ended = work.join_next() => match ended {
                    Some(Ok(namespace)) => under_way.retain(|other| *other != namespace),
                    // A panic has been logged; what it leaves goes on with the next look.
                    Some(Err(_)) => return,
                    None => return,
                },
            }
        }
    }

    /// Runs a batch as far as it goes; answers its namespace.
    async fn run_one(self, batch: Batch) -> NamespaceId {
        if let Err(Interrupted(error)) = self.run_batch(&batch).await {
            tracing::warn!(job = batch.job_id, %error, "a batch operation is interrupted: it goes on later");
            tokio::time::sleep(PATIENCE).await;
        }
        batch.namespace
    }

    async fn run_batch(&self, batch: &Batch) -> Result<(), Interrupted> {
        let request = batch.request.clone().unwrap_or_default();
        let mut cursor = batch.cursor.clone();
        if cursor.is_empty() {
            let total = Some(self.count(batch, &request).await?);
            self.progress(Progress { total, ..of(batch) }).await?;
        }
        loop {
            let page = self.page(batch, &request, &cursor).await?;
            let progress = self.work_through(batch, &request, &page).await?;
            let finished = page.next.is_empty().then_some(true);
            cursor.clone_from(&page.next);
            let running = self.progress(Progress { cursor: page.next, finished, ..progress }).await?;
            if !running {
                return Ok(());
            }
        }
    }

    async fn work_through(
        &self,
        batch: &Batch,
        request: &StartBatchOperationRequest,
        page: &Page,
    ) -> Result<Progress, Interrupted> {
        let mut progress = of(batch);
        let mut pace = pace(request.max_operations_per_second);
        for run in &page.runs {
            if let Some(pace) = pace.as_mut() {
                pace.tick().await;
            }
            if self.does(batch, request, run).await? {
                progress.succeeded += 1;
            } else {
                progress.failed += 1;
            }
        }
        Ok(progress)
    }

    /// Does the operation to one run; whether it went well. A run that is gone or closed needs nothing done.
    async fn does(
        &self,
        batch: &Batch,
        request: &StartBatchOperationRequest,
        run: &WorkflowExecution,
    ) -> Result<bool, Interrupted> {
        match self.operate(batch, request, run).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(true),
            Err(error) if error.kind == ErrorKind::Unavailable => Err(Interrupted(error.message)),
            Err(error) => {
                tracing::info!(job = batch.job_id, workflow = run.workflow_id, %error, "an operation of a batch failed");
                Ok(false)
            }
        }
    }

    async fn progress(&self, progress: Progress) -> Result<bool, Interrupted> {
        self.engine.call(progress).await.map_err(|error| Interrupted(error.message))
    }
}

fn of(batch: &Batch) -> Progress {
    Progress {
        namespace: batch.namespace,
        job_id: batch.job_id.clone(),
        cursor: batch.cursor.clone(),
        ..Default::default()
    }
}

/// The ticks of a limited rate; `None`: as fast as it goes.
fn pace(per_second: f32) -> Option<tokio::time::Interval> {
    period(per_second).map(|period| {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks
    })
}

/// How far apart operations are; `None` where nothing is between them: without a rate, and where it is too high to be told from none.
fn period(per_second: f32) -> Option<Duration> {
    if per_second.is_nan() || per_second <= 0.0 {
        return None;
    }
    let period = Duration::try_from_secs_f32(1.0 / per_second).unwrap_or(PERIOD_MAX).min(PERIOD_MAX);
    (!period.is_zero()).then_some(period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_is_a_rate() {
        let day = Some(PERIOD_MAX);
        for (rate, expected) in [
            (0.0, None),
            (-1.0, None),
            (f32::NAN, None),
            (f32::INFINITY, None),
            (1e30, None),
            (f32::NEG_INFINITY, None),
            (1e-39, day),
            (f32::MIN_POSITIVE, day),
            (4.0, Some(Duration::from_millis(250))),
        ] {
            assert_eq!(period(rate), expected, "{rate}");
        }
    }
}
