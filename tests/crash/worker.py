"""A worker process. Each line on its standard input says that the server has been restarted.

    python worker.py HOST:PORT TASK_QUEUE fresh     a new client and worker after each restart
    python worker.py HOST:PORT TASK_QUEUE lasting   one worker from beginning to end

A lasting worker backs off for up to 10 s when its polls fail, as the SDK wants it; a fresh one keeps the load up.
"""

import asyncio
import logging
import sys

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from workload import ACTIVITIES, HANDOUT_LOST, WORKFLOWS


async def connect(address: str) -> Client:
    while True:
        try:
            return await Client.connect(address)
        except RuntimeError:
            await asyncio.sleep(0.01)


async def new_worker(address: str, task_queue: str, cached: int) -> Worker:
    return Worker(
        await connect(address),
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=ACTIVITIES,
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=cached,
        sticky_queue_schedule_to_start_timeout=HANDOUT_LOST / 2,
        max_heartbeat_throttle_interval=HANDOUT_LOST / 10,
        debug_mode=True,
    )


async def lines() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def note_end(run: asyncio.Task[None]) -> None:
    if not run.cancelled() and (error := run.exception()):
        print(f"worker ended: {error!r}", file=sys.stderr, flush=True)


async def keep_fresh(address: str, task_queue: str) -> None:
    """Every other worker has no cache, so no sticky queue either."""
    restarts = await lines()
    worker, kept, number = None, set(), 0
    while await restarts.readline():
        number += 1
        fresh = await new_worker(address, task_queue, 100 if number % 2 else 0)
        run = asyncio.create_task(fresh.run())
        run.add_done_callback(note_end)
        kept.add(run)
        run.add_done_callback(kept.discard)
        if worker is not None:
            ending = asyncio.create_task(worker.shutdown())
            kept.add(ending)
            ending.add_done_callback(kept.discard)
        worker = fresh


async def last(address: str, task_queue: str) -> None:
    run = asyncio.create_task((await new_worker(address, task_queue, 100)).run())
    run.add_done_callback(note_end)
    restarts = await lines()
    while await restarts.readline():
        pass


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    address, task_queue, kind = sys.argv[1:]
    asyncio.run((keep_fresh if kind == "fresh" else last)(address, task_queue))
