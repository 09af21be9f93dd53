//! Each sentence, from the answers it is made of.

mod activities;
mod nexus;
mod queues;
mod schedules;

use std::time::{Duration, SystemTime};

use prost_wkt_types::{Duration as WireDuration, Timestamp};
use temporalio_protos::temporal::api::common::v1::{Payload, Payloads, WorkflowExecution};
use temporalio_protos::temporal::api::enums::v1::{
    PendingWorkflowTaskState, TaskQueueType, TimeoutType, WorkflowExecutionStatus, WorkflowTaskFailedCause,
};
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::history::v1::{
    HistoryEvent, SignalExternalWorkflowExecutionInitiatedEventAttributes,
    StartChildWorkflowExecutionInitiatedEventAttributes, TimerFiredEventAttributes, TimerStartedEventAttributes,
    WorkflowExecutionUpdateAcceptedEventAttributes, WorkflowExecutionUpdateAdmittedEventAttributes,
    WorkflowTaskCompletedEventAttributes, WorkflowTaskFailedEventAttributes, WorkflowTaskTimedOutEventAttributes,
};
use temporalio_protos::temporal::api::taskqueue::v1::{PollerInfo, TaskQueueStats};
use temporalio_protos::temporal::api::update::v1::{Input, Meta, Request};
use temporalio_protos::temporal::api::workflow::v1::{
    PendingChildExecutionInfo, PendingWorkflowTaskInfo, WorkflowExecutionConfig, WorkflowExecutionExtendedInfo,
    WorkflowExecutionInfo, WorkflowExecutionPauseInfo,
};
use temporalio_protos::temporal::api::workflowservice::v1::describe_task_queue_response::EffectiveRateLimit;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeTaskQueueResponse, DescribeWorkflowExecutionResponse,
};

use crate::input;
use crate::{Evidence, Kind, Outstanding, QueueView, Reason, reasons};

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
    QueueView::new(name, kind, described, &[])
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
fn an_update_that_a_reset_brought_has_its_name() {
    let request = Request {
        meta: Some(Meta { update_id: "u".into(), ..Default::default() }),
        input: Some(Input { name: "approve".into(), ..Default::default() }),
        ..Default::default()
    };
    let admitted = WorkflowExecutionUpdateAdmittedEventAttributes { request: Some(request), ..Default::default() };
    let accepted = WorkflowExecutionUpdateAcceptedEventAttributes {
        protocol_instance_id: "u".into(),
        accepted_request: None,
        ..Default::default()
    };
    let history = [
        event(4, -40, Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(admitted)),
        event(8, -30, Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted)),
    ];
    let expected = "Waiting 30s for the handler of update `approve` (id `u`).";
    assert_eq!(of(&running(), &history, &[])[0].sentence, expected);
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
fn a_task_that_workers_take_and_do_not_answer_is_no_fault_of_the_code() {
    let mut described = running();
    described.pending_workflow_task = Some(PendingWorkflowTaskInfo {
        state: PendingWorkflowTaskState::Scheduled.into(),
        attempt: 2,
        scheduled_time: at(-5),
        ..Default::default()
    });
    let timed_out =
        WorkflowTaskTimedOutEventAttributes { timeout_type: TimeoutType::StartToClose.into(), ..Default::default() };
    let history = [event(4, -5, Attributes::WorkflowTaskTimedOutEventAttributes(timed_out))];
    let expected = "Blocked 5s: no worker answers for its task, attempt 2, first error `the worker took the task and did not \
                    answer in time`. Waiting 5s for a worker of task queue `orders`.";
    assert_eq!(of(&described, &history, &[])[0].sentence, expected);
}

#[test]
fn an_input_that_a_person_is_to_give_is_named_by_its_label() {
    let answer =
        |json: &str| Payloads { payloads: vec![Payload { data: json.as_bytes().to_vec(), ..Default::default() }] };
    let waits = of(&running(), &[], &[]);
    let inputs = input::read(Some(&answer(
        r#"{"pending_inputs": [{"task_id": "t1", "label": "Approve?", "input_schema": {}}, {"task_id": "t2", "label": null}]}"#,
    )));
    let sentences: Vec<String> =
        input::instead(waits.clone(), inputs).into_iter().map(|reason| reason.sentence).collect();
    assert_eq!(
        sentences,
        [
            "Waiting for the input `Approve?` of a person: give it with the update `__submit_input` (task_id `t1`).",
            "Waiting for the input of a person: give it with the update `__submit_input` (task_id `t2`).",
        ]
    );
    for unread in ["", "null", "[]", r#"{"pending_inputs": []}"#] {
        assert_eq!(input::instead(waits.clone(), input::read(Some(&answer(unread)))), waits, "{unread}");
    }
    assert_eq!(input::read(None), []);
}

#[test]
fn a_workflow_task_with_a_worker_tells_when_it_is_given_up() {
    let mut described = running();
    described.execution_config = Some(WorkflowExecutionConfig {
        default_workflow_task_timeout: Some(WireDuration { seconds: 10, nanos: 0 }),
        ..Default::default()
    });
    described.pending_workflow_task = Some(PendingWorkflowTaskInfo {
        state: PendingWorkflowTaskState::Started.into(),
        attempt: 1,
        scheduled_time: at(-5),
        started_time: at(-3),
        ..Default::default()
    });
    let expected = "Running the workflow's code on a worker for 3s, times out in 7s.";
    assert_eq!(of(&described, &[], &[])[0].sentence, expected);
}

#[test]
fn timers_children_and_signals_under_way() {
    let mut described = running();
    described.pending_children.push(PendingChildExecutionInfo {
        workflow_id: "child".into(),
        workflow_type_name: "Payment".into(),
        run_id: "r2".into(),
        initiated_id: 4,
        ..Default::default()
    });
    let signal = SignalExternalWorkflowExecutionInitiatedEventAttributes {
        workflow_execution: Some(WorkflowExecution { workflow_id: "other".into(), run_id: String::new() }),
        signal_name: "go".into(),
        ..Default::default()
    };
    let fired = TimerFiredEventAttributes { timer_id: "1".into(), started_event_id: 5 };
    let initiated = StartChildWorkflowExecutionInitiatedEventAttributes::default();
    let history = [
        event(4, -100, Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(initiated)),
        timer(5, "1", 30),
        timer(6, "2", 7_260),
        event(8, -60, Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(signal)),
        event(9, -30, Attributes::TimerFiredEventAttributes(fired)),
    ];
    let sentences: Vec<String> = of(&described, &history, &[]).into_iter().map(|reason| reason.sentence).collect();
    let expected = [
        "Waiting 1m 40s for child workflow `child` (Payment).",
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

fn limited(mut view: QueueView, requests_per_second: f32) -> QueueView {
    view.described.effective_rate_limit = Some(EffectiveRateLimit { requests_per_second, ..Default::default() });
    view
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
