//! The list filter language, as tables. The rows and most of the answers are those of Temporal 1.32's development server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use ostro_engine::persistence::SearchValue::{self, Bool, Double, Int, KeywordList, String as Text, Time};
use ostro_engine::persistence::{VisibilityRow, Write};
use ostro_engine::time::{MILLISECOND, SECOND};
use ostro_store::visibility::{system_search_attributes, validate};
use temporalio_protos::temporal::api::enums::v1::IndexedValueType as Type;

const NEW_YEAR: ostro_engine::time::Time = ostro_engine::time::Time::from_secs(1_704_067_200); // 2024-01-01T00:00:00Z
const JUNE: ostro_engine::time::Time = ostro_engine::time::Time::from_nanos(1_717_243_200_123_456_000); // 2024-06-01T12:00:00.123456Z

fn text(text: &str) -> SearchValue {
    Text(text.to_owned())
}

fn list(values: &[&str]) -> SearchValue {
    KeywordList(values.iter().map(|value| (*value).to_owned()).collect())
}

fn typed(id: i64, values: &[(&str, SearchValue)]) -> VisibilityRow {
    let mut row = with(row(id, 1, &format!("w{}", id - 1)), values);
    row.workflow_type = format!("T{}", id - 1);
    row
}

/// Runs w0..w4; w3 and w4 are terminated. Another namespace has one more.
fn rows() -> Vec<Write> {
    let mut child = typed(5, &[("it's \"odd\"", text("odd"))]);
    child.parent_workflow_id = "w1".to_owned();
    child.parent_run_id = "run-2".to_owned();
    child.root_workflow_id = "w1".to_owned();
    vec![
        typed(1, &[("BuildIds", list(&["unversioned", "v1"])), ("TemporalSchedulePaused", Bool(true))]),
        typed(
            2,
            &[
                ("CBool", Bool(true)),
                ("CInt", Int(1)),
                ("CDouble", Double(1.5)),
                ("CKw", text("alpha")),
                ("CText", text("The quick brown Fox, jumps-over")),
                ("CTime", Time(NEW_YEAR)),
                ("CList", list(&["a", "b"])),
            ],
        ),
        typed(
            3,
            &[
                ("CBool", Bool(false)),
                ("CInt", Int(-2)),
                ("CDouble", Double(-0.5)),
                ("CKw", text("Beta")),
                ("CText", text("lazy dog")),
                ("CTime", Time(JUNE)),
                ("CList", list(&["b", "c d"])),
            ],
        ),
        closed(
            typed(
                4,
                &[
                    ("CInt", Int(30)),
                    ("CDouble", Double(30.0)),
                    ("CKw", text("alp%x")),
                    ("CText", text("brown dog")),
                    ("CList", list(&["B"])),
                ],
            ),
            5,
            DAY_ZERO + 4 * SECOND + 500 * MILLISECOND,
        ),
        closed(child, 5, DAY_ZERO + 65 * SECOND),
        with(row(6, 1, "scheduler"), &[("TemporalNamespaceDivision", text("TemporalScheduler"))]),
        row(7, 2, "w0"),
    ]
    .into_iter()
    .map(put)
    .collect()
}

fn store(indexed: bool) -> Opened {
    let opened = Opened::new();
    if indexed {
        types().iter().for_each(|(name, kind)| opened.writer.ensure_search_attribute(name, *kind));
    }
    opened.write(rows());
    opened
}

/// The digits of the workflow ids, in order; `s` for the scheduler.
fn listed(opened: &Opened, query: &str) -> String {
    let page = opened
        .readers
        .now(|reads| reads.list(1, &types(), query, 0, b""))
        .unwrap()
        .unwrap_or_else(|error| panic!("{query}: {error}"));
    assert!(page.next_token.is_empty());
    page.rows.iter().map(|row| row.workflow_id.trim_start_matches('w').chars().next().unwrap()).collect()
}

