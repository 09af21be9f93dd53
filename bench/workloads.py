"""What is measured. Each workload runs a number of operations and tells how long each took."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from worker import FanOut, Local, Receive, Regular, Timers

TASK_QUEUE = "bench"


#: Figures by their names.
Figures = dict[str, float]

#: Timers and activities that one workflow may have pending at once, on the real server too, with room to spare.
PENDING_MAX = 1000


@dataclass(frozen=True)
class Workload:
    """`run(client, operations)` does that many operations, and tells what else it saw."""

    name: str
    operation: str
    operations: int
    run: Callable[[Client, int], Awaitable[Figures | None]]
    #: Measured only when `--work` names it: it takes minutes.
    long: bool = False


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


def together(workflow: object) -> Callable[[Client, int], Awaitable[None]]:
    """As few workflows as may have that many operations pending, all at once."""

    async def run(client: Client, operations: int) -> None:
        full, rest = divmod(operations, PENDING_MAX)
        numbers = [PENDING_MAX] * full + [rest] * (rest > 0)
        await asyncio.gather(*(execute(client, workflow, number) for number in numbers))

    return run


async def long_history(client: Client, operations: int) -> Figures:
    """One workflow of many activities: what the last ones cost beside the first, by the times in its history."""
    handle = await client.start_workflow(
        Regular.run, operations, id=f"bench-{uuid.uuid4()}", task_queue=TASK_QUEUE, task_timeout=timedelta(minutes=2)
    )
    await handle.result()
    completed = [
        event.event_time.ToMilliseconds()
        async for event in handle.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
    ]
    span = max(1, min(200, len(completed) // 4))
    first = (completed[span] - completed[0]) / span
    last = (completed[-1] - completed[-1 - span]) / span
    return {"ms per activity at its begin": first, "ms per activity at its end": last}


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
    Workload("fan-out of activities", "activity", 1000, together(FanOut.run)),
    Workload("timers of 1 s", "timer", 10_000, together(Timers.run)),
    Workload("signals to one workflow", "signal", 500, signals),
    Workload("long history", "activity", 10_000, long_history, long=True),
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
