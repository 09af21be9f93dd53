//! What checks of a file are told of it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use ostro_engine::persistence::Write;
use ostro_engine::schedule;
use ostro_engine::time::Time;
use ostro_store::Inspector;

#[test]
fn schedules_come_with_the_chains_that_are_open() {
    let opened = Opened::new();
    let record = |kind: &str, key: &str| Write::PutRecord {
        kind: kind.to_owned(),
        key: key.to_owned(),
        value: key.as_bytes().to_vec().into(),
    };
    let mut closed = row(2, 1, "closed");
    (closed.first_run_id, closed.close_time) = ("ended".to_owned(), Time::from_nanos(5));
    let mut open = row(3, 1, "open");
    open.first_run_id = "goes on".to_owned();
    opened.write(vec![
        record(schedule::KIND, "1/nightly"),
        record(schedule::KIND, "7/with/slash"),
        record("other", "1/nightly"),
        put(closed),
        state(2, "s"),
        put(open),
        state(3, "s"),
    ]);
    let mut found = Vec::new();
    let inspector = Inspector::open(opened.store.path()).unwrap();
    inspector
        .schedules(|schedule| {
            assert!(schedule.open_chains.contains("goes on") && !schedule.open_chains.contains("ended"));
            found.push((schedule.namespace, schedule.schedule_id.to_owned(), schedule.value.to_vec()));
        })
        .unwrap();
    let expected = [(1, "nightly", "1/nightly"), (7, "with/slash", "7/with/slash")];
    assert_eq!(found, expected.map(|(of, id, value)| (of, id.to_owned(), value.as_bytes().to_vec())));
}
