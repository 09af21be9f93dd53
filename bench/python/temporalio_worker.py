"""The work of `run.py` with Temporal's Python SDK: python temporalio_worker.py ADDRESS NUMBERS [unsandboxed]"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from timing import timed

LIMIT = timedelta(minutes=5)


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@workflow.defn
class Regular:
    @workflow.run
    async def run(self, number: int) -> int:
        return sum([await workflow.execute_activity(double, i, start_to_close_timeout=LIMIT) for i in range(number)])


@workflow.defn
class Local:
    @workflow.run
    async def run(self, number: int) -> int:
        return sum([await workflow.execute_local_activity(double, i, start_to_close_timeout=LIMIT) for i in range(number)])


@workflow.defn
class Empty:
    @workflow.run
    async def run(self) -> int:
        return 1


async def main() -> None:
    address, numbers = sys.argv[1], json.loads(sys.argv[2])
    found: dict[str, float] = {}
    client = await Client.connect(address)

    async def execute(one: Any, *args: Any) -> None:
        await client.execute_workflow(one.run, *args, id=uuid.uuid4().hex, task_queue="bench")

    worker = Worker(
        client,
        task_queue="bench",
        workflows=[Regular, Local, Empty],
        activities=[double],
        workflow_runner=UnsandboxedWorkflowRunner() if "unsandboxed" in sys.argv[3:] else SandboxedWorkflowRunner(),
    )
    async with worker:
        for one, count in ((Local, 20), (Regular, 5)):
            await execute(one, count)
        await execute(Empty)
        found |= await timed("local", numbers["local"], lambda: execute(Local, numbers["local"]))
        found |= await timed("regular", numbers["regular"], lambda: execute(Regular, numbers["regular"]))

        async def each() -> None:
            for _ in range(numbers["workflows"]):
                await execute(Empty)

        async def together() -> None:
            await asyncio.gather(*(execute(Empty) for _ in range(numbers["workflows"])))

        found |= await timed("workflow", numbers["workflows"], each)
        found |= await timed("workflow_together", numbers["workflows"], together)
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
