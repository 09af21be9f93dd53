//! Schedules from creation to their runs, with restarts in between: nothing is lost, nothing happens twice.

use crate::world::*;
use ostro_engine::ErrorKind;
use ostro_engine::call::{ScheduleEntries, ScheduleRows};
use ostro_engine::invariants::{NextAction, check_schedule};
use ostro_engine::time::{DAY, HOUR, MILLISECOND, MINUTE, SECOND, Span, Time, duration, timestamp};
use temporalio_protos::temporal::api::{
    command::v1::FailWorkflowExecutionCommandAttributes,
    common::v1::WorkflowType,
    enums::v1::{CommandType, EventType, ScheduleOverlapPolicy as Overlap, WorkflowExecutionStatus as Status},
    failure::v1::Failure,
    history::v1::history_event::Attributes,
    schedule::v1::{schedule_action::Action, *},
    workflow::v1::NewWorkflowExecutionInfo,
    workflowservice::v1::*,
};

const ID: &str = "nightly";

/// A schedule that acts every `seconds`.
fn every(seconds: i64) -> Schedule {
    let action = NewWorkflowExecutionInfo {
        workflow_id: "run".into(),
        workflow_type: Some(WorkflowType { name: "type".into() }),
        task_queue: Some(queue(QUEUE)),
        input: Some(payloads("input")),
        ..Default::default()
    };
    Schedule {
        spec: Some(ScheduleSpec {
            interval: vec![IntervalSpec { interval: duration(seconds * SECOND), phase: None }],
            ..Default::default()
        }),
        action: Some(ScheduleAction { action: Some(Action::StartWorkflow(action)) }),
        ..Default::default()
    }
}

fn with_policy(mut schedule: Schedule, overlap: Overlap) -> Schedule {
    schedule.policies = Some(SchedulePolicies { overlap_policy: overlap as i32, ..Default::default() });
    schedule
}

fn create(world: &mut World, schedule: Schedule) {
    create_with(world, schedule, None);
}

fn create_with(world: &mut World, schedule: Schedule, initial_patch: Option<SchedulePatch>) {
    let request = CreateScheduleRequest {
        namespace: NAMESPACE.into(),
        schedule_id: ID.into(),
        schedule: Some(schedule),
        request_id: "create".into(),
        initial_patch,
        ..Default::default()
    };
    assert_eq!(world.ask(request).unwrap().conflict_token, 1_i64.to_be_bytes());
}

fn describe(world: &mut World) -> DescribeScheduleResponse {
    world.ask(DescribeScheduleRequest { namespace: NAMESPACE.into(), schedule_id: ID.into() }).unwrap()
}

fn info(world: &mut World) -> ScheduleInfo {
    describe(world).info.unwrap()
}

fn patch(world: &mut World, patch: SchedulePatch) {
    let request = PatchScheduleRequest {
        namespace: NAMESPACE.into(),
        schedule_id: ID.into(),
        patch: Some(patch),
        ..Default::default()
    };
    world.ask(request).unwrap();
}

fn trigger(world: &mut World, overlap: Overlap) {
    let trigger = TriggerImmediatelyRequest { overlap_policy: overlap as i32, scheduled_time: None };
    patch(world, SchedulePatch { trigger_immediately: Some(trigger), ..Default::default() });
}

/// Lets a worker complete the run that waits.
fn complete_one(world: &mut World) {
    let task = world.workflow_task();
    world.complete(&task, vec![complete_workflow()]).unwrap();
}

fn fail_one(world: &mut World) {
    let task = world.workflow_task();
    let failure = Some(Failure { message: "boom".into(), ..Default::default() });
    let command = command(CommandType::FailWorkflowExecution, FailWorkflowExecutionCommandAttributes { failure });
    world.complete(&task, vec![command]).unwrap();
}

fn run_id(world: &World, time: Time) -> String {
    let at = jiff::Timestamp::from_nanosecond(time.nanos().into()).unwrap();
    assert!(world.now >= time);
    format!("run-{at}")
}

