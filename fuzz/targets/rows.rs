//! What the store hands back: parts of an execution, tokens, and a damaged file. Each is refused in words, or read.

#![no_main]

use std::cell::RefCell;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ostro_engine::engine::Secrets;
use ostro_engine::persistence::{ItemKey, ItemKind, StoredExecution, StoredItem};
use ostro_engine::invariants::{Run, Progress, self};
use ostro_engine::token::TaskToken;
use ostro_fuzz::server::file_after;
use ostro_fuzz::source::Source;
use ostro_store::{Inspector, Options, PageLimits, ReadLimits, Store};
use prost::Message;
use tempfile::TempDir;
use temporalio_protos::temporal::api::history::v1::History;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind % 4 {
        0 => parts(rest),
        1 => token(rest),
        2 => history(rest),
        _ => file(rest),
    }
});

/// A token that somebody made up.
fn token(bytes: &[u8]) {
    drop(TaskToken::peek(bytes));
    assert!(TaskToken::parse(&Secrets::predictable(0).seals, bytes).is_err(), "a seal was guessed");
}

/// An execution whose rows hold whatever.
fn parts(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let items = (0..source.below(6)).map(|_| {
        let kind = ItemKind::from_u8(source.below(13) as u8).unwrap_or(ItemKind::Start);
        let key = match source.byte() & 1 {
            0 => ItemKey::Id(source.number()),
            _ => ItemKey::Name(String::from_utf8_lossy(source.raw(12)).into_owned()),
        };
        StoredItem { kind, key, value: source.raw(300).to_vec().into() }
    });
    let items = items.collect();
    let state = source.raw(400).to_vec().into();
    let stored = StoredExecution { id: 1, namespace: 1, state, items };
    let run = Run {
        stored,
        next_due: Some(ostro_engine::time::Time::from_nanos(source.number())),
        waiting_queue: None,
        waiting_items: Vec::new(),
        status: 1,
        is_listed_open: true,
    };
    drop(invariants::check(&run, &Progress::default()));
}

fn history(bytes: &[u8]) {
    let Ok(history) = History::decode(bytes) else { return };
    let mut progress = Progress::default();
    drop(history.events.iter().try_for_each(|event| progress.push(event)));
}

/// A store's file as it was after a run of calls.
static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let calls: Vec<u8> = (0..900_u32).map(|at| (at.wrapping_mul(at).wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    file_after(&calls)
});

thread_local! {
    static DIRECTORY: RefCell<TempDir> = RefCell::new(tempfile::tempdir().expect("a directory can be made"));
}

/// That file with some of its bytes changed, or its end cut off.
fn file(bytes: &[u8]) {
    let (mut damaged, mut source) = (WHOLE.clone(), Source::new(bytes));
    for _ in 0..1 + source.below(20) {
        let page = source.below(damaged.len() / 4096);
        let at = page * 4096 + source.below(4096);
        let with = source.raw(16);
        let end = (at + with.len()).min(damaged.len());
        damaged[at..end].copy_from_slice(&with[..end - at]);
    }
    if source.rarely(8) {
        damaged.truncate(damaged.len() / 256 * source.below(256));
    }
    DIRECTORY.with_borrow(|directory| {
        let path = directory.path().join("ostro.db");
        for name in ["ostro.db", "ostro.db-wal", "ostro.db-shm"] {
            drop(std::fs::remove_file(directory.path().join(name)));
        }
        std::fs::write(&path, damaged).expect("the directory can be written");
        look_at(&path);
    });
}

fn look_at(path: &std::path::Path) {
    if let Ok(inspector) = Inspector::open(path) {
        drop(inspector.integrity());
        drop(inspector.runs(|found| {
            if let Ok((run, told)) = &found.content {
                drop(invariants::check(run, told));
            }
        }));
    }
    let Ok(store) = Store::open(path, Options { durable: false, ..Default::default() }) else { return };
    drop(store.recover());
    let Ok(readers) = store.readers(ReadLimits::default()) else { return };
    drop(readers.now(|reads| drop(reads.list(1, &Default::default(), "", 10, &[]))));
    let limits = PageLimits { events: 100, bytes: 1 << 20 };
    drop(readers.now(|reads| drop(reads.history_page(1, (1, i64::MAX), limits))));
}
