//! Lists over many runs. Times are printed, not asserted: `--no-capture` shows them, `OSTRO_RUNS=1000000` makes it large.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::Instant;

use common::*;
use ostro_engine::persistence::{ItemKey, ItemKind, SearchValue, Write};
use ostro_engine::time::{SECOND, Time};
use ostro_store::visibility::SearchAttributeTypes;
use ostro_store::{Batch, Options, Store};
use temporalio_protos::temporal::api::enums::v1::IndexedValueType as Type;

fn attributes() -> SearchAttributeTypes {
    [("Customer", Type::Keyword), ("Tags", Type::KeywordList)].map(|(name, kind)| (name.to_owned(), kind)).into()
}

fn number(name: &str, default: i64) -> i64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// A tenth is open, a hundredth failed; each customer has a hundred runs.
fn run(id: i64, runs: i64) -> Write {
    let mut row = row(id, 1, &format!("order-{id}"));
    row.workflow_type = format!("Type{}", id % 20);
    row = with(row, &[("Customer", SearchValue::String(format!("c{}", id % (runs / 100 + 1))))]);
    if id % 50 == 0 {
        row = with(row, &[("Tags", SearchValue::KeywordList(vec!["vip".into()]))]);
    }
    put(match id % 100 {
        0..10 => row,
        10 => closed(row, 3, DAY_ZERO + (id + 60) * SECOND),
        _ => closed(row, 2, DAY_ZERO + (id + 60) * SECOND),
    })
}

#[test]
fn lists_over_many_runs() {
    let runs = number("OSTRO_RUNS", 100_000);
    let opened = Opened::new();
    opened.writer.ensure_search_attribute("Customer", Type::Keyword);
    let started = Instant::now();
    for first in (1..=runs).step_by(100) {
        let writes = (first..(first + 100).min(runs + 1)).map(|id| run(id, runs)).collect();
        opened.writer.submit(Batch { writes, done: Box::new(|| ()) });
    }
    opened.writer.flush().unwrap();
    println!("{runs} rows written in {:?}", started.elapsed());
    for (query, least) in [
        ("", 1),
        ("ExecutionStatus = 'Running'", 1),
        ("ExecutionStatus = 'Failed'", 1),
        ("ExecutionStatus != 'Running'", 1),
        ("WorkflowType = 'Type7'", 1),
        ("WorkflowType = 'Type7' AND ExecutionStatus = 'Running'", 1),
        ("WorkflowId = 'order-77'", 1),
        ("WorkflowId STARTS_WITH 'order-77'", 1),
        ("RunId = 'run-77'", 1),
        ("StartTime > '2023-11-14T22:13:30Z'", 1),
        ("StartTime > '2999-11-14T22:13:30Z'", 0),
        ("StartTime BETWEEN '2023-11-14T22:13:30Z' AND '2023-11-14T22:14:30Z'", 1),
        ("CloseTime > '2023-11-14T22:13:30Z'", 1),
        ("CloseTime < '2023-11-14T22:14:40Z'", 1),
        ("Customer = 'c7'", 1),
        ("Customer = 'c7' AND ExecutionStatus = 'Completed'", 1),
        ("Customer STARTS_WITH 'c7' ORDER BY Customer", 1),
        ("ORDER BY Customer DESC", 1),
        ("ORDER BY StartTime", 1),
        ("ORDER BY CloseTime", 1),
        ("Tags = 'vip'", 1),
        ("Tags = 'none'", 0),
        ("ParentWorkflowId = 'x'", 0),
        ("RootWorkflowId = 'x'", 0),
        ("TaskQueue = 'x'", 0),
        ("BuildIds = 'x'", 0),
    ] {
        let started = Instant::now();
        let page = opened.readers.now(|reads| reads.list(1, &attributes(), query, 100, b"")).unwrap().unwrap();
        let list = started.elapsed();
        assert!(page.rows.len() >= least, "{query}");
        let started = Instant::now();
        let counted = if query.contains("ORDER") {
            -1
        } else {
            opened.readers.now(|reads| reads.count(1, &attributes(), query)).unwrap().unwrap().total
        };
        println!("{:>10.3?} list, {:>10.3?} count {counted:>8}: {query}", list, started.elapsed());
    }
    let started = Instant::now();
    let grouped =
        opened.readers.now(|reads| reads.count(1, &attributes(), "GROUP BY ExecutionStatus")).unwrap().unwrap();
    println!("{:>10.3?} grouped", started.elapsed());
    assert_eq!((grouped.total, grouped.groups.len()), (runs, 3));
    deep_page(&opened);
}

