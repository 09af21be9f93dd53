//! Copies taken from a store that is written meanwhile, and put back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};

use common::*;
use ostro_engine::persistence::Loader;
use ostro_store::{Batch, Error, Inspector, backup, restore};

#[test]
fn a_copy_is_of_one_moment_while_the_store_is_written() {
    let opened = Opened::new();
    opened.write(vec![put(row(1, 1, "first")), state(1, "s")]);
    let copy = opened.directory.path().join("copy.db");
    let stop = AtomicBool::new(false);
    let writer = &opened.writer;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Each commit has a run and its state: a copy that has one of them without the other is torn.
            for id in 2.. {
                let writes = vec![put(row(id, 1, &format!("w{id}"))), state(id, "s")];
                writer.submit(Batch { writes, done: Box::new(|| ()) });
                writer.flush().unwrap();
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        assert!(backup(opened.store.path(), &copy).unwrap().bytes > 0);
        stop.store(true, Ordering::Relaxed);
    });
    let inspector = Inspector::open(&copy).unwrap();
    assert_eq!(inspector.integrity().unwrap(), Vec::<String>::new());
    let mut found = Vec::new();
    inspector.runs(|run| found.push(run.workflow_id)).unwrap();
    assert!(found.contains(&"first".to_owned()));

    let error = backup(opened.store.path(), &copy).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
}

#[test]
fn a_restored_copy_serves_and_what_was_there_is_kept() {
    let opened = Opened::new();
    opened.write(vec![put(row(1, 1, "before")), state(1, "s")]);
    let copy = opened.directory.path().join("copy.db");
    backup(opened.store.path(), &copy).unwrap();
    opened.write(vec![put(row(2, 1, "after")), state(2, "s")]);

    let path = opened.store.path().to_owned();
    let error = restore(&copy, &path).unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");

    let Opened { writer, reader, readers, store, directory } = opened;
    drop((writer, reader, readers));
    drop(store);
    let kept = restore(&copy, &path).unwrap().unwrap();
    let opened = Opened::within(directory);
    assert!(
        opened.reader.newest_run(1, "before").unwrap().is_some()
            && opened.reader.newest_run(1, "after").unwrap().is_none()
    );
    let mut found = Vec::new();
    Inspector::open(kept).unwrap().runs(|run| found.push(run.workflow_id)).unwrap();
    assert_eq!(found, ["before", "after"]);
}

#[test]
fn what_is_no_backup_replaces_nothing() {
    let opened = Opened::new();
    let path = opened.store.path().to_owned();
    let Opened { writer, reader, readers, store, directory } = opened;
    drop((writer, reader, readers));
    drop(store);
    let other = directory.path().join("other");
    std::fs::write(&other, "no database, but long enough to be taken for the head of one").unwrap();
    assert!(matches!(restore(&other, &path).unwrap_err(), Error::Foreign { .. }));
    assert!(matches!(restore(&directory.path().join("nothing"), &path).unwrap_err(), Error::Io { .. }));
    drop(Opened::within(directory));
}
