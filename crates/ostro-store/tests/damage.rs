//! Damaged rows and files: noticed, named, and kept from the rest.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use ostro_engine::persistence::{DamagedPart, ItemKey, ItemKind, Loader, NamespaceRow, Recovery, Write};
use ostro_engine::time::Time;
use ostro_store::{Error, HistoryPage, Options, PageLimits, ReadLimits, Store};
use rusqlite::Connection;

const LIMITS: PageLimits = PageLimits { events: 100, bytes: 1 << 20 };

fn contents() -> Vec<Write> {
    let mut writes = vec![
        Write::PutNamespace(NamespaceRow { id: 1, name: "default".into(), blob: "blob".into() }),
        Write::PutRecord { kind: "schedule".into(), key: "1/nightly".into(), value: "record".into() },
    ];
    for id in 1..=3 {
        let waiting = Some("queue".into());
        writes.extend([
            put(row(id, 1, &format!("w{id}"))),
            Write::PutState { execution: id, state: "state".into(), next_due: Some(Time::from_nanos(7)), waiting },
            item(id, ItemKind::Activity, ItemKey::Id(5), "activity"),
            history(id, 1, 4),
            history(id, 4, 5),
            history(id, 5, 9),
        ]);
    }
    writes
}

/// A store of which SQL has changed something while it was not served.
fn changed(sql: &str) -> Opened {
    let opened = Opened::new();
    opened.write(contents());
    let path = opened.store.path().to_owned();
    let Opened { writer, reader, readers, store, directory } = opened;
    drop((reader, readers));
    writer.close();
    drop((writer, store));
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
    Opened::within(directory)
}

fn page(opened: &Opened, id: i64) -> ostro_store::Result<HistoryPage> {
    opened.readers.now(|reads| reads.history_page(id, (1, 9), LIMITS)).unwrap()
}

fn set_aside(recovery: &Recovery) -> Vec<DamagedPart> {
    recovery.damaged.iter().map(|row| row.of.clone()).collect()
}

#[test]
fn a_changed_row_sets_its_execution_aside_and_no_other() {
    for sql in [
        "UPDATE state SET blob = x'ff' WHERE exec = 2",
        "UPDATE state SET sum = NULL WHERE exec = 2",
        "DELETE FROM state WHERE exec = 2",
        "UPDATE item SET value = x'ff' WHERE exec = 2",
        "UPDATE item SET kind = 2 WHERE exec = 2",
        // Each is whole, under the other's key.
        "UPDATE state SET (blob, sum) = (SELECT blob, sum FROM state WHERE exec = 1) WHERE exec = 2",
    ] {
        let opened = changed(sql);
        assert!(opened.reader.load(2).is_err(), "{sql}");
        assert_eq!(opened.reader.load(1).unwrap().unwrap().state, "state", "{sql}");
        assert_eq!(opened.reader.listed(2).unwrap().unwrap().workflow_id, "w2");
        let recovery = opened.store.recover().unwrap();
        if !sql.starts_with("DELETE") {
            assert_eq!(set_aside(&recovery), [DamagedPart::Execution(2)], "{sql}");
        }
    }
}

#[test]
fn changed_history_is_not_handed_out() {
    for sql in [
        "UPDATE history SET blob = CAST('9..4' AS BLOB) WHERE exec = 2 AND first = 4",
        "UPDATE history SET next = 6 WHERE exec = 2 AND first = 4",
        "DELETE FROM history WHERE exec = 2 AND first = 4",
        "DELETE FROM history WHERE exec = 2 AND first >= 4",
        "DELETE FROM history WHERE exec = 2 AND first <= 4",
        "DELETE FROM history WHERE exec = 2",
    ] {
        let opened = changed(sql);
        for page in [page(&opened, 2), opened.readers.now(|reads| reads.history_page_back(2, (1, 9), LIMITS)).unwrap()]
        {
            assert!(matches!(page, Err(Error::Damaged { .. })), "{sql}: {page:?}");
        }
        assert_eq!(page(&opened, 1).unwrap().batches.len(), 3);
        assert!(opened.reader.load(2).unwrap().is_some(), "{sql}");
        if sql.starts_with("UPDATE") {
            assert_eq!(set_aside(&opened.store.recover().unwrap()), [DamagedPart::History(2)], "{sql}");
        }
    }
}

#[test]
fn of_a_run_that_is_gone_there_is_no_history() {
    let opened = Opened::new();
    assert_eq!(page(&opened, 2).unwrap().batches, []);
}

#[test]
fn changed_records_and_namespaces_are_named() {
    let opened = changed("UPDATE record SET value = x'ff'; UPDATE namespace SET blob = x'ff'");
    let recovery = opened.store.recover().unwrap();
    let namespace = DamagedPart::Namespace { id: 1, name: "default".into() };
    let record = DamagedPart::Record { kind: "schedule".into(), key: "1/nightly".into() };
    assert_eq!(set_aside(&recovery), [namespace, record]);
    assert!(recovery.namespaces.is_empty() && recovery.records.is_empty());
}

