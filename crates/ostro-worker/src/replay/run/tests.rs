use std::time::{Duration, UNIX_EPOCH};

use temporalio_protos::temporal::api::{
    common::v1::Payload,
    history::v1::{history_event::Attributes, *},
    query::v1::WorkflowQuery,
};

use super::*;
use crate::replay::decision::{LocalActivity, Request};
use crate::replay::flags::Sdk;
use crate::replay::job::{ActivityOutcome, Job};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn settings() -> Arc<Settings> {
    Arc::new(Settings {
        namespace: "default".to_owned(),
        task_queue: "queue".to_owned(),
        sdk: Sdk { name: "test".into(), version: "0".into() },
        writes_metadata: true,
        deployment_version: None,
    })
}

fn new_run() -> Run {
    let identity = Identity { workflow_id: "w".to_owned(), workflow_type: "t".to_owned(), run_id: "r".to_owned() };
    Run::new(settings(), identity)
}

fn event(event_id: i64, attributes: Attributes) -> HistoryEvent {
    HistoryEvent {
        event_id,
        event_type: attributes.event_type() as i32,
        event_time: Some(prost_wkt_types::Timestamp { seconds: event_id, nanos: 0 }),
        attributes: Some(attributes),
        ..HistoryEvent::default()
    }
}

/// Start, and the first task.
fn first_events() -> Vec<HistoryEvent> {
    let started = WorkflowExecutionStartedEventAttributes {
        workflow_task_timeout: Some(prost_wkt_types::Duration { seconds: 10, nanos: 0 }),
        original_execution_run_id: "r".to_owned(),
        ..Default::default()
    };
    [vec![event(1, Attributes::WorkflowExecutionStartedEventAttributes(started))], task_events(2)].concat()
}

fn task_events(scheduled: i64) -> Vec<HistoryEvent> {
    let started = WorkflowTaskStartedEventAttributes { scheduled_event_id: scheduled, ..Default::default() };
    vec![
        event(scheduled, Attributes::WorkflowTaskScheduledEventAttributes(Default::default())),
        event(scheduled + 1, Attributes::WorkflowTaskStartedEventAttributes(started)),
    ]
}

fn completed(id: i64) -> HistoryEvent {
    event(
        id,
        Attributes::WorkflowTaskCompletedEventAttributes(WorkflowTaskCompletedEventAttributes {
            scheduled_event_id: id - 2,
            started_event_id: id - 1,
            ..Default::default()
        }),
    )
}

fn task(history: Vec<HistoryEvent>, previous_started: i64) -> Task {
    let started = history.last().map_or(0, |event| event.event_id);
    Task { token: b"t".to_vec(), attempt: 1, previous_started, started, history, complete: true, ..Task::default() }
}

fn activation(run: &mut Run) -> Activation {
    match run.next() {
        Some(Step::Activate(activation)) => activation,
        other => panic!("{other:?} where the code should have something to do"),
    }
}

fn completion(run: &mut Run) -> Completion {
    match run.next() {
        Some(Step::Complete(completion)) => *completion,
        other => panic!("{other:?} where the task should be completed"),
    }
}

fn decide(run: &mut Run, requests: Vec<Request>, now: SystemTime) {
    let requests = requests.into_iter().map(Into::into).collect();
    run.decide(Decision { requests, ..Decision::default() }, now).unwrap();
}

fn local(seq: u32) -> Request {
    Request::ScheduleLocalActivity(Arc::new(LocalActivity {
        seq,
        start_to_close: Some(Duration::from_secs(60)),
        ..LocalActivity::default()
    }))
}

fn done() -> LocalOutcome {
    LocalOutcome::Completed(Some(Payload::default()))
}

#[test]
fn a_local_activity_is_begun_told_and_recorded_within_its_task() {
    let mut run = new_run();
    run.task(task(first_events(), 0), at(100));
    assert!(matches!(activation(&mut run).jobs[..], [Job::Start(_)]));
    decide(&mut run, vec![local(1)], at(100));
    assert!(matches!(run.next(), Some(Step::StartLocal(1))));
    assert_eq!(run.local_started(1, at(100)).unwrap().attempt, 1);
    assert!(run.next().is_none(), "the task waits");
    run.local_ended(1, done(), at(101));
    let told = activation(&mut run);
    let ended = ActivityOutcome::Completed(Some(Payload::default()));
    assert_eq!(told.jobs, [Job::ActivityResolved { seq: 1, local: true, outcome: ended }]);
    assert_eq!(told.now, Some(at(4)), "the workflow's time goes on with what it waited for");
    decide(&mut run, vec![Request::Complete(None)], at(101));
    let completion = completion(&mut run);
    assert_eq!(completion.commands.len(), 2);
    assert!(!completion.force_new_task);
    run.reported(None, at(101));
    assert!(matches!(run.next(), Some(Step::Ended)));
}

