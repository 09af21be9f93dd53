//! What a pending workflow task waits for.

use temporalio_protos::temporal::api::enums::v1::PendingWorkflowTaskState;
use temporalio_protos::temporal::api::workflow::v1::PendingWorkflowTaskInfo;

use crate::execution::Evidence;
use crate::moment;
use crate::reason::{Kind, Reason};

pub(crate) fn reason(task: &PendingWorkflowTaskInfo, evidence: &Evidence<'_>) -> Reason {
    let now = evidence.now;
    let failing = task.attempt > 1;
    let started = task.state() == PendingWorkflowTaskState::Started;
    let (place, blocked) = match moment::of(task.started_time.as_ref()).filter(|_| started) {
        Some(since) => {
            (format!("Running the workflow's code on a worker for{}", moment::for_time(Some(since), now)), false)
        }
        None => waiting(task, evidence),
    };
    let sentence = match evidence.outstanding.task_failure().filter(|_| failing) {
        Some(first) => format!(
            "Blocked{}: the workflow's code fails, attempt {}, first error `{}`. {place}.",
            moment::for_time(first.since, now),
            task.attempt,
            first.text
        ),
        None if failing => format!("{place}: attempt {}.", task.attempt),
        None => format!("{place}."),
    };
    Reason::new(Kind::WorkflowTask, evidence.task_queue(), sentence).blocked(blocked || failing)
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
