//! One property of the task queues per test.

use super::*;
use crate::base::time::{MILLISECOND, MINUTE, SECOND, Span, Time};
use crate::config::Config;

const FAR: Time = Time::from_secs(1_000_000);

fn queues() -> TaskQueues {
    TaskQueues::new(&Config::default())
}

fn key(name: &str) -> QueueKey {
    QueueKey::new(1, QueueKind::Activity, name.to_owned())
}

fn poller(reply: ReplyId) -> Poller {
    Poller { reply, identity: format!("worker-{reply}"), since: Time::UNSET, deadline: FAR, ..Default::default() }
}

fn limited(reply: ReplyId, rate: f64) -> Poller {
    Poller { max_tasks_per_second: Some(rate), ..poller(reply) }
}

fn task(execution: ExecutionId) -> Task {
    Task::new(execution, Work::Activity(5), Time::UNSET)
}

fn fair(execution: ExecutionId, fairness_key: &str, fairness_weight: f32) -> Task {
    Task { fairness_key: fairness_key.to_owned(), fairness_weight, ..task(execution) }
}

/// The executions in the order in which a single endless row of pollers gets them.
fn drain(queues: &mut TaskQueues, key: &QueueKey) -> Vec<ExecutionId> {
    let mut order = Vec::new();
    for reply in 1_000.. {
        queues.add_poller(key, poller(reply), Time::UNSET);
        match queues.next_match(Time::UNSET) {
            Some(found) => order.push(found.task.execution),
            None => {
                queues.remove_poller(reply, Time::UNSET);
                return order;
            }
        }
    }
    order
}

/// The moments at which tasks leave, with `pollers` that come back at once, woken when the queues ask for it.
fn departures(queues: &mut TaskQueues, key: &QueueKey, rates: &[f64], count: usize) -> Vec<Time> {
    let mut now = SECOND.since_epoch();
    let mut times = Vec::new();
    for (reply, rate) in rates.iter().enumerate() {
        queues.add_poller(key, limited(reply as ReplyId, *rate), now);
    }
    while times.len() < count {
        while let Some(found) = queues.next_match(now) {
            times.push(now);
            queues.add_poller(key, found.poller, now);
        }
        match queues.next_wake_up() {
            Some(next) if next < FAR => now = next,
            _ => break,
        }
    }
    times
}

#[test]
fn priorities_go_before_age_and_queries_before_all() {
    let (mut queues, key) = (queues(), key("q"));
    for (execution, priority) in [(1, 3), (2, 5), (3, 1), (4, 3), (5, 1)] {
        queues.add_task(&key, Task { priority, ..task(execution) });
    }
    queues.add_task(&key, Task { priority: 5, ..Task::new(6, Work::Query(1), Time::UNSET) });
    assert_eq!(drain(&mut queues, &key), [6, 3, 5, 1, 4, 2]);
}

#[test]
fn fairness_keys_share_by_weight() {
    let cases: &[(&[(&str, f32)], &str)] = &[
        (&[("", 1.0), ("", 1.0), ("", 1.0)], "123"),
        (&[("a", 1.0), ("a", 1.0), ("a", 1.0), ("b", 1.0), ("b", 1.0), ("c", 1.0)], "146253"),
        (&[("a", 2.0), ("a", 2.0), ("a", 2.0), ("a", 2.0), ("b", 1.0), ("b", 1.0)], "152364"),
        (&[("a", 0.0), ("a", -1.0), ("b", f32::NAN), ("b", 1.0)], "1324"),
    ];
    for (tasks, expected) in cases {
        let (mut queues, key) = (queues(), key("q"));
        for (i, (name, weight)) in tasks.iter().enumerate() {
            queues.add_task(&key, fair(i as i64 + 1, name, *weight));
        }
        let order: String = drain(&mut queues, &key).iter().map(ToString::to_string).collect();
        assert_eq!(&order, expected, "{tasks:?}");
    }
}

#[test]
fn a_key_cannot_jump_its_turn_by_coming_back() {
    let (mut queues, key) = (queues(), key("q"));
    for execution in 1..=3 {
        queues.add_task(&key, fair(execution, "many", 1.0));
    }
    queues.add_task(&key, fair(10, "one", 1.0));
    let mut order = Vec::new();
    for reply in 1..=6 {
        queues.add_poller(&key, poller(reply), Time::UNSET);
        let Some(found) = queues.next_match(Time::UNSET) else { break };
        order.push(found.task.execution);
        if found.task.fairness_key == "one" && found.task.execution < 12 {
            queues.add_task(&key, fair(found.task.execution + 1, "one", 1.0));
        }
    }
    assert_eq!(order, [1, 10, 2, 11, 3, 12]);
}

