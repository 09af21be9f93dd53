//! Opening files: ours, old, newer, foreign, taken.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};

use common::*;
use ostro_engine::persistence::{ItemKey, ItemKind, Loader, NamespaceRow, Write};
use ostro_engine::time::Time;
use ostro_store::{BeginsWithNothing, Error, Options, SCHEMA_VERSION, Store};

const OPTIONS: Options =
    Options { durable: true, begins_with_nothing: BeginsWithNothing::UnlessDataIsGone, accept_log_loss: false };

fn fixture(version: i64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/v{version}.ostro"))
}

/// What each fixture holds.
fn contents() -> Vec<Write> {
    vec![
        Write::PutNamespace(NamespaceRow { id: 1, name: "default".into(), blob: "blob".into() }),
        Write::PutRecord { kind: "schedule".into(), key: "nightly".into(), value: "record".into() },
        put(row(1, 1, "open")),
        Write::PutState {
            execution: 1,
            state: "state".into(),
            next_due: Some(Time::from_nanos(7)),
            waiting: Some("queue".into()),
        },
        item(1, ItemKind::Activity, ItemKey::Id(5), "activity"),
        item(1, ItemKind::Update, ItemKey::Name("u".into()), "update"),
        history(1, 1, 4),
        put(closed(row(2, 1, "closed"), 2, DAY_ZERO)),
        state(2, "ended"),
    ]
}

#[test]
#[ignore = "writes the fixture of a new schema version: run it once for each"]
fn write_fixture() {
    let opened = Opened::new();
    opened.write(contents());
    let path = opened.store.path().to_owned();
    let Opened { writer, reader, readers, store, directory: _directory } = opened;
    drop((reader, readers));
    writer.close();
    drop((writer, store));
    std::fs::copy(path, fixture(SCHEMA_VERSION)).unwrap();
}

#[test]
fn files_of_every_version_open() {
    for version in 1..=SCHEMA_VERSION {
        let directory = tempfile::tempdir().unwrap();
        std::fs::copy(fixture(version), directory.path().join("test.ostro")).unwrap();
        let opened = Opened::within(directory);
        let recovery = opened.store.recover().unwrap();
        assert_eq!(recovery.namespaces[0].name, "default");
        assert_eq!(recovery.records[0].value, "record");
        assert_eq!(recovery.due, [(1, Time::from_nanos(7))]);
        assert_eq!(recovery.workflow_tasks.len(), 1);
        assert_eq!(recovery.next_execution, 3);
        let loaded = opened.reader.load(1).unwrap().unwrap();
        assert_eq!((&loaded.state[..], loaded.items.len()), (&b"state"[..], 2));
        assert_eq!(opened.reader.history(1, 1, 4).unwrap()[0].events, "1..4");
        let listed = opened
            .readers
            .now(|reads| reads.list(1, &Default::default(), "ExecutionStatus = 'Completed'", 10, b""))
            .unwrap()
            .unwrap();
        assert_eq!(listed.rows, [closed(row(2, 1, "closed"), 2, DAY_ZERO)]);
    }
}

#[test]
fn a_newer_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    drop(Store::open(&path, OPTIONS).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Store::open(&path, OPTIONS).unwrap_err();
    assert!(matches!(error, Error::Newer { found: 99, supported: SCHEMA_VERSION, .. }));
    let message = error.to_string();
    assert!(message.contains("version 99") && message.contains(&format!("up to {SCHEMA_VERSION}")), "{message}");
}

#[test]
fn files_of_other_programs_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(Store::open(&path, OPTIONS), Err(Error::Foreign { .. })));
    std::fs::write(&path, "a text file, longer than the header of a database ...".repeat(10)).unwrap();
    assert!(matches!(Store::open(&path, OPTIONS), Err(Error::Foreign { .. })));
}

#[test]
fn a_second_owner_is_refused_until_the_first_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let first = Store::open(&path, OPTIONS).unwrap();
    let error = Store::open(&path, OPTIONS).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(&format!("pid {}", std::process::id())), "{message}");
    drop(first);
    Store::open(&path, OPTIONS).unwrap();
}

#[test]
fn a_missing_directory_is_named() {
    let error = Store::open("/nowhere/at/all/s", OPTIONS).unwrap_err().to_string();
    assert!(error.contains("/nowhere/at/all/s"), "{error}");
}

#[test]
fn there_is_one_writer() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("s"), OPTIONS).unwrap();
    let _writer = store.writer(fatal()).unwrap();
    assert!(store.writer(fatal()).is_err());
}
