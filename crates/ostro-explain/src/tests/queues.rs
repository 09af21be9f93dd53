//! Sentences on task queues, and on tasks that no worker may take.

use temporalio_protos::temporal::api::deployment::v1::{WorkerDeploymentOptions, WorkerDeploymentVersion};
use temporalio_protos::temporal::api::enums::v1::{
    PendingWorkflowTaskState, TaskQueueType, VersioningBehavior, WorkerVersioningMode,
};
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueueVersioningInfo;
use temporalio_protos::temporal::api::workflow::v1::{PendingWorkflowTaskInfo, WorkflowExecutionVersioningInfo};
use temporalio_protos::temporal::api::workflowservice::v1::DescribeWorkflowExecutionResponse;

use super::{at, limited, now, of, queue, running};
use crate::{QueueView, task_queue};

fn version(build_id: &str) -> Option<WorkerDeploymentVersion> {
    Some(WorkerDeploymentVersion { deployment_name: "shop".into(), build_id: build_id.into() })
}

/// A queue with a worker of each of these builds; "" for one without a version.
fn versioned_queue(current: Option<WorkerDeploymentVersion>, builds: &[&str]) -> QueueView {
    let mut view = queue("orders", TaskQueueType::Workflow, builds.len(), 3);
    for (poller, build_id) in view.described.pollers.iter_mut().zip(builds).filter(|(_, build)| !build.is_empty()) {
        poller.deployment_options = Some(WorkerDeploymentOptions {
            deployment_name: "shop".into(),
            build_id: (*build_id).into(),
            worker_versioning_mode: WorkerVersioningMode::Versioned.into(),
        });
    }
    let routing = TaskQueueVersioningInfo { current_deployment_version: current, ..Default::default() };
    view.described.versioning_info = Some(routing);
    view
}

/// A run whose workflow task has waited for half a minute.
fn with_a_task() -> DescribeWorkflowExecutionResponse {
    let mut described = running();
    described.pending_workflow_task = Some(PendingWorkflowTaskInfo {
        state: PendingWorkflowTaskState::Scheduled.into(),
        attempt: 1,
        scheduled_time: at(-30),
        ..Default::default()
    });
    described
}

#[test]
fn a_task_for_a_version_that_no_worker_has_is_blocked() {
    let described = with_a_task();
    let mut pinned = described.clone();
    pinned.workflow_execution_info.as_mut().expect("it was set").versioning_info =
        Some(WorkflowExecutionVersioningInfo {
            behavior: VersioningBehavior::Pinned.into(),
            deployment_version: version("1"),
            ..Default::default()
        });
    for (described, queue, expected) in [
        (
            &pinned,
            versioned_queue(version("2"), &["2", ""]),
            Some(
                "Waiting 30s for a worker of version `shop:1`, to which it is pinned: the workers of task queue \
                 `orders` are of others.",
            ),
        ),
        (&pinned, versioned_queue(version("2"), &["2", "1"]), None),
        (
            &described,
            versioned_queue(version("2"), &["1"]),
            Some(
                "Waiting 30s for a worker of version `shop:2`, the current one: the workers of task queue `orders` \
                 are of others.",
            ),
        ),
        (
            &described,
            versioned_queue(None, &["1", "2"]),
            Some(
                "Waiting 30s for a version to be made the current one: no worker of task queue `orders` is without \
                 a version.",
            ),
        ),
        (&described, versioned_queue(version("2"), &["2"]), None),
        (&described, versioned_queue(None, &["1", ""]), None),
    ] {
        let reason = of(described, &[], &[queue]).remove(0);
        assert_eq!(reason.blocked, expected.is_some(), "{}", reason.sentence);
        if let Some(expected) = expected {
            assert_eq!(reason.sentence, expected);
        }
    }
}

#[test]
fn a_workflow_task_without_a_worker_is_blocked_and_one_in_a_queue_is_not() {
    let described = with_a_task();
    let nobody = of(&described, &[], &[queue("orders", TaskQueueType::Workflow, 0, 1)]);
    let expected = "Waiting 30s for a worker: none polls the workflow tasks of task queue `orders`.";
    assert_eq!((nobody[0].sentence.as_str(), nobody[0].blocked), (expected, true));

    let busy = of(&described, &[], &[queue("orders", TaskQueueType::Workflow, 2, 9)]);
    let expected = "Waiting 30s for a free worker of task queue `orders`, where 9 tasks wait (last poll 2s ago).";
    assert_eq!((busy[0].sentence.as_str(), busy[0].blocked), (expected, false));
}

/// Its workers have gone; the server tells who they were.
fn left_queue(kind: TaskQueueType, tasks: i64) -> QueueView {
    let view = queue("orders", kind, 1, tasks);
    QueueView::new(&view.name, kind, view.described, &["7@host".to_owned()])
}

#[test]
fn nobody_polls_a_queue_whose_worker_has_gone() {
    let mut described = with_a_task();
    let gone = left_queue(TaskQueueType::Workflow, 1);
    let waits = of(&described, &[], std::slice::from_ref(&gone));
    let expected = "Waiting 30s for a worker: none polls the workflow tasks of task queue `orders` (the last was `7@host`, \
                    which left 2s ago).";
    assert_eq!((waits[0].sentence.as_str(), waits[0].blocked), (expected, true));
    assert_eq!(
        task_queue(&gone, now()),
        "1 workflow task waits, the oldest for 1m 30s: no worker polls (the last was `7@host`, which left 2s ago); start one."
    );
    let task = described.pending_workflow_task.as_mut().expect("it was set");
    task.set_state(PendingWorkflowTaskState::Started);
    task.started_time = at(-20);
    let taken = of(&described, &[], &[gone]);
    let expected = "A worker took it 20s ago and is gone: none polls task queue `orders` (the last was `7@host`, which left \
                    2s ago).";
    assert_eq!((taken[0].sentence.as_str(), taken[0].blocked), (expected, true));
}

#[test]
fn task_queues() {
    let table = [
        (queue("q", TaskQueueType::Workflow, 1, 0), "No workflow task waits: its worker is free."),
        (
            queue("q", TaskQueueType::Activity, 0, 0),
            "No activity task waits, and no worker polls: the first task will wait for one.",
        ),
        (
            queue("q", TaskQueueType::Activity, 0, 3),
            "3 activity tasks wait, the oldest for 1m 30s: no worker polls; start one.",
        ),
        (
            queue("q", TaskQueueType::Workflow, 2, 1),
            "1 workflow task waits, the oldest for 1m 30s: its 2 workers are busy.",
        ),
        (
            versioned_queue(None, &["1"]),
            "3 workflow tasks wait, the oldest for 1m 30s: they wait for a version to be made the current one: no \
             worker of task queue `orders` is without a version.",
        ),
        (
            limited(queue("q", TaskQueueType::Activity, 1, 3), 0.0),
            "3 activity tasks wait, the oldest for 1m 30s: the queue's rate limit is 0: nothing leaves it.",
        ),
        (
            limited(queue("q", TaskQueueType::Activity, 1, 3), 2.5),
            "3 activity tasks wait, the oldest for 1m 30s: the queue is limited to 2.5 per second.",
        ),
    ];
    for (view, expected) in table {
        assert_eq!(task_queue(&view, now()), expected);
    }
}
