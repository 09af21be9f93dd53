"""An exception is code of the program: whatever it does when it is looked at, what raised it is answered."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest
from conftest import run_program
from ostro import workflows
from ostro._base import error_text
from ostro._values import failures
from ostro._values.converter import PAYLOAD_BYTES_MAX
from ostro.workflows import Depends, activity, run_activities_locally, workflow


class StrRaises(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class StrExits(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


class StrRecurses(Exception):
    def __str__(self) -> str:
        return str(self)


class StrIsNoText(Exception):
    def __str__(self) -> str:
        return 3  # type: ignore[return-value]  # noqa: PLE0307


class CauseRaises(Exception):
    @property
    def __cause__(self) -> BaseException:  # type: ignore[override]
        raise RuntimeError("no cause")


class TracebackRaises(Exception):
    @property
    def __traceback__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no traceback")


class FlagRaises(Exception):
    @property
    def non_retryable(self) -> bool:
        raise RuntimeError("no flag")


class Own(BaseException):
    pass


class Text(str):
    def __len__(self) -> int:
        raise RuntimeError("no length")


def surrogate() -> BaseException:
    return ValueError("half \ud800 a character")


def surrogate_name() -> BaseException:
    return type("Half\udfff", (Exception,), {})("named")


def cyclic() -> BaseException:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    return first


def own_cause() -> BaseException:
    error = ValueError("its own cause")
    error.__cause__ = error
    return error


def thousand_causes() -> BaseException:
    error: BaseException = ValueError("root")
    for number in range(1000):
        outer = ValueError(f"number {number}")
        outer.__cause__ = error
        error = outer
    return error


def enormous() -> BaseException:
    return ValueError("x" * 10_000_000)


def enormous_details() -> BaseException:
    return workflows.WorkflowError("large", "y" * 5_000_000, 1)


def details_that_do_not_travel() -> BaseException:
    return workflows.WorkflowError("details", object(), float("nan"), "\ud800", {1: lambda: None})


def odd_fields() -> BaseException:
    error = workflows.WorkflowError("odd")
    error.type, error.non_retryable, error.next_retry_delay = 5, "yes", float("nan")  # type: ignore[assignment]
    error.details, error.stack_trace, error.message = 7, 8, 9  # type: ignore[assignment]
    return error


def group() -> BaseException:
    return error_text._Group("several", [ValueError("one"), error_text._Group("inner", [KeyError("two")])])


def group_of_bases() -> BaseException:
    return error_text._Group("several", [Own("one"), StrRaises()])


def deep_traceback() -> BaseException:
    def dive(depth: int) -> None:
        if depth:
            dive(depth - 1)
        raise ValueError("deep")

    try:
        dive(500)
    except ValueError as error:
        return error
    raise AssertionError


def made(cls: Any, *args: Any) -> Callable[[], BaseException]:
    def make() -> BaseException:
        found: BaseException = cls(*args)
        return found

    make.__name__ = cls.__name__
    return make


ERRORS: list[Callable[[], BaseException]] = [
    *(made(cls) for cls in (StrRaises, StrExits, StrRecurses, StrIsNoText, CauseRaises, TracebackRaises, FlagRaises, Own)),
    made(SystemExit, 3),
    made(KeyboardInterrupt),
    made(GeneratorExit),
    made(StopIteration, 1),
    made(StopAsyncIteration),
    made(RecursionError, "deep"),
    made(MemoryError),
    made(UnicodeDecodeError, "utf-8", b"\xff", 0, 1, "bad"),
    made(ValueError, "nul \0 and \N{PILE OF POO}"),
    made(ValueError, Text("odd text")),
    made(ValueError),
    surrogate,
    surrogate_name,
    cyclic,
    own_cause,
    thousand_causes,
    enormous,
    enormous_details,
    details_that_do_not_travel,
    odd_fields,
    deep_traceback,
    *([group, group_of_bases] if sys.version_info >= (3, 11) else []),
]
NAMED = {
    one.__name__ + (f"-{i}" if [e.__name__ for e in ERRORS].count(one.__name__) > 1 else ""): one for i, one in enumerate(ERRORS)
}


def raise_it(name: str) -> None:
    raise NAMED[name]()


class Handler(logging.Handler):
    """Of a program whose log is broken too."""

    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError("the log is broken")


@activity(retry_policy_max_attempts=1)
async def raises_async(name: str) -> None:
    raise_it(name)


@activity(retry_policy_max_attempts=1)
def raises_in_a_thread(name: str) -> None:
    raise_it(name)


@activity(retry_policy_max_attempts=1, isolated=True)
async def raises_in_a_process(name: str) -> None:
    raise_it(name)


chosen = ""


async def dependency() -> str:
    raise_it(chosen)
    return ""


@activity(retry_policy_max_attempts=1, name="with_dependency", _skip_registering=True)
async def with_dependency(x: int = 0, needed: str = Depends(dependency)) -> None: ...


@activity(retry_policy_max_attempts=1)
async def nests(name: str) -> None:
    await raises_async(name)


@activity(retry_policy_max_attempts=1)
async def raises_in_a_group(name: str) -> None:
    await asyncio.gather(asyncio.sleep(0), raises_async(name))


@workflow.define(name="hostile-child")
class HostileChild:
    @workflow.entrypoint
    async def execute(self, name: str) -> None:
        raise_it(name)


PLACES = {
    "async": raises_async,
    "thread": raises_in_a_thread,
    "nested": nests,
    "group": raises_in_a_group,
}


@workflow.define(name="hostile")
class Hostile:
    def __init__(self) -> None:
        self.over = False

    @workflow.entrypoint
    async def execute(self, place: str, name: str) -> Any:
        if place in PLACES:
            return await PLACES[place](name)
        if place == "process":
            return await raises_in_a_process(name)
        if place == "local":
            with run_activities_locally():
                return await raises_async(name)
        if place == "child":
            return await workflows.execute_workflow(HostileChild, name)
        if place == "task":
            return await asyncio.gather(self.later(name))
        if place == "condition":
            return await workflow.wait_condition(lambda: raise_it(name))  # type: ignore[func-returns-value, arg-type]
        if place == "code":
            raise_it(name)
        await workflow.wait_condition(lambda: self.over)
        return None

    async def later(self, name: str) -> None:
        await asyncio.sleep(0)
        raise_it(name)

    @workflow.signal
    async def signalled(self, name: str) -> None:
        raise_it(name)

    @workflow.query
    def asked(self, name: str) -> str:
        raise_it(name)
        return ""

    @workflow.update
    async def updated(self, name: str) -> None:
        raise_it(name)

    @workflow.update
    async def validated(self, name: str) -> None: ...

    @validated.validator
    def check(self, name: str) -> None:
        raise_it(name)

    @workflow.signal
    async def finish(self) -> None:
        self.over = True


@workflow.define(name="hostile-start")
class HostileStart:
    def __init__(self) -> None:
        if chosen:
            raise_it(chosen)

    @workflow.entrypoint
    async def execute(self) -> None: ...


@pytest.fixture(autouse=True)
def broken_log() -> Any:
    """The program's log raises, too."""
    handler = Handler()
    loggers = [logging.getLogger(f"ostro.{name}") for name in ("activity", "workflow")]
    for logger in loggers:
        logger.addHandler(handler)
    yield
    for logger in loggers:
        logger.removeHandler(handler)