#[test]
fn a_task_that_waits_long_says_that_it_is_alive_and_goes_on_in_the_next() {
    let mut run = new_run();
    run.task(task(first_events(), 0), at(100));
    activation(&mut run);
    decide(&mut run, vec![local(1)], at(100));
    run.next();
    run.local_started(1, at(100)).unwrap();
    assert_eq!(run.next_wake(), Some(at(108)), "after four fifths of its ten seconds");
    run.wake(at(108));
    let heartbeat = completion(&mut run);
    assert!(heartbeat.force_new_task && heartbeat.commands.is_empty());
    // It ends between the tasks: what is told must be in the next one, as in a replay.
    run.local_ended(1, done(), at(109));
    run.reported(None, at(109));
    assert!(run.next().is_none());
    let history = [vec![completed(4)], task_events(5)].concat();
    run.task(task(history, 3), at(109));
    assert!(matches!(activation(&mut run).jobs[..], [Job::ActivityResolved { seq: 1, .. }]));
}

#[test]
fn a_heartbeat_waits_for_the_code() {
    let mut run = new_run();
    run.task(task(first_events(), 0), at(100));
    activation(&mut run);
    decide(&mut run, vec![local(1), local(2)], at(100));
    for seq in [1, 2] {
        run.next();
        run.local_started(seq, at(100)).unwrap();
    }
    run.local_ended(1, done(), at(107));
    activation(&mut run);
    run.wake(at(108));
    assert!(run.next().is_none(), "the code has an activation");
    decide(&mut run, vec![], at(109));
    assert!(completion(&mut run).force_new_task);
}

#[test]
fn queries_come_alone_and_after_everything_else() {
    let mut run = new_run();
    let mut first = task(first_events(), 0);
    first.queries = vec![("q".to_owned(), WorkflowQuery::default())];
    run.task(first, at(100));
    assert!(matches!(activation(&mut run).jobs[..], [Job::Start(_)]));
    decide(&mut run, vec![Request::StartTimer(1, Duration::from_secs(1))], at(100));
    let asked = activation(&mut run);
    assert!(matches!(asked.jobs[..], [Job::Query(_)]) && asked.replaying);
    decide(&mut run, vec![Request::AnswerQuery("q".to_owned(), Ok(Payload::default()))], at(100));
    let completion = completion(&mut run);
    assert_eq!((completion.commands.len(), completion.queries.len()), (1, 1));
}

#[test]
fn a_query_on_its_own_is_answered_on_its_own_and_one_that_is_out_of_date_is_left() {
    let mut run = new_run();
    run.task(task(first_events(), 0), at(100));
    activation(&mut run);
    decide(&mut run, vec![Request::StartTimer(1, Duration::from_secs(1))], at(100));
    completion(&mut run);
    run.reported(None, at(100));
    let query = |previous_started| Task {
        token: b"q".to_vec(),
        attempt: 1,
        previous_started,
        complete: true,
        query: Some(WorkflowQuery::default()),
        ..Task::default()
    };
    run.task(query(3), at(101));
    let Job::Query(asked) = activation(&mut run).jobs.remove(0) else { panic!("a query") };
    decide(&mut run, vec![Request::AnswerQuery(asked.id, Ok(Payload::default()))], at(101));
    assert!(matches!(run.next(), Some(Step::AnswerLegacyQuery(answer)) if answer.token == b"q"));
    run.reported(None, at(101));
    run.task(query(0), at(102));
    assert!(matches!(run.next(), Some(Step::FailTask(failure)) if !failure.report && failure.is_legacy_query));
    assert!(run.is_gone());
}

#[test]
fn a_run_that_is_not_where_its_task_begins_is_read_from_the_start() {
    let signaled = Attributes::WorkflowExecutionSignaledEventAttributes(Default::default());
    let history = [first_events(), vec![completed(4), event(5, signaled)], task_events(6)].concat();
    let mut run = new_run();
    run.task(task(history[3..].to_vec(), 3), at(100));
    assert!(matches!(run.next(), Some(Step::FetchHistory { from_start: true })));
    run.page(history[..2].to_vec(), false, at(100));
    assert!(matches!(run.next(), Some(Step::FetchHistory { from_start: false })));
    run.page(history[2..4].to_vec(), true, at(100));
    let first = activation(&mut run);
    assert!(matches!(first.jobs[..], [Job::Start(_)]) && first.replaying);
}

