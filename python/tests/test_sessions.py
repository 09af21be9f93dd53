"""Sticky sessions: one worker for a scope, and another when that one dies."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import wait_until
from ostro import workflows
from ostro.workflows import activity, get_sticky_worker_session, run_activities_locally, run_sticky_worker_session, workflow
from session_program import Longer, Steps

PROGRAM = Path(__file__).parent / "session_program.py"


@activity(sticky_to_worker=True)
async def sticky(x: int) -> int:
    return x


@activity()
async def main_queue() -> str:
    return activity.info().task_queue


@activity(sticky_to_worker=True)
async def own_queue() -> str:
    return activity.info().task_queue


@workflow.define(name="without-session")
class WithoutSession:
    @workflow.entrypoint
    async def execute(self, local: bool) -> int:
        if local:
            with run_activities_locally():
                return await sticky(1)
        return await sticky(1)


@workflow.define(name="queues")
class Queues:
    @workflow.entrypoint
    async def execute(self) -> list[str]:
        session = await get_sticky_worker_session()
        async with run_sticky_worker_session(session):
            found = [await own_queue(), await main_queue()]
            async with run_sticky_worker_session():
                found.append(await own_queue())
        async with run_sticky_worker_session(session):
            found.append(await own_queue())
        return found


def test_a_sticky_activity_without_a_session_fails_at_once(program: Any) -> None:
    with pytest.raises(workflows.WorkflowFailedError, match="no session is open"):
        program([WithoutSession], lambda running: running.run(WithoutSession, False))


def test_locally_it_needs_no_session(program: Any) -> None:
    assert program([WithoutSession], lambda running: running.run(WithoutSession, True)) == 1


def test_sticky_activities_run_on_the_workers_own_queue(program: Any) -> None:
    first, main, inner, again = program([Queues], lambda running: running.run(Queues))
    assert first == inner == again and "::worker::" in first and "::" not in main


def start_worker(address: str, queue: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OSTRO_ADDRESS": address, "TEMPORAL_TASK_QUEUE": queue, "GRACEFUL_SHUTDOWN_TIMEOUT": "30"}
    return subprocess.Popen([sys.executable, str(PROGRAM)], env=environment)


async def kill_in_session(address: str, workflow_class: Any, gate: Path) -> None:
    """Two workers, a session on one of them, and that one killed."""
    queue = f"kill-{workflow_class.__name__}-{os.getpid()}-{time.monotonic_ns()}"
    workers = [start_worker(address, queue) for _ in range(2)]
    by_pid = {worker.pid: worker for worker in workers}
    try:
        async with await workflows.Client.connect(address, task_queue=queue) as client:
            handle = await client.start(workflow_class, str(gate))
            killed = await wait_until(lambda: handle.query("worker"), 60)
            os.kill(killed, signal.SIGKILL)
            by_pid[killed].wait()
            gate.touch()
            before, after = await asyncio.wait_for(handle.result(), 60)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert {pid for pid, _cold in before} == {killed} and not any(cold for _pid, cold in before)
    survivors = {pid for pid, _cold in after}
    assert len(survivors) == 1 and survivors == set(by_pid) - {killed}
    # The first call on the other worker is told; the ones after it find what it left.
    assert [cold for _pid, cold in after] == [True, False, False][: len(after)]


def test_a_session_moves_when_its_worker_is_killed(ostro_server: str, temporal_server: str, tmp_path: Path) -> None:
    async def body() -> None:
        cases = [(address, one) for address in (ostro_server, temporal_server) for one in (Steps, Longer)]
        runs = (kill_in_session(address, one, tmp_path / str(number)) for number, (address, one) in enumerate(cases))
        await asyncio.gather(*runs)

    asyncio.run(body())


def test_sigterm_lets_a_worker_finish_what_it_runs(ostro_server: str, tmp_path: Path) -> None:
    queue = f"term-{os.getpid()}-{time.monotonic_ns()}"
    worker = start_worker(ostro_server, queue)
    gate = tmp_path / "gate"

    async def body() -> Any:
        async with await workflows.Client.connect(ostro_server, task_queue=queue) as client:
            handle = await client.start(Longer, str(gate))
            await wait_until(lambda: handle.query("worker"), 60)
            while len((await handle.describe()).pending_activities) < 2:  # the lease and the call that waits for the gate
                await asyncio.sleep(0.02)
            worker.terminate()
            await asyncio.sleep(0.2)
            gate.touch()
            assert await asyncio.to_thread(worker.wait, 30) == 0
            # What it ran when it was told to stop is done: nothing of it is pending.
            pending = [one.activity for one in (await handle.describe()).pending_activities]
            await handle.terminate()
            return pending

    try:
        assert "who_after" not in asyncio.run(body())
    finally:
        worker.kill()
        worker.wait()