async def answered(what: Any) -> BaseException:
    """What a call raises, in time."""
    try:
        await asyncio.wait_for(what, 20)
    except asyncio.TimeoutError:
        raise AssertionError("it was never answered") from None
    except BaseException as error:
        return error
    raise AssertionError("it raised nothing")


@pytest.mark.parametrize("name", NAMED)
def test_a_failure_is_made_of_every_exception(name: str) -> None:
    try:
        raise_it(name)
    except BaseException as error:
        failure = failures.from_exception(error)
    size = depth = 0
    one: Any = failure
    while one is not None:
        _kind, message, stack, source, cause, info = one
        for text in (message, stack, source):
            size += len(text.encode())
        size += sum(len(part) for part in (info[2] if one[0] == 1 else []) if isinstance(part, bytes))
        one, depth = cause, depth + 1
    assert depth <= error_text.CAUSES_MAX and size < PAYLOAD_BYTES_MAX
    assert isinstance(failures.to_exception(failure), workflows.Failure if hasattr(workflows, "Failure") else Exception)


def test_the_root_of_a_long_chain_is_kept() -> None:
    error = failures.to_exception(failures.from_exception(thousand_causes()))
    texts = []
    one: BaseException | None = error
    while one is not None:
        texts.append(str(one))
        one = one.__cause__
    assert texts[0] == "number 999" and texts[-1] == "[981 causes left out] root"


