"""Every form of parameters works, or is refused where it is defined."""

from __future__ import annotations

import dataclasses
from typing import Any

import pydantic
import pytest
from ostro import workflows
from ostro.workflows import Depends, activity, execute_workflow, workflow

MISSING = object()


@activity()
async def mixed(a: int, /, b: int = 2, *rest: int, c: int, d: str = "d", **more: float) -> list[Any]:
    return [a, b, list(rest), c, d, more]


@activity()
def keywords_in_a_thread(a: int, /, b: int = 2, *, c: int = 3) -> list[int]:
    return [a, b, c]


@activity()
async def only_rest(*items: bytes) -> list[int]:
    return [len(item) for item in items]


@activity()
async def only_more(**more: tuple[int, int]) -> dict[str, list[Any]]:
    return {name: [type(value).__name__, *value] for name, value in more.items()}


@activity()
async def none_default(a: int = None, b: list[int] = None) -> list[Any]:  # type: ignore[assignment]  # noqa: RUF013
    return [a, b]


@activity()
async def sentinel(a: int, b: Any = MISSING) -> list[Any]:
    return [a, b is MISSING]


def made() -> str:
    return "made"


@activity()
async def with_dependency(a: int, *rest: int, needed: str = Depends(made), b: int = 5) -> list[Any]:
    return [a, list(rest), needed, b]


@workflow.define(name="calls-every-form")
class Calls:
    @workflow.entrypoint
    async def execute(self) -> list[Any]:
        return [
            await mixed(1, c=3),
            await mixed(1, 20, 30, 31, c=3, d="x", e=1.5, f=2),
            await keywords_in_a_thread(1),
            await keywords_in_a_thread(1, c=30),
            await keywords_in_a_thread(1, b=20, c=30),
            await only_rest(b"\xff", b"ab"),
            await only_rest(),
            await only_more(x=(1, 2)),
            await only_more(),
            await none_default(),
            await none_default(None, [1]),
            await sentinel(1),
            await sentinel(1, 2),
            await with_dependency(1),
            await with_dependency(1, 2, 3, b=6),
        ]


def test_every_form_of_an_activity(program: Any) -> None:
    assert program([Calls], lambda running: running.run(Calls)) == [
        [1, 2, [], 3, "d", {}],
        [1, 20, [30, 31], 3, "x", {"e": 1.5, "f": 2.0}],
        [1, 2, 3],
        [1, 2, 30],
        [1, 20, 30],
        [1, 2],
        [],
        {"x": ["tuple", 1, 2]},
        {},
        [None, None],
        [None, [1]],
        [1, True],
        [1, False],
        [1, [], "made", 5],
        [1, [2, 3], "made", 6],
    ]


@workflow.define(name="calls-wrongly")
class CallsWrongly:
    @workflow.entrypoint
    async def execute(self, how: str) -> Any:
        if how == "by position":
            return await keywords_in_a_thread(1, 2, 3)  # type: ignore[misc]
        if how == "by name":
            return await keywords_in_a_thread(a=1)  # type: ignore[call-arg]
        if how == "twice":
            return await keywords_in_a_thread(1, 2, b=3)  # type: ignore[misc]
        if how == "missing":
            return await mixed(1)  # type: ignore[call-arg]
        if how == "rest":
            return await mixed(1, 2, "x", c=3)  # type: ignore[arg-type]
        return await mixed(1, c=3, e="x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("by position", "too many positional arguments"),
        ("by name", "got an unexpected keyword argument 'a'"),
        ("twice", "multiple values for argument 'b'"),
        ("missing", "missing a required argument: 'c'"),
        ("rest", r"rest\[0\]: Input should be a valid integer"),
        ("more", "e: Input should be a valid number"),
    ],
)
def test_a_wrong_call_is_refused(program: Any, how: str, said: str) -> None:
    with pytest.raises(workflows.WorkflowFailedError, match=said):
        program([CallsWrongly], lambda running: running.run(CallsWrongly, how))


@workflow.define(name="keyword-only")
class KeywordOnly:
    def __init__(self) -> None:
        self.told: list[Any] = []

    @workflow.entrypoint
    async def execute(self, a: int, /, b: int = 2, *, c: int, d: dict[str, int] | None = None) -> list[Any]:
        if a:
            await workflow.wait_condition(lambda: len(self.told) == a)
        return [a, b, c, d, self.told]

    @workflow.signal
    async def named(self, *, x: int, y: dict[str, Any] = None) -> None:  # type: ignore[assignment]  # noqa: RUF013
        self.told.append([x, y])

    @workflow.signal
    def rest(self, *items: tuple[int, int]) -> None:
        self.told.append([list(item) if isinstance(item, tuple) else None for item in items])

    @workflow.signal
    def more(self, a: int, **more: int) -> None:
        self.told.append([a, more])

    @workflow.query
    def asked(self, a: int, /, *, b: int = 5) -> list[int]:
        return [a, b]

    @workflow.update
    async def changed(self, *, a: int, b: int = 5) -> list[int]:
        return [a, b]

    @changed.validator
    def check(self, *, a: int, b: int = 5) -> None:
        if a == b:
            raise ValueError("equal")