const FILTERS: &[(&str, &str)] = &[
    ("", "21043"),
    // Names and operators.
    ("WorkflowId='w1'", "1"),
    ("WorkflowId=\"w1\"", "1"),
    ("`WorkflowId`='w1' ;", "1"),
    ("WorkflowId starts_with 'w'", "21043"),
    ("WorkflowId STARTS_WITH 'w' AND WorkflowType NOT STARTS_WITH 'T1'", "2043"),
    ("NOT WorkflowType STARTS_WITH 'T1'", "2043"),
    ("WorkflowId STARTS_WITH ''", "21043"),
    ("WorkflowId NOT IN ('w1','w2')", "043"),
    ("NOT WorkflowId IN ('w1','w2')", "043"),
    ("WorkflowId IN ('w1')", "1"),
    ("WorkflowId between 'w1' and 'w2'", "21"),
    ("WorkflowId not between 'w1' and 'w2'", "043"),
    ("WorkflowId <> 'w1'", "2043"),
    ("WorkflowId > 'w2'", "43"),
    ("RunId = 'run-2'", "1"),
    ("RunId != 'x'", "21043"),
    ("TaskQueue = 'queue' and WorkflowType = 'T2'", "2"),
    ("ScheduleId = 'w1'", "1"),
    ("TemporalScheduleId = 'w1'", "1"),
    ("WorkflowId = 'it''s' or WorkflowId = 'w1'", "1"),
    ("WorkflowId = 'w1'' OR 1=1 --'", ""),
    // Status.
    ("ExecutionStatus = 'Running'", "210"),
    ("ExecutionStatus = 'WORKFLOW_EXECUTION_STATUS_RUNNING'", "210"),
    ("ExecutionStatus = 1", "210"),
    ("ExecutionStatus != 'Running'", "43"),
    ("ExecutionStatus in ('Terminated','TimedOut','ContinuedAsNew')", "43"),
    ("ExecutionStatus not in ('Terminated')", "210"),
    ("ExecutionStatus = 'Unspecified'", ""),
    ("ExecutionStatus > 'Running'", "43"),
    ("ExecutionStatus between 'Failed' and 'Running'", "210"),
    ("ExecutionStatus not between 'Failed' and 'Running'", "43"),
    // Times.
    ("CloseTime is null", "210"),
    ("CloseTime IS NOT NULL", "43"),
    ("NOT CloseTime IS NOT NULL", "210"),
    ("CloseTime > '2020-01-01T00:00:00Z'", "43"),
    ("CloseTime < '2999-01-01T00:00:00Z'", "43"),
    ("NOT CloseTime < '2000-01-01T00:00:00Z'", "43"),
    ("CloseTime != '2020-01-01T00:00:00Z'", "43"),
    ("NOT CloseTime = '2020-01-01T00:00:00Z'", "43"),
    ("CloseTime = '2023-11-14T22:14:25Z'", "4"),
    ("CloseTime in ('2023-11-14T22:14:25Z', 0)", "4"),
    ("CloseTime not in ('2023-11-14T22:14:25Z')", "3"),
    ("CloseTime between '2023-11-14T22:14:25Z' and '2999-01-01T00:00:00Z'", "4"),
    ("CloseTime not between '2023-11-14T22:14:25Z' and '2999-01-01T00:00:00Z'", "3"),
    ("StartTime > '2023-11-14T22:13:23Z'", "43"),
    ("StartTime >= \"2023-11-14T23:13:23+01:00\"", "243"),
    ("StartTime < '2023-11-14T22:13:21.000000001Z'", "0"),
    ("StartTime > 0", "21043"),
    ("StartTime between '2020-01-01T00:00:00Z' and '2999-01-01T00:00:00Z'", "21043"),
    ("ExecutionTime = '2023-11-14T22:13:22Z'", "1"),
    // Durations.
    ("ExecutionDuration > '1s'", "4"),
    ("ExecutionDuration < '1s'", "3"),
    ("ExecutionDuration <= 500000000", "3"),
    ("ExecutionDuration <= '500000000'", "3"),
    ("ExecutionDuration < '1d'", "43"),
    ("ExecutionDuration = '1m'", "4"),
    ("ExecutionDuration >= '00:01:00'", "4"),
    ("ExecutionDuration is null", "210"),
    ("ExecutionDuration > '-1h'", "43"),
    ("ExecutionDuration between '0s' and '1s'", "3"),
    // Numbers of closed runs.
    ("HistoryLength = 10", "43"),
    ("HistoryLength > 0.5", "43"),
    ("NOT HistoryLength > 5", ""),
    ("HistoryLength is null", "210"),
    ("HistorySizeBytes >= 1000", "43"),
    ("StateTransitionCount > 5", ""),
    // Family.
    ("ParentWorkflowId is null", "2103"),
    ("ParentWorkflowId = ''", ""),
    ("ParentWorkflowId = 'w1'", "4"),
    ("ParentRunId = 'run-2'", "4"),
    ("RootWorkflowId = 'w1'", "14"),
    ("RootRunId is not null", "21043"),
    // Custom: Bool.
    ("CBool = true", "1"),
    ("CBool = TRUE", "1"),
    ("CBool != true", "2"),
    ("CBool > false", "1"),
    ("CBool in (true,false)", "21"),
    ("CBool is null", "043"),
    ("NOT CBool = true", "2"),
    // Int and Double.
    ("CInt = 1", "1"),
    ("CInt > -5", "213"),
    ("CInt = 1.0", "1"),
    ("CInt < 1.5", "21"),
    ("CInt > +0", "13"),
    ("CInt > - 5", "213"),
    ("CInt in (1, -2)", "21"),
    ("CInt between -2 and 1", "21"),
    ("CInt not between -2 and 1", "3"),
    ("CInt = 1e0", "1"),
    ("CInt = 99999999999999999999", ""),
    ("CInt = 9223372036854775807", ""),
    ("CDouble > -1", "213"),
    ("CDouble = 30", "3"),
    ("CDouble < 1.6", "21"),
    ("CDouble = -.5", "2"),
    // Keyword.
    ("CKw = 'alpha'", "1"),
    ("CKw = 'ALPHA'", ""),
    ("CKw > 'a'", "13"),
    ("CKw starts_with 'al'", "13"),
    ("CKw starts_with 'AL'", ""),
    ("CKw starts_with 'alp%'", "3"),
    ("CKw not starts_with 'al'", "2"),
    ("CKw != 'alpha'", "23"),
    ("CKw not in ('alpha')", "23"),
    ("CKw = ''", ""),
    ("CKw between 'a' and 'b'", "13"),
    ("CKw is not null", "213"),
    ("`it's \"odd\"` = 'odd'", "4"),
    // Text.
    ("CText = 'fox'", "1"),
    ("CText = 'FOX'", "1"),
    ("CText = 'fox dog'", "213"),
    ("CText = 'jumps-over'", "1"),
    ("CText = 'jum'", ""),
    ("CText = 'brown'", "13"),
    ("CText != 'brown'", "204"),
    ("NOT CText != 'brown'", "13"),
    ("CText is null", "04"),
    ("CText = '-'", ""),
    // Datetime.
    ("CTime = '2024-01-01T00:00:00Z'", "1"),
    ("CTime > '2024-01-01T00:00:00Z'", "2"),
    ("CTime >= '2024-06-01T12:00:00.123456Z'", "2"),
    ("CTime = '2024-06-01T14:00:00.123456+02:00'", "2"),
    ("CTime in ('2024-01-01T00:00:00Z')", "1"),
    ("CTime = 1704067200000000000", "1"),
    // KeywordList.
    ("CList = 'a'", "1"),
    ("CList = 'b'", "21"),
    ("CList = 'c'", ""),
    ("CList = 'c d'", "2"),
    ("CList in ('a','c d')", "21"),
    ("CList != 'a'", "2043"),
    ("CList not in ('a')", "2043"),
    ("NOT CList in ('a', 'b')", "043"),
    ("CList = 'B'", "3"),
    ("CList is null", "04"),
    // Predefined, with and without prefix.
    ("BuildIds = 'v1'", "0"),
    ("TemporalBuildIds in ('v1', 'v2')", "0"),
    ("TemporalSchedulePaused = true", "0"),
    ("SchedulePaused = true", "0"),
    ("PauseInfo = 'x'", ""),
    // Logic.
    ("WorkflowId='w1' OR WorkflowId='w2' AND CInt=5", "1"),
    ("NOT (WorkflowId='w1' OR WorkflowId='w2')", "043"),
    ("NOT (WorkflowId!='w1' AND CInt > 0)", "21"),
    ("NOT NOT WorkflowId='w1'", "1"),
    ("not WorkflowId='w1' and WorkflowId='w2'", "2"),
    ("WorkflowId='w1' && WorkflowId='w1'", "1"),
    ("WorkflowId='w1' || WorkflowId='w2'", "21"),
    ("((WorkflowId='w1'))", "1"),
    ("NOT(WorkflowId='w1')AND(CInt>0)", "3"),
    // Division.
    ("TemporalNamespaceDivision = 'TemporalScheduler'", "s"),
    ("TemporalNamespaceDivision is null", "21043"),
    ("NamespaceDivision is not null", "s"),
    ("TemporalNamespaceDivision is null OR WorkflowId = 'scheduler'", "s21043"),
    // Order.
    ("order by StartTime", "01234"),
    ("ORDER BY StartTime desc", "43210"),
    ("WorkflowId != 'w0' ORDER BY StartTime ASC", "1234"),
    ("ORDER BY CloseTime", "34012"),
    ("ORDER BY CloseTime DESC, StartTime", "43012"),
    ("ORDER BY CInt", "21304"),
    ("ORDER BY CInt DESC", "31240"),
    ("ORDER BY CKw", "23104"),
    ("ORDER BY CDouble DESC, WorkflowId DESC", "31240"),
    ("ORDER BY CTime", "12034"),
    ("ORDER BY CBool", "21034"),
    ("ORDER BY ExecutionStatus, WorkflowId", "01234"),
    ("ORDER BY ExecutionStatus DESC, WorkflowId", "34012"),
    ("WorkflowId='w1' group by ExecutionStatus", "1"),
];

