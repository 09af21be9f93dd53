//! Writing, loading, recovering.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::{Arc, Mutex};

use common::*;
use ostro_engine::persistence::{ItemKey, ItemKind, Loader, NamespaceRow, StoredItem, Waiting, WaitingTask, Write};
use ostro_engine::time::{Span, Time};
use ostro_store::{Batch, Options, Store};

#[test]
fn dones_run_in_order_after_their_commit() {
    let opened = Opened::new();
    let order = Arc::new(Mutex::new(Vec::new()));
    for id in 1..=2_000 {
        let order = order.clone();
        let writes = if id % 3 == 0 { vec![] } else { vec![put(row(id, 1, "w")), state(id, "s")] };
        opened.writer.submit(Batch { writes, done: Box::new(move || order.lock().unwrap().push(id)) });
    }
    opened.writer.flush().unwrap();
    assert_eq!(*order.lock().unwrap(), (1..=2_000).collect::<Vec<_>>());
    assert_eq!(opened.reader.newest_run(1, "w").unwrap(), Some(2_000));
    let stats = opened.writer.stats();
    let load = |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(load(&stats.batches), 2_001);
    assert!((2_000 / 256..=1_334).contains(&load(&stats.commits)), "{stats:?}");
}

#[test]
fn groups_without_writes_do_not_commit() {
    let opened = Opened::new();
    opened.writer.flush().unwrap();
    opened.writer.flush().unwrap();
    assert_eq!(opened.writer.stats().commits.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn who_finds_nothing_waiting_commits_at_once_and_nobody_overtakes() {
    let opened = Opened::new();
    let order = Arc::new(Mutex::new(Vec::new()));
    let batch = |id: i64| {
        let order = order.clone();
        Batch { writes: vec![put(row(id, 1, "w"))], done: Box::new(move || order.lock().unwrap().push(id)) }
    };
    opened.writer.commit_or_submit(vec![batch(1), batch(2)]);
    assert_eq!(*order.lock().unwrap(), [1, 2], "durable on return");
    assert_eq!(opened.reader.newest_run(1, "w").unwrap(), Some(2));
    for id in (3..2_000).step_by(3) {
        opened.writer.submit(batch(id));
        opened.writer.commit_or_submit(vec![batch(id + 1), batch(id + 2)]);
    }
    opened.writer.flush().unwrap();
    let order = order.lock().unwrap();
    assert!(order.is_sorted() && order.len() == order[order.len() - 1] as usize, "{order:?}");
}

#[test]
fn a_commit_at_once_that_fails_is_fatal() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("s"), Options { durable: false, ..Default::default() }).unwrap();
    let (on_fatal, errors) = caught();
    let writer = store.writer(on_fatal).unwrap();
    let batch = || Batch { writes: vec![history(1, 1, 4)], done: Box::new(|| ()) };
    writer.commit_or_submit(vec![batch()]);
    writer.commit_or_submit(vec![Batch { done: Box::new(|| panic!("never acknowledged")), ..batch() }]);
    assert!(errors.recv().unwrap().contains("UNIQUE constraint failed"));
    writer.commit_or_submit(vec![Batch { writes: vec![put(row(3, 1, "w"))], done: Box::new(|| panic!("stopped")) }]);
    assert!(writer.flush().is_err());
    assert_eq!(store.reader(fatal()).unwrap().newest_run(1, "w").unwrap(), None);
}

#[test]
fn after_a_failed_commit_no_done_runs() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("s"), Options { durable: false, ..Default::default() }).unwrap();
    let (on_fatal, errors) = caught();
    let writer = store.writer(on_fatal).unwrap();
    let acknowledged = Arc::new(Mutex::new(0));
    let submit = |writes| {
        let acknowledged = acknowledged.clone();
        writer.submit(Batch { writes, done: Box::new(move || *acknowledged.lock().unwrap() += 1) });
    };
    submit(vec![history(1, 1, 4)]);
    writer.flush().unwrap();
    submit(vec![put(row(2, 1, "w")), history(1, 1, 4)]);
    submit(vec![put(row(3, 1, "w"))]);
    let error = errors.recv().unwrap();
    assert!(error.contains("UNIQUE constraint failed"), "{error}");
    assert!(writer.flush().is_err());
    assert_eq!(*acknowledged.lock().unwrap(), 1);
    let reader = store.reader(fatal()).unwrap();
    assert_eq!(reader.newest_run(1, "w").unwrap(), None, "the failed group left nothing");
}

#[test]
fn a_panic_in_a_done_is_fatal() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("s"), Options { durable: false, ..Default::default() }).unwrap();
    let (on_fatal, errors) = caught();
    let writer = store.writer(on_fatal).unwrap();
    writer.submit(Batch { writes: vec![], done: Box::new(|| panic!("a bug")) });
    assert!(errors.recv().unwrap().contains("invariant"));
    assert!(writer.flush().is_err());
}

#[test]
fn what_was_submitted_before_close_is_written() {
    let opened = Opened::new();
    for id in 1..=1_000 {
        opened.writer.submit(Batch { writes: vec![put(row(id, 1, "w"))], done: Box::new(|| ()) });
    }
    opened.writer.close();
    assert_eq!(opened.reader.newest_run(1, "w").unwrap(), Some(1_000));
}

