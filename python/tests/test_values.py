"""The table of values: each arrives equal, or is refused at the call with the place of the fault.

A value goes from a client to a workflow, to an activity, and the same way back. `docs/reference/values.md` says the rules.
"""

from __future__ import annotations

import asyncio
import collections
import ipaddress
import math
import os
import re
import sys
import threading
import uuid
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union
from zoneinfo import ZoneInfo

import pydantic
import pytest
from data import value_types as t
from ostro import workflows
from ostro._values.same import is_same
from ostro.workflows import activity, workflow

EQUAL = None
NAN = "NaN cannot be sent as JSON"
INFINITY = "Infinity cannot be sent as JSON"
ONCE = "can be read only once: send a list|an iterator is read only once: use a list"
HALF = "half a character"
NO_TEXT = "bytes that are not UTF-8 text"
PROCESS = "it belongs to this process"
NO_TYPE = "cannot be an input or a result"
NO_JSON = "cannot be sent as JSON"
CHANGES = "would arrive as"
SECRET = "is written as asterisks"


class Row(NamedTuple):
    """A value for an annotation, and what is said where it is refused."""

    annotation: Any
    value: Any
    refused: str | None = EQUAL


async def nothing() -> None: ...


def one_two() -> Iterator[int]:
    yield 1
    yield 2


async def async_one() -> Any:
    yield 1


def cyclic() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def private() -> t.Private:
    found = t.Private(name="a")
    found._note = "changed"
    return found


def not_init() -> t.NotInit:
    found = t.NotInit("a")
    found.derived = "changed"
    return found


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = datetime(2026, 12, 1, 12, 30, 15, 123456)

SCALARS = [
    Row(int, 0), Row(int, -1), Row(int, 2**63 - 1), Row(int, 2**63), Row(int, -(2**63) - 1), Row(int, 10**400),
    Row(int, 10**4299), Row(int, 10**5000, "an integer of 5000 digits|it would not be read"), Row(Any, 10**30),
    Row(bool, True), Row(bool, False), Row(Any, True), Row(type(None), None), Row(None, None), Row(Any, None),
    Row(float, 0.1), Row(float, -0.0), Row(float, 5e-324), Row(float, 1.7976931348623157e308), Row(float, 0.1 + 0.2),
    Row(float, 1e22), Row(float, 3), Row(float, math.nan, NAN), Row(float, math.inf, INFINITY),
    Row(float, -math.inf, "-" + INFINITY), Row(Any, math.nan, NAN), Row(Any, math.inf, INFINITY), Row(Any, 0.1),
    Row(complex, 1 + 2j), Row(complex, -0.5j), Row(Any, 1j, CHANGES),
    Row(str, ""), Row(str, "text"), Row(str, "\N{PILE OF POO} \N{GREEK SMALL LETTER ALPHA}"), Row(str, "nul \0"), Row(str, "\x7f\x1b\u2028"),
    Row(str, "\ud800", HALF), Row(str, "ab\udfffcd", HALF), Row(Any, "\ud800", HALF), Row(str, "NaN"), Row(Any, "Infinity"),
    Row(t.TextOf, t.TextOf("a"), NO_TYPE), Row(str, t.TextOf("a")),
    Row(bytes, b""), Row(bytes, b"text"), Row(bytes, b"\xff\x00\x80"), Row(Any, b"\xff"), Row(bytearray, bytearray(b"\xff")),
    Row(bytes, bytearray(b"a")), Row(bytes, memoryview(b"\xff")), Row(Optional[bytes], b"\xff"), Row(Optional[bytes], None),
    Row(memoryview, memoryview(b"a"), NO_TYPE), Row(Union[bytes, str], "text", CHANGES), Row(Union[str, bytes], b"text"),
    Row(Decimal, Decimal("1.10")), Row(Decimal, Decimal("1E+400")), Row(Decimal, Decimal("0.1") + Decimal(10) ** -30),
    Row(Decimal, Decimal("NaN"), "would not be read|wrong arguments"), Row(Decimal, Decimal("Infinity"), "would not be read|wrong"),
    Row(Any, Decimal("1.5"), CHANGES), Row(Fraction, Fraction(1, 3)), Row(Any, Fraction(1, 3), f"{CHANGES}|{NO_JSON}"),
    Row(uuid.UUID, uuid.UUID(int=5)), Row(Any, uuid.UUID(int=5), CHANGES),
    Row(Path, Path("/a/b")), Row(PurePosixPath, PurePosixPath("a")), Row(Any, Path("a"), CHANGES),
    Row(Path, Path(os.fsdecode(b"/a\xff")), f"{HALF}|{NO_JSON}|{NO_TEXT}"),
    Row(ipaddress.IPv4Address, ipaddress.IPv4Address("10.0.0.1")), Row(ipaddress.IPv6Network, ipaddress.IPv6Network("::/64")),
    Row(re.Pattern, re.compile("a+")), Row(re.Pattern, re.compile("a+", re.IGNORECASE), CHANGES),
    Row(ZoneInfo, BERLIN), Row(Ellipsis, ..., NO_TYPE), Row(Any, ..., NO_JSON), Row(Any, NotImplemented, NO_JSON),
]  # fmt: skip

