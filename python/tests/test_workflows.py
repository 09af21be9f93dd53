"""Workflow code is ordinary asyncio on a deterministic loop; messages, children, runs that continue."""

from __future__ import annotations

import asyncio
import contextvars
import datetime
import multiprocessing
import pathlib
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable
from time import time as time_by_name
from typing import Any

import own_module
import pytest
from ostro import workflows
from ostro.workflows import activity, execute_workflow, workflow

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="outside")


@activity()
async def echo(value: Any) -> Any:
    return value


@activity()
async def slow(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "slow"


@activity(heartbeat_timeout="1s")
async def beats_until_cancelled() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.05)


@workflow.define(name="asyncio-shapes")
class Shapes:
    @workflow.entrypoint
    async def execute(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        found["gather"] = await asyncio.gather(*(echo(i) for i in range(4)))
        try:
            await asyncio.wait_for(slow(20), 0.05)
        except asyncio.TimeoutError:
            found["wait_for"] = True
        found["as_completed"] = sorted([await one for one in asyncio.as_completed([echo(1), echo(2), echo(3)])])
        done, pending = await asyncio.wait([asyncio.create_task(echo(i)) for i in range(3)])
        found["wait"] = sorted(task.result() for task in done)
        assert not pending
        queue: asyncio.Queue[int] = asyncio.Queue(maxsize=1)
        event, lock, order = asyncio.Event(), asyncio.Lock(), []

        async def produce() -> None:
            for i in range(3):
                await queue.put(i)
            event.set()

        async def guarded(name: str) -> None:
            async with lock:
                order.append(name)
                await asyncio.sleep(0.001)
                order.append(name)

        producer = asyncio.ensure_future(produce())
        found["queue"] = [await queue.get() for _ in range(3)]
        await event.wait()
        await producer
        await asyncio.gather(guarded("a"), guarded("b"))
        found["lock"] = order
        if hasattr(asyncio, "TaskGroup"):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(echo(i)) for i in range(3)]
            found["group"] = [task.result() for task in tasks]
        VARIABLE.set("inside")
        found["variable"] = await asyncio.create_task(_variable())
        before = workflow.now()
        await workflow.sleep("20ms", summary="a nap")
        found["slept"] = workflow.now() > before
        found["uuid"] = str(workflow.uuid4())
        found["random"] = workflow.random().random()
        return found


async def _variable() -> str:
    await asyncio.sleep(0)
    return VARIABLE.get()


@workflow.define(name="counter")
class Counter:
    def __init__(self) -> None:
        self.value = 0
        self.closed = False

    @workflow.entrypoint
    async def execute(self, goal: int) -> int:
        await workflow.wait_condition(lambda: self.value >= goal or self.closed)
        return self.value

    @workflow.signal
    def add(self, amount: int) -> None:
        self.value += amount

    @workflow.signal(name="close-it")
    async def close(self) -> None:
        await echo(None)
        self.closed = True

    @workflow.query
    def current(self) -> int:
        return self.value

    @workflow.query
    def misbehaves(self) -> int:
        asyncio.ensure_future(echo(1))
        workflow.upsert_memo({"a": 1})
        return 1

    @workflow.update
    async def add_and_get(self, amount: int) -> int:
        self.value += await echo(amount)
        return self.value

    @add_and_get.validator
    def check(self, amount: int) -> None:
        if amount < 0:
            raise ValueError("amount must not be negative")


@workflow.define(name="parent")
class Parent:
    @workflow.entrypoint
    async def execute(self, how: str) -> Any:
        if how == "result":
            return await execute_workflow(Child, {"n": 20})
        if how == "handle":
            handle = await execute_workflow(Child, 3, wait=False, execution_id=f"{workflow.info().workflow_id}-child")
            return [handle.id, await handle]
        if how == "signal":
            handle = await execute_workflow(Counter, 5, wait=False)
            await handle.signal("add", 5)
            return await handle
        try:
            await execute_workflow(Child, -1)
        except workflows.ChildWorkflowError as error:
            return str(error)
        return None