fn statuses(world: &mut World) -> Vec<Status> {
    info(world).recent_actions.iter().map(|action| action.start_workflow_status()).collect()
}

#[test]
fn each_time_starts_a_run_exactly_once_whatever_restarts() {
    for restart in [false, true] {
        let mut world = World::new();
        create(&mut world, every(60));
        for minute in 1..=3 {
            if restart {
                world.restart();
            }
            world.advance(MINUTE);
            if restart {
                world.restart();
            }
            assert_eq!(info(&mut world).running_workflows.len(), 1);
            complete_one(&mut world);
            assert_eq!(info(&mut world).action_count, minute);
        }
        let shown = info(&mut world);
        assert!(shown.running_workflows.is_empty());
        assert_eq!((shown.overlap_skipped, shown.missed_catchup_window, shown.future_action_times.len()), (0, 0, 10));
        assert_eq!(statuses(&mut world), [Status::Completed; 3]);
        let ids: Vec<_> = world.store.0.borrow().visibility.values().map(|row| row.workflow_id.clone()).collect();
        let now = world.now;
        let expected: Vec<_> = [2, 1, 0].map(|ago| run_id(&world, now - ago * MINUTE)).into();
        assert_eq!(ids, expected);
    }
}

#[test]
fn runs_carry_who_started_them_and_what_the_last_one_left() {
    let mut world = World::new();
    create(&mut world, every(60));
    world.advance(MINUTE);
    let first = run_id(&world, world.now);
    complete_one(&mut world);
    world.advance(MINUTE);
    let second = run_id(&world, world.now);
    fail_one(&mut world);
    world.advance(MINUTE);
    let third = run_id(&world, world.now);
    let started = |world: &World, id: &str| match world.history(id)[0].attributes.clone().unwrap() {
        Attributes::WorkflowExecutionStartedEventAttributes(started) => started,
        _ => unreachable!(),
    };
    let attributes = started(&world, &first);
    assert_eq!(attributes.identity, "temporal-scheduler-default-nightly");
    assert_eq!(attributes.last_completion_result, None);
    assert_eq!(attributes.input, Some(payloads("input")));
    let fields = attributes.search_attributes.unwrap().indexed_fields;
    assert_eq!(fields["TemporalScheduledById"].data, b"\"nightly\"");
    assert_eq!(fields["TemporalScheduledById"].metadata["type"], b"Keyword");
    assert_eq!(fields["TemporalScheduledStartTime"].data, b"\"2027-01-15T08:01:00Z\"");
    assert_eq!(started(&world, &second).last_completion_result, Some(payloads("result")));
    let attributes = started(&world, &third);
    assert_eq!(attributes.last_completion_result, Some(payloads("result")));
    assert_eq!(attributes.continued_failure.unwrap().message, "boom");
}

#[test]
fn skip_starts_nothing_while_a_run_is_open() {
    let mut world = World::new();
    create(&mut world, every(60));
    world.advance(5 * MINUTE);
    let shown = info(&mut world);
    assert_eq!((shown.action_count, shown.overlap_skipped, shown.buffer_size), (1, 4, 0));
}

#[test]
fn buffered_runs_follow_one_another() {
    for (overlap, buffered, skipped) in [(Overlap::BufferOne, 1, 3), (Overlap::BufferAll, 4, 0)] {
        let mut world = World::new();
        create(&mut world, with_policy(every(60), overlap));
        world.advance(5 * MINUTE);
        let shown = info(&mut world);
        assert_eq!((shown.action_count, shown.overlap_skipped, shown.buffer_size), (1, skipped, buffered));
        world.restart();
        for left in (0..buffered).rev() {
            complete_one(&mut world);
            world.restart();
            assert_eq!((info(&mut world).buffer_size, info(&mut world).running_workflows.len()), (left, 1));
        }
        complete_one(&mut world);
        assert_eq!(info(&mut world).action_count, buffered + 1);
    }
}