TIMES = [
    Row(datetime, MOMENT), Row(datetime, MOMENT.replace(tzinfo=UTC)), Row(datetime, MOMENT.replace(tzinfo=BERLIN)),
    Row(datetime, MOMENT.replace(tzinfo=timezone(timedelta(hours=-3, minutes=-30)))), Row(datetime, datetime.min),
    Row(datetime, datetime.max), Row(datetime, datetime(1, 1, 1, tzinfo=UTC)), Row(Any, MOMENT, CHANGES),
    Row(list[datetime], [MOMENT]), Row(Optional[datetime], None), Row(date, date(2026, 2, 28)), Row(date, date.max),
    Row(Any, date(2026, 1, 1), CHANGES), Row(time, time(1, 2, 3, 4)), Row(time, time(1, tzinfo=UTC)), Row(Any, time(1), CHANGES),
    Row(timedelta, timedelta(days=3, microseconds=1)), Row(timedelta, timedelta(microseconds=-1)), Row(timedelta, timedelta(0)),
    Row(timedelta, timedelta(days=400, seconds=5)), Row(Any, timedelta(1), CHANGES), Row(timezone, UTC, NO_TYPE),
    Row(Union[date, datetime], MOMENT), Row(Union[date, datetime], date(2026, 1, 1)), Row(Union[str, datetime], MOMENT, CHANGES),
    Row(Union[str, date], "2026-01-01"),
]  # fmt: skip

ENUMS = [
    Row(t.Color, t.Color.RED), Row(Any, t.Color.RED, CHANGES), Row(t.Level, t.Level.HIGH), Row(Any, t.Level.HIGH),
    Row(t.Mode, t.Mode.FAST), Row(Any, t.Mode.FAST), Row(t.Rights, t.Rights.READ), Row(t.Rights, t.Rights.READ | t.Rights.WRITE),
    Row(t.IntRights, t.IntRights.READ | t.IntRights.WRITE), Row(t.Pair, t.Pair.ONE, "would not be read|would arrive"),
    Row(list[t.Color], [t.Color.RED]), Row(dict[t.Color, int], {t.Color.BLUE: 1}), Row(Literal["a", 1], 1), Row(Literal["a"], "a"),
    Row(Literal[t.Color.RED], t.Color.RED, "would not be read"), Row(Union[t.Color, str], "blue"), Row(Union[str, t.Color], t.Color.RED, CHANGES),
    Row(t.UserId, t.UserId(5)), Row(Annotated[int, pydantic.Field(ge=0)], 5),
]  # fmt: skip