@workflow.define(name="child", execution_timeout="10m")
class Child:
    @workflow.entrypoint
    async def execute(self, n: int) -> int:
        if n < 0:
            raise workflows.WorkflowError("negative", type="Negative")
        echoed: int = await echo(n)
        return echoed + 1


@workflow.define(name="continues")
class Continues:
    @workflow.entrypoint
    async def execute(self, left: int, done: int = 0) -> int:
        await echo(left)
        if left > 1:
            workflow.continue_as_new({"left": left - 1, "done": done + 1})
        return done + 1


@workflow.define(name="cancellable")
class Cancellable:
    @workflow.entrypoint
    async def execute(self, catch: bool) -> str:
        try:
            await beats_until_cancelled()
        except asyncio.CancelledError:
            if not catch:
                raise
            return f"cleaned up: {await echo(workflow.cancellation_reason())}"
        return "?"


REFUSED: dict[str, Callable[[], Any]] = {
    "time.time": lambda: time.time(),
    "time": lambda: time_by_name(),
    "datetime.now": lambda: datetime.datetime.now(),
    "date.today": lambda: datetime.date.today(),
    "random.random": lambda: random.random(),
    "random.choice": lambda: random.choice([1]),
    "uuid.uuid4": lambda: uuid.uuid4(),
    "time.sleep": lambda: time.sleep(0),
    "socket.socket": lambda: socket.socket(),
    "threading.Thread.start": lambda: threading.Thread(target=print).start(),
    "open": lambda: open("/dev/null"),
    "Path.read_text": lambda: pathlib.Path("/dev/null").read_text(),
    "random.Random": lambda: random.Random(),
    "multiprocessing.Process.start": lambda: multiprocessing.Process(target=print).start(),
    "monotonic": lambda: own_module.elapsed(),
    "run_in_executor": lambda: asyncio.get_running_loop().run_in_executor(None, print),
}


@workflow.define(name="refused")
class Refused:
    @workflow.entrypoint
    async def execute(self, what: str, skip: bool = False) -> str:
        if skip:
            with workflow.unsafe.skip_determinism_enforcement():
                REFUSED[what]()
            return "skipped"
        REFUSED[what]()
        return "went through"


@workflow.define(name="fixed-later", retry_until_fixed=True)
class FixedLater:
    broken = True

    @workflow.entrypoint
    async def execute(self) -> str:
        if FixedLater.broken:
            FixedLater.broken = False
            raise ValueError("not yet")
        return "fixed"


def test_asyncio_is_all_there(program: Any) -> None:
    found = program([Shapes], lambda running: running.run(Shapes))
    assert found.pop("uuid") and 0 <= found.pop("random") < 1
    found.pop("group", None)
    assert found == {
        "gather": [0, 1, 2, 3],
        "wait_for": True,
        "as_completed": [1, 2, 3],
        "wait": [0, 1, 2],
        "queue": [0, 1, 2],
        "lock": ["a", "a", "b", "b"],
        "variable": "inside",
        "slept": True,
    }


def test_signals_queries_updates(program: Any, engine: str) -> None:
    async def body(running: Any) -> None:
        handle = await running.start(Counter, 10)
        await handle.signal(Counter.add, 3)
        assert await handle.query(Counter.current) == 3
        assert await handle.update("add_and_get", 4) == 7
        with pytest.raises(workflows.WorkflowError, match="must not be negative"):
            await handle.update(Counter.add_and_get, -1)
        with pytest.raises(workflows.WorkflowsException, match="amount: Input should be a valid integer"):
            await handle.signal(Counter.add, "many")
        with pytest.raises(workflows.RpcError, match='no query "nothing"'):
            await handle.query("nothing")
        with pytest.raises(workflows.RpcError, match="queries and validators look"):
            await handle.query(Counter.misbehaves)
        await handle.signal("close-it")
        assert await handle.result() == 7

    program([Counter], body, engine)


