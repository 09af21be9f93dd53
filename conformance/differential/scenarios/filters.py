"""List filters as people write them: comments, quotes, numbers, dates, operators; how many runs each finds, or its refusal."""

from __future__ import annotations

import asyncio

from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError
from tracing import Trace, scenario
from workflows import CUSTOM, Wait

#: Each is put after `WorkflowId STARTS_WITH ... AND`.
CONDITIONS = (
    # Comments.
    "CustomKeywordField = 'b' -- a comment",
    "CustomKeywordField = 'b' --",
    "CustomKeywordField = 'b' --no space",
    "CustomKeywordField = 'b' -- 'quote",
    "CustomKeywordField = 'b' -- first\n AND RunId != 'x'",
    "-- first\n CustomKeywordField = 'b'",
    "CustomKeywordField = 'b' # a comment",
    "# first\n CustomKeywordField = 'b'",
    "CustomKeywordField = 'b' /* a comment */",
    "CustomKeywordField /* within */ = /* and again */ 'b'",
    "/* first */ CustomKeywordField = 'b'",
    "CustomKeywordField = 'b' /* two\n lines */",
    "CustomKeywordField = 'b' /* open",
    "CustomKeywordField = 'b' /* a /* b */ c */",
    "CustomKeywordField = 'b' /**/",
    "CustomKeywordField = 'b' /*! AND 1 = 1 */",
    "CustomKeywordField = 'b' // no comment",
    "CustomKeywordField = '-- no comment'",
    "CustomKeywordField = '# /* no comment */'",
    "CustomKeywordField = 'b'--",
    "CustomKeywordField = 'b'--AND",
    # Ends.
    "CustomKeywordField = 'b';",
    "CustomKeywordField = 'b'; ",
    "CustomKeywordField = 'b';;",
    "CustomKeywordField = 'b'; CustomKeywordField = 'c'",
    # Strings and names.
    'CustomKeywordField = "b"',
    "`CustomKeywordField` = 'b'",
    "CustomKeywordField = `b`",
    "CustomKeywordField = b",
    "'CustomKeywordField' = 'b'",
    "CustomKeywordField = 'it''s'",
    r"CustomKeywordField = 'it\'s'",
    r"CustomKeywordField = '\b'",
    "CustomKeywordField = N'b'",
    "CustomKeywordField = _utf8'b'",
    "CustomKeywordField = x'62'",
    "CustomKeywordField = 'b' 'c'",
    "customkeywordfield = 'b'",
    "CustomKeywordField = 'B'",
    "CustomKeywordField = ''",
    "CustomKeywordField = 0x62",
    "CustomKeywordField = 1",
    "CustomKeywordField = true",
    "CustomKeywordField = null",
    "CustomKeywordField = ?",
    "CustomKeywordField = :name",
    "CustomKeywordField = @name",
    # Operators.
    "CustomKeywordField == 'b'",
    "CustomKeywordField <> 'b'",
    "CustomKeywordField != 'b'",
    "CustomKeywordField <=> 'b'",
    "NOT CustomKeywordField = 'b'",
    "! (CustomKeywordField = 'b')",
    "CustomKeywordField = 'b' && RunId != 'x'",
    "CustomKeywordField = 'b' || RunId = 'x'",
    "CustomKeywordField = 'b' XOR RunId = 'x'",
    "(CustomKeywordField = 'b')",
    "((CustomKeywordField = 'b'))",
    "(CustomKeywordField = 'b'",
    "CustomKeywordField = 'b')",
    "CustomKeywordField IN ('b', 'c')",
    "CustomKeywordField IN ('b')",
    "CustomKeywordField IN ()",
    "CustomKeywordField IN 'b'",
    "CustomKeywordField NOT IN ('b')",
    "CustomKeywordField BETWEEN 'a' AND 'b'",
    "CustomKeywordField NOT BETWEEN 'a' AND 'b'",
    "CustomKeywordField STARTS_WITH 'b'",
    "CustomKeywordField NOT STARTS_WITH 'b'",
    "CustomKeywordField starts_with 'b'",
    "CustomKeywordField LIKE 'b%'",
    "CustomKeywordField REGEXP 'b'",
    "CustomKeywordField IS NULL",
    "CustomKeywordField IS NOT NULL",
    "CustomKeywordField is not null",
    "CustomKeywordField = 'b' AND",
    "AND CustomKeywordField = 'b'",
    "CustomKeywordField",
    "CustomKeywordField = CustomKeywordField",
    "1 = 1",
    "true",
    "EXISTS (SELECT 1)",
    "LENGTH(CustomKeywordField) = 1",
    # Numbers.
    "HistoryLength = 2",
    "HistoryLength = 2.0",
    "HistoryLength = '2'",
    "HistoryLength > -1",
    "HistoryLength > +1",
    "HistoryLength = 1 + 1",
    "HistoryLength < 1e3",
    "HistoryLength < 99999999999999999999",
    # Times.
    "StartTime < '9999-12-31T23:59:59Z'",
    "StartTime < '9999-12-30T22:00:01Z'",
    "StartTime < '9999-12-31T23:59:59.999999999+00:00'",
    "StartTime > '0001-01-01T00:00:00Z'",
    "StartTime > '0000-01-01T00:00:00Z'",
    "StartTime > '1970-01-01T00:00:00+23:59'",
    "StartTime > '2024-02-30T00:00:00Z'",
    "StartTime > '2024-01-01'",
    "StartTime > '2024-01-01 00:00:00'",
    "StartTime > '2024-01-01T00:00:00'",
    "StartTime > '2024-01-01T00:00:00z'",
    "StartTime > '2024-01-01T24:00:00Z'",
    "StartTime > '2024-12-31T23:59:60Z'",
    "StartTime > '2024-01-01T00:00:00,5Z'",
    "StartTime > '2024-01-01T0:00:00Z'",
    "StartTime > '10000-01-01T00:00:00Z'",
    "StartTime > 0",
    "StartTime > '0'",
    "StartTime > 1.5",
    "StartTime BETWEEN '2020-01-01T00:00:00Z' AND '9999-12-31T00:00:00Z'",
    "CloseTime IS NULL",
    "ExecutionDuration IS NULL",
    "ExecutionDuration > '1h'",
    "ExecutionStatus = 'Running'",
    "ExecutionStatus = 'running'",
    "ExecutionStatus = 1",
    "ExecutionStatus IN ('Running', 'Completed')",
    "ExecutionStatus != 'Running'",
    "ExecutionStatus STARTS_WITH 'Run'",
    # Order and groups.
    "CustomKeywordField = 'b' ORDER BY StartTime",
    "CustomKeywordField = 'b' order by StartTime desc",
    "CustomKeywordField = 'b' ORDER BY StartTime, RunId",
    "CustomKeywordField = 'b' ORDER BY WorkflowId",
    "CustomKeywordField = 'b' LIMIT 1",
    "CustomKeywordField = 'b' GROUP BY ExecutionStatus",
)