CONTAINERS = [
    Row(list[int], [1, 2]), Row(list, [1, "a", None, [2.5]]), Row(list[float], [1.5, math.nan], rf"\[1\]: {NAN}"), Row(Any, [1, 2]),
    Row(list[int], (1, 2)), Row(list[int], one_two()), Row(list[int], iter([1, 2])), Row(list[int], {1: 2}.keys()),
    Row(list[int], map(int, "12")), Row(list[int], deque([1])), Row(list[int], range(3)), Row(Any, range(3), "a range|would arrive"),
    Row(Any, one_two(), f"{ONCE}|{CHANGES}"), Row(Any, iter([1]), ONCE), Row(Any, zip([1], [2]), ONCE), Row(Any, async_one(), ONCE),
    Row(Iterable[int], [1, 2]), Row(Iterable[int], (1, 2)), Row(Iterable[int], one_two()), Row(Collection[int], [1]),
    Row(Sequence[int], [1, 2]), Row(Sequence[int], (1, 2)), Row(list[Sequence[int]], [(1, 2)]), Row(Iterator[int], one_two(), ONCE),
    Row(Generator[int, None, None], one_two(), ONCE), Row(tuple[int, str], (1, "a")), Row(tuple[int, ...], (1, 2, 3)),
    Row(tuple, (1, "a")), Row(tuple[()], ()), Row(Any, (1, 2), CHANGES), Row(list[Any], [(1, 2)], rf"\[0\]: a tuple {CHANGES}"),
    Row(list[tuple[int, int]], [(1, 2)]), Row(set[int], {1, 2}), Row(frozenset[str], frozenset("ab")), Row(set[int], set()),
    Row(Any, {1, 2}, CHANGES), Row(set[tuple[int, int]], {(1, 2)}), Row(set[float], {math.inf}, INFINITY),
    Row(frozenset[frozenset[int]], frozenset([frozenset([1])])), Row(t.Point, t.Point(1, 2.5)), Row(list[t.Point], [t.Point(1)]),
    Row(Any, t.Point(1), CHANGES), Row(t.Loose, t.Loose(1, "b")), Row(deque[int], deque([1, 2])), Row(deque, deque()),
    Row(deque[int], deque([1, 2], maxlen=2)), Row(Any, deque([1]), f"{NO_JSON}|{CHANGES}"),
    Row(dict[str, int], {"a": 1}), Row(dict, {"a": {"b": [1]}}), Row(dict[int, str], {1: "a"}), Row(Any, {1: "a"}, CHANGES),
    Row(dict[str, Any], {"a": {1: 2}}, rf"\['a'\].*{CHANGES}"), Row(dict[bool, int], {True: 1}), Row(dict[float, int], {1.5: 1}),
    Row(dict[tuple[int, int], str], {(1, 2): "a"}, "would not be read"), Row(dict[uuid.UUID, int], {uuid.UUID(int=1): 1}),
    Row(dict[date, int], {date(2026, 1, 1): 1}), Row(dict[str | None, int], {None: 1}, f"would not be read|{CHANGES}"),
    Row(dict[str, float], {"a": math.nan}, rf"\['a'\]: {NAN}"), Row(dict[str, str], {"\ud800": "a"}, HALF),
    Row(dict[Union[int, str], int], {1: 1, "1": 2}, f"would not be read|{CHANGES}"), Row(dict[str, int], {}), Row(Any, {}),
    Row(Mapping[str, int], {"a": 1}), Row(defaultdict[str, int], defaultdict(int, a=1)), Row(Any, defaultdict(int, a=1)),
    Row(OrderedDict[str, int], OrderedDict(b=1, a=2)), Row(Counter[str], Counter("aab")), Row(Any, Counter("aab")),
    Row(ChainMap, ChainMap({"a": 1}), f"{NO_TYPE}|{NO_JSON}"), Row(dict[str, bytes], {"a": b"\xff"}, rf"\['a'\]: {NO_TEXT}"),
    Row(list[bytes], [b"text"]), Row(list[bytes], [b"a", b"\xff"], rf"\[1\]: {NO_TEXT}"), Row(Any, [b"a"], CHANGES),
    Row(list[Any], [1, [2, [3.0, math.inf]]], rf"\[1\]\[1\]\[1\]: {INFINITY}"), Row(Any, cyclic(), "contains itself"),
    Row(Any, nested(300), "would not be read|nested|would arrive|recursion"), Row(Any, nested(100)), Row(dict[str, list[int]], {"a": (1, 2)}),
    Row(Any, SimpleNamespace(a=1), NO_JSON), Row(list[int | None], [1, None]), Row(Optional[list[int]], None),
]  # fmt: skip