#[test]
fn filters_select_and_order() {
    for indexed in [false, true] {
        let opened = store(indexed);
        for (query, expected) in FILTERS {
            assert_eq!(listed(&opened, query), *expected, "{query} (indexed: {indexed})");
            if !query.to_lowercase().contains("by ") {
                let count = opened.readers.now(|reads| reads.count(1, &types(), query)).unwrap().unwrap();
                assert_eq!((count.total as usize, count.groups.len()), (expected.len(), 0), "{query}");
            }
        }
    }
}

#[test]
fn filters_have_limits() {
    let nested = format!("{}WorkflowId='w'{}", "(".repeat(200), ")".repeat(200));
    let many = vec!["WorkflowId='w'"; 1_001].join(" OR ");
    let long = format!("WorkflowId='{}'", "x".repeat(300_000));
    let values = format!("WorkflowId IN ({})", vec!["'w'"; 10_001].join(","));
    for query in [nested, many, long, values] {
        assert!(validate(&types(), &query).unwrap_err().message.contains("split it into several queries"));
    }
    let opened = store(false);
    let chain = vec!["WorkflowId='w1'"; 1_000].join(" OR ");
    assert_eq!(listed(&opened, &chain), "1");
    assert_eq!(listed(&opened, &format!("NOT ({chain})")), "2043");
    assert_eq!(listed(&opened, &format!("WorkflowId IN ({})", vec!["'w1'"; 10_000].join(","))), "1");
}