#[test]
fn of_a_changed_wake_up_the_execution_itself_is_asked() {
    for sql in ["UPDATE wake SET next_due = 8 WHERE exec = 2", "UPDATE wake SET waiting_queue = 'other' WHERE exec = 2"]
    {
        let recovery = changed(sql).store.recover().unwrap();
        assert_eq!(recovery.unsure, [2], "{sql}");
        assert_eq!((recovery.due.len(), recovery.workflow_tasks.len()), (2, 2), "{sql}");
        assert!(recovery.damaged.is_empty());
    }
}

#[test]
fn a_list_with_a_changed_row_is_refused() {
    let sql = "UPDATE exec SET memo = x'ff' WHERE id = 2";
    let opened = changed(sql);
    let refused = opened.readers.now(|reads| reads.list(1, &types(), "", 10, b"")).unwrap().unwrap_err();
    assert_eq!(refused.kind, ostro_engine::ErrorKind::DataLoss);
    assert_eq!(
        opened.readers.now(|reads| reads.list(1, &types(), "WorkflowId = 'w1'", 10, b"")).unwrap().unwrap().rows.len(),
        1
    );
    assert!(opened.reader.listed(2).is_err() && opened.reader.load(2).is_err());
    assert_eq!(set_aside(&opened.store.recover().unwrap()), [DamagedPart::Execution(2)]);
}

#[test]
fn an_index_that_is_wrong_is_made_anew() {
    let opened = Opened::new();
    opened.write(contents());
    let path = opened.store.path().to_owned();
    let Opened { writer, reader, readers, store, directory } = opened;
    drop((reader, readers));
    writer.close();
    drop((writer, store));
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'exec_workflow'";
    let root: i64 = Connection::open(&path).unwrap().query_row(root, [], |row| row.get(0)).unwrap();
    let root = usize::try_from(root).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let page = &mut bytes[(root - 1) * 4096..root * 4096];
    let at = page.windows(2).position(|text| text == b"w2").unwrap();
    page[at + 1] = b'3';
    std::fs::write(&path, bytes).unwrap();
    let opened = Opened::within(directory);
    assert_eq!(opened.reader.newest_run(1, "w2").unwrap(), Some(2));
    assert_eq!(opened.reader.newest_run(1, "w3").unwrap(), Some(3));
    assert!(opened.store.recover().unwrap().damaged.is_empty());
}

/// One flipped bit anywhere in the file: it is refused in words, or what is read of it is true or an error.
#[test]
fn no_flipped_bit_is_handed_out_as_the_truth() {
    let opened = Opened::new();
    opened.write(contents());
    let path = opened.store.path().to_owned();
    let Opened { writer, reader, readers, store, directory: whole } = opened;
    drop((reader, readers));
    writer.close();
    drop((writer, store));
    let bytes = std::fs::read(&path).unwrap();
    let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let (mut noticed, mut random) = (0, 88_172_645_463_325_252_u64);
    for _ in 0..400 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let (at, bit) = (used[random as usize % used.len()], (random >> 40) % 8);
        let directory = tempfile::tempdir().unwrap();
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << bit;
        std::fs::write(directory.path().join("test.ostro"), damaged).unwrap();
        noticed += u32::from(!reads_as_before(&directory, at));
    }
    assert!(noticed > 100, "{noticed} of 400 flips were noticed");
    drop(whole);
}

/// Whether everything reads as before; an error is no lie.
fn reads_as_before(directory: &tempfile::TempDir, at: usize) -> bool {
    let Ok(store) = Store::open(directory.path().join("test.ostro"), Options { durable: false, ..Default::default() })
    else {
        return false;
    };
    let (reader, readers) = (store.reader(fatal()).unwrap(), store.readers(ReadLimits::default()).unwrap());
    let Ok(recovery) = store.recover() else { return false };
    let mut same = recovery.damaged.is_empty() && recovery.unsure.is_empty();
    let told = recovery.namespaces.len() + recovery.records.len() + recovery.damaged.len();
    assert!(told >= 2, "byte {at}: a record is gone without a word");
    let named = |id: i64| recovery.damaged.iter().any(|row| row.of == DamagedPart::Execution(id));
    for id in 1..=3 {
        match reader.newest_run(1, &format!("w{id}")) {
            Ok(found) => assert!(found == Some(id) || named(id), "byte {at}: w{id} is {found:?}"),
            Err(_) => same = false,
        }
        match reader.load(id) {
            Ok(found) => {
                let found = found.unwrap_or_else(|| panic!("byte {at}: execution {id} is gone without a word"));
                assert_eq!((&found.state[..], found.items.len()), (&b"state"[..], 1), "byte {at}");
                assert_eq!(found.items[0].value, "activity", "byte {at}");
            }
            Err(_) => same = false,
        }
        match readers.now(|reads| reads.history_page(id, (1, 9), LIMITS)).unwrap() {
            Ok(page) => {
                let events: Vec<_> = page.batches.iter().map(|batch| &batch.events[..]).collect();
                assert_eq!(events, [&b"1..4"[..], b"4..5", b"5..9"], "byte {at}");
            }
            Err(_) => same = false,
        }
    }
    match readers.now(|reads| reads.list(1, &types(), "", 10, b"")).unwrap() {
        Ok(page) => assert_eq!(page.rows, [3, 2, 1].map(|id| row(id, 1, &format!("w{id}"))), "byte {at}"),
        Err(_) => same = false,
    }
    same
}