TYPED_DICTS = [
    Row(t.OldTyped, {"name": "a", "count": 1}), Row(list[t.OldTyped], [{"name": "a", "count": 1}]), Row(t.OldPartial, {}),
    Row(t.OldPartial, {"tags": ["a"]}), Row(t.OldChild, {"name": "a", "count": 1, "more": {"name": "b"}}),
    Row(Optional[t.OldTyped], {"name": "a", "count": 1}), Row(dict[str, t.OldTyped], {"k": {"name": "a", "count": 1}}),
    Row(t.NewTyped, {"name": "a"}), Row(t.NewTyped, {"name": "a", "count": 3}), Row(t.OldTyped, {"name": "a"}, "wrong arguments"),
    Row(t.OldRequired, {"name": "a"}), Row(t.OldRequired, {"count": 1}, "wrong arguments"),
    Row(t.OldTyped, {"name": "\ud800", "count": 1}, rf"\['name'\]: {HALF}|wrong arguments"),
]  # fmt: skip

DATACLASSES = [
    Row(t.Plain, t.Plain("a", 2.5, ["x"])), Row(t.Plain, t.Plain("a", math.nan), rf"\.price: {NAN}"), Row(Any, t.Plain("a"), CHANGES),
    Row(t.Plain, {"name": "a", "tags": ["b"]}), Row(t.Frozen, t.Frozen("a")), Row(t.Slots, t.Slots("a", t.Frozen("b"))),
    Row(t.NoEq, t.NoEq("a", [1])), Row(t.NoEq, t.NoEq("a", (1,)), rf"\.inner: a tuple {CHANGES}"),
    Row(t.WithInitVar, t.WithInitVar("a", 5), "would not be read"), Row(t.NotInit, t.NotInit("a")), Row(t.NotInit, not_init(), rf"\.derived: 'changed' {CHANGES}"),
    Row(t.Box[int], t.Box(5)), Row(t.Box[t.Plain], t.Box(t.Plain("a"))), Row(t.Grows, t.Grows(1), CHANGES),
    Row(t.Node, t.Node(1, [t.Node(2), t.Node(3, [t.Node(4)])])), Row(t.Checked, t.Checked(count=3)),
    Row(list[t.Plain], [t.Plain("a"), t.Plain("b", math.inf)], rf"\[1\]\.price: {INFINITY}"),
    Row(dict[str, t.Frozen], {"a": t.Frozen("b")}), Row(Optional[t.Plain], t.Plain("a")), Row(Union[t.Plain, t.Frozen], t.Plain("a")),
]  # fmt: skip

