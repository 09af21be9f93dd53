//! A store in a directory of its own, and rows to put into it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};

use bytes::Bytes;
use ostro_engine::persistence::{ExecutionId, ItemKey, ItemKind, NamespaceId, SearchValue, VisibilityRow, Write};
use ostro_engine::time::{SECOND, Time};
use ostro_store::visibility::SearchAttributeTypes;
use ostro_store::{Batch, OnFatal, Options, ReadLimits, Reader, Readers, Store, Writer};
use temporalio_protos::temporal::api::enums::v1::IndexedValueType as Type;

/// Fields are dropped in order: threads before the lock, the lock before the directory.
pub struct Opened {
    pub writer: Writer,
    pub reader: Reader,
    pub readers: Readers,
    pub store: Store,
    pub directory: tempfile::TempDir,
}

impl Opened {
    pub fn new() -> Opened {
        Opened::within(tempfile::tempdir().unwrap())
    }

    pub fn within(directory: tempfile::TempDir) -> Opened {
        let store =
            Store::open(directory.path().join("test.ostro"), Options { durable: false, ..Default::default() }).unwrap();
        let writer = store.writer(fatal()).unwrap();
        let reader = store.reader(fatal()).unwrap();
        let readers = store.readers(ReadLimits::default()).unwrap();
        Opened { writer, reader, readers, store, directory }
    }

    /// Closes the store and opens its file again.
    pub fn reopen(self) -> Opened {
        let Opened { writer, reader, readers, store, directory } = self;
        drop((writer, reader, readers));
        drop(store);
        Opened::within(directory)
    }

    pub fn write(&self, writes: Vec<Write>) {
        self.writer.submit(Batch { writes, done: Box::new(|| ()) });
        self.writer.flush().unwrap();
    }
}

pub fn fatal() -> OnFatal {
    Arc::new(|error| panic!("{error}"))
}

/// A handler that hands the error to the test.
pub fn caught() -> (OnFatal, mpsc::Receiver<String>) {
    let (sender, receiver) = mpsc::channel();
    (Arc::new(move |error: ostro_store::Error| sender.send(error.to_string()).unwrap()), receiver)
}

pub const DAY_ZERO: Time = Time::from_secs(1_700_000_000);

/// An open run: the id decides everything that is not given.
pub fn row(id: ExecutionId, namespace: NamespaceId, workflow_id: &str) -> VisibilityRow {
    VisibilityRow {
        id,
        namespace,
        workflow_id: workflow_id.to_owned(),
        run_id: format!("run-{id}"),
        workflow_type: "Type".to_owned(),
        status: 1,
        task_queue: "queue".to_owned(),
        start_time: DAY_ZERO + id * SECOND,
        execution_time: DAY_ZERO + id * SECOND,
        close_time: Time::UNSET,
        history_length: 0,
        history_size_bytes: 0,
        state_transition_count: 0,
        parent_workflow_id: String::new(),
        parent_run_id: String::new(),
        root_workflow_id: workflow_id.to_owned(),
        root_run_id: format!("run-{id}"),
        first_run_id: format!("run-{id}"),
        memo: Bytes::from_static(b"memo"),
        search_attributes: Bytes::from_static(b"attributes"),
        search_values: BTreeMap::new(),
        delete_time: Time::UNSET,
    }
}

/// The same run after it ended.
pub fn closed(mut row: VisibilityRow, status: i32, close_time: Time) -> VisibilityRow {
    row.status = status;
    row.close_time = close_time;
    row.history_length = 10;
    row.history_size_bytes = 1_000;
    row.state_transition_count = 5;
    row.delete_time = close_time + SECOND;
    row
}

pub fn with(mut row: VisibilityRow, values: &[(&str, SearchValue)]) -> VisibilityRow {
    row.search_values.extend(values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    row
}

pub fn put(row: VisibilityRow) -> Write {
    Write::PutVisibility(Box::new(row))
}

pub fn state(execution: ExecutionId, state: &'static str) -> Write {
    Write::PutState { execution, state: state.into(), next_due: None, waiting: None }
}

pub fn item(execution: ExecutionId, kind: ItemKind, key: ItemKey, value: &'static str) -> Write {
    Write::PutItem { execution, kind, key, value: value.into(), waiting: None }
}

pub fn history(execution: ExecutionId, first: i64, next: i64) -> Write {
    Write::AppendHistory { execution, first, next, events: format!("{first}..{next}").into() }
}

/// One custom search attribute of each type, and one with an awkward name.
pub fn types() -> SearchAttributeTypes {
    [
        ("CBool", Type::Bool),
        ("CInt", Type::Int),
        ("CDouble", Type::Double),
        ("CKw", Type::Keyword),
        ("CText", Type::Text),
        ("CTime", Type::Datetime),
        ("CList", Type::KeywordList),
        ("it's \"odd\"", Type::Keyword),
    ]
    .map(|(name, kind)| (name.to_owned(), kind))
    .into()
}