def test_bad_messages_wedge_nothing(program: Any) -> None:
    async def body(running: Any) -> None:
        handle = await running.start(Counter, 10)
        untyped = running.client.get_handle(handle.id)
        await untyped.signal("add", "many")
        await untyped.signal("add", 1, 2, 3)
        await untyped.signal("unknown", 1)
        with pytest.raises(workflows.WorkflowError, match="amount"):
            await untyped.update("add_and_get", {"amount": "many"})
        with pytest.raises(workflows.WorkflowError, match='no update "unknown"'):
            await untyped.update("unknown")
        await untyped.signal("add", 10)
        assert await asyncio.wait_for(handle.result(), 20) == 10
        bad = await running.client.start("counter", {"goal": "far"})
        with pytest.raises(workflows.WorkflowFailedError, match="goal: Input should be a valid integer"):
            await asyncio.wait_for(bad.result(), 20)

    program([Counter], body)


@pytest.mark.parametrize(("how", "expected"), [("result", 21), ("signal", 5)])
def test_child_workflows(program: Any, how: str, expected: Any) -> None:
    assert program([Parent, Child, Counter], lambda running: running.run(Parent, how)) == expected


def test_a_child_by_its_handle_and_one_that_fails(program: Any) -> None:
    async def body(running: Any) -> None:
        name, result = await running.run(Parent, "handle", id="the-parent")
        assert (name, result) == ("the-parent-child", 4)
        failure = await running.run(Parent, "failure")
        assert 'child workflow "child"' in failure and "negative" in failure

    program([Parent, Child], body)


def test_a_run_continues_as_new(program: Any) -> None:
    assert program([Continues], lambda running: running.run(Continues, 3)) == 3


@pytest.mark.parametrize("catch", [False, True])
def test_cancellation_reaches_workflow_and_activity(program: Any, catch: bool) -> None:
    async def body(running: Any) -> Any:
        handle = await running.start(Cancellable, catch)
        while not (await handle.describe()).pending_activities:
            await asyncio.sleep(0.02)
        await handle.cancel("enough")
        return await asyncio.wait_for(handle.result(), 30)

    if catch:
        assert program([Cancellable], body) == "cleaned up: enough"
    else:
        with pytest.raises(workflows.WorkflowFailedError) as caught:
            program([Cancellable], body)
        assert isinstance(caught.value.cause, workflows.CanceledFailure)


def test_what_breaks_determinism_is_refused_by_name(program: Any) -> None:
    async def body(running: Any) -> None:
        for what in REFUSED:
            with pytest.raises(workflows.WorkflowFailedError) as caught:
                await running.run(Refused, what)
            assert f"{what}" in str(caught.value), what
            assert "instead" in str(caught.value) or "in an activity" in str(caught.value)
        for what in ("time.time", "random.random", "datetime.now"):
            assert await running.run(Refused, what, True) == "skipped"

    program([Refused], body)
    # Outside workflow code they are what they were.
    assert time.time() > 1e9 and datetime.datetime.now().year >= 2024 and 0 <= random.random() < 1
    assert datetime.datetime.now(datetime.timezone.utc).tzinfo is datetime.timezone.utc


def test_retry_until_fixed_is_there_for_who_asks(program: Any) -> None:
    FixedLater.broken = True
    assert program([FixedLater], lambda running: running.run(FixedLater)) == "fixed"


def test_executions_leave_memory_and_come_back(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflows.config.worker, "max_cached_workflows", 1)

    async def body(running: Any) -> list[int]:
        handles = [await running.start(Counter, 2) for _ in range(5)]
        for _ in range(2):
            for handle in handles:
                await handle.update(Counter.add_and_get, 1)
        return [await handle.result() for handle in handles]

    assert program([Counter], body) == [2] * 5


def test_a_workflow_outside_a_worker_runs_directly() -> None:
    assert asyncio.run(execute_workflow(Child, 5)) == 6


@pytest.mark.parametrize("name", ["", "a b", "x" * 129, "a/b"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(workflows.WorkflowsException, match="use 1 to 128"):

        @workflow.define(name=name)
        class _Bad:
            @workflow.entrypoint
            async def execute(self) -> None: ...
