use std::time::{Duration, SystemTime};

use prost_wkt_types::Timestamp;
use temporalio_protos::temporal::api::common::v1::ActivityType;
use temporalio_protos::temporal::api::enums::v1::PendingActivityState;
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::history::v1::*;
use temporalio_protos::temporal::api::workflow::v1::PendingActivityInfo;

use super::*;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn event(id: i64, seconds: i64, attributes: impl Into<Attributes>) -> HistoryEvent {
    HistoryEvent {
        event_id: id,
        event_time: Some(Timestamp { seconds, nanos: 0 }),
        attributes: Some(attributes.into()),
        ..Default::default()
    }
}

fn scheduled(id: i64, seconds: i64, name: &str) -> HistoryEvent {
    let a = ActivityTaskScheduledEventAttributes {
        activity_id: id.to_string(),
        activity_type: Some(ActivityType { name: name.into() }),
        ..Default::default()
    };
    event(id, seconds, a)
}

fn started(id: i64, seconds: i64, of: i64, attempt: i32) -> HistoryEvent {
    event(id, seconds, ActivityTaskStartedEventAttributes { scheduled_event_id: of, attempt, ..Default::default() })
}

fn folded(events: &[HistoryEvent]) -> Timeline {
    let mut timeline = Timeline::default();
    events.iter().for_each(|event| timeline.push(event));
    timeline
}

fn kinds(row: &Row) -> Vec<(PartKind, u64, Option<u64>)> {
    let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    row.parts.iter().map(|part| (part.kind, seconds(part.from), part.to.map(seconds))).collect()
}

#[test]
fn an_activity_is_queued_then_runs_then_is_over() {
    let failed = ActivityTaskFailedEventAttributes {
        scheduled_event_id: 5,
        failure: Some(Failure { message: "card declined".into(), ..Default::default() }),
        ..Default::default()
    };
    let timeline = folded(&[scheduled(5, 10, "charge"), started(6, 12, 5, 1), event(7, 15, failed)]);
    let row = &timeline.rows[0];
    assert_eq!(kinds(row), [(PartKind::Queued, 10, Some(12)), (PartKind::Running, 12, Some(15))]);
    assert_eq!((row.outcome, row.error.as_str(), row.name.as_str()), (Outcome::Failed, "card declined", "charge"));
}

#[test]
fn what_was_before_a_later_attempt_is_told_apart_from_waiting_for_a_worker() {
    let timeline = folded(&[scheduled(5, 10, "charge"), started(6, 30, 5, 4)]);
    assert_eq!(kinds(&timeline.rows[0]), [(PartKind::Retrying, 10, Some(30)), (PartKind::Running, 30, None)]);
    assert_eq!(timeline.rows[0].attempt, 4);
}

#[test]
fn a_pending_activity_says_what_it_does_now() {
    let time = |seconds: i64| Some(Timestamp { seconds, nanos: 0 });
    let pending = |state: PendingActivityState| PendingActivityInfo {
        activity_id: "5".into(),
        state: state.into(),
        attempt: 3,
        last_started_time: time(20),
        last_attempt_complete_time: time(22),
        next_attempt_schedule_time: time(60),
        ..Default::default()
    };
    let now = at(30);
    for (state, expected) in [
        (PendingActivityState::Scheduled, [(PartKind::Retrying, 10, Some(22)), (PartKind::BackingOff, 22, None)]),
        (PendingActivityState::Started, [(PartKind::Retrying, 10, Some(20)), (PartKind::Running, 20, None)]),
    ] {
        let mut timeline = folded(&[scheduled(5, 10, "charge")]);
        timeline.pending(&pending(state), now);
        assert_eq!(kinds(&timeline.rows[0]), expected, "{state:?}");
    }
}

#[test]
fn what_is_open_when_the_run_ends_is_abandoned() {
    let terminated = WorkflowExecutionTerminatedEventAttributes::default();
    let timeline = folded(&[scheduled(5, 10, "charge"), event(6, 12, terminated)]);
    assert_eq!((timeline.rows[0].outcome, timeline.closed), (Outcome::Abandoned, Some(at(12))));
}

#[test]
fn events_that_name_no_row_and_times_that_are_none_change_nothing() {
    let timeline = folded(&[started(6, 12, 99, 1), scheduled(7, -5, "x"), scheduled(8, 0, "y")]);
    assert!(timeline.rows.is_empty());
}

#[test]
fn gaps_are_folded_and_places_grow_with_time() {
    let timeline =
        folded(&[scheduled(5, 10, "a"), started(6, 30, 5, 1), scheduled(7, 9_000, "b"), started(8, 9_030, 7, 1)]);
    let scale = Scale::new(&timeline.rows, at(10), at(9_040), true);
    assert_eq!(scale.folds.len(), 1);
    let places: Vec<f64> = [10, 20, 30, 5_000, 9_000, 9_040].into_iter().map(|s| scale.x(at(s))).collect();
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
    assert!(places[2] > 20.0 && places[0] == 0.0 && (places[5] - 100.0).abs() < 1e-9, "{places:?}");
    let true_to_time = Scale::new(&timeline.rows, at(10), at(9_040), false);
    assert!(true_to_time.folds.is_empty() && true_to_time.x(at(30)) < 1.0);
    assert_eq!(scale.ticks().len(), 6);
}

#[test]
fn marks_beside_a_folded_gap_differ() {
    let timeline = folded(&[scheduled(5, 10, "a"), started(6, 12, 5, 1), scheduled(7, 300, "b")]);
    let scale = Scale::new(&timeline.rows, at(10), at(300), true);
    assert_eq!(scale.folds.len(), 1);
    let marks: Vec<String> = scale.ticks().into_iter().map(|tick| tick.text).collect();
    assert!(marks.windows(2).all(|pair| pair[0] != pair[1]), "{marks:?}");
}

#[test]
fn a_scale_of_one_moment_or_of_nothing_has_places_all_the_same() {
    let scale = Scale::new(&[], at(5), at(5), true);
    assert_eq!((scale.x(at(5)), scale.x(at(1)), scale.x(at(9))), (0.0, 0.0, 0.0));
    assert_eq!(scale.ticks().len(), 6);
}

#[test]
fn where_next_to_nothing_would_be_left_gaps_stay() {
    let timeline =
        folded(&[scheduled(5, 10, "a"), started(6, 11, 5, 1), scheduled(7, 5_000, "b"), started(8, 10_000, 7, 1)]);
    let scale = Scale::new(&timeline.rows, at(10), at(10_000), true);
    assert_eq!(scale.folds.len(), 1);
    assert!(scale.x(at(11)) < 1.0, "a second is not half of three hours");
}
