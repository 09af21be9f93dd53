//! A worker's configuration from Python's keywords.

use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use temporalio_common::worker::WorkerTaskTypes;
use temporalio_sdk_core::{PollerBehavior, WorkerConfig, WorkerVersioningStrategy};

/// How much longer than its time-out an attempt may go on here.
const TIMEOUT_BUFFER: Duration = Duration::from_secs(1);

/// What Python says of a worker; the names are those of the core.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Settings {
    namespace: String,
    task_queue: String,
    identity: String,
    build_id: String,
    workflows: bool,
    max_cached_workflows: usize,
    max_concurrent_workflow_tasks: usize,
    max_concurrent_activities: usize,
    max_concurrent_local_activities: usize,
    /// 0 for what fits the engine.
    workflow_task_pollers: usize,
    activity_task_pollers: usize,
    max_task_queue_activities_per_second: Option<f64>,
    sticky_schedule_to_start: f64,
    heartbeat_throttle: f64,
    graceful_shutdown: f64,
}

impl Settings {
    pub fn config(self, is_in_process: bool) -> PyResult<WorkerConfig> {
        let pollers = |asked: usize| {
            PollerBehavior::SimpleMaximum(if asked == 0 { ostro_embedded::pollers(is_in_process) } else { asked })
        };
        let task_types = if self.workflows {
            WorkerTaskTypes { enable_nexus: false, ..WorkerTaskTypes::all() }
        } else {
            WorkerTaskTypes::activity_only()
        };
        WorkerConfig::builder()
            .namespace(self.namespace)
            .task_queue(self.task_queue)
            .client_identity_override(self.identity)
            .task_types(task_types)
            .max_cached_workflows(if self.workflows { self.max_cached_workflows } else { 0 })
            .max_outstanding_workflow_tasks(self.max_concurrent_workflow_tasks)
            .max_outstanding_activities(self.max_concurrent_activities)
            .max_outstanding_local_activities(self.max_concurrent_local_activities)
            .workflow_task_poller_behavior(pollers(self.workflow_task_pollers))
            .activity_task_poller_behavior(pollers(self.activity_task_pollers))
            .maybe_max_task_queue_activities_per_second(self.max_task_queue_activities_per_second)
            .sticky_queue_schedule_to_start_timeout(Duration::from_secs_f64(self.sticky_schedule_to_start))
            .max_heartbeat_throttle_interval(Duration::from_secs_f64(self.heartbeat_throttle))
            .default_heartbeat_throttle_interval(Duration::from_secs_f64(self.heartbeat_throttle))
            // The engine decides a time-out; the attempt is ended here soon after.
            .local_timeout_buffer_for_activities(TIMEOUT_BUFFER)
            .graceful_shutdown_period(Duration::from_secs_f64(self.graceful_shutdown))
            .versioning_strategy(WorkerVersioningStrategy::None { build_id: self.build_id })
            .ignore_evicts_on_shutdown(true)
            // Several workers of one program may serve one queue.
            .skip_client_worker_set_check(true)
            .build()
            .map_err(PyValueError::new_err)
    }
}