#[test]
fn what_runs_is_terminated_or_cancelled_for_the_next() {
    let mut world = World::new();
    create(&mut world, with_policy(every(60), Overlap::TerminateOther));
    world.advance(3 * MINUTE);
    assert_eq!(statuses(&mut world), [Status::Terminated, Status::Terminated, Status::Running]);
    let first = run_id(&world, world.now - 2 * MINUTE);
    assert_eq!(world.event_types(&first).last(), Some(&EventType::WorkflowExecutionTerminated));

    let mut world = World::new();
    create(&mut world, with_policy(every(60), Overlap::CancelOther));
    world.advance(2 * MINUTE);
    let first = run_id(&world, world.now - MINUTE);
    assert_eq!(info(&mut world).buffer_size, 1);
    assert!(world.event_types(&first).contains(&EventType::WorkflowExecutionCancelRequested));
    complete_one(&mut world);
    assert_eq!(statuses(&mut world), [Status::Completed, Status::Running]);
}

#[test]
fn all_may_run_beside_one_another() {
    let mut world = World::new();
    create(&mut world, with_policy(every(60), Overlap::AllowAll));
    world.advance(3 * MINUTE);
    assert_eq!(statuses(&mut world), [Status::Running; 3]);
    world.restart();
    complete_one(&mut world);
    assert_eq!(statuses(&mut world).iter().filter(|status| **status == Status::Completed).count(), 1);
}

#[test]
fn times_missed_while_nobody_was_there_are_caught_up_within_the_window() {
    let mut world = World::new();
    let mut schedule = with_policy(every(60), Overlap::AllowAll);
    schedule.policies.as_mut().unwrap().catchup_window = duration(90 * SECOND);
    create(&mut world, schedule);
    world.now += 5 * MINUTE;
    world.restart();
    world.advance(Span::ZERO);
    let shown = info(&mut world);
    assert_eq!((shown.missed_catchup_window, shown.action_count), (3, 2));
}

#[test]
fn a_long_absence_is_worked_off_in_steps() {
    let mut world = World::new();
    create(&mut world, every(1));
    world.now += HOUR;
    world.restart();
    world.advance(Span::ZERO);
    assert_eq!(info(&mut world).overlap_skipped, 99);
    for _ in 0..40 {
        world.advance(50 * MILLISECOND);
    }
    let shown = info(&mut world);
    assert_eq!((shown.action_count, shown.overlap_skipped), (1, 3601), "an hour and the two seconds that it took");
}

#[test]
fn paused_schedules_start_only_what_is_asked_for() {
    let mut world = World::new();
    let mut schedule = every(60);
    schedule.state = Some(ScheduleState { paused: true, notes: "later".into(), ..Default::default() });
    create(&mut world, schedule);
    world.advance(10 * MINUTE);
    assert_eq!((info(&mut world).action_count, world.engine.next_wake_up()), (0, None));
    trigger(&mut world, Overlap::Unspecified);
    assert_eq!(info(&mut world).action_count, 1);
    complete_one(&mut world);
    patch(&mut world, SchedulePatch { unpause: "go".into(), ..Default::default() });
    let shown = describe(&mut world);
    assert_eq!(shown.schedule.unwrap().state.unwrap().notes, "go");
    assert_eq!(shown.conflict_token, 2_i64.to_be_bytes());
    world.advance(MINUTE);
    assert_eq!(info(&mut world).action_count, 2);
}

#[test]
fn a_failure_pauses_where_the_policy_says_so() {
    let mut world = World::new();
    let mut schedule = every(60);
    schedule.policies = Some(SchedulePolicies { pause_on_failure: true, ..Default::default() });
    create(&mut world, schedule);
    world.advance(MINUTE);
    let id = run_id(&world, world.now);
    fail_one(&mut world);
    let state = describe(&mut world).schedule.unwrap().state.unwrap();
    assert!(state.paused);
    assert_eq!(state.notes, format!("paused due to workflow failure: {id}: boom"));
    world.advance(HOUR);
    assert_eq!(info(&mut world).action_count, 1);
}

