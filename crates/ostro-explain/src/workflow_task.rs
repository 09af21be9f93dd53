//! What a pending workflow task waits for.

use std::time::Duration;

use temporalio_protos::temporal::api::enums::v1::PendingWorkflowTaskState;
use temporalio_protos::temporal::api::workflow::v1::PendingWorkflowTaskInfo;

use crate::evidence::Evidence;
use crate::reason::{Kind, Reason};
use crate::{duration, moment};

pub(crate) fn reason(task: &PendingWorkflowTaskInfo, evidence: &Evidence<'_>) -> Reason {
    let now = evidence.now;
    let failing = task.attempt > 1;
    let started = task.state() == PendingWorkflowTaskState::Started;
    let (place, blocked) = match moment::of(task.started_time.as_ref()).filter(|_| started) {
        Some(since) if evidence.is_left(evidence.task_queue()) => {
            let last = evidence.last(evidence.task_queue());
            let taken = moment::ago(since, now);
            (
                format!(
                    "A worker took it {taken} and is gone: none polls task queue `{}`{last}",
                    evidence.task_queue()
                ),
                true,
            )
        }
        Some(since) => {
            let over = timeout(task, evidence).and_then(|timeout| since.checked_add(timeout));
            let over = over.map(|over| format!(", times out {}", moment::until(over, now))).unwrap_or_default();
            let on = moment::for_time(Some(since), now);
            (format!("Running the workflow's code on a worker for{on}{over}"), false)
        }
        None => waiting(task, evidence),
    };
    let sentence = match evidence.outstanding.task_failure().filter(|_| failing) {
        Some(first) => {
            let fault = if first.timed_out { "no worker answers for its task" } else { "the workflow's code fails" };
            let since = moment::for_time(first.since, now);
            format!("Blocked{since}: {fault}, attempt {}, first error `{}`. {place}.", task.attempt, first.text)
        }
        None if failing => format!("{place}: attempt {}.", task.attempt),
        None => format!("{place}."),
    };
    Reason::new(Kind::WorkflowTask, evidence.task_queue(), sentence).blocked(blocked || failing)
}

/// How long a worker may take.
fn timeout(task: &PendingWorkflowTaskInfo, evidence: &Evidence<'_>) -> Option<Duration> {
    // From the fourth attempt on servers give it more.
    let config = evidence.described.execution_config.as_ref().filter(|_| task.attempt < 4)?;
    config.default_workflow_task_timeout.as_ref().map(duration::from_proto).filter(|timeout| !timeout.is_zero())
}

fn waiting(task: &PendingWorkflowTaskInfo, evidence: &Evidence<'_>) -> (String, bool) {
    let now = evidence.now;
    let scheduled = moment::of(task.scheduled_time.as_ref());
    // A task that failed is scheduled anew for the end of its back-off.
    if let Some(due) = scheduled.filter(|due| *due > now) {
        return (format!("Its next try is {}", moment::until(due, now)), false);
    }
    let (why, blocked) = evidence.queue_why(evidence.task_queue(), false);
    (format!("Waiting{} {why}", moment::for_time(scheduled, now)), blocked)
}
