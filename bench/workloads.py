"""What is measured. Each workload runs a number of operations and tells how long each took."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client
from worker import FanOut, Local, Receive, Regular, Timers

TASK_QUEUE = "bench"


#: Figures by their names.
Figures = dict[str, float]

#: Timers and activities that one workflow may have pending at once, on the real server too, with room to spare.
PENDING_MAX = 1000


@dataclass(frozen=True)
class Workload:
    """`run(client, operations)` does that many operations, and tells what else it saw. Its name is a row's."""

    name: str
    operations: int
    run: Callable[[Client, int], Awaitable[Figures | None]]
    seconds_max: float = 180


async def execute(client: Client, workflow: Callable[[Any, int], Awaitable[Any]], number: int) -> None:
    await client.execute_workflow(workflow, number, id=f"bench-{uuid.uuid4()}", task_queue=TASK_QUEUE)


async def regular(client: Client, operations: int) -> None:
    await execute(client, Regular.run, operations)


async def local(client: Client, operations: int) -> None:
    await execute(client, Local.run, operations)


def workflows(in_flight: int) -> Callable[[Client, int], Awaitable[None]]:
    async def run(client: Client, operations: int) -> None:
        gate = asyncio.Semaphore(in_flight)

        async def one() -> None:
            async with gate:
                await execute(client, Regular.run, 1)

        await asyncio.gather(*(one() for _ in range(operations)))

    return run


def together(workflow: Callable[[Any, int], Awaitable[Any]]) -> Callable[[Client, int], Awaitable[None]]:
    """As few workflows as may have that many operations pending, all at once."""

    async def run(client: Client, operations: int) -> None:
        full, rest = divmod(operations, PENDING_MAX)
        numbers = [PENDING_MAX] * full + [rest] * (rest > 0)
        await asyncio.gather(*(execute(client, workflow, number) for number in numbers))

    return run


async def signals(client: Client, operations: int) -> None:
    """16 signals under way at once, until the workflow has seen them all."""
    handle = await client.start_workflow(Receive.run, operations, id=f"bench-{uuid.uuid4()}", task_queue=TASK_QUEUE)
    gate = asyncio.Semaphore(16)

    async def one() -> None:
        async with gate:
            await handle.signal(Receive.one)

    await asyncio.gather(*(one() for _ in range(operations)))
    await handle.result()


WORKLOADS = [
    Workload("regular", 60, regular),
    Workload("local", 500, local),
    Workload("workflows-1", 20, workflows(1)),
    Workload("workflows-16", 160, workflows(16)),
    Workload("workflows-256", 768, workflows(256)),
    Workload("fan-out", 1000, together(FanOut.run)),
    Workload("timers", 10_000, together(Timers.run)),
    Workload("signals", 500, signals),
]


async def wait_until_worked(client: Client) -> None:
    """Until the server takes calls and the worker takes tasks; also the warm-up."""
    await asyncio.wait_for(asyncio.gather(*(execute(client, Regular.run, 2) for _ in range(8))), 60)


async def connect(address: str, seconds_max: float = 30.0) -> Client:
    began = time.monotonic()
    while True:
        try:
            return await Client.connect(address)
        except RuntimeError:
            if time.monotonic() - began > seconds_max:
                raise
            await asyncio.sleep(0.05)