#[test]
fn limited_actions_run_out() {
    let mut world = World::new();
    let mut schedule = with_policy(every(60), Overlap::AllowAll);
    schedule.state = Some(ScheduleState { limited_actions: true, remaining_actions: 2, ..Default::default() });
    create(&mut world, schedule);
    assert_eq!(info(&mut world).future_action_times.len(), 2);
    world.advance(5 * MINUTE);
    let shown = info(&mut world);
    assert_eq!((shown.action_count, shown.future_action_times.len()), (2, 0));
    world.restart();
    // With nothing left to do it goes, seven days after its last action.
    world.advance(7 * DAY - 10 * MINUTE);
    assert_eq!(info(&mut world).action_count, 2);
    world.advance(10 * MINUTE);
    let gone = DescribeScheduleRequest { namespace: NAMESPACE.into(), schedule_id: ID.into() };
    assert_eq!(kind_of(&world.ask(gone).unwrap_err()), ErrorKind::NotFound);
    assert!(world.store.0.borrow().records.is_empty());
}

fn backfill(world: &World, from: Span, to: Span, overlap: Overlap) -> SchedulePatch {
    let request = BackfillRequest {
        start_time: timestamp(world.now - from),
        end_time: timestamp(world.now - to),
        overlap_policy: overlap as i32,
    };
    SchedulePatch { backfill_request: vec![request], ..Default::default() }
}

#[test]
fn backfills_act_for_both_ends_of_their_range() {
    let mut world = World::new();
    let mut schedule = every(60);
    schedule.state = Some(ScheduleState { paused: true, ..Default::default() });
    let initial = backfill(&world, 30 * MINUTE, 29 * MINUTE, Overlap::AllowAll);
    create_with(&mut world, schedule, Some(initial));
    assert_eq!(info(&mut world).action_count, 2);
    let more = backfill(&world, 10 * HOUR, 5 * HOUR, Overlap::AllowAll);
    patch(&mut world, more);
    world.restart();
    for _ in 0..3 {
        world.advance(20 * SECOND);
    }
    assert_eq!(info(&mut world).action_count, 303);
    let one_by_one = backfill(&world, 3 * MINUTE, MINUTE, Overlap::BufferAll);
    patch(&mut world, one_by_one);
    assert_eq!((info(&mut world).action_count, info(&mut world).buffer_size), (304, 2));
}

#[test]
fn a_backfill_of_all_times_that_there_are_gives_way_to_others() {
    let mut world = World::new();
    let mut schedule = every(3600);
    schedule.state = Some(ScheduleState { paused: true, ..Default::default() });
    create(&mut world, schedule);
    let year_1 = prost_wkt_types::Timestamp { seconds: -62_135_596_800, nanos: 0 };
    let request = BackfillRequest {
        start_time: Some(year_1),
        end_time: timestamp(world.now),
        overlap_policy: Overlap::AllowAll as i32,
    };
    patch(&mut world, SchedulePatch { backfill_request: vec![request], ..Default::default() });
    assert_eq!(info(&mut world).action_count, 100);
    world.advance(Span::ZERO);
    assert_eq!(info(&mut world).action_count, 100, "its next step is not due");
    world.advance(50 * MILLISECOND);
    assert_eq!(info(&mut world).action_count, 200);
}

#[test]
fn a_repeated_request_changes_nothing() {
    let mut world = World::new();
    create(&mut world, every(3600));
    create(&mut world, every(3600));
    let other = CreateScheduleRequest {
        namespace: NAMESPACE.into(),
        schedule_id: ID.into(),
        schedule: Some(every(1)),
        request_id: "other".into(),
        ..Default::default()
    };
    assert_eq!(kind_of(&world.ask(other).unwrap_err()), ErrorKind::AlreadyExists);
    let trigger = TriggerImmediatelyRequest { overlap_policy: Overlap::AllowAll as i32, scheduled_time: None };
    for _ in 0..2 {
        let request = PatchScheduleRequest {
            namespace: NAMESPACE.into(),
            schedule_id: ID.into(),
            patch: Some(SchedulePatch { trigger_immediately: Some(trigger), ..Default::default() }),
            request_id: "once".into(),
            ..Default::default()
        };
        world.ask(request).unwrap();
        world.restart();
        world.now += SECOND;
    }
    assert_eq!(info(&mut world).action_count, 1);
}