MODELS = [
    Row(t.Line, t.Line(name="a", price=1.5)), Row(t.Order, t.Order(id=1, lines=[t.Line(name="a")])), Row(Any, t.Line(name="a"), CHANGES),
    Row(t.Order, t.Order(id=1, lines=[t.Line(name="a")] * 3 + [t.Line(name="b", price=math.nan)]), rf"\.lines\[3\]\.price: {NAN}"),
    Row(dict[str, Any], {"a": t.Line(name="a")}, rf"\['a'\]: a Line {CHANGES}"), Row(t.Order, {"id": 1}),
    Row(t.Order, t.Order(id=1, notes={"when": MOMENT}), rf"\.notes\['when'\]: a datetime {CHANGES}"),
    Row(t.Line, t.Derived(name="a"), f"a Derived {CHANGES} a Line"), Row(t.Derived, t.Derived(name="a", extra=9)),
    Row(t.Aliased, t.Aliased(theNumber=5)), Row(t.ValidationAlias, t.ValidationAlias(theNumber=5)),
    Row(t.SerializationAlias, t.SerializationAlias(number=5)), Row(t.BothAliases, t.BothAliases(in_number=5)),
    Row(t.ChoiceAlias, t.ChoiceAlias(a=5)), Row(t.Swapped, t.Swapped(a=1, b=2)), Row(list[t.BothAliases], [t.BothAliases(in_number=5)]),
    Row(t.Computed, t.Computed(side=3)), Row(t.ComputedForbid, t.ComputedForbid(side=3)), Row(t.Extra, t.Extra(name="a", more=[1])),
    Row(t.Extra, t.Extra(name="a", more=(1,)), rf"\.more: a tuple {CHANGES}"), Row(t.Private, t.Private(name="a")),
    Row(t.Private, private(), "its private attribute _note"), Row(t.Excluded, t.Excluded(name="a")),
    Row(t.Excluded, t.Excluded(name="a", hidden=5), rf"\.hidden: 5 {CHANGES} 0"), Row(pydantic.SecretStr, pydantic.SecretStr("a"), SECRET),
    Row(Any, pydantic.SecretStr("a"), SECRET), Row(t.Secretive, t.Secretive(user="a", password="b"), rf"\.password: .*{SECRET}"),
    Row(t.SecretiveBytes, t.SecretiveBytes(key=b"k"), rf"\.key: .*{SECRET}"), Row(t.Telling, t.Telling(password="b")),
    Row(list[pydantic.SecretStr], [pydantic.SecretStr("a")], rf"\[0\]: .*{SECRET}"), Row(t.NanAsText, t.NanAsText(price=math.inf)),
    Row(t.NanAsText, t.NanAsText(price=math.nan), NAN), Row(t.NanAsConstant, t.NanAsConstant(price=math.inf), INFINITY),
    Row(t.Blob, t.Blob(data=b"text")), Row(t.Blob, t.Blob(data=b"\xff"), rf"\.data: {NO_TEXT}"),
    Row(t.Base64Blob, t.Base64Blob(data=b"\xff")), Row(pydantic.Base64Bytes, b"YWJj"),
    Row(t.Numbers, t.Numbers([1, 2])), Row(t.GenericModel[int], t.GenericModel[int](item=1)),
    Row(t.GenericModel[t.Line], t.GenericModel[t.Line](item=t.Line(name="a"))), Row(t.FrozenModel, t.FrozenModel(name="a")),
    Row(t.Pet, t.Dog(tricks=["sit"])), Row(list[t.Pet], [t.Cat(), t.Dog()]), Row(Union[t.Cat, t.Dog], t.Dog()),
    Row(Union[t.Meters, t.Feet], t.Feet(value=1), f"a Feet {CHANGES} a Meters"), Row(Union[int, str], "5"), Row(Union[float, int], 5),
    Row(t.Doubles, t.Doubles(count=1), CHANGES), Row(t.JsonText, t.JsonText(value="[1, 2]")), Row(pydantic.BaseModel, t.Line(name="a"), CHANGES),
    Row(Optional[t.Line], None), Row(pydantic.SerializeAsAny[t.Line], t.Derived(name="a"), CHANGES), Row(t.Money, t.Money(5)), Row(t.Opaque, t.Opaque(5)),
]  # fmt: skip

OBJECTS = [
    Row(Any, nothing, PROCESS), Row(Any, len, PROCESS), Row(Any, int, PROCESS), Row(Any, os, PROCESS), Row(Any, t.OwnClass(), NO_JSON),
    Row(t.OwnClass, t.OwnClass(), NO_TYPE), Row(Any, object(), NO_JSON), Row(object, object(), NO_JSON), Row(Any, ValueError("a"), "raise it"),
    Row(Exception, ValueError("a"), NO_TYPE), Row(Any, threading.Lock(), NO_JSON), Row(Any, sys.stdout, PROCESS),
    Row(Any, [lambda: None], rf"\[0\]: .*{PROCESS}"), Row(Any, {"a": {"b": t.OwnClass()}}, rf"\['a'\]\['b'\]: an OwnClass {NO_JSON}"),
    Row(Any, memoryview(b"\xff")), Row(Any, collections.UserList([1]), f"{NO_JSON}|{CHANGES}"),
    Row(type, int, f"{PROCESS}|{NO_TYPE}|{NO_JSON}"), Row(Any, Ellipsis.__class__, PROCESS),
]  # fmt: skip


