//! Sentences on activities.

use prost_wkt_types::Duration as WireDuration;
use temporalio_protos::temporal::api::activity::v1::ActivityOptions;
use temporalio_protos::temporal::api::common::v1::ActivityType;
use temporalio_protos::temporal::api::enums::v1::{PendingActivityState, TaskQueueType};
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::history::v1::{
    ActivityTaskCompletedEventAttributes, ActivityTaskScheduledEventAttributes,
};
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflow::v1::PendingActivityInfo;
use temporalio_protos::temporal::api::workflow::v1::pending_activity_info::{PauseInfo, pause_info};

use super::{at, event, limited, of, queue, running};
use crate::{Kind, Reason};

/// The first attempt of an activity, not started yet.
fn ocr() -> PendingActivityInfo {
    PendingActivityInfo {
        activity_id: "1".into(),
        activity_type: Some(ActivityType { name: "ocr".into() }),
        state: PendingActivityState::Scheduled.into(),
        attempt: 1,
        ..Default::default()
    }
}

#[test]
fn an_activity_that_backs_off() {
    let mut described = running();
    described.pending_activities.push(PendingActivityInfo {
        attempt: 4,
        maximum_attempts: 5,
        scheduled_time: at(-192),
        next_attempt_schedule_time: at(48),
        last_failure: Some(Failure { message: "429 from api.x".into(), ..Default::default() }),
        ..ocr()
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
        scheduled_time: at(-5),
        activity_options: Some(ActivityOptions { task_queue, ..Default::default() }),
        ..ocr()
    });
    let queues = [queue("gpu", TaskQueueType::Activity, 0, 1), queue("gpu", TaskQueueType::Workflow, 1, 0)];
    let reasons = of(&described, &[], &queues);
    let expected = "Waiting 5s for activity `ocr`: attempt 1, waiting for a worker: none polls the activity tasks of task \
                    queue `gpu`.";
    assert_eq!((reasons[0].sentence.as_str(), reasons[0].blocked), (expected, true));
}

#[test]
fn an_activity_waits_since_it_was_scheduled_first() {
    let mut described = running();
    described.pending_activities.push(PendingActivityInfo {
        attempt: 2,
        // As servers tell it of an attempt that backs off.
        scheduled_time: at(48),
        next_attempt_schedule_time: at(48),
        ..ocr()
    });
    let scheduled = |id: &str| {
        let attributes = ActivityTaskScheduledEventAttributes { activity_id: id.into(), ..Default::default() };
        Attributes::ActivityTaskScheduledEventAttributes(attributes)
    };
    let ended = ActivityTaskCompletedEventAttributes { scheduled_event_id: 5, ..Default::default() };
    // An id may be used again.
    let history = [
        event(5, -900, scheduled("1")),
        event(9, -600, Attributes::ActivityTaskCompletedEventAttributes(ended)),
        event(12, -192, scheduled("1")),
    ];
    let expected = "Waiting 3m 12s for activity `ocr`: attempt 2, next try in 48s.";
    assert_eq!(of(&described, &history, &[])[0].sentence, expected);
}

#[test]
fn a_paused_activity_names_who_paused_it_and_one_that_runs_on_says_so() {
    let by = pause_info::Manual { identity: "me".into(), reason: "the disk is full".into() };
    let pause = PauseInfo { pause_time: at(-20), paused_by: Some(pause_info::PausedBy::Manual(by)) };
    let activity = |state: PendingActivityState| PendingActivityInfo {
        activity_type: Some(ActivityType { name: "ocr".into() }),
        state: state.into(),
        attempt: 2,
        scheduled_time: at(-60),
        last_started_time: at(-30),
        paused: true,
        pause_info: Some(pause.clone()),
        ..Default::default()
    };
    let mut described = running();
    described.pending_activities = vec![activity(PendingActivityState::Paused)];
    let reason = of(&described, &[], &[]).remove(0);
    let expected = "Waiting 1m for activity `ocr`: attempt 2, paused 20s by `me` (the disk is full), until somebody \
                    unpauses it.";
    assert_eq!((reason.sentence.as_str(), reason.blocked), (expected, true));

    described.pending_activities = vec![activity(PendingActivityState::PauseRequested)];
    let reason = of(&described, &[], &[]).remove(0);
    let expected = "Waiting 1m for activity `ocr`: attempt 2, to pause after this attempt, running for 30s.";
    assert_eq!((reason.sentence.as_str(), reason.blocked), (expected, false));
}

#[test]
fn a_running_activity_tells_when_it_is_given_up() {
    let seconds = |seconds| Some(WireDuration { seconds, nanos: 0 });
    let activity = |heartbeat_timeout, expires| PendingActivityInfo {
        activity_type: Some(ActivityType { name: "train".into() }),
        state: PendingActivityState::Started.into(),
        attempt: 1,
        scheduled_time: at(-70),
        last_started_time: at(-65),
        last_heartbeat_time: at(-5),
        expiration_time: expires,
        activity_options: Some(ActivityOptions {
            start_to_close_timeout: seconds(100),
            heartbeat_timeout,
            ..Default::default()
        }),
        ..Default::default()
    };
    for (activity, when) in [
        (activity(None, None), "in 35s"),
        (activity(seconds(30), None), "in 25s"),
        (activity(seconds(30), at(10)), "in 10s"),
    ] {
        let mut described = running();
        described.pending_activities.push(activity);
        let sentence = of(&described, &[], &[]).remove(0).sentence;
        assert!(sentence.ends_with(&format!("last heartbeat 5s ago, times out {when}.")), "{sentence}");
    }
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
fn a_queue_that_lets_nothing_go_blocks_its_activities() {
    let mut described = running();
    described.pending_activities.push(PendingActivityInfo { scheduled_time: at(-5), ..ocr() });
    let stopped = limited(queue("orders", TaskQueueType::Activity, 1, 1), 0.0);
    let reason = of(&described, &[], &[stopped]).remove(0);
    let expected = "Waiting 5s for activity `ocr`: attempt 1, waiting for task queue `orders`, whose rate limit is 0, to \
                    be let go on.";
    assert_eq!((reason.sentence.as_str(), reason.blocked), (expected, true));
}
