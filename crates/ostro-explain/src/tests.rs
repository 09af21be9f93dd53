//! Each sentence, from the answers it is made of.

use std::time::{Duration, SystemTime};

use prost_wkt_types::{Duration as WireDuration, Timestamp};
use temporalio_protos::temporal::api::activity::v1::ActivityOptions;
use temporalio_protos::temporal::api::common::v1::{ActivityType, WorkflowExecution};
use temporalio_protos::temporal::api::enums::v1::{
    PendingActivityState, PendingWorkflowTaskState, TaskQueueType, WorkflowExecutionStatus, WorkflowTaskFailedCause,
};
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::history::v1::{
    HistoryEvent, SignalExternalWorkflowExecutionInitiatedEventAttributes, TimerFiredEventAttributes,
    TimerStartedEventAttributes, WorkflowTaskCompletedEventAttributes, WorkflowTaskFailedEventAttributes,
};
use temporalio_protos::temporal::api::schedule::v1::{Schedule, ScheduleInfo, ScheduleState};
use temporalio_protos::temporal::api::taskqueue::v1::{PollerInfo, TaskQueue, TaskQueueStats};
use temporalio_protos::temporal::api::workflow::v1::{
    PendingActivityInfo, PendingChildExecutionInfo, PendingWorkflowTaskInfo, WorkflowExecutionExtendedInfo,
    WorkflowExecutionInfo, WorkflowExecutionPauseInfo,
};
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeScheduleResponse, DescribeTaskQueueResponse, DescribeWorkflowExecutionResponse,
};

use crate::{Evidence, Kind, Outstanding, QueueView, Reason, reasons, schedule, task_queue};

/// Seconds since the epoch at which all of it is asked.
const NOW: i64 = 1_795_352_512;

fn at(seconds_from_now: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: NOW + seconds_from_now, nanos: 0 })
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW as u64)
}

fn running() -> DescribeWorkflowExecutionResponse {
    let info = WorkflowExecutionInfo {
        execution: Some(WorkflowExecution { workflow_id: "w".into(), run_id: "r".into() }),
        status: WorkflowExecutionStatus::Running.into(),
        task_queue: "orders".into(),
        ..Default::default()
    };
    DescribeWorkflowExecutionResponse { workflow_execution_info: Some(info), ..Default::default() }
}

fn queue(name: &str, kind: TaskQueueType, workers: usize, tasks: i64) -> QueueView {
    let poller = PollerInfo { last_access_time: at(-2), identity: "7@host".into(), ..Default::default() };
    let stats = TaskQueueStats {
        approximate_backlog_count: tasks,
        approximate_backlog_age: (tasks > 0).then_some(WireDuration { seconds: 90, nanos: 0 }),
        ..Default::default()
    };
    let described =
        DescribeTaskQueueResponse { pollers: vec![poller; workers], stats: Some(stats), ..Default::default() };
    QueueView { name: name.into(), kind, described }
}

fn of(described: &DescribeWorkflowExecutionResponse, events: &[HistoryEvent], queues: &[QueueView]) -> Vec<Reason> {
    let mut outstanding = Outstanding::default();
    events.iter().for_each(|event| outstanding.push(event));
    reasons(&Evidence { described, outstanding: &outstanding, queues, now: now() })
}

fn event(event_id: i64, seconds_from_now: i64, attributes: Attributes) -> HistoryEvent {
    HistoryEvent { event_id, event_time: at(seconds_from_now), attributes: Some(attributes), ..Default::default() }
}

fn timer(event_id: i64, id: &str, seconds: i64) -> HistoryEvent {
    let start_to_fire_timeout = Some(WireDuration { seconds, nanos: 0 });
    let attributes = TimerStartedEventAttributes { timer_id: id.into(), start_to_fire_timeout, ..Default::default() };
    event(event_id, -60, Attributes::TimerStartedEventAttributes(attributes))
}

fn failed_task(event_id: i64, seconds_from_now: i64, message: &str) -> HistoryEvent {
    let attributes = WorkflowTaskFailedEventAttributes {
        failure: Some(Failure { message: message.into(), ..Default::default() }),
        cause: WorkflowTaskFailedCause::NonDeterministicError.into(),
        ..Default::default()
    };
    event(event_id, seconds_from_now, Attributes::WorkflowTaskFailedEventAttributes(attributes))
}

