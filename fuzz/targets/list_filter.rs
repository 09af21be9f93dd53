//! The filter language of lists: what it takes must run, and lists and counts must agree.

#![no_main]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use ostro_engine::error::{ErrorKind, Result};
use ostro_engine::persistence::{SearchValue, VisibilityRow, Write};
use ostro_engine::time::{MINUTE, SECOND, Time};
use ostro_store::visibility::SearchAttributeTypes;
use ostro_store::{Batch, Options, ReadLimits, Readers, Store};
use tempfile::TempDir;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;

/// Rows that filters select from.
const ROWS: i64 = 40;
const PAGE: usize = 7;

struct Filled {
    readers: Readers,
    types: SearchAttributeTypes,
    _store: Store,
    _directory: TempDir,
}

thread_local! {
    static FILLED: RefCell<Filled> = RefCell::new(filled());
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(query) = std::str::from_utf8(bytes) {
        FILLED.with_borrow(|filled| ask(filled, query));
    }
});

fn ask(filled: &Filled, query: &str) {
    let listed = all(filled, query);
    let counted = filled.readers.now(|reads| reads.count(1, &filled.types, query)).expect("it is quick");
    for error in [listed.as_ref().err(), counted.as_ref().err()].into_iter().flatten() {
        assert!(error.kind == ErrorKind::InvalidArgument, "{query:?} was taken, and failed: {error:?}");
    }
    if let (Ok(listed), Ok(counted)) = (listed, counted) {
        assert_eq!(listed as i64, counted.total, "{query:?}: listed and counted");
        if !counted.groups.is_empty() {
            let grouped: i64 = counted.groups.iter().map(|(_, count)| count).sum();
            assert_eq!(grouped, counted.total, "{query:?}: counted by group and in all");
        }
    }
}

/// How many rows the pages of a list have together; each comes once.
fn all(filled: &Filled, query: &str) -> Result<usize> {
    let (mut token, mut seen) = (Vec::new(), Vec::new());
    loop {
        let page = filled.readers.now(|reads| reads.list(1, &filled.types, query, PAGE, &token)).expect("it is quick")?;
        seen.extend(page.rows.iter().map(|row| row.id));
        assert!(seen.len() <= ROWS as usize, "{query:?}: pages repeat rows");
        token = page.next_token;
        if token.is_empty() {
            let listed = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), listed, "{query:?}: a row is listed twice");
            return Ok(listed);
        }
    }
}

fn filled() -> Filled {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let store = Store::open(directory.path().join("ostro.db"), Options { durable: false, ..Default::default() }).expect("a new file opens");
    let writer = store.writer(Arc::new(|error| panic!("{error}"))).expect("it has one writer");
    let writes = (1..=ROWS).map(|id| Write::PutVisibility(Box::new(row(id)))).collect();
    writer.submit(Batch { writes, done: Box::new(|| ()) });
    writer.flush().expect("the rows are written");
    writer.close();
    let readers = store.readers(ReadLimits::default()).expect("it opens for reading");
    Filled { readers, types: types(), _store: store, _directory: directory }
}

fn types() -> SearchAttributeTypes {
    use IndexedValueType::*;
    [("B", Bool), ("I", Int), ("D", Double), ("K", Keyword), ("T", Text), ("W", Datetime), ("L", KeywordList)]
        .map(|(name, kind)| (name.to_owned(), kind))
        .into()
}

fn row(id: i64) -> VisibilityRow {
    let text = ["a", "b c", "'", "%", "ä", "Ab"][id as usize % 6].to_owned();
    let values = [
        ("B", SearchValue::Bool(id % 2 == 0)),
        ("I", SearchValue::Int(id - 20)),
        ("D", SearchValue::Double(id as f64 / 4.0)),
        ("K", SearchValue::String(text.clone())),
        ("T", SearchValue::String(format!("{text} word{id}"))),
        ("W", SearchValue::Time((id * MINUTE).since_epoch())),
        ("L", SearchValue::KeywordList(vec![text.clone(), id.to_string()])),
    ];
    let held = values.into_iter().filter(|(name, _)| (id + name.len() as i64 + i64::from(name.as_bytes()[0])) % 3 != 0);
    let close_time = if id % 4 == 0 { Time::UNSET } else { (id * MINUTE + SECOND).since_epoch() };
    VisibilityRow {
        id,
        namespace: 1,
        workflow_id: format!("w{}", id / 2),
        run_id: format!("00000000-0000-4000-8000-{id:012}"),
        workflow_type: text.clone(),
        status: if close_time == Time::UNSET { 1 } else { 2 + (id % 5) as i32 },
        task_queue: "q".to_owned(),
        start_time: (id / 3 * MINUTE).since_epoch(),
        execution_time: (id / 3 * MINUTE).since_epoch(),
        close_time,
        history_length: id,
        history_size_bytes: id * 100,
        state_transition_count: id,
        parent_workflow_id: if id % 5 == 0 { "w0".to_owned() } else { String::new() },
        parent_run_id: String::new(),
        root_workflow_id: "w0".to_owned(),
        root_run_id: String::new(),
        first_run_id: String::new(),
        memo: Default::default(),
        search_attributes: Default::default(),
        search_values: held.map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
        delete_time: Time::UNSET,
    }
}
