//! What is known of an execution, and of the queues in which its tasks wait.

use std::time::SystemTime;

use temporalio_protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_protos::temporal::api::workflow::v1::{PendingActivityInfo, WorkflowExecutionInfo};
use temporalio_protos::temporal::api::workflowservice::v1::DescribeWorkflowExecutionResponse;

use crate::outstanding::Outstanding;
use crate::task_queue::QueueView;
use crate::version;

/// What is known of an execution.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    pub described: &'a DescribeWorkflowExecutionResponse,
    /// Of the run's whole history.
    pub outstanding: &'a Outstanding,
    /// The queues in which its tasks wait, as far as they are known.
    pub queues: &'a [QueueView],
    pub now: SystemTime,
}

impl<'a> Evidence<'a> {
    pub(crate) fn info(&self) -> Option<&'a WorkflowExecutionInfo> {
        self.described.workflow_execution_info.as_ref()
    }

    pub(crate) fn task_queue(&self) -> &'a str {
        let configured = self.described.execution_config.as_ref().and_then(|config| config.task_queue.as_ref());
        configured.map_or_else(|| self.info().map_or("", |info| &info.task_queue), |queue| &queue.name)
    }

    /// The queue of an activity: its own, else that of the workflow.
    pub(crate) fn activity_queue(&self, activity: &'a PendingActivityInfo) -> &'a str {
        let options = activity.activity_options.as_ref().and_then(|options| options.task_queue.as_ref());
        options.map(|queue| queue.name.as_str()).filter(|name| !name.is_empty()).unwrap_or_else(|| self.task_queue())
    }

    fn queue(&self, name: &str, kind: TaskQueueType) -> Option<&'a QueueView> {
        self.queues.iter().find(|queue| queue.name == name && queue.kind == kind)
    }

    /// Whether the workers of the workflow's queue have gone.
    pub(crate) fn is_left(&self, name: &str) -> bool {
        self.queue(name, TaskQueueType::Workflow).is_some_and(QueueView::is_left)
    }

    /// Which of its workers went last, and when.
    pub(crate) fn last(&self, name: &str) -> String {
        self.queue(name, TaskQueueType::Workflow).map(|queue| queue.last(self.now)).unwrap_or_default()
    }

    /// Whether the worker that has the activity has gone.
    pub(crate) fn has_lost(&self, activity: &'a PendingActivityInfo) -> bool {
        let queue = self.queue(self.activity_queue(activity), TaskQueueType::Activity);
        queue.is_some_and(|queue| queue.has_lost(&activity.last_worker_identity))
    }

    /// What a task in the queue waits for, to follow "waiting"; whether it waits for good.
    pub(crate) fn queue_why(&self, name: &str, activity: bool) -> (String, bool) {
        let kind = if activity { TaskQueueType::Activity } else { TaskQueueType::Workflow };
        // In queues that are not its own a pinned run may have to do with whatever version is there.
        let pinned = self.info().and_then(version::pinned).filter(|_| name == self.task_queue());
        match self.queue(name, kind) {
            Some(queue) => queue.why(pinned, self.now),
            None => (format!("for a worker of task queue `{name}`"), false),
        }
    }
}