#[test]
fn the_servers_word_on_an_answer_comes_before_the_next_task() {
    let mut run = new_run();
    run.task(task(first_events(), 0), at(100));
    activation(&mut run);
    let signaled = Attributes::WorkflowExecutionSignaledEventAttributes(Default::default());
    let next = [vec![completed(4), event(5, signaled)], task_events(6)].concat();
    run.task(task(next, 3), at(100));
    decide(&mut run, vec![], at(100));
    completion(&mut run);
    assert!(run.next().is_none() && !run.is_idle());
    run.reported(None, at(100));
    assert!(matches!(activation(&mut run).jobs[..], [Job::Signal(_)]));
}

#[test]
fn only_the_first_attempt_of_a_task_reports_its_failure() {
    for (attempt, report) in [(1, true), (2, false)] {
        let mut run = new_run();
        run.task(Task { attempt, ..task(first_events(), 0) }, at(100));
        activation(&mut run);
        run.code_failed(Failure::default(), WorkflowTaskFailedCause::Unspecified);
        let Some(Step::FailTask(failure)) = run.next() else { panic!("a failure") };
        assert_eq!(failure.report, report);
        assert_eq!(failure.cause, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure);
        assert!(run.is_gone());
    }
}

#[test]
fn running_local_activities_are_stopped_when_their_run_ends_or_goes() {
    for evict in [true, false] {
        let mut run = new_run();
        run.task(task(first_events(), 0), at(100));
        activation(&mut run);
        decide(&mut run, vec![local(1), local(2)], at(100));
        for seq in [1, 2] {
            run.next();
            run.local_started(seq, at(100)).unwrap();
        }
        if evict {
            run.evict();
        } else {
            run.local_ended(1, done(), at(100));
            activation(&mut run);
            decide(&mut run, vec![Request::Complete(None)], at(100));
        }
        assert!(matches!(run.next(), Some(Step::StopLocal(_, StopReason::RunGone))));
    }
}

/// A run of a million local activities must not keep a million machines.
#[test]
fn what_is_over_is_forgotten() {
    let mut run = new_run();
    run.task(task(first_events(), 0), at(100));
    activation(&mut run);
    let (mut history, mut next) = (Vec::new(), 4);
    for seq in 1..50 {
        decide(&mut run, vec![Request::StartTimer(seq, Duration::from_secs(1))], at(100));
        completion(&mut run);
        run.reported(None, at(100));
        let started = TimerStartedEventAttributes { timer_id: seq.to_string(), ..Default::default() };
        let fired = TimerFiredEventAttributes { timer_id: seq.to_string(), started_event_id: next + 1 };
        history.clear();
        history.push(completed(next));
        history.push(event(next + 1, Attributes::TimerStartedEventAttributes(started)));
        history.push(event(next + 2, Attributes::TimerFiredEventAttributes(fired)));
        history.extend(task_events(next + 3));
        run.task(task(history.clone(), next - 1), at(100));
        assert_eq!(activation(&mut run).jobs, [Job::TimerFired(seq)]);
        assert_eq!(run.execution.machines(), 0);
        next += 5;
    }
    // What is over may still be cancelled; what never was may not.
    decide(&mut run, vec![Request::CancelTimer(3)], at(100));
    completion(&mut run);
}

#[test]
fn what_never_was_cannot_be_cancelled() {
    let mut run = new_run();
    run.task(task(first_events(), 0), at(100));
    activation(&mut run);
    decide(&mut run, vec![Request::CancelTimer(3)], at(100));
    let Some(Step::FailTask(failure)) = run.next() else { panic!("a failure") };
    assert_eq!(failure.cause, WorkflowTaskFailedCause::NonDeterministicError);
    assert!(failure.failure.message.contains("no timer 3"), "{}", failure.failure.message);
}

#[test]
fn nondeterminism_names_event_and_command() {
    let timer = Attributes::TimerStartedEventAttributes(TimerStartedEventAttributes::default());
    let history = [first_events(), vec![completed(4), event(5, timer)], task_events(6)].concat();
    let mut run = new_run();
    run.task(task(history, 3), at(100));
    activation(&mut run);
    decide(&mut run, vec![Request::UpsertMemo(Default::default())], at(100));
    let Some(Step::FailTask(failure)) = run.next() else { panic!("a failure") };
    assert_eq!(
        failure.failure.message,
        "[TMPRL1100] Nondeterminism error: the code has a change of the memo where the history has EVENT_TYPE_TIMER_STARTED; \
         event 5 is TIMER_STARTED; the code gave MODIFY_WORKFLOW_PROPERTIES"
    );
}