#[test]
fn an_activity_that_backs_off() {
    let mut described = running();
    described.pending_activities.push(PendingActivityInfo {
        activity_id: "1".into(),
        activity_type: Some(ActivityType { name: "ocr".into() }),
        state: PendingActivityState::Scheduled.into(),
        attempt: 4,
        maximum_attempts: 5,
        scheduled_time: at(-192),
        next_attempt_schedule_time: at(48),
        last_failure: Some(Failure { message: "429 from api.x".into(), ..Default::default() }),
        ..Default::default()
    });
    let sentence =
        "Waiting 3m 12s for activity `ocr`: attempt 4 of 5, next try in 48s, last error `429 from api.x`.".to_owned();
    let expected = Reason { kind: Kind::Activity, subject: "1".into(), blocked: false, sentence };
    assert_eq!(of(&described, &[], &[]), [expected]);
}

#[test]
fn an_activity_whose_queue_nobody_polls_is_blocked() {
    let task_queue = Some(TaskQueue { name: "gpu".into(), ..Default::default() });
    let mut described = running();
    described.pending_activities.push(PendingActivityInfo {
        activity_type: Some(ActivityType { name: "ocr".into() }),
        state: PendingActivityState::Scheduled.into(),
        attempt: 1,
        scheduled_time: at(-5),
        activity_options: Some(ActivityOptions { task_queue, ..Default::default() }),
        ..Default::default()
    });
    let queues = [queue("gpu", TaskQueueType::Activity, 0, 1), queue("gpu", TaskQueueType::Workflow, 1, 0)];
    let reasons = of(&described, &[], &queues);
    let expected = "Waiting 5s for activity `ocr`: attempt 1, waiting for a worker: none polls the activity tasks of task \
                    queue `gpu`.";
    assert_eq!((reasons[0].sentence.as_str(), reasons[0].blocked), (expected, true));
}

#[test]
fn a_running_activity_names_its_worker_and_heartbeat() {
    let mut described = running();
    described.pending_activities.push(PendingActivityInfo {
        activity_type: Some(ActivityType { name: "train".into() }),
        state: PendingActivityState::Started.into(),
        attempt: 1,
        maximum_attempts: 3,
        scheduled_time: at(-70),
        last_started_time: at(-65),
        last_heartbeat_time: at(-3),
        last_worker_identity: "7@host".into(),
        ..Default::default()
    });
    let expected = "Waiting 1m 10s for activity `train`: attempt 1 of 3, running on worker `7@host` for 1m 5s, last \
                    heartbeat 3s ago.";
    assert_eq!(of(&described, &[], &[])[0].sentence, expected);
}

#[test]
fn a_workflow_task_that_fails_again_and_again_is_blocked_with_its_first_error() {
    let mut described = running();
    described.pending_workflow_task = Some(PendingWorkflowTaskInfo {
        state: PendingWorkflowTaskState::Scheduled.into(),
        attempt: 7,
        scheduled_time: at(12),
        ..Default::default()
    });
    let completed = Attributes::WorkflowTaskCompletedEventAttributes(WorkflowTaskCompletedEventAttributes::default());
    let history = [
        failed_task(3, -900, "an older one"),
        event(6, -800, completed),
        failed_task(9, -300, "no activity `ocr` here"),
        failed_task(12, -200, "a later one"),
    ];
    let reasons = of(&described, &history, &[]);
    let expected = "Blocked 5m: the workflow's code fails, attempt 7, first error `no activity `ocr` here \
                    (NON_DETERMINISTIC_ERROR)`. Its next try is in 12s.";
    assert_eq!((reasons[0].sentence.as_str(), reasons[0].blocked), (expected, true));
}

#[test]
fn a_workflow_task_without_a_worker_is_blocked_and_one_in_a_queue_is_not() {
    let mut described = running();
    described.pending_workflow_task = Some(PendingWorkflowTaskInfo {
        state: PendingWorkflowTaskState::Scheduled.into(),
        attempt: 1,
        scheduled_time: at(-30),
        ..Default::default()
    });
    let nobody = of(&described, &[], &[queue("orders", TaskQueueType::Workflow, 0, 1)]);
    let expected = "Waiting 30s for a worker: none polls the workflow tasks of task queue `orders`.";
    assert_eq!((nobody[0].sentence.as_str(), nobody[0].blocked), (expected, true));

    let busy = of(&described, &[], &[queue("orders", TaskQueueType::Workflow, 2, 9)]);
    let expected = "Waiting 30s for a free worker of task queue `orders`, where 9 tasks wait (last poll 2s ago).";
    assert_eq!((busy[0].sentence.as_str(), busy[0].blocked), (expected, false));
}