@pytest.mark.parametrize("place", [*PLACES, "local", "child", "task", "condition", "code"])
def test_what_raises_it_is_answered(place: str) -> None:
    async def body(running: Any) -> None:
        # A task of the program's own loop that raises these ends the loop: that is what asyncio does.
        names = [name for name in NAMED if place != "group" or name not in ("SystemExit", "KeyboardInterrupt")]
        found = await asyncio.gather(*(answered(running.run(Hostile, place, name)) for name in names))
        for name, error in zip(names, found):
            assert isinstance(error, workflows.WorkflowFailedError), (name, repr(error))
            str(error).encode()

    run_program(":memory:", [Hostile, HostileChild], body)


def test_what_raises_in_a_process_of_its_own_is_answered() -> None:
    names = ["StrRaises", "Own", "surrogate", "cyclic", "enormous_details", "details_that_do_not_travel", "SystemExit"]

    async def body(running: Any) -> None:
        for name in names:
            error = await answered(running.run(Hostile, "process", name))
            assert isinstance(error, workflows.WorkflowFailedError), (name, repr(error))

    run_program(":memory:", [Hostile], body)


@pytest.mark.parametrize("handler", ["asked", "updated", "validated"])
def test_a_handler_that_raises_it_is_answered(handler: str) -> None:
    async def body(running: Any) -> None:
        handle = await running.start(Hostile, "wait", "")
        call = handle.query if handler == "asked" else handle.update
        for name in NAMED:
            error = await answered(call(handler, name))
            assert isinstance(error, (workflows.RpcError, workflows.Failure)), (name, repr(error))
        await handle.signal("finish")
        await asyncio.wait_for(handle.result(), 20)

    run_program(":memory:", [Hostile], body)


def test_a_signal_that_raises_it_ends_the_execution() -> None:
    async def body(running: Any) -> None:
        for name in NAMED:
            handle = await running.start(Hostile, "wait", "")
            await handle.signal("signalled", name)
            assert isinstance(await answered(handle.result()), workflows.WorkflowFailedError), name

    run_program(":memory:", [Hostile], body)


def test_an_object_that_cannot_be_made_ends_the_execution() -> None:
    async def body(running: Any) -> None:
        global chosen
        for chosen in NAMED:
            assert isinstance(await answered(running.run(HostileStart)), workflows.WorkflowFailedError), chosen
        chosen = ""

    run_program(":memory:", [HostileStart], body)


def test_a_dependency_that_raises_it_is_answered() -> None:
    global chosen

    for chosen in NAMED:
        if chosen in ("SystemExit", "KeyboardInterrupt"):
            continue  # outside a worker it ends the program, as it should
        with pytest.raises(BaseException):  # noqa: B017
            asyncio.run(with_dependency())
    chosen = ""


class Unreadable:
    """An input whose reading raises."""

    @classmethod
    def __get_pydantic_core_schema__(cls, *_args: Any) -> Any:
        from pydantic_core import core_schema

        def refuse(value: Any) -> Any:
            raise StrRaises()

        return core_schema.no_info_plain_validator_function(refuse)


@workflow.define(name="reads")
class Reads:
    def __init__(self) -> None:
        self.over = False

    @workflow.entrypoint
    async def execute(self) -> int:
        await workflow.wait_condition(lambda: self.over)
        return 1

    @workflow.signal
    async def told(self, value: Unreadable) -> None: ...

    @workflow.update
    async def changed(self, value: Unreadable) -> None: ...

    @workflow.query
    def asked(self, value: Unreadable) -> int:
        return 1

    @workflow.signal
    async def finish(self) -> None:
        self.over = True


def test_an_input_whose_reading_raises_is_answered() -> None:
    async def body(running: Any) -> None:
        handle = await running.start(Reads)
        by_name = running.client.get_handle(handle.id)
        await by_name.signal("told", 1)
        for call in (by_name.update("changed", 1), by_name.query("asked", 1)):
            assert isinstance(await answered(call), (workflows.RpcError, workflows.Failure))
        await handle.signal("finish")
        assert await asyncio.wait_for(handle.result(), 20) == 1

    run_program(":memory:", [Reads], body)
