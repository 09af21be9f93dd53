"""Code that does not give the thread back: found, named, and nothing else stops for it."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest
from conftest import wait_until
from ostro import workflows
from ostro.workflows import activity, workflow

_go_on = False


@workflow.define(name="endless")
class Endless:
    @workflow.entrypoint
    async def execute(self) -> str:
        await asyncio.sleep(0)
        count = 0
        while not _go_on:
            count += 1
        return "out"


@workflow.define(name="swallows")
class Swallows:
    @workflow.entrypoint
    async def execute(self) -> str:
        while not _go_on:
            try:
                self.spin()
            except BaseException:
                return "swallowed"
        return "out"

    def spin(self) -> None:
        while not _go_on:
            pass


@workflow.define(name="quick")
class Quick:
    @workflow.entrypoint
    async def execute(self, number: int) -> int:
        await asyncio.sleep(0.01)
        return number


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflows.config.worker, "deadlock_timeout", 1.0)
    monkeypatch.setattr("test_deadlock._go_on", False)


@pytest.mark.parametrize("cls", [Endless, Swallows])
def test_a_workflow_that_does_not_yield_is_interrupted_and_others_go_on(
    program: Any, cls: type, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(running: Any) -> None:
        global _go_on
        stuck = await running.start(cls)
        await wait_until(lambda: _logged(caplog, "has not yielded"), 30)
        assert await running.run(Quick, 5) == 5
        said = next(record.getMessage() for record in caplog.records if "has not yielded" in record.getMessage())
        assert stuck.id in said
        assert "test_deadlock.py:" in said
        assert "while not _go_on" in said
        history = await stuck.history()
        failed = [event for event in history["events"] if event["eventType"].endswith("WORKFLOW_TASK_FAILED")]
        assert "Potential deadlock detected" in failed[0]["workflowTaskFailedEventAttributes"]["failure"]["message"]
        assert (await stuck.describe()).status == "RUNNING"
        _go_on = True
        assert await asyncio.wait_for(stuck.result(), 60) == "out"

    with caplog.at_level(logging.ERROR, "ostro"):
        program([cls, Quick], body)


def test_a_worker_with_a_workflow_that_does_not_yield_stops(program: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def body(running: Any) -> None:
        await running.start(Endless)
        await wait_until(lambda: _logged(caplog, "has not yielded"), 30)

    began = time.monotonic()
    program([Endless], body)
    assert time.monotonic() - began < 40


@activity()
async def blocks() -> int:
    time.sleep(2.0)  # noqa: ASYNC251
    return 1


@activity()
def sleeps_in_a_thread() -> int:
    time.sleep(1.6)
    return 2


@workflow.define(name="blocking")
class Blocking:
    @workflow.entrypoint
    async def execute(self) -> list[int]:
        return [await blocks(), await blocks(), await sleeps_in_a_thread()]


def test_a_blocking_call_in_an_async_activity_is_named_once_with_its_line(program: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def body(running: Any) -> Any:
        return await running.run(Blocking)

    assert program([Blocking], body) == [1, 1, 2]
    said = [record.getMessage() for record in caplog.records if "has held the event loop" in record.getMessage()]
    assert len(said) == 1
    assert "activity blocks" in said[0]
    line = blocks.__wrapped__.__code__.co_firstlineno + 2  # type: ignore[attr-defined]
    assert f"test_deadlock.py:{line}:" in said[0]


async def _logged(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return any(text in record.getMessage() for record in caplog.records)
