//! The workflow task: the worker's turn to decide.
//!
//! ```text
//! (none)    --schedule--> Scheduled
//! Scheduled --start-----> Started | --time out (sticky queue)--> Scheduled on the normal queue
//! Started   --complete--> (none) | Scheduled where events or updates came meanwhile
//! Started   --fail, time out--> Scheduled(attempt + 1)
//! any       --close-----> (none)
//! ```
//!
//! A task with `attempt > 1` is *transient*, one made only to carry updates is *speculative*: neither has events in
//! history before it completes.

mod complete;
mod fail;
mod schedule;
mod start;
mod time_out;

pub(crate) use complete::Completion;
pub(crate) use start::StartedBy;

use temporalio_protos::temporal::api::{
    common::v1::WorkerVersionStamp,
    deployment::v1::WorkerDeploymentOptions,
    enums::v1::TaskQueueKind,
    history::v1::{HistoryEvent, WorkflowTaskScheduledEventAttributes, WorkflowTaskStartedEventAttributes},
    taskqueue::v1::TaskQueue,
};

use super::Execution;
use super::history::FIRST_TASK_ID;
use crate::base::time::{Time, duration, timestamp};
use crate::base::version::is_versioned;
use crate::stored::execution::WorkflowTask;

impl Execution {
    /// The normal task queue of the execution.
    pub(crate) fn normal_queue(&self) -> TaskQueue {
        TaskQueue { name: self.core.task_queue.clone(), kind: TaskQueueKind::Normal as i32, ..Default::default() }
    }

    fn queue_of(&self, task: &WorkflowTask) -> TaskQueue {
        if task.sticky {
            TaskQueue {
                name: task.queue.clone(),
                kind: TaskQueueKind::Sticky as i32,
                normal_name: self.core.task_queue.clone(),
            }
        } else {
            self.normal_queue()
        }
    }

    fn scheduled_attributes(&self, task: &WorkflowTask) -> WorkflowTaskScheduledEventAttributes {
        WorkflowTaskScheduledEventAttributes {
            task_queue: Some(self.queue_of(task)),
            start_to_close_timeout: duration(task.timeout()),
            attempt: task.attempt,
        }
    }

    /// The scheduled and started events that a worker must see though history does not hold them.
    pub(crate) fn transient_events(&self) -> Vec<HistoryEvent> {
        let Some(task) = self.core.workflow_task.as_ref().filter(|t| t.is_transient() || t.speculative) else {
            return Vec::new();
        };
        let mut events = vec![event(task.scheduled_event_id, task.scheduled_time(), self.scheduled_attributes(task))];
        if task.is_started() {
            events.push(event(task.started_event_id, task.started_time(), started_attributes(task)));
        }
        events
    }
}

/// The build that an unversioned worker says it is.
pub(crate) fn version_stamp(worker: Option<&WorkerDeploymentOptions>) -> Option<WorkerVersionStamp> {
    let worker = worker.filter(|w| !w.build_id.is_empty() && !is_versioned(w))?;
    Some(WorkerVersionStamp { build_id: worker.build_id.clone(), use_versioning: false })
}

fn started_attributes(task: &WorkflowTask) -> WorkflowTaskStartedEventAttributes {
    WorkflowTaskStartedEventAttributes {
        worker_version: version_stamp(task.started_by.as_ref()),
        scheduled_event_id: task.scheduled_event_id,
        identity: task.identity.clone(),
        request_id: task.request_id.clone(),
        suggest_continue_as_new: task.suggest_continue_as_new,
        suggest_continue_as_new_reasons: task.suggest_reasons.clone(),
        history_size_bytes: task.history_bytes,
        target_worker_deployment_version_changed: task.target_changed,
        ..Default::default()
    }
}

fn event(
    id: i64,
    time: Time,
    attributes: impl Into<temporalio_protos::temporal::api::history::v1::history_event::Attributes>,
) -> HistoryEvent {
    let attributes = attributes.into();
    HistoryEvent {
        event_id: id,
        task_id: FIRST_TASK_ID + id,
        event_time: timestamp(time),
        event_type: attributes.event_type() as i32,
        attributes: Some(attributes),
        ..Default::default()
    }
}
