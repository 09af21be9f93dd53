"""Helpers for tests: engines of their own, workers, replay.

async with testing.environment() as env:
    async with testing.create_test_worker(env, [MyWorkflow]):
        assert await env.execute(MyWorkflow, "input") == "output"
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

from .._client.client import Client
from .._client.connection import Connection
from .._worker.replay import NonDeterminismError, replay
from .._worker.worker import Worker

TEST_TASK_QUEUE = "test-task-queue"


@contextlib.asynccontextmanager
async def environment(*, time_skipping: bool = False, task_queue: str = TEST_TASK_QUEUE) -> AsyncIterator[Client]:
    """A client of an engine in this process that keeps nothing.

    `time_skipping`: while a result is awaited and nothing is worked on, the engine's clock goes on to what is due next, so months pass
    in milliseconds.
    """
    connection = await Connection.open(":memory:", "default", time_skipping=time_skipping, private=True)
    client = Client(connection, task_queue)
    try:
        yield client
    finally:
        await client.close()


def create_test_worker(
    env: Client,
    workflows: Iterable[type],
    activities: Iterable[Any] = (),
    task_queue: str = TEST_TASK_QUEUE,
    interceptors: Iterable[Any] = (),
) -> Worker:
    """A worker of `env`; use it as `async with`. It has all activities that are defined, so `activities` need not be given."""
    if list(interceptors):
        raise TypeError("interceptors: there are none here; wrap the activity or the workflow's method")
    return Worker(workflows, connection=env.connection, task_queue=task_queue)


__all__ = ["TEST_TASK_QUEUE", "NonDeterminismError", "create_test_worker", "environment", "replay"]
