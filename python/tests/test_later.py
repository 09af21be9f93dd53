"""Activities that are completed from outside."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import run_program, wait_until
from ostro import workflows
from ostro.workflows import activity, run_activities_locally, workflow

tokens: dict[str, bytes] = {}


@activity(retry_policy_initial_interval="10ms")
async def approval(name: str) -> str:
    tokens[f"{name}-{activity.info().attempt}"] = activity.info().task_token
    activity.complete_later()


@activity(retry_policy_max_attempts=1)
def approval_in_a_thread(name: str) -> str:
    tokens[name] = activity.info().task_token
    activity.complete_later()


@workflow.define(name="asks")
class Asks:
    @workflow.entrypoint
    async def execute(self, name: str, how: str = "") -> str:
        if how == "thread":
            return await approval_in_a_thread(name)
        if how == "local":
            with run_activities_locally():
                return await approval(name)
        return await approval(name)


async def token(key: str) -> bytes:
    while key not in tokens:
        await asyncio.sleep(0.01)
    return tokens[key]


def test_who_has_the_token_or_the_ids_completes_it(engine: str) -> None:
    async def body(running: Any) -> list[Any]:
        name = f"{os.getpid()}-{time.monotonic_ns()}"
        client = running.client
        by_token = await running.start(Asks, f"{name}-a")
        await client.activity(await token(f"{name}-a-1")).complete("by token")
        by_ids = await running.start(Asks, f"{name}-b", id=f"{name}-b")
        await token(f"{name}-b-1")
        await client.activity(workflow_id=f"{name}-b", activity_id="1").heartbeat("still thinking")
        await client.activity(workflow_id=f"{name}-b", activity_id="1").complete("by ids")
        again = await running.start(Asks, f"{name}-c")
        await client.activity(await token(f"{name}-c-1")).fail(ValueError("not today"))
        await client.activity(await token(f"{name}-c-2")).complete("the second time")
        with pytest.raises(workflows.NotFoundError):
            await client.activity(tokens[f"{name}-c-1"]).complete("too late")
        refused = await running.start(Asks, f"{name}-d", "thread")
        await client.activity(await token(f"{name}-d")).fail(workflows.WorkflowError("never", type="Refused"))
        with pytest.raises(workflows.WorkflowFailedError, match="Refused: never"):
            await asyncio.wait_for(refused.result(), 30)
        return [await asyncio.wait_for(one.result(), 30) for one in (by_token, by_ids, again)]

    assert run_program(engine, [Asks], body) == ["by token", "by ids", "the second time"]


def test_a_local_activity_cannot_be_completed_later(program: Any) -> None:
    with pytest.raises(workflows.WorkflowFailedError, match="runs locally"):
        program([Asks], lambda running: running.run(Asks, "x", "local"))


def test_outside_a_worker_it_says_so() -> None:
    with pytest.raises(workflows.NotInTemporalContextError, match="no worker runs it"):
        asyncio.run(approval("x"))


PROGRAM = """
import asyncio, base64, gc
from pathlib import Path
from ostro._worker.activity_runner import ActivityRunner
import ostro.workflows as workflows

@workflows.activity()
async def approval() -> str:
    token = base64.b64encode(workflows.activity.info().task_token).decode()
    Path("token").write_text(f"{workflows.activity.info().attempt} {token}")
    workflows.activity.complete_later()

@workflows.workflow.define(name="asks")
class Asks:
    @workflows.workflow.entrypoint
    async def execute(self) -> str:
        return await approval()

async def main() -> None:
    running = asyncio.ensure_future(workflows.run_async(Asks, id="asks"))
    while not running.done() and (not Path("token").exists() or any(
        one._running for one in gc.get_objects() if isinstance(one, ActivityRunner)
    )):
        await asyncio.sleep(0.02)
    Path("handed-over").touch()
    print(await running)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_it_is_not_lost_with_the_process_that_asked(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    environment = {**os.environ, "OSTRO_ADDRESS": "engine.db"}
    asked = subprocess.Popen([sys.executable, str(file)], cwd=tmp_path, env=environment)
    while not (tmp_path / "handed-over").exists():
        assert asked.poll() is None
        time.sleep(0.02)
    asked.kill()
    asked.wait()
    attempt, text = (tmp_path / "token").read_text().split()
    assert attempt == "1"

    async def complete() -> str:
        async with await workflows.Client.connect(str(tmp_path / "engine.db")) as client:
            # Looking for lost attempts comes first: an attempt that was taken for lost would be gone.
            handle = client.get_handle("asks")
            await wait_until(handle.describe, 10)
            await client.activity(base64.b64decode(text)).complete("approved")
            return (await handle.describe()).status

    assert asyncio.run(complete()) == "RUNNING"
    done = subprocess.run([sys.executable, str(file)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "approved\n", done.stderr