#[test]
fn rates_are_exact_across_pollers() {
    for (rate, count, interval) in [(10.0, 25, 100 * MILLISECOND), (0.5, 4, 2 * SECOND), (1.0, 3, SECOND)] {
        let (mut queues, key) = (queues(), key("q"));
        (0..count).for_each(|execution| queues.add_task(&key, task(execution)));
        let times = departures(&mut queues, &key, &[rate, rate], count as usize);
        let expected: Vec<_> = (0..count).map(|i| (SECOND + i * interval).since_epoch()).collect();
        assert_eq!(times, expected, "{rate}/s");
    }
}

#[test]
fn a_late_wake_up_never_brings_tasks_closer_together() {
    let (mut queues, key) = (queues(), key("q"));
    (0..3).for_each(|execution| queues.add_task(&key, task(execution)));
    (0..3).for_each(|reply| queues.add_poller(&key, limited(reply, 10.0), Time::UNSET));
    assert!(queues.next_match(Time::UNSET).is_some());
    assert!(queues.next_match((150 * MILLISECOND).since_epoch()).is_some());
    assert!(queues.next_match((249 * MILLISECOND).since_epoch()).is_none());
    assert!(queues.next_match((250 * MILLISECOND).since_epoch()).is_some());
}

#[test]
fn high_rates_are_kept_with_coarse_timers() {
    let (mut queues, key) = (queues(), key("q"));
    (0..20_000).for_each(|execution| queues.add_task(&key, task(execution)));
    (0..20_000).for_each(|reply| queues.add_poller(&key, limited(reply, 5_000.0), Time::UNSET));
    let mut sent = 0;
    for tick in 0..1_000 {
        while queues.next_match((SECOND + tick * MILLISECOND).since_epoch()).is_some() {
            sent += 1;
        }
    }
    assert!((4_990..=5_050).contains(&sent), "{sent} tasks in a second");
}

#[test]
fn rate_zero_sends_nothing_and_the_newest_poller_decides() {
    let (mut queues, key) = (queues(), key("q"));
    queues.add_task(&key, task(1));
    queues.add_poller(&key, limited(1, 0.0), Time::UNSET);
    assert!(queues.next_match(SECOND.since_epoch()).is_none());
    assert_eq!(queues.next_wake_up(), Some(FAR));
    queues.add_task(&key, Task::new(2, Work::Query(1), Time::UNSET));
    assert_eq!(queues.next_match(SECOND.since_epoch()).map(|m| m.task.execution), Some(2), "queries are not limited");
    queues.add_poller(&key, poller(2), Time::UNSET);
    assert!(queues.next_match(SECOND.since_epoch()).is_none(), "a poller without a wish leaves the limit");
    queues.add_poller(&key, limited(3, 5.0), Time::UNSET);
    assert_eq!(queues.next_match(SECOND.since_epoch()).map(|m| m.poller.reply), Some(2));
    assert_eq!(queues.describe(&key, SECOND.since_epoch()).rate_limit, Some(5.0));
}

#[test]
fn sticky_queues_are_not_limited() {
    let (mut queues, key) = (queues(), key("sticky"));
    for i in 0..3 {
        queues.add_task(&key, task(i));
        queues.add_poller(&key, Poller { sticky_of: "q".into(), ..limited(i as u64, 0.1) }, Time::UNSET);
    }
    assert_eq!(std::iter::from_fn(|| queues.next_match(Time::UNSET)).count(), 3);
}

#[test]
fn returning_a_poller_gives_its_turn_and_the_slot_back() {
    let (mut queues, key) = (queues(), key("q"));
    (1..=3).for_each(|execution| queues.add_task(&key, task(execution)));
    (1..=3).for_each(|reply| queues.add_poller(&key, limited(reply, 1.0), Time::UNSET));
    let first = queues.next_match(SECOND.since_epoch()).unwrap();
    queues.return_poller(&key, first.poller);
    let again = queues.next_match(SECOND.since_epoch()).unwrap();
    assert_eq!((again.task.execution, again.poller.reply), (2, 1));
    assert!(queues.next_match(SECOND.since_epoch()).is_none());
    assert_eq!(queues.describe(&key, SECOND.since_epoch()).total.dispatch_rate, 0.5, "one within two seconds");
    queues.return_poller(&key, again.poller);
    let next = queues.next_match(SECOND.since_epoch()).unwrap();
    assert_eq!((next.task.execution, next.poller.reply), (3, 1));
    assert!(queues.next_match((2 * SECOND - Span::from_nanos(1)).since_epoch()).is_none());
}

