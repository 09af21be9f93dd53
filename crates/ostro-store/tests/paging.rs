//! Pages of lists.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;

use common::*;
use ostro_engine::persistence::{SearchValue, Write};
use ostro_engine::time::{SECOND, Span};
use ostro_store::visibility::SearchAttributeTypes;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType as Type;

const RUNS: i64 = 100;

fn attributes() -> SearchAttributeTypes {
    [("N", Type::Int), ("D", Type::Double), ("K", Type::Keyword)].map(|(name, kind)| (name.to_owned(), kind)).into()
}

/// A third is closed; attributes are set on some, with many equal values.
fn store() -> Opened {
    let opened = Opened::new();
    let run = |id: i64| {
        let mut row = row(id, 1, &format!("w{}", id % 10));
        row.start_time = DAY_ZERO + Span::from_nanos(id / 7);
        if id % 2 == 0 {
            row = with(row, &[("N", SearchValue::Int(id % 5)), ("D", SearchValue::Double((id % 4) as f64 / 3.0))]);
        }
        if id % 5 != 0 {
            row = with(row, &[("K", SearchValue::String(format!("k{}", id % 3)))]);
        }
        if id % 3 == 0 { closed(row, 2, DAY_ZERO + SECOND + Span::from_nanos(id / 9)) } else { row }
    };
    opened.write((1..=RUNS).map(|id| put(run(id))).collect());
    opened
}

fn pages(opened: &Opened, query: &str, size: usize) -> Vec<i64> {
    let (mut ids, mut token) = (Vec::new(), Vec::new());
    loop {
        let page = opened.readers.now(|reads| reads.list(1, &attributes(), query, size, &token)).unwrap().unwrap();
        assert!(page.rows.len() == size || page.next_token.is_empty());
        ids.extend(page.rows.iter().map(|row| row.id));
        if page.next_token.is_empty() {
            return ids;
        }
        token = page.next_token;
    }
}

const QUERIES: &[&str] = &[
    "",
    "ExecutionStatus = 'Running'",
    "CloseTime IS NOT NULL",
    "ORDER BY StartTime",
    "ORDER BY StartTime DESC",
    "ORDER BY CloseTime",
    "ORDER BY CloseTime DESC",
    "ORDER BY CloseTime DESC, StartTime ASC",
    "ORDER BY N",
    "ORDER BY N DESC, D",
    "ORDER BY D DESC, K DESC, WorkflowId",
    "K IS NOT NULL ORDER BY K",
    "ORDER BY ExecutionStatus, K",
    "ORDER BY ExecutionDuration",
    "ORDER BY WorkflowId DESC",
];

#[test]
fn pages_make_up_the_whole_list() {
    let opened = store();
    for query in QUERIES {
        let whole = pages(&opened, query, 1_000);
        assert_eq!(whole.len(), whole.iter().collect::<BTreeSet<_>>().len());
        for size in [1, 7, 50, RUNS as usize] {
            assert_eq!(pages(&opened, query, size), whole, "{query}, pages of {size}");
        }
    }
}

#[test]
fn rows_that_come_and_go_do_not_shift_the_rest() {
    for query in QUERIES {
        let opened = store();
        let whole = pages(&opened, query, 1_000);
        let first = opened.readers.now(|reads| reads.list(1, &attributes(), query, 20, b"")).unwrap().unwrap();
        let (seen, coming) = whole.split_at(20);
        opened.write(vec![
            put(row(1_000, 1, "new")),
            Write::DeleteExecution(seen[19]),
            Write::DeleteExecution(coming[5]),
        ]);
        let rest =
            opened.readers.now(|reads| reads.list(1, &attributes(), query, 1_000, &first.next_token)).unwrap().unwrap();
        let rest: Vec<i64> = rest.rows.iter().map(|row| row.id).filter(|id| *id != 1_000).collect();
        let expected: Vec<i64> = coming.iter().copied().filter(|id| *id != coming[5]).collect();
        assert_eq!(rest, expected, "{query}");
    }
}

#[test]
fn a_token_belongs_to_its_query() {
    let opened = store();
    let list = |namespace, query: &str, token: &[u8]| {
        opened.readers.now(|reads| reads.list(namespace, &attributes(), query, 5, token)).unwrap()
    };
    let token = list(1, "N > 0", b"").unwrap().next_token;
    assert!(list(1, "N > 0", &token).is_ok());
    for (namespace, query, token) in [(1, "N > 1", &token[..]), (2, "N > 0", &token), (1, "", b"foo"), (1, "", b"{}")] {
        let error = list(namespace, query, token).unwrap_err();
        assert_eq!(error.kind, ostro_engine::error::ErrorKind::InvalidArgument);
        assert!(error.message.contains("page token"), "{error}");
    }
}

#[test]
fn a_full_last_page_has_no_token() {
    let opened = store();
    let page = opened.readers.now(|reads| reads.list(1, &attributes(), "", RUNS as usize, b"")).unwrap().unwrap();
    assert_eq!((page.rows.len(), page.next_token.len()), (RUNS as usize, 0));
}

#[test]
fn a_page_ends_by_bytes_too() {
    const MEMO_BYTES: usize = 700 << 10;
    let opened = Opened::new();
    for id in 1..=7 {
        let mut row = row(id, 1, "large");
        row.memo = vec![7; MEMO_BYTES].into();
        opened.write(vec![put(row)]);
    }
    let (mut sizes, mut ids, mut token) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let page = opened
            .readers
            .now(|reads| reads.list(1, &attributes(), "ORDER BY StartTime", 1_000, &token))
            .unwrap()
            .unwrap();
        sizes.push(page.rows.len());
        ids.extend(page.rows.iter().map(|row| row.id));
        token = page.next_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((ids, sizes), ((1..=7).collect(), vec![2, 2, 2, 1]));
}

#[test]
fn a_row_that_is_larger_than_a_page_is_a_page() {
    let opened = Opened::new();
    for id in 1..=2 {
        let mut row = row(id, 1, "large");
        row.memo = vec![7; 3 << 20].into();
        opened.write(vec![put(row)]);
    }
    let first = opened.readers.now(|reads| reads.list(1, &attributes(), "", 1_000, &[])).unwrap().unwrap();
    let second =
        opened.readers.now(|reads| reads.list(1, &attributes(), "", 1_000, &first.next_token)).unwrap().unwrap();
    assert_eq!((first.rows.len(), second.rows.len()), (1, 1));
    assert!(second.next_token.is_empty());
}