async def found(trace: Trace, query: str) -> object:
    try:
        return len([each.id async for each in trace.client.list_workflows(query)])
    except RPCError as error:
        return {"code": error.status.name}


async def prepared(trace: Trace) -> str:
    """Starts one run for each value, and waits until all are listed."""
    for value in ("b", "c", "it's", "-- no comment"):
        pairs = TypedSearchAttributes([SearchAttributePair(CUSTOM, value)])
        await trace.start(Wait.run, id=trace.id(f"filter-{value}"), search_attributes=pairs)
    mine = f"WorkflowId STARTS_WITH '{trace.prefix}'"
    for _ in range(100):
        if await found(trace, mine) == 4:
            return mine
        await asyncio.sleep(0.05)
    raise TimeoutError("not all runs are listed")


@scenario
async def filters(trace: Trace) -> None:
    mine = await prepared(trace)
    for condition in CONDITIONS:
        query = f"{mine} AND {condition}" if condition.split()[0] not in ("AND",) else condition
        trace.note(condition, await found(trace, query))


@scenario
async def filters_alone(trace: Trace) -> None:
    """What is nothing but a comment, or nothing at all."""
    for query in ("-- a comment", "/* a comment */", "# a comment", ";", "  ", "\n", "-- a\n-- b"):
        answer = await found(trace, query)
        trace.note(repr(query), answer if isinstance(answer, dict) else "a list")