def others() -> list[Row]:
    """Of packages that may be there."""
    found = []
    try:
        import numpy

        found += [
            Row(Any, numpy.array([1, 2]), NO_JSON), Row(Any, numpy.int64(5), NO_JSON), Row(float, numpy.float64(0.5)),
            Row(list[float], [numpy.float64(0.5)]), Row(Any, numpy.float64("nan"), NAN), Row(Any, [numpy.zeros(2)], rf"\[0\]: .*{NO_JSON}"),
            Row(numpy.ndarray, numpy.zeros(2), NO_TYPE),
        ]  # fmt: skip
    except ImportError:
        pass
    try:
        import attrs

        made = attrs.make_class("WithAttrs", ["a"])
        found += [
            Row(made, made(1), NO_TYPE),
            Row(Any, made(1), NO_JSON),
            Row(dict[str, Any], {"x": made(1)}, rf"\['x'\]: .*{NO_JSON}"),
        ]
    except ImportError:
        pass
    return found


ROWS = [*SCALARS, *TIMES, *ENUMS, *CONTAINERS, *TYPED_DICTS, *DATACLASSES, *MODELS, *OBJECTS, *others()]


def name_of(row: Row) -> str:
    annotation = getattr(row.annotation, "__name__", None) or str(row.annotation)
    try:
        return f"{annotation}-{ascii(row.value)[:30]}"
    except ValueError:
        return f"{annotation}-huge"


def workflow_of(number: int, annotation: Any) -> type:
    """A workflow with an activity that gives what it gets."""

    @activity(name=f"value-{number}", retry_policy_max_attempts=1)
    async def echo(value: Any) -> Any:
        return value

    echo.__wrapped__.__annotations__.update(value=annotation, **{"return": annotation})  # type: ignore[attr-defined]

    class Echo:
        @workflow.entrypoint
        async def execute(self, value: Any) -> Any:
            return await echo(value)

    Echo.execute.__annotations__.update(value=annotation, **{"return": annotation})
    return workflow.define(name=f"value-{number}")(Echo)


class Running:
    """A worker of all workflows of the table, on a loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.workflows = [workflow_of(number, row.annotation) for number, row in enumerate(ROWS)]
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._stack = asyncio.run_coroutine_threadsafe(self._open(), self.loop).result(60)

    async def _open(self) -> Any:
        client = await workflows.Client.connect(":memory:", task_queue="values")
        worker = workflows.Worker(self.workflows, connection=client.connection, task_queue="values")
        await worker.start()
        return client, worker

    def call(self, number: int, value: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(self._call(number, value), self.loop).result(60)

    async def _call(self, number: int, value: Any) -> Any:
        handle = await self._stack[0].start(self.workflows[number], value)
        return await asyncio.wait_for(handle.result(), 20)

    async def close(self) -> None:
        client, worker = self._stack
        await worker.stop()
        await client.close()


@pytest.fixture(scope="module")
def running() -> Any:
    """See `Running`."""
    made = Running()
    yield made
    asyncio.run_coroutine_threadsafe(made.close(), made.loop).result(60)
    made.loop.call_soon_threadsafe(made.loop.stop)


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[name_of(row) for row in ROWS])
def test_it_arrives_equal_or_is_refused_at_the_call(running: Running, number: int) -> None:
    row = ROWS[number]
    if row.refused is not None:
        with pytest.raises(workflows.WorkflowsException) as caught:
            running.call(number, row.value)
        assert re.search(row.refused, str(caught.value)), str(caught.value)
        return
    again = row.value
    found = running.call(number, row.value)
    if isinstance(again, Iterator):
        again = [1, 2]
    if isinstance(again, (list, tuple, set, deque, range)) or "keys" in type(again).__name__:
        assert len(found) == len(again) and all(is_same(one, other, True) for one, other in zip(found, again))
    elif isinstance(again, dict) and not isinstance(found, dict):
        assert found == pydantic.TypeAdapter(row.annotation).validate_python(again)
    elif isinstance(again, t.Opaque):
        assert vars(found) == vars(again)
    else:
        assert is_same(again, found, True), (again, found)
        assert type(found) is type(again) or row.annotation not in (type(again),), (again, found)


def test_the_table_is_long_enough() -> None:
    assert len(ROWS) >= 200
