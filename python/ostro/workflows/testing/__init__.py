"""Helpers for tests: engines of their own, workers, replay.

async with testing.environment() as env:
    async with testing.create_test_worker(env, [MyWorkflow]):
        assert await env.execute(MyWorkflow, "input") == "output"
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

from ..._client.client import Client
from ..._client.connection import Connection
from ..._worker.replay import NonDeterminismError, replay
from ..._worker.worker import Worker
from .constants import DEFAULT_TEST_TASK_QUEUE, TEST_TASK_QUEUE


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
    env: Client | Any,
    workflows: Iterable[type],
    activities: Iterable[Any] | None = None,
    task_queue: str = TEST_TASK_QUEUE,
    interceptors: Iterable[Any] | None = None,
) -> Worker:
    """A worker of `env`; use it as `async with`. It has all activities that are defined, so `activities` need not be given.

    `env`: what `environment()` gives, or a `WorkflowEnvironment` of the package `temporalio`, whose server the worker connects to.
    """
    if list(interceptors or ()):
        raise TypeError("interceptors: there are none here; wrap the activity or the workflow's method")
    if isinstance(env, Client):
        return Worker(workflows, connection=env.connection, task_queue=task_queue)
    client = env.client
    return Worker(workflows, address=client.service_client.config.target_host, namespace=client.namespace, task_queue=task_queue)


__all__ = ["DEFAULT_TEST_TASK_QUEUE", "TEST_TASK_QUEUE", "NonDeterminismError", "create_test_worker", "environment", "replay"]