#[test]
fn updates_replace_what_the_client_saw() {
    let mut world = World::new();
    create(&mut world, every(60));
    let update = |token: i64, schedule| UpdateScheduleRequest {
        namespace: NAMESPACE.into(),
        schedule_id: ID.into(),
        schedule: Some(schedule),
        conflict_token: token.to_be_bytes().into(),
        ..Default::default()
    };
    assert_eq!(kind_of(&world.ask(update(7, every(5))).unwrap_err()), ErrorKind::FailedPrecondition);
    let faulty = world.ask(update(1, every(0))).unwrap_err();
    assert_eq!(faulty.message, "Invalid schedule spec: interval is too small");
    world.ask(update(1, every(3600))).unwrap();
    let shown = describe(&mut world);
    assert_eq!(shown.conflict_token, 2_i64.to_be_bytes());
    assert_eq!(shown.info.unwrap().update_time, timestamp(world.now));
    world.advance(30 * MINUTE);
    assert_eq!(info(&mut world).action_count, 0);
}

/// What `ostro doctor` says of the schedule; `open`: whether the runs that it started are.
fn next_action(world: &World, open: bool) -> Result<NextAction, String> {
    let records = &world.store.0.borrow().records;
    let value = records.values().next().expect("there is one schedule");
    check_schedule(value, |_| open)
}

#[test]
fn a_stored_schedule_tells_what_makes_it_act_next() {
    let mut world = World::new();
    let mut schedule = every(60);
    schedule.state = Some(ScheduleState { limited_actions: true, remaining_actions: 2, ..Default::default() });
    create(&mut world, schedule);
    assert_eq!(next_action(&world, false), Ok(NextAction::Due(world.now + MINUTE)));
    world.advance(MINUTE);
    assert_eq!(next_action(&world, true), Ok(NextAction::Due(world.now + MINUTE)));
    let fault = next_action(&world, false).unwrap_err();
    assert!(fault.starts_with("it waits for the end of run ") && fault.ends_with(", which is not open"), "{fault}");
    patch(&mut world, SchedulePatch { pause: "wait".into(), ..Default::default() });
    assert_eq!(next_action(&world, true), Ok(NextAction::Paused));
    patch(&mut world, SchedulePatch { unpause: "go".into(), ..Default::default() });
    complete_one(&mut world);
    world.advance(MINUTE);
    assert_eq!(next_action(&world, true), Ok(NextAction::Run));
    complete_one(&mut world);
    assert_eq!(next_action(&world, false), Ok(NextAction::Spent));
    assert!(check_schedule(b"no record", |_| true).is_err());
}

#[test]
fn deleted_schedules_leave_their_runs_alone() {
    let mut world = World::new();
    create(&mut world, every(60));
    world.advance(MINUTE);
    world
        .ask(DeleteScheduleRequest { namespace: NAMESPACE.into(), schedule_id: ID.into(), ..Default::default() })
        .unwrap();
    world.restart();
    complete_one(&mut world);
    world.advance(HOUR);
    assert_eq!(world.store.0.borrow().visibility.len(), 1);
    assert!(world.ask(ScheduleRows { namespace: NAMESPACE.into() }).unwrap().is_empty());
}

#[test]
fn lists_show_what_filters_need() {
    let mut world = World::new();
    create(&mut world, every(60));
    let rows = world.ask(ScheduleRows { namespace: NAMESPACE.into() }).unwrap();
    assert_eq!((rows.len(), rows[0].schedule_id.as_str(), rows[0].values.len()), (1, ID, 2));
    let ids = vec![ID.to_owned(), "gone".to_owned()];
    let entries = world.ask(ScheduleEntries { namespace: NAMESPACE.into(), schedule_ids: ids }).unwrap();
    let listed = entries[0].info.clone().unwrap();
    assert_eq!((entries.len(), listed.future_action_times.len()), (1, 5));
    assert_eq!(listed.workflow_type.unwrap().name, "type");
}