def test_every_form_of_an_entrypoint_and_its_handlers(program: Any) -> None:
    async def body(running: Any) -> None:
        assert await running.run(KeywordOnly, 0, 20, 30) == [0, 20, 30, None, []]
        assert await running.run(KeywordOnly, {"a": 0, "c": 3}) == [0, 2, 3, None, []]
        assert await running.run(KeywordOnly, 0, 20, 30, {"a": 1}) == [0, 20, 30, {"a": 1}, []]
        handle = await running.start(KeywordOnly, {"a": 5, "c": 3})
        await handle.signal("named", 1)
        await handle.signal(KeywordOnly.named, 1, {"x": 2})
        await handle.signal("rest", (1, 2), (3, 4))
        await handle.signal("more", 7)
        assert await handle.query("asked", 1) == [1, 5] and await handle.query(KeywordOnly.asked, 1, 2) == [1, 2]
        assert await handle.update("changed", 1) == [1, 5] and await handle.update("changed", 1, 2) == [1, 2]
        with pytest.raises(workflows.WorkflowError, match="equal"):
            await handle.update("changed", 5)
        await handle.signal("more", 8)
        assert (await handle.result())[4] == [[1, None], [1, {"x": 2}], [[1, 2], [3, 4]], [7, {}], [8, {}]]

    program([KeywordOnly], body)


@workflow.define(name="takes-a-dict")
class TakesADict:
    def __init__(self) -> None:
        self.told: list[Any] = []

    @workflow.entrypoint
    async def execute(self, data: dict[str, Any] | None = None) -> dict[str, Any] | None:
        return data

    @workflow.update
    async def tell(self, data: dict[str, Any] | None = None) -> dict[str, Any] | None:
        return data

    @workflow.update
    async def count(self, data: int | None = 5) -> int | None:
        return data


@pytest.mark.parametrize("value", [{"data": {"x": 1}}, {"data": 1}, {"x": {"data": {}}}, {}, None, {"data": {"data": {"data": 1}}}])
def test_a_dictionary_that_looks_like_arguments_arrives_as_it_is(program: Any, value: Any) -> None:
    async def body(running: Any) -> None:
        handle = await running.start(TakesADict, value)
        assert await handle.result() == value

    program([TakesADict], body)


@workflow.define(name="stays")
class Stays(TakesADict):
    @workflow.entrypoint
    async def execute(self) -> None:  # type: ignore[override]
        await workflow.sleep("1h")


def test_a_message_that_looks_like_arguments_arrives_as_it_is(program: Any) -> None:
    async def body(running: Any) -> None:
        handle = await running.start(Stays)
        for value in ({"data": {"x": 1}}, {"data": 1}, {}, None, {"data": {"data": {}}}):
            assert await handle.update("tell", value) == value
        assert await handle.update("count", None) is None
        assert await handle.update("count") == 5
        await handle.terminate()

    program([Stays], body)


class Page(pydantic.BaseModel):
    page: int
    total: float = 0.5


@dataclasses.dataclass
class PageClass:
    page: int


class TooMuch(Page):
    other: int = 1


@workflow.define(name="pages")
class Pages:
    @workflow.entrypoint
    async def run(self, page: int, total: float = 1.0) -> list[float]:
        if page < 3:
            workflow.continue_as_new(Page(page=page + 1, total=total))
        return [page, total]


@workflow.define(name="pages-parent")
class Parent:
    @workflow.entrypoint
    async def run(self) -> Any:
        first = await execute_workflow(Pages, params=Page(page=5, total=7))
        second = await execute_workflow(Pages, PageClass(page=6))
        return [first, second, await execute_workflow(Pages, {"page": 7})]


def test_a_model_that_carries_the_parameters_is_spread(program: Any) -> None:
    async def body(running: Any) -> None:
        assert await running.run(Pages, Page(page=1, total=2.5)) == [3, 2.5]
        assert await running.run(Pages, PageClass(page=9)) == [9, 1.0]
        assert await running.run(Parent) == [[5, 7.0], [6, 1.0], [7, 1.0]]
        with pytest.raises(workflows.WorkflowsException, match="wrong arguments.*TooMuch carries other"):
            await running.run(Pages, TooMuch(page=1))

    program([Pages, Parent], body)


def test_what_cannot_work_is_refused_where_it_is_defined() -> None:
    with pytest.raises(workflows.WorkflowsException, match=r"takes \*items.*name its parameters"):

        class Rest:
            @workflow.entrypoint
            async def execute(self, *items: int) -> None: ...

    with pytest.raises(workflows.WorkflowsException, match=r"takes \*\*more.*name its parameters"):

        class More:
            @workflow.entrypoint
            async def execute(self, **more: int) -> None: ...

    with pytest.raises(workflows.WorkflowsException, match="needed=Depends.*positional-only"):

        @activity()
        async def positional(needed: str = Depends(made), /) -> None: ...

    with pytest.raises(workflows.WorkflowsException, match=r"needed=Depends.*comes before \*args"):

        @activity()
        async def before(needed: str = Depends(made), *rest: int) -> None: ...