#[test]
fn expired_pollers_get_no_task() {
    let (mut queues, key) = (queues(), key("q"));
    queues.add_poller(&key, Poller { deadline: Time::from_nanos(10), ..poller(1) }, Time::UNSET);
    queues.add_poller(&key, Poller { deadline: Time::from_nanos(20), ..poller(2) }, Time::UNSET);
    assert_eq!(queues.next_wake_up(), Some(Time::from_nanos(10)));
    queues.add_task(&key, task(1));
    assert_eq!(queues.next_match(Time::from_nanos(10)).map(|m| m.poller.reply), Some(2));
    let expired = queues.expired_pollers(Time::from_nanos(10));
    assert_eq!(expired.iter().map(|(_, poller)| poller.reply).collect::<Vec<_>>(), [1]);
    assert!(queues.expired_pollers(FAR).is_empty());
    assert_eq!(queues.next_wake_up(), None);
}

#[test]
fn withdrawn_tasks_and_removed_pollers_are_gone() {
    let (mut queues, key) = (queues(), key("q"));
    (1..=3).for_each(|execution| queues.add_task(&key, task(execution)));
    assert!(queues.withdraw(&key, 2, Work::Activity(5)));
    assert!(!queues.withdraw(&key, 2, Work::Activity(5)));
    assert!(!queues.withdraw(&key, 1, Work::WorkflowTask));
    queues.add_poller(&key, poller(1), Time::UNSET);
    assert_eq!(queues.remove_poller(1, Time::UNSET).map(|(_, poller)| poller.reply), Some(1));
    assert!(queues.next_match(Time::UNSET).is_none());
    assert_eq!(drain(&mut queues, &key), [1, 3]);
}

#[test]
fn the_same_work_waits_once() {
    let (mut queues, key) = (queues(), key("q"));
    queues.add_task(&key, task(1));
    queues.add_task(&key, task(1));
    assert_eq!(drain(&mut queues, &key), [1]);
}

#[test]
fn a_shut_down_worker_leaves_at_once_and_stays_away() {
    let mut queues = queues();
    let normal = key("q");
    let sticky = QueueKey { kind: QueueKind::Workflow, ..key("sticky") };
    let of = |reply, worker: &str| Poller { worker_instance_key: worker.into(), ..poller(reply) };
    queues.add_poller(&normal, of(1, "w1"), Time::UNSET);
    queues.add_poller(&normal, of(2, "w2"), Time::UNSET);
    queues.add_poller(&sticky, of(3, ""), Time::UNSET);
    queues.add_poller(&QueueKey { namespace: 2, ..key("q") }, of(4, "w1"), Time::UNSET);
    assert!(queues.has_recent_poller(&sticky, Time::UNSET, SECOND));

    let worker = Leaving { identity: "worker", worker_instance_key: "w1", sticky_queue: "sticky" };
    let answered = queues.shut_down_worker(1, &worker, SECOND.since_epoch());
    assert_eq!(answered.iter().map(|(_, poller)| poller.reply).collect::<Vec<_>>(), [1, 3]);
    assert!(!queues.has_recent_poller(&sticky, SECOND.since_epoch(), MINUTE));
    assert!(queues.has_recent_poller(&normal, SECOND.since_epoch(), MINUTE));

    queues.add_task(&normal, task(1));
    queues.add_poller(&normal, of(5, "w1"), (2 * SECOND).since_epoch());
    assert!(queues.next_wake_up().unwrap() <= (2 * SECOND).since_epoch());
    assert_eq!(queues.next_match((2 * SECOND).since_epoch()).map(|m| m.poller.reply), Some(2));
    assert_eq!(queues.expired_pollers((2 * SECOND).since_epoch()).len(), 1);
    queues.add_poller(&normal, of(6, "w1"), (10 * MINUTE).since_epoch());
    assert!(queues.expired_pollers((10 * MINUTE).since_epoch()).is_empty(), "forgotten after some minutes");
}