#[test]
fn an_execution_loads_as_it_was_written() {
    let opened = Opened::new();
    let name = |name: &str| ItemKey::Name(name.to_owned());
    opened.write(vec![
        put(row(7, 3, "w")),
        state(7, "old"),
        item(7, ItemKind::Activity, ItemKey::Id(5), "five"),
        item(7, ItemKind::Activity, ItemKey::Id(11), "eleven"),
        item(7, ItemKind::Update, name(""), "empty name"),
        item(7, ItemKind::Update, name("5"), "named five"),
        item(7, ItemKind::Update, ItemKey::Id(5), "id five"),
        item(8, ItemKind::Timer, ItemKey::Id(1), "of another"),
    ]);
    opened.write(vec![
        state(7, "new"),
        Write::DeleteItem { execution: 7, kind: ItemKind::Activity, key: ItemKey::Id(5) },
        item(7, ItemKind::Activity, ItemKey::Id(11), "changed"),
    ]);
    let opened = opened.reopen();
    let loaded = opened.reader.load(7).unwrap().unwrap();
    assert_eq!((loaded.id, loaded.namespace, &loaded.state[..]), (7, 3, &b"new"[..]));
    let expected = [
        (ItemKind::Activity, ItemKey::Id(11), "changed"),
        (ItemKind::Update, ItemKey::Id(5), "id five"),
        (ItemKind::Update, name(""), "empty name"),
        (ItemKind::Update, name("5"), "named five"),
    ];
    let expected = expected.map(|(kind, key, value)| StoredItem { kind, key, value: value.into() });
    assert_eq!(loaded.items, expected);
    assert_eq!(opened.reader.load(8).unwrap(), None, "items alone are no execution");
}

#[test]
fn runs_are_found_by_name() {
    let opened = Opened::new();
    opened.write(vec![put(row(1, 1, "w")), put(row(2, 1, "w")), put(row(3, 2, "w")), put(row(4, 1, "v"))]);
    let reader = &opened.reader;
    assert_eq!(reader.newest_run(1, "w").unwrap(), Some(2));
    assert_eq!(reader.newest_run(2, "w").unwrap(), Some(3));
    assert_eq!(reader.newest_run(1, "x").unwrap(), None);
    assert_eq!(reader.run(1, "w", "run-1").unwrap(), Some(1));
    assert_eq!(reader.run(1, "w", "run-4").unwrap(), None);
    assert_eq!(opened.readers.now(|reads| reads.run(1, "v", "run-4")).unwrap().unwrap(), Some(4));
    assert_eq!(opened.readers.now(|reads| reads.newest_run(1, "v")).unwrap().unwrap(), Some(4));
    opened.write(vec![Write::DeleteExecution(2)]);
    assert_eq!(reader.newest_run(1, "w").unwrap(), Some(1));
}

#[test]
fn recovery_tells_what_is_open() {
    let opened = Opened::new();
    let state = |execution, next_due, queue: Option<&str>| Write::PutState {
        execution,
        state: "s".into(),
        next_due,
        waiting: queue.map(Waiting::from),
    };
    let activity = |execution, id, queue: Option<&str>| Write::PutItem {
        execution,
        kind: ItemKind::Activity,
        key: ItemKey::Id(id),
        value: "a".into(),
        waiting: queue.map(Waiting::from),
    };
    let namespace = |id, name: &str| NamespaceRow { id, name: name.to_owned(), blob: "n".into() };
    let record = |key: &str, value: &'static str| Write::PutRecord {
        kind: "schedule".into(),
        key: key.into(),
        value: value.into(),
    };
    opened.write(vec![
        Write::PutNamespace(namespace(1, "one")),
        Write::PutNamespace(namespace(2, "two")),
        record("a", "1"),
        record("b", "1"),
    ]);
    opened.write((1..=9).map(|id| put(row(id, 1 + id % 2, "w"))).collect());
    opened.write(vec![
        state(1, Some(Time::from_nanos(50)), None),
        state(2, None, Some("q")),
        state(3, Some(Time::from_nanos(10)), Some("q2")),
        state(4, Some(Time::from_nanos(1)), Some("gone")),
        state(5, None, None),
        activity(5, 6, Some("q3")),
        activity(5, 7, None),
        activity(5, 8, Some("gone")),
    ]);
    opened.write(vec![
        state(4, None, None),
        activity(5, 8, None),
        Write::DeleteNamespace(1),
        Write::PutNamespace(namespace(2, "renamed")),
        Write::DeleteRecord { kind: "schedule".into(), key: "a".into() },
        record("b", "2"),
        Write::DeleteExecution(9),
    ]);
    let opened = opened.reopen();
    let recovery = opened.store.recover().unwrap();
    assert_eq!(recovery.namespaces, [namespace(2, "renamed")]);
    assert_eq!(recovery.records.len(), 1);
    assert_eq!(recovery.records[0].value, "2");
    assert_eq!(recovery.next_execution, 10, "the id of a deleted run is not given again");
    assert_eq!(recovery.due, [(1, Time::from_nanos(50)), (3, Time::from_nanos(10))]);
    let waiting = |execution, namespace, queue: &str, event_id| WaitingTask {
        execution,
        namespace,
        workflow_id: "w".to_owned(),
        waiting: queue.into(),
        event_id,
    };
    assert_eq!(recovery.workflow_tasks, [waiting(2, 1, "q", 0), waiting(3, 2, "q2", 0)]);
    assert_eq!(recovery.activity_tasks, [waiting(5, 2, "q3", 6)]);
}

