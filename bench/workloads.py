"""What is measured. Each workload runs a number of operations and tells how long each took."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio.client import Client
from worker import Local, Receive, Regular

TASK_QUEUE = "bench"


@dataclass(frozen=True)
class Workload:
    """`run(client, operations)` does that many operations."""

    name: str
    operation: str
    operations: int
    run: Callable[[Client, int], Awaitable[None]]


async def execute(client: Client, workflow: object, number: int) -> None:
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
    Workload("sequential regular activities", "activity", 60, regular),
    Workload("sequential local activities", "activity", 500, local),
    Workload("1-activity workflows, 1 in flight", "workflow", 20, workflows(1)),
    Workload("1-activity workflows, 16 in flight", "workflow", 160, workflows(16)),
    Workload("1-activity workflows, 256 in flight", "workflow", 512, workflows(256)),
    Workload("signals to one workflow", "signal", 500, signals),
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