#[test]
fn counts_can_be_grouped() {
    let opened = store(false);
    let grouped = |query: &str| opened.readers.now(|reads| reads.count(1, &types(), query)).unwrap();
    let by_status = grouped("WorkflowId != 'w1' GROUP BY ExecutionStatus").unwrap();
    assert_eq!(by_status.total, 4);
    assert_eq!(by_status.groups, [(vec![text("Running")], 2), (vec![text("Terminated")], 2)]);
    let by_division = grouped("group by TemporalNamespaceDivision").unwrap();
    assert_eq!(by_division.groups, [(vec![text("")], 5), (vec![text("TemporalScheduler")], 1)]);
    for (query, expected) in [
        ("group by WorkflowType", "'GROUP BY' clause is not supported for search attribute WorkflowType"),
        ("group by ExecutionStatus, WorkflowType", "'GROUP BY' clause supports only a single field"),
        ("order by StartTime", "'ORDER BY' clause"),
        ("group by Foo", "invalid search attribute: Foo"),
    ] {
        let error = grouped(query).unwrap_err();
        assert!(error.message.contains(expected), "{query}: {error}");
    }
    let list = |query: &str| opened.readers.now(|reads| reads.list(1, &types(), query, 10, &[])).unwrap();
    assert!(list("GROUP BY ExecutionStatus").is_ok(), "a list has no use for it, and takes it");
    assert!(list("GROUP BY WorkflowType").is_err());
}

#[test]
fn doubles_are_found_by_the_number_that_was_written() {
    let opened = Opened::new();
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut numbers = vec![0.1, 1.0 / 3.0, 1e300, 5e-324, 123_456_789.123_456_79, f64::MAX];
    while numbers.len() < 500 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let scale = 10f64.powi((random % 40) as i32 - 20);
        numbers.push((random >> 11) as f64 / (1u64 << 53) as f64 * scale);
    }
    let rows = numbers.iter().zip(1..).map(|(number, id)| put(with(row(id, 1, "w"), &[("CDouble", Double(*number))])));
    opened.write(rows.collect());
    for (number, id) in numbers.iter().zip(1..) {
        let page = opened
            .readers
            .now(|reads| reads.list(1, &types(), &format!("CDouble = {number:e}"), 0, b""))
            .unwrap()
            .unwrap();
        assert!(page.rows.iter().any(|row| row.id == id), "{number:e}");
    }
}

#[test]
fn every_system_attribute_can_be_asked_for() {
    let opened = store(false);
    for (name, kind) in system_search_attributes() {
        listed(&opened, &format!("{name} IS NULL"));
        if kind != Type::KeywordList {
            listed(&opened, &format!("ORDER BY {name}, WorkflowId DESC"));
        }
    }
}