#[test]
fn a_worker_is_gone_when_its_last_poll_is_until_it_comes_back() {
    let (mut queues, normal) = (queues(), key("q"));
    let sticky = QueueKey { kind: QueueKind::Workflow, ..key("sticky") };
    let later = SECOND.since_epoch();
    let left = |queues: &TaskQueues, key: &QueueKey| queues.describe(key, later).pollers[0].left;
    let poller = |reply| Poller { identity: "worker".into(), ..poller(reply) };
    let own = |reply| Poller { sticky_of: "q".into(), ..poller(reply) };
    queues.add_poller(&normal, poller(1), Time::UNSET);
    queues.add_poller(&normal, poller(2), Time::UNSET);
    queues.add_poller(&sticky, own(3), Time::UNSET);
    queues.remove_poller(1, later);
    assert!(!left(&queues, &normal), "another poll of it waits");
    queues.remove_poller(2, later);
    assert!(left(&queues, &normal));
    assert!(queues.has_recent_poller(&normal, later, MINUTE), "others may come to a queue of all");
    queues.remove_poller(3, later);
    assert!(!queues.has_recent_poller(&sticky, later, MINUTE), "nobody else comes to its own");
    queues.add_poller(&normal, poller(4), later);
    assert!(!left(&queues, &normal));
}

#[test]
fn a_poller_is_recent_while_it_waits_and_for_a_while_after() {
    let (mut queues, key) = (queues(), key("q"));
    assert!(!queues.has_recent_poller(&key, Time::UNSET, MINUTE));
    queues.add_poller(&key, poller(1), Time::UNSET);
    assert!(queues.has_recent_poller(&key, (50 * SECOND).since_epoch(), 10 * SECOND));
    queues.add_task(&key, task(1));
    assert!(queues.next_match((50 * SECOND).since_epoch()).is_some());
    assert!(queues.has_recent_poller(&key, (60 * SECOND).since_epoch(), 10 * SECOND));
    assert!(!queues.has_recent_poller(&key, (60 * SECOND + Span::from_nanos(1)).since_epoch(), 10 * SECOND));
}

#[test]
fn a_description_shows_pollers_backlog_and_rates() {
    let (mut queues, key) = (queues(), key("q"));
    let now = 1_000 * SECOND;
    for i in 0..30 {
        let added = now - (29 - i) * SECOND;
        queues.add_task(
            &key,
            Task { priority: 1 + (i % 2) as i32, ..Task::new(i, Work::WorkflowTask, added.since_epoch()) },
        );
    }
    queues.add_poller(&key, limited(7, 100.0), (now - SECOND).since_epoch());
    assert!(queues.next_match(now.since_epoch()).is_some());
    let seen = queues.describe(&key, now.since_epoch());
    assert_eq!(
        seen.total,
        Flow { backlog: 29, oldest: Some((now - 28 * SECOND).since_epoch()), add_rate: 1.0, dispatch_rate: 1.0 / 30.0 }
    );
    assert_eq!(seen.by_priority[&1].backlog, 14);
    assert_eq!(seen.by_priority[&2].add_rate, 0.5);
    assert_eq!(seen.pollers.len(), 1);
    assert_eq!((seen.pollers[0].last_access, seen.pollers[0].rate_per_second), (now.since_epoch(), 100.0));
    let later = queues.describe(&key, (now + 10 * MINUTE).since_epoch());
    assert!(later.pollers.is_empty() && later.total.add_rate == 0.0);
}

#[test]
fn idle_queues_leave_memory() {
    let mut queues = queues();
    for i in 0..100 {
        let key = key(&i.to_string());
        queues.add_poller(&key, Poller { deadline: SECOND.since_epoch(), ..poller(i) }, Time::UNSET);
    }
    assert_eq!(queues.expired_pollers(SECOND.since_epoch()).len(), 100);
    queues.next_match((2 * SECOND).since_epoch());
    assert_eq!(queues.len(), 100);
    queues.next_match((SECOND + Config::default().poller_history).since_epoch());
    assert_eq!(queues.len(), 0);
}

#[test]
fn many_waiting_tasks_are_small() {
    let resident = || -> Option<i64> {
        let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
        statm.split(' ').nth(1)?.parse::<i64>().ok().map(|pages| pages * 4096)
    };
    let (mut queues, key) = (queues(), key("q"));
    let Some(before) = resident() else { return };
    (0..1_000_000).for_each(|execution| queues.add_task(&key, task(execution)));
    let each = (resident().unwrap() - before) / 1_000_000;
    println!("{each} bytes per waiting task");
    assert!(each <= 150);
    assert_eq!(queues.describe(&key, Time::UNSET).total.backlog, 1_000_000);
}

