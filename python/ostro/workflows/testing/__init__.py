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
from ..._worker.activity_environment import ActivityEnvironment
from ..._worker.environment import Environment, Mock
from ..._worker.replay import NonDeterminismError, replay
from ..._worker.replay_many import Replayed, replay_executions, replay_folder
from ..._worker.worker import Worker
from .constants import DEFAULT_TEST_TASK_QUEUE, TEST_TASK_QUEUE


@contextlib.asynccontextmanager
async def environment(*, time_skipping: bool = False, task_queue: str = TEST_TASK_QUEUE) -> AsyncIterator[Environment]:
    """A client of an engine in this process that keeps nothing, with `mock`, `now`, `sleep` and `skip_to`.

    `time_skipping`: while a result is awaited and nothing is worked on, the engine's clock goes on to what is due next, so months pass
    in milliseconds.
    """
    env = await Environment(time_skipping=time_skipping, task_queue=task_queue).open()
    try:
        yield env
    finally:
        await env.close()


def create_test_worker(
    env: Client | Any,
    workflows: Iterable[type],
    activities: Iterable[Any] | None = None,
    task_queue: str = TEST_TASK_QUEUE,
    interceptors: Iterable[Any] | None = None,
) -> Worker:
    """A worker of `env`; use it as `async with`. Without `activities` it has all that are defined; mocks stand in for theirs.

    `env`: what `environment()` gives, or a `WorkflowEnvironment` of the package `temporalio`, whose server the worker connects to.
    """
    given, around = list(activities or ()) or None, list(interceptors or ())
    if isinstance(env, Environment):
        return env.make_worker(workflows, activities=given, task_queue=task_queue, interceptors=around)
    if isinstance(env, Client):
        return Worker(workflows, activities=given, connection=env.connection, task_queue=task_queue, interceptors=around)
    client = env.client
    address = client.service_client.config.target_host
    return Worker(workflows, address=address, namespace=client.namespace, task_queue=task_queue, interceptors=around)


__all__ = [
    "DEFAULT_TEST_TASK_QUEUE",
    "TEST_TASK_QUEUE",
    "ActivityEnvironment",
    "Environment",
    "Mock",
    "NonDeterminismError",
    "Replayed",
    "create_test_worker",
    "environment",
    "replay",
    "replay_executions",
    "replay_folder",
]
