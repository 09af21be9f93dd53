//! The files: who may read them, whether they may be begun anew, what of deleted rows is left, and what else is in them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::*;
use ostro_engine::persistence::{ItemKey, ItemKind, Write};
use ostro_store::{BeginsWithNothing, Error, Inspector, Options, Store, backup, compact, restore};
use rusqlite::Connection;

fn closed_store() -> (tempfile::TempDir, std::path::PathBuf) {
    let opened = Opened::new();
    opened.write(vec![put(row(1, 1, "w")), state(1, "s"), history(1, 1, 2)]);
    let path = opened.store.path().to_owned();
    let Opened { writer, reader, readers, store, directory } = opened;
    drop((reader, readers));
    writer.close();
    drop((writer, store));
    (directory, path)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn only_the_owner_reads_any_file() {
    let (directory, path) = closed_store();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let opened = Opened::within(directory);
    opened.write(vec![put(row(2, 1, "v")), state(2, "s")]);
    backup(&path, &opened.directory.path().join("copy.db")).unwrap();
    for entry in std::fs::read_dir(opened.directory.path()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn where_there_was_data_nothing_begins_anew() {
    let (directory, path) = closed_store();
    std::fs::remove_file(&path).unwrap();
    let refused = Store::open(&path, Options::default()).unwrap_err();
    assert!(matches!(refused, Error::Disk(ostro_disk::Error::Vanished { empty: false, .. })), "{refused}");
    std::fs::write(&path, "").unwrap();
    let refused = Store::open(&path, Options::default()).unwrap_err().to_string();
    assert!(refused.contains("empty") && refused.contains("--new"), "{refused}");
    let anew = Options { begins_with_nothing: BeginsWithNothing::Yes, ..Options::default() };
    drop(Store::open(&path, anew).unwrap());
    let never = Options { begins_with_nothing: BeginsWithNothing::Never, ..Options::default() };
    drop(Store::open(&path, never).unwrap());
    let elsewhere = directory.path().join("elsewhere.db");
    assert!(matches!(Store::open(&elsewhere, never), Err(Error::NoData { .. })));
    drop(Store::open(&elsewhere, Options::default()).unwrap());
}

#[test]
fn a_start_that_failed_is_no_sign_of_data() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    std::fs::write(&path, "").unwrap();
    std::fs::write(directory.path().join("s.lock"), "123").unwrap();
    drop(Store::open(&path, Options::default()).unwrap());
}

#[test]
fn a_strange_schema_is_refused_and_runs_nothing() {
    for (sql, named) in [
        ("CREATE TRIGGER t AFTER INSERT ON state BEGIN DELETE FROM history; END", "trigger"),
        ("CREATE VIEW v AS SELECT 1", "view"),
        ("CREATE TABLE other (a)", "other"),
        ("CREATE INDEX search_forged ON exec (namespace, memo)", "search_forged"),
        ("DROP INDEX exec_start", "exec_start"),
    ] {
        let (directory, path) = closed_store();
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        for refused in [
            Store::open(&path, Options::default()).map(drop),
            Inspector::open(&path).map(drop),
            restore(&path, &directory.path().join("restored.db")).map(drop),
        ] {
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains(named), "{sql}: {refused}");
        }
    }
}

#[test]
fn indexes_of_search_attributes_are_no_strange_schema() {
    let (directory, path) = closed_store();
    let opened = Opened::within(directory);
    for (name, kind) in types() {
        opened.writer.ensure_search_attribute(&name, kind);
    }
    opened.writer.flush().unwrap();
    let opened = opened.reopen();
    Inspector::open(&path).unwrap();
    drop(opened);
}

#[test]
fn what_is_deleted_leaves_the_files() {
    let secret = "a secret that nobody may find again ".repeat(400);
    let found = |directory: &Path| {
        std::fs::read_dir(directory).unwrap().any(|entry| {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            bytes.windows(36).any(|window| window == &secret.as_bytes()[..36])
        })
    };
    let opened = Opened::new();
    let kind = ItemKind::Activity;
    opened.write(vec![
        put(row(1, 1, "w")),
        state(1, "s"),
        Write::PutItem { execution: 1, kind, key: ItemKey::Id(5), value: secret.clone().into(), waiting: None },
        Write::AppendHistory { execution: 1, first: 1, next: 2, events: secret.clone().into() },
    ]);
    assert!(found(opened.directory.path()));
    opened.write(vec![Write::DeleteExecution(1)]);
    let path = opened.store.path().to_owned();
    let Opened { writer, reader, readers, store, directory } = opened;
    drop((reader, readers));
    writer.close();
    drop((writer, store));
    assert!(!found(directory.path()), "deleted and closed");
    compact(&path).unwrap();
    assert!(!found(directory.path()));
    drop(Opened::within(directory));
}

#[test]
fn a_backup_with_damaged_rows_is_counted_and_not_restored() {
    let (directory, path) = closed_store();
    Connection::open(&path).unwrap().execute("UPDATE state SET blob = x'ff'", []).unwrap();
    let copy = directory.path().join("copy.db");
    assert_eq!(backup(&path, &copy).unwrap().damaged, 1);
    let refused = restore(&copy, &directory.path().join("restored.db")).unwrap_err();
    assert!(matches!(refused, Error::DamagedRows { count: 1, .. }), "{refused}");
}

#[test]
fn a_damaged_log_is_named_and_neither_copied_nor_shortened() {
    let opened = Opened::new();
    for id in 1..20 {
        opened.write(vec![put(row(id, 1, &format!("w-{id}"))), state(id, "s"), history(id, 1, 2)]);
    }
    let killed = opened.directory.path().join("killed.ostro");
    for companion in ["", "-wal"] {
        let of = |path: &Path| std::path::PathBuf::from(format!("{}{companion}", path.display()));
        std::fs::copy(of(opened.store.path()), of(&killed)).unwrap();
    }
    let log = opened.directory.path().join("killed.ostro-wal");
    let mut bytes = std::fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&log, &bytes).unwrap();
    let said = Inspector::open(&killed).unwrap().integrity().unwrap();
    assert!(said[0].contains("write-ahead log") && said[0].contains("--repair"), "{said:?}");
    let refused = backup(&killed, &opened.directory.path().join("copy.db")).unwrap_err();
    assert!(matches!(refused, Error::Disk(ostro_disk::Error::LogDamaged { .. })), "{refused}");
    assert_eq!(std::fs::read(&log).unwrap(), bytes);
    assert_eq!(Inspector::open(opened.store.path()).unwrap().integrity().unwrap(), [""; 0], "it is served");
}

#[test]
fn an_older_file_is_copied_before_it_is_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v2.ostro");
    std::fs::copy(fixture, directory.path().join("test.ostro")).unwrap();
    assert_eq!(Inspector::current(directory.path().join("test.ostro")).unwrap().damaged().unwrap(), []);
    let opened = Opened::within(directory);
    let copy = Inspector::open(opened.directory.path().join("test.ostro.schema-2")).unwrap();
    assert_eq!(copy.schema_version().unwrap(), 2);
    assert!(!opened.directory.path().join("test.ostro.inspected").exists());
}