/// The executions that leave, with the moment of each, while pollers always wait.
fn departed(queues: &mut TaskQueues, keys: &[QueueKey], until: Time) -> Vec<(ExecutionId, Time)> {
    let (mut now, mut reply, mut left) = (SECOND.since_epoch(), 10_000, Vec::new());
    for key in keys {
        reply += 1;
        queues.add_poller(key, poller(reply), now);
    }
    loop {
        while let Some(found) = queues.next_match(now) {
            left.push((found.task.execution, now));
            queues.add_poller(&found.key, found.poller, now);
        }
        match queues.next_wake_up() {
            Some(at) if at <= until => now = now.max(at),
            _ => return left,
        }
    }
}

#[test]
fn versions_of_a_queue_share_its_limit() {
    let mut queues = TaskQueues::new(&Config::default());
    let version = |build: &str| Version::new("d", build);
    let keys = [key("q").of_version(Some(version("1"))), key("q").of_version(Some(version("2")))];
    queues.set_rates(&key("q"), Rates { queue: Some(1.0), key: None });
    for execution in 0..6 {
        queues.add_task(&keys[execution % 2], task(execution as i64));
    }
    let times: Vec<Time> =
        departed(&mut queues, &keys, (4 * SECOND).since_epoch()).into_iter().map(|(_, at)| at).collect();
    assert_eq!(times, [1, 2, 3, 4].map(Time::from_secs));
}

#[test]
fn each_fairness_key_has_its_limit_and_others_go_meanwhile() {
    let mut queues = TaskQueues::new(&Config::default());
    queues.set_rates(&key("q"), Rates { queue: None, key: Some(1.0) });
    for (execution, name, weight) in [(1, "a", 1.0), (2, "a", 1.0), (3, "b", 2.0), (4, "b", 2.0), (5, "b", 2.0)] {
        queues.add_task(&key("q"), fair(execution, name, weight));
    }
    let mut left = departed(&mut queues, &[key("q")], (2 * SECOND).since_epoch());
    left.sort_unstable();
    let expected = [(1, 2), (2, 4), (3, 2), (4, 3), (5, 4)];
    assert_eq!(left, expected.map(|(execution, halves)| (execution, (SECOND / 2 * halves).since_epoch())));
    for execution in 6..9 {
        queues.add_task(&key("q"), fair(execution, "a", 1.0));
    }
    queues.set_rates(&key("q"), Rates::default());
    assert_eq!(queues.describe_all(&key("q"), (2 * SECOND).since_epoch()).total.backlog, 3);
    assert_eq!(drain(&mut queues, &key("q")).len(), 3, "without the limit all may go");
}

#[test]
fn a_key_that_nobody_may_serve_holds_up_no_other() {
    let mut queues = TaskQueues::new(&Config::default());
    queues.set_rates(&key("q"), Rates { queue: None, key: Some(0.0) });
    queues.add_task(&key("q"), fair(1, "a", 1.0));
    assert!(departed(&mut queues, &[key("q")], (60 * SECOND).since_epoch()).is_empty());
    assert!(queues.withdraw(&key("q"), 1, Work::Activity(5)));
    assert_eq!(queues.describe_all(&key("q"), SECOND.since_epoch()).total.backlog, 0);
}

#[test]
fn versions_share_the_limit_of_a_fairness_key() {
    let mut queues = queues();
    let keys = ["1", "2", "3"].map(|build| key("q").of_version(Some(Version::new("d", build))));
    queues.set_rates(&key("q"), Rates { queue: None, key: Some(1.0) });
    for (execution, key) in keys.iter().enumerate().take(2) {
        queues.add_task(key, fair(execution as i64 + 1, "a", 1.0));
        queues.add_poller(key, poller(execution as ReplyId), Time::UNSET);
    }
    let first = queues.next_match(SECOND.since_epoch()).unwrap();
    assert!(queues.next_match(SECOND.since_epoch()).is_none(), "the other version waits for the slot of its key");
    // A task that is given back gives the slot back to all.
    queues.return_poller(&first.key, first.poller);
    let second = queues.next_match(SECOND.since_epoch()).unwrap();
    assert_ne!(first.key, second.key);
    // A version that comes later is no way around the limit; another key is not touched by it.
    queues.add_task(&keys[2], fair(3, "a", 1.0));
    queues.add_task(&keys[2], fair(4, "b", 1.0));
    queues.add_poller(&keys[2], poller(8), SECOND.since_epoch());
    queues.add_poller(&keys[2], poller(9), SECOND.since_epoch());
    assert_eq!(queues.next_match(SECOND.since_epoch()).unwrap().task.execution, 4);
    assert!(queues.next_match(SECOND.since_epoch()).is_none());
    assert_eq!(queues.next_match((2 * SECOND).since_epoch()).unwrap().task.execution, 3);
}
