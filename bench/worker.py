"""The worker process of a round, and the workflows that it runs.

python worker.py HOST:PORT TASK_QUEUE
"""

import asyncio
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@workflow.defn
class Regular:
    """`number` regular activities, one after the other."""

    @workflow.run
    async def run(self, number: int) -> int:
        total = 0
        for index in range(number):
            total += await workflow.execute_activity(double, index, start_to_close_timeout=timedelta(seconds=30))
        return total


@workflow.defn
class Local:
    """`number` local activities, one after the other."""

    @workflow.run
    async def run(self, number: int) -> int:
        total = 0
        for index in range(number):
            total += await workflow.execute_local_activity(double, index, start_to_close_timeout=timedelta(seconds=30))
        return total


@workflow.defn
class FanOut:
    """`number` regular activities at once."""

    @workflow.run
    async def run(self, number: int) -> int:
        calls = (workflow.execute_activity(double, index, start_to_close_timeout=timedelta(seconds=60)) for index in range(number))
        return sum(await asyncio.gather(*calls))


@workflow.defn
class Timers:
    """`number` timers of one second at once."""

    @workflow.run
    async def run(self, number: int) -> int:
        await asyncio.gather(*(asyncio.sleep(1) for _ in range(number)))
        return number


@workflow.defn
class Receive:
    """Waits for `number` signals."""

    def __init__(self) -> None:
        self.received = 0

    @workflow.run
    async def run(self, number: int) -> int:
        await workflow.wait_condition(lambda: self.received >= number)
        return self.received

    @workflow.signal
    def one(self) -> None:
        self.received += 1


async def main() -> None:
    address, task_queue = sys.argv[1:]
    worker = Worker(
        await Client.connect(address),
        task_queue=task_queue,
        workflows=[Regular, Local, FanOut, Timers, Receive],
        activities=[double],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_concurrent_workflow_task_polls=8,
        max_concurrent_activity_task_polls=8,
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main())