#[test]
fn an_empty_store_recovers_to_nothing() {
    let recovery = Opened::new().store.recover().unwrap();
    assert_eq!(recovery.next_execution, 1);
    assert!(recovery.namespaces.is_empty() && recovery.due.is_empty());
}

#[test]
fn a_deleted_execution_leaves_no_row() {
    let opened = Opened::new();
    opened.write(vec![
        put(row(1, 1, "w")),
        Write::PutState {
            execution: 1,
            state: "s".into(),
            next_due: Some(Time::from_nanos(1)),
            waiting: Some("q".into()),
        },
        item(1, ItemKind::Timer, ItemKey::Id(1), "t"),
        history(1, 1, 4),
        put(row(2, 1, "w")),
    ]);
    opened.write(vec![Write::DeleteExecution(1)]);
    let path = opened.store.path().to_owned();
    let count =
        |sql: &str| -> i64 { rusqlite::Connection::open(&path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(count("SELECT count(*) FROM exec"), 1);
    for table in ["state", "wake", "item", "history"] {
        assert_eq!(count(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
}

#[test]
fn history_is_read_in_ranges_and_pages() {
    let opened = Opened::new();
    opened.write(vec![history(1, 1, 4), history(1, 4, 5), history(2, 1, 9)]);
    opened.write(vec![history(1, 5, 10), history(1, 10, 11)]);
    let firsts = |from, to| opened.reader.history(1, from, to).unwrap().iter().map(|b| b.first).collect::<Vec<_>>();
    for (from, to, expected) in [
        (1, i64::MAX, vec![1, 4, 5, 10]),
        (2, 5, vec![1, 4]),
        (3, 4, vec![1]),
        (6, 7, vec![5]),
        (10, 11, vec![10]),
        (11, 20, vec![]),
        (5, 5, vec![]),
    ] {
        assert_eq!(firsts(from, to), expected, "{from}..{to}");
    }
    assert_eq!(opened.reader.history(1, 4, 5).unwrap()[0].events, "4..5");
    let limits = |events, bytes| ostro_store::PageLimits { events, bytes };
    let page = |back, range, limits| {
        let read = opened.readers.now(|reads| match back {
            true => reads.history_page_back(1, range, limits),
            false => reads.history_page(1, range, limits),
        });
        let page = read.unwrap().unwrap();
        (page.batches.iter().map(|b| b.first).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(page(false, (1, 11), limits(4, 1_000)), (vec![1, 4], true));
    assert_eq!(page(false, (5, 11), limits(1, 1_000)), (vec![5], true), "one batch at least");
    assert_eq!(page(false, (5, 11), limits(6, 1_000)), (vec![5, 10], false));
    assert_eq!(page(false, (1, 11), limits(100, 8)), (vec![1, 4], true));
    assert_eq!(page(true, (1, 11), limits(6, 1_000)), (vec![10, 5], true));
    assert_eq!(page(true, (1, 5), limits(6, 1_000)), (vec![4, 1], false));
}

#[test]
fn retention_finds_expired_runs() {
    let opened = Opened::new();
    let expiring = |id, at| closed(row(id, 1, "w"), 2, at);
    opened.write(vec![
        put(expiring(1, Time::from_nanos(300))),
        put(expiring(2, Time::from_nanos(100))),
        put(expiring(3, Time::from_nanos(200))),
        put(row(4, 1, "w")),
    ]);
    let second = ostro_engine::time::SECOND;
    let expired = |at, limit| opened.readers.now(|reads| reads.expired(at, limit)).unwrap().unwrap();
    assert_eq!(expired((second + Span::from_nanos(200)).since_epoch(), 10), [2, 3]);
    assert_eq!(expired((second + Span::from_nanos(200)).since_epoch(), 1), [2]);
    assert_eq!(expired(Time::from_nanos(1), 10), [0i64; 0]);
}

#[test]
fn a_visibility_row_comes_back() {
    let opened = Opened::new();
    let open = row(1, 1, "w");
    opened.write(vec![put(open.clone())]);
    assert_eq!(opened.readers.now(|reads| reads.visibility(1)).unwrap().unwrap(), Some(open.clone()));
    let ended = closed(open, 2, DAY_ZERO + Span::from_nanos(5));
    opened.write(vec![put(ended.clone())]);
    assert_eq!(opened.readers.now(|reads| reads.visibility(1)).unwrap().unwrap(), Some(ended));
    assert_eq!(opened.readers.now(|reads| reads.visibility(2)).unwrap().unwrap(), None);
}
