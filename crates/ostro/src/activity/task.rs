//! An activity task that a worker has taken, and what can be said about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use prost_wkt_types::{Duration as ProtoDuration, Timestamp};
use temporalio_common::protos::coresdk::ActivityHeartbeat;
use temporalio_common::protos::coresdk::activity_task::Start;
use temporalio_sdk_core::Worker as Core;
use tokio::sync::Notify;

use crate::activity::ActivityInfo;
use crate::client::rpc;
use crate::payload::Payload;

/// A task between its start and its completion.
pub(crate) struct Task {
    core: Arc<Core>,
    pub token: Vec<u8>,
    pub is_local: bool,
    cancel: Cancel,
}

/// Set once.
#[derive(Default)]
struct Cancel {
    requested: AtomicBool,
    waiting: Notify,
}

impl Task {
    pub fn new(core: Arc<Core>, token: Vec<u8>, is_local: bool) -> Self {
        Self { core, token, is_local, cancel: Cancel::default() }
    }

    pub fn heartbeat(&self, details: Payload) {
        if !self.is_local {
            let details = vec![details];
            self.core.record_activity_heartbeat(ActivityHeartbeat { task_token: self.token.clone(), details });
        }
    }

    pub fn cancel(&self) {
        self.cancel.requested.store(true, Ordering::SeqCst);
        self.cancel.waiting.notify_waiters();
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancel.requested.load(Ordering::SeqCst)
    }

    pub async fn cancelled(&self) {
        let mut notified = std::pin::pin!(self.cancel.waiting.notified());
        // Heard from here on, so a cancellation between the look and the wait is not missed.
        notified.as_mut().enable();
        if !self.is_cancelled() {
            notified.await;
        }
    }
}

/// What the code of the activity is told about it.
pub(crate) fn info(start: &mut Start, name: &str, task_queue: &str) -> ActivityInfo {
    let execution = start.workflow_execution.take();
    let (workflow_id, run_id) = execution.map(|execution| (execution.workflow_id, execution.run_id)).unzip();
    ActivityInfo {
        name: name.to_owned(),
        attempt: start.attempt,
        activity_id: std::mem::take(&mut start.activity_id),
        workflow_id,
        run_id,
        task_queue: task_queue.to_owned(),
        is_local: start.is_local,
        deadline: deadline(start),
        heartbeat_timeout: duration(start.heartbeat_timeout),
    }
}

/// When the attempt, or all attempts together, have taken too long.
fn deadline(start: &Start) -> Option<SystemTime> {
    let after = |from: Option<Timestamp>, limit: Option<ProtoDuration>| {
        let limit = duration(limit).filter(|limit| !limit.is_zero())?;
        rpc::time(from)?.checked_add(limit)
    };
    let attempt = after(start.started_time, start.start_to_close_timeout);
    let all = after(start.scheduled_time, start.schedule_to_close_timeout);
    attempt.into_iter().chain(all).min()
}

fn duration(duration: Option<ProtoDuration>) -> Option<Duration> {
    duration.and_then(|duration| duration.try_into().ok())
}
