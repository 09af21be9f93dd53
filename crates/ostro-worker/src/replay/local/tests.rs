use super::*;
use std::time::UNIX_EPOCH;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn begin(attempts: &mut Attempts, change: impl FnOnce(&mut LocalActivity)) -> Todo {
    let mut request = LocalActivity { seq: 1, start_to_close: Some(Duration::from_secs(10)), ..Default::default() };
    change(&mut request);
    attempts.begin(NewLocal { request: Arc::new(request), original_schedule_time: at(0) }, at(0))
}

fn bad() -> LocalResult {
    LocalResult::Failed(Failure::default())
}

#[test]
fn short_waits_are_within_the_task_and_long_ones_end_it() {
    let mut attempts = Attempts::default();
    assert!(matches!(begin(&mut attempts, |_| {}), Todo::Start(1)));
    for (attempt, now, wait) in [(1, 0, 1), (2, 1, 2), (3, 3, 4)] {
        assert_eq!(attempts.start(1, at(now)).unwrap().unwrap().attempt, attempt);
        assert!(attempts.end(1, bad(), at(now)).is_none());
        assert_eq!(attempts.next_due(), Some(at(now + wait)));
        assert!(matches!(attempts.wake(at(now + wait))[..], [Todo::Start(1)]));
    }
    attempts.by_seq.get_mut(&1).unwrap().attempt = 8;
    attempts.start(1, at(10)).unwrap().unwrap();
    let end = attempts.end(1, bad(), at(12)).unwrap();
    assert_eq!((end.attempt, end.backoff), (8, Some(Duration::from_secs(100))));
    assert_eq!(end.runtime, Duration::from_secs(2));
    assert_eq!(attempts.next_due(), None);
}

#[test]
fn an_attempt_that_takes_too_long_is_stopped_and_tried_again() {
    let mut attempts = Attempts::default();
    begin(&mut attempts, |_| {});
    attempts.start(1, at(0)).unwrap().unwrap();
    assert_eq!(attempts.next_due(), Some(at(10)));
    assert!(matches!(attempts.wake(at(10))[..], [Todo::Stop(1, StopReason::TimedOut)]));
    assert!(attempts.end(1, bad(), at(10)).is_none(), "its own end comes too late");
    attempts.task_over();
    assert!(matches!(attempts.wake(at(11))[..], [Todo::Start(1)]));
    attempts.start(1, at(11)).unwrap().unwrap();
    attempts.end(1, bad(), at(11));
    assert_eq!(attempts.retries_of_earlier(), 1);
}

#[test]
fn the_time_of_the_whole_ends_it_wherever_it_is() {
    let limit = |request: &mut LocalActivity| request.schedule_to_close = Some(Duration::from_secs(5));
    let timed_out = |todo: &[Todo]| matches!(todo, [.., Todo::Ended(end)] if matches!(end.result, LocalResult::TimedOut(_)) && end.backoff.is_none());
    let mut waiting = Attempts::default();
    begin(&mut waiting, limit);
    assert!(timed_out(&waiting.wake(at(5))));
    let mut running = Attempts::default();
    begin(&mut running, limit);
    running.start(1, at(1)).unwrap().unwrap();
    let todo = running.wake(at(5));
    assert!(timed_out(&todo) && todo.len() == 2, "{todo:?}");
    let mut backing_off = Attempts::default();
    begin(&mut backing_off, limit);
    backing_off.start(1, at(4)).unwrap().unwrap();
    backing_off.end(1, LocalResult::Failed(Failure::default()), at(4));
    assert!(timed_out(&backing_off.wake(at(5))));
    let mut late = Attempts::default();
    let todo = begin(&mut late, |request| {
        limit(request);
        request.schedule_to_close = Some(Duration::ZERO);
    });
    assert!(timed_out(&[todo]));
}

#[test]
fn one_that_waited_too_long_for_a_slot_does_not_run() {
    let mut attempts = Attempts::default();
    begin(&mut attempts, |request| request.schedule_to_start = Some(Duration::from_secs(3)));
    let end = attempts.start(1, at(4)).unwrap().unwrap_err();
    assert!(matches!(end.result, LocalResult::TimedOut(_)));
    assert!(attempts.start(1, at(4)).is_none());
}

#[test]
fn a_cancelled_one_is_stopped_if_it_runs_and_ends_if_it_does_not() {
    let mut attempts = Attempts::default();
    begin(&mut attempts, |_| {});
    assert!(matches!(attempts.cancel(1), Some(Todo::Ended(_))));
    assert!(attempts.start(1, at(0)).is_none());
    begin(&mut attempts, |_| {});
    attempts.start(1, at(0)).unwrap().unwrap();
    assert!(matches!(attempts.cancel(1), Some(Todo::Stop(1, StopReason::Cancelled))));
    attempts.end(1, bad(), at(0));
    assert!(matches!(attempts.cancel(1), Some(Todo::Ended(_))), "it was waiting for its next attempt");
    begin(&mut attempts, |_| {});
    attempts.start(1, at(0)).unwrap().unwrap();
    assert!(matches!(attempts.stop_all()[..], [Todo::Stop(1, StopReason::RunGone)]));
}