#[test]
fn timers_children_and_signals_under_way() {
    let mut described = running();
    described.pending_children.push(PendingChildExecutionInfo {
        workflow_id: "child".into(),
        workflow_type_name: "Payment".into(),
        run_id: "r2".into(),
        ..Default::default()
    });
    let signal = SignalExternalWorkflowExecutionInitiatedEventAttributes {
        workflow_execution: Some(WorkflowExecution { workflow_id: "other".into(), run_id: String::new() }),
        signal_name: "go".into(),
        ..Default::default()
    };
    let fired = TimerFiredEventAttributes { timer_id: "1".into(), started_event_id: 5 };
    let history = [
        timer(5, "1", 30),
        timer(6, "2", 7_260),
        event(8, -60, Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(signal)),
        event(9, -30, Attributes::TimerFiredEventAttributes(fired)),
    ];
    let sentences: Vec<String> = of(&described, &history, &[]).into_iter().map(|reason| reason.sentence).collect();
    let expected = [
        "Waiting for child workflow `child` (Payment).",
        "Waiting 1m for its signal \"go\" to reach workflow `other`.",
        "Waiting for timer `2`, which fires in 2h.",
    ];
    assert_eq!(sentences, expected);
}

#[test]
fn nothing_scheduled_a_start_delay_and_the_end() {
    let mut described = running();
    assert_eq!(of(&described, &[], &[])[0].kind, Kind::Message);

    let info = described.workflow_execution_info.as_mut().expect("it was set");
    info.execution_time = at(300);
    let begins = "Waiting for its beginning, in 5m (a start delay, a retry's back-off or cron).";
    assert_eq!(of(&described, &[], &[])[0].sentence, begins);

    // A server whose clock is ahead: it has begun.
    let info = described.workflow_execution_info.as_mut().expect("it was set");
    info.start_time = at(300);
    assert_eq!(of(&described, &[], &[])[0].kind, Kind::Message);

    let info = described.workflow_execution_info.as_mut().expect("it was set");
    info.status = WorkflowExecutionStatus::TimedOut.into();
    info.close_time = at(-60);
    assert_eq!(of(&described, &[timer(5, "1", 30)], &[])[0].sentence, "Waiting for nothing: it timed out 1m ago.");
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
    ];
    for (view, expected) in table {
        assert_eq!(task_queue(&view), expected);
    }
}

#[test]
fn schedules() {
    let next =
        ScheduleInfo { future_action_times: at(240).into_iter().collect(), buffer_size: 2, ..Default::default() };
    let described = |state: ScheduleState, info: &ScheduleInfo| DescribeScheduleResponse {
        schedule: Some(Schedule { state: Some(state), ..Default::default() }),
        info: Some(info.clone()),
        ..Default::default()
    };
    let paused = ScheduleState { paused: true, notes: "stock-taking".into(), ..Default::default() };
    let spent = ScheduleState { limited_actions: true, ..Default::default() };
    let table = [
        (
            described(ScheduleState::default(), &next),
            "Waiting for its next action, in 4m. 2 actions wait for the running one to end.",
        ),
        (described(paused, &next), "Paused (stock-taking), until somebody unpauses it."),
        (described(spent, &next), "Waiting for nothing: it has no actions left."),
        (
            described(ScheduleState::default(), &ScheduleInfo::default()),
            "Waiting for nothing: no time is left in its specification.",
        ),
    ];
    for (answer, expected) in table {
        assert_eq!(schedule(&answer, now()), expected);
    }
}

#[test]
fn a_paused_execution_waits_for_whoever_unpauses_it() {
    let mut described = running();
    described.workflow_execution_info.as_mut().expect("it is described").set_status(WorkflowExecutionStatus::Paused);
    let pause_info = WorkflowExecutionPauseInfo { paused_time: at(-60), identity: "me".into(), reason: "why".into() };
    described.workflow_extended_info =
        Some(WorkflowExecutionExtendedInfo { pause_info: Some(pause_info), ..Default::default() });
    let outstanding = Outstanding::default();
    let found = reasons(&Evidence { described: &described, outstanding: &outstanding, queues: &[], now: now() });
    assert_eq!((found[0].kind, found[0].blocked), (Kind::Paused, true));
    assert!(found[0].sentence.ends_with("by `me` (why), until somebody unpauses it."), "{}", found[0].sentence);
}
