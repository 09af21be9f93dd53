"""The work of `run.py` with the package `ostro`: python ostro_worker.py ADDRESS NUMBERS"""

from __future__ import annotations

import asyncio
import json
import sys

from ostro import workflows
from ostro.workflows import run_activities_locally
from timing import timed


@workflows.activity()
async def double(number: int) -> int:
    return 2 * number


@workflows.workflow.define(name="regular")
class Regular:
    @workflows.workflow.entrypoint
    async def execute(self, number: int) -> int:
        return sum([await double(index) for index in range(number)])


@workflows.workflow.define(name="local")
class Local:
    @workflows.workflow.entrypoint
    async def execute(self, number: int) -> int:
        with run_activities_locally():
            return sum([await double(index) for index in range(number)])


@workflows.workflow.define(name="empty")
class Empty:
    @workflows.workflow.entrypoint
    async def execute(self) -> int:
        return 1


async def main() -> None:
    address, numbers = sys.argv[1], json.loads(sys.argv[2])
    found: dict[str, float] = {}
    async with await workflows.Client.connect(address) as client:
        async with workflows.Worker([Regular, Local, Empty], connection=client.connection):
            for one, count in ((Local, 20), (Regular, 5)):
                await client.execute(one, count)
            await client.execute(Empty)
            found |= await timed("local", numbers["local"], lambda: client.execute(Local, numbers["local"]))
            found |= await timed("regular", numbers["regular"], lambda: client.execute(Regular, numbers["regular"]))

            async def each() -> None:
                for _ in range(numbers["workflows"]):
                    await client.execute(Empty)

            async def together() -> None:
                await asyncio.gather(*(client.execute(Empty) for _ in range(numbers["workflows"])))

            found |= await timed("workflow", numbers["workflows"], each)
            found |= await timed("workflow_together", numbers["workflows"], together)
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