/// The time of a page does not grow with its number.
fn deep_page(opened: &Opened) {
    let (mut token, mut rows) = (Vec::new(), 0);
    let started = Instant::now();
    for _ in 0..100 {
        let page = opened.readers.now(|reads| reads.list(1, &attributes(), "", 100, &token)).unwrap().unwrap();
        rows += page.rows.len();
        token = page.next_token;
        if token.is_empty() {
            break;
        }
    }
    println!("{:>10.3?} for 100 pages", started.elapsed());
    assert_eq!(rows, 10_000);
}

/// Measures what a server needs: batches of 600 B of history, 1.5 KB of state, an activity that comes or goes.
#[test]
#[ignore = "a measurement: run it by name with --no-capture, on a quiet machine"]
fn commits_per_second() {
    let directory = tempfile::tempdir().unwrap();
    let (batches, window) = (number("OSTRO_BATCHES", 200_000), number("OSTRO_WINDOW", 256));
    let store = Store::open(
        directory.path().join("s"),
        Options { durable: number("OSTRO_DURABLE", 1) == 1, ..Default::default() },
    )
    .unwrap();
    let writer = store.writer(fatal()).unwrap();
    let (permit, permits) = std::sync::mpsc::channel();
    (0..window).for_each(|_| permit.send(()).unwrap());
    let started = Instant::now();
    for batch in 0..batches {
        permits.recv().unwrap();
        let permit = permit.clone();
        writer.submit(Batch { writes: transition(batch), done: Box::new(move || permit.send(()).unwrap_or(())) });
    }
    writer.flush().unwrap();
    let took = started.elapsed();
    println!("{:.0} batches/s, {} in flight, {:?}", batches as f64 / took.as_secs_f64(), window, writer.stats());
    let bytes = std::fs::metadata(store.path()).unwrap().len();
    println!("{} B of file per batch", bytes / batches as u64);
    let started = Instant::now();
    let recovery = store.recover().unwrap();
    println!(
        "recovered {} due, {} waiting in {:?}",
        recovery.due.len(),
        recovery.workflow_tasks.len(),
        started.elapsed()
    );
}

/// 64 runs move side by side, ten batches each.
fn transition(batch: i64) -> Vec<Write> {
    let (round, lane) = (batch / 64, batch % 64);
    let (execution, step) = (round / 10 * 64 + lane, round % 10);
    let key = ItemKey::Id(step / 2);
    let activity = if step % 2 == 0 {
        item(
            execution,
            ItemKind::Activity,
            key,
            "an activity of about a hundred bytes ....................................",
        )
    } else {
        Write::DeleteItem { execution, kind: ItemKind::Activity, key }
    };
    let mut writes = vec![
        Write::AppendHistory { execution, first: step * 4, next: step * 4 + 4, events: vec![7; 600].into() },
        Write::PutState {
            execution,
            state: vec![7; 1_500].into(),
            next_due: Some(Time::from_nanos(batch)),
            waiting: Some("q".into()),
        },
        activity,
    ];
    match step {
        0 => writes.push(put(row(execution, 1, &format!("w{execution}")))),
        9 => writes.push(put(closed(row(execution, 1, &format!("w{execution}")), 2, DAY_ZERO))),
        _ => {}
    }
    writes
}
