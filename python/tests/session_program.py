"""A worker whose sessions are put to the test: run as a program, killed by the test."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from ostro import workflows
from ostro.workflows import activity, run_sticky_worker_session, workflow


@activity(sticky_to_worker=True)
async def who() -> tuple[int, bool]:
    return os.getpid(), activity.info().cold_start


@activity(sticky_to_worker=True, start_to_close_timeout="10m")
async def who_after(gate: str) -> tuple[int, bool]:
    """Waits for the gate: it runs when its worker is killed."""
    while not Path(gate).exists():
        await asyncio.sleep(0.05)
    return os.getpid(), activity.info().cold_start


class Base:
    def __init__(self) -> None:
        self.pid: int | None = None

    @workflow.query
    def worker(self) -> int:
        if self.pid is None:
            raise RuntimeError("not yet")
        return self.pid


@workflow.define(name="steps")
class Steps(Base):
    """The worker dies between two sticky calls."""

    @workflow.entrypoint
    async def execute(self, gate: str) -> list[list[tuple[int, bool]]]:
        async with run_sticky_worker_session():
            before = [await who(), await who()]
            self.pid = before[0][0]
            await workflow.sleep(2)
            after = [await who(), await who(), await who()]
        return [before, after]


@workflow.define(name="longer")
class Longer(Base):
    """The worker dies while it runs a sticky call."""

    @workflow.entrypoint
    async def execute(self, gate: str) -> list[list[tuple[int, bool]]]:
        async with run_sticky_worker_session():
            before = [await who()]
            self.pid = before[0][0]
            after = [await who_after(gate), await who()]
        return [before, after]


if __name__ == "__main__":
    asyncio.run(workflows.run_worker([Steps, Longer]))
