"""What tests of programs stand on: mocks, a clock, one activity by itself, replays of many histories, the plugin."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ostro import workflows
from ostro.workflows import activity, testing, workflow


@activity(retry_policy_max_attempts=1)
async def price(item: str, count: int = 1) -> int:
    raise RuntimeError("the shop is closed")


@workflow.define(name="testing-order")
class Order:
    def __init__(self) -> None:
        self.reminders = 0
        self.paid = False

    @workflow.entrypoint
    async def execute(self, item: str) -> int:
        cost = await price(item, count=2)
        tax = await activity.named("tax", int)(cost)
        while not self.paid:
            try:
                await workflow.wait_condition(lambda: self.paid, timeout="7d")
            except asyncio.TimeoutError:
                self.reminders += 1
        return cost + tax

    @workflow.query
    def reminded(self) -> int:
        return self.reminders

    @workflow.signal
    def pay(self) -> None:
        self.paid = True


def test_mocks_by_function_and_by_name_and_the_clock() -> None:
    async def main() -> None:
        async with testing.environment(time_skipping=True) as env:
            prices = env.mock(price, lambda item, count: count * 5)
            taxes = env.mock("tax", 1)
            async with testing.create_test_worker(env, [Order]):
                began = await env.now()
                handle = await env.start(Order, "book")
                await env.sleep("15d")
                assert await env.now() - began >= timedelta(days=15)
                assert await handle.query(Order.reminded) == 2
                await env.skip_to(began + timedelta(days=29))
                assert await handle.query(Order.reminded) == 4
                await handle.signal(Order.pay)
                assert await asyncio.wait_for(handle.result(), 30) == 11
            assert prices.calls == [("book", 2)]
            assert taxes.calls == [(10,)]
            with pytest.raises(ValueError, match="time zone"):
                await env.skip_to(datetime(2030, 1, 1))
            with pytest.raises(ValueError, match="ago"):
                await env.skip_to(datetime(2000, 1, 1, tzinfo=timezone.utc))

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 60


def test_a_mock_raises_and_its_result_is_checked() -> None:
    async def main() -> None:
        async with testing.environment() as env:
            env.mock(price, workflows.WorkflowError("sold out", type="SoldOut"))
            async with testing.create_test_worker(env, [Order]):
                with pytest.raises(workflows.WorkflowFailedError, match="SoldOut: sold out"):
                    await env.execute(Order, "book")
                env.mock("price", "many")
                with pytest.raises(workflows.WorkflowFailedError, match="what its annotation does not allow"):
                    await env.execute(Order, "book")

    asyncio.run(main())


@activity()
async def counts(to: int) -> int:
    for number in range(activity.last_heartbeat(int) or 0, to):
        activity.heartbeat(number)
        await asyncio.sleep(0)
    return activity.info().attempt


@activity()
def waits() -> str:
    while True:
        activity.heartbeat("on")
        time.sleep(0.01)


@activity()
async def tidies() -> str:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        return f"tidied {activity.is_cancelled()}"
    return "slept"


def test_an_activity_by_itself() -> None:
    async def main() -> None:
        env = testing.ActivityEnvironment(attempt=3, last_heartbeat=[2])
        assert await env.run(counts, 5) == 3
        assert env.heartbeats == [(2,), (3,), (4,)]
        env = testing.ActivityEnvironment()
        asyncio.get_running_loop().call_later(0.1, env.cancel)
        assert await env.run(tidies) == "tidied True"
        asyncio.get_running_loop().call_later(0.1, env.cancel)
        with pytest.raises(asyncio.CancelledError):
            await env.run(waits)
        with pytest.raises(workflows.WorkflowsException, match="wrong arguments"):
            await env.run(counts, "many")

    asyncio.run(main())


def _history(tmp_path: Path) -> dict[str, Any]:
    async def main() -> dict[str, Any]:
        async with testing.environment() as env:
            env.mock(price, 4)
            env.mock("tax", 1)
            async with testing.create_test_worker(env, [Order]):
                handle = await env.start(Order, "book", id="recorded")
                await handle.signal(Order.pay)
                await handle.result()
                found = await testing.replay_executions([Order], env, 'WorkflowId = "recorded"')
                assert [(one.name, one.error) for one in found] == [("recorded", None)]
            return await handle.history()

    return asyncio.run(main())


def test_all_histories_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no histories"):
        testing.replay_folder([Order], tmp_path)
    history = _history(tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.json").write_text(json.dumps(history))
    for event in history["events"]:
        if event["eventType"].endswith("ACTIVITY_TASK_SCHEDULED"):
            event["activityTaskScheduledEventAttributes"]["activityType"]["name"] = "another"
            break
    (tmp_path / "b.json").write_text(json.dumps(history))
    good, bad = sorted(testing.replay_folder([Order], tmp_path), key=lambda one: one.error is not None)
    assert good.name.endswith("a.json")
    assert bad.name.endswith("b.json")
    assert isinstance(bad.error, testing.NonDeterminismError)


PLUGIN_TEST = """
import asyncio
from ostro.workflows import activity, workflow

@activity()
async def price(item: str) -> int:
    return 1

@workflow.define(name="w")
class W:
    @workflow.entrypoint
    async def execute(self, item: str) -> int:
        await workflow.sleep("30d")
        return await price(item)

async def body(env):
    mock = env.mock("price", 7)
    async with env.worker([W]):
        assert await env.execute(W, "book") == 7
    assert mock.calls == [("book",)]

def test_in_a_loop_of_its_own(ostro_env):
    asyncio.run(body(ostro_env))
"""
ASYNC_TEST = """
import pytest
@pytest.mark.asyncio
async def test_under_pytest_asyncio(ostro_env):
    await body(ostro_env)
"""


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_plugin(tmp_path: Path, asynchronous: bool) -> None:
    if asynchronous:
        pytest.importorskip("pytest_asyncio")
    (tmp_path / "test_w.py").write_text(PLUGIN_TEST + (ASYNC_TEST if asynchronous else ""))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "ostro.pytest_plugin", "test_w.py"]
    if asynchronous:
        command += ["-p", "pytest_asyncio"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{2 if asynchronous else 1} passed" in done.stdout
