//! What the list filter language refuses, and how it says so. The first words are those of Temporal 1.32.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::types;
use ostro_engine::error::ErrorKind;
use ostro_store::visibility::validate;

const ERRORS: &[(&str, &str)] = &[
    ("workflowid='w1'", "invalid search attribute: workflowid (at position 1): did you mean WorkflowId?"),
    ("CInt=1 and Foo=2", "invalid search attribute: Foo (at position 12): check the spelling, or register it"),
    ("a.WorkflowId='w1'", "invalid search attribute: a.WorkflowId"),
    ("FirstRunId = 'x'", "invalid search attribute: FirstRunId"),
    ("WorkflowId = 'w1' and", "malformed SQL query: syntax error at position 22 at the end of the query: expected"),
    ("WorkflowId = w1", "column name on the right side of comparison expression (did you forget to quote \"w1\"?)"),
    ("WorkflowId = 1", "invalid value type for search attribute WorkflowId of type Keyword: 1 (type: int64)"),
    ("WorkflowId like 'w%'", "operator 'LIKE' on search attribute 'WorkflowId': use STARTS_WITH"),
    ("WorkflowId IN ()", "syntax error at position 16 near ')'"),
    ("WorkflowId == 'w1'", "syntax error at position 13 near '='"),
    ("WorkflowId <=> 'w1'", "operator '<=>'"),
    ("WorkflowId in 'w1'", "syntax error at position 15"),
    ("WorkflowId = ('w1')", "invalid expression"),
    ("WorkflowId", "incomplete expression"),
    ("'w1' = WorkflowId", "must be a column name but was 'w1'"),
    ("where WorkflowId='w1'", "syntax error at position 1 near 'where'"),
    ("; drop table x", "syntax error at position 1 near ';'"),
    ("WorkflowId='w1'; select 1", "syntax error at position 18 near 'select'"),
    ("WorkflowId='w1", "syntax error at position 12"),
    ("(WorkflowId='w1'", "syntax error at position 17 at the end of the query: expected AND, OR or a closing"),
    ("WorkflowId='w1')", "syntax error at position 16 near ')'"),
    ("lower(WorkflowId)='w1'", "function expression 'lower'"),
    ("WorkflowId = 'w1' xor 1", "syntax error at position 19 near 'xor'"),
    ("!(WorkflowId='w1')", "operator '!': write NOT"),
    ("WorkflowId='w1' limit 5", "'LIMIT' clause"),
    ("CloseTime is true", "'IS' operator can only be used as 'IS NULL' or 'IS NOT NULL'"),
    ("CloseTime = null", "use IS NULL"),
    ("ExecutionStatus = 'running'", "invalid ExecutionStatus value 'running': use one of Running, Completed"),
    ("ExecutionStatus = 99", "invalid ExecutionStatus value 99"),
    ("ExecutionStatus = true", "invalid value type for search attribute ExecutionStatus of type Keyword: true"),
    ("StartTime > '2020-01-01'", "unable to parse datetime '2020-01-01'"),
    ("StartTime > '2020-01-01 00:00:00Z'", "unable to parse datetime"),
    ("StartTime > '2020-01-01T00:00:00'", "unable to parse datetime"),
    ("StartTime > '2020-01-01t00:00:00z'", "unable to parse datetime"),
    ("StartTime > '2020-13-01T00:00:00Z'", "unable to parse datetime"),
    ("StartTime > 'éééééééééééééZ'", "unable to parse datetime"),
    ("StartTime > 1.5", "invalid value type for search attribute StartTime of type Datetime: 1.5 (type: float64)"),
    ("ExecutionDuration < '00:61:00'", "invalid duration value for search attribute ExecutionDuration"),
    ("ExecutionDuration < 'foo'", "invalid duration value"),
    ("HistoryLength > '0'", "invalid value type for search attribute HistoryLength of type Int: \"0\" (type: string)"),
    ("CBool = 'true'", "invalid value type for search attribute CBool of type Bool: \"true\" (type: string)"),
    ("CBool between true and false", "cannot do range condition on search attribute 'CBool' of type Bool"),
    ("CInt = 0x1", "unable to parse value \"0x1\""),
    ("CInt starts_with '1'", "invalid value type for search attribute CInt of type Int"),
    ("CInt starts_with 1", "operator 'STARTS_WITH' not supported for Int type search attribute 'CInt'"),
    ("CKw in ('alpha', 1)", "invalid value type for search attribute CKw of type Keyword: 1 (type: int64)"),
    ("CText = ' '", "no tokens found filtering on Text type search attribute CText"),
    ("CText in ('fox','dog')", "operator 'IN' not supported for Text type search attribute 'CText'"),
    ("CText > 'a'", "operator '>' not supported for Text type search attribute 'CText'"),
    ("CList > 'a'", "operator '>' not supported for KeywordList type search attribute 'CList'"),
    ("CList starts_with 'a'", "operator 'STARTS_WITH' not supported for KeywordList"),
    ("CTime starts_with '2024'", "unable to parse datetime '2024'"),
    ("order by CText", "unable to sort by search attribute CText of type Text"),
    ("order by", "syntax error at position 9 at the end of the query: expected the name of a search attribute"),
    ("CKw = 'é' and ?", "syntax error at position 15 near '?'"),
    ("not", "syntax error at position 4 at the end of the query"),
];

#[test]
fn wrong_filters_are_explained() {
    for (query, expected) in ERRORS {
        let error = validate(&types(), query).expect_err(query);
        assert_eq!(error.kind, ErrorKind::InvalidArgument, "{query}");
        assert!(error.message.starts_with("invalid query: "), "{query}: {error}");
        assert!(error.message.contains(expected), "{query}: {error}");
    }
}
