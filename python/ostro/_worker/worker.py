"""Workers: poll the queues of a program and run what comes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from .. import __version__, _core
from .._activity.activity import ActivityDefinition, check_names, registered_activities
from .._base.config import config
from .._base.errors import ErrorCode, WorkflowsException
from .._base.log import log
from .._client.connection import TLS, Connection
from .._definition.definition import WorkflowDefinition, definition_of
from .._definition.depends import DependencyInjector
from .._workflow import guard
from .._workflow.session import session_queue, set_own_queue
from .activity_runner import ActivityRunner
from .workflow_runner import WorkflowRunner

_log = log("ostro.worker")

#: A worker that does not take the next task of a workflow in its memory for this long loses it to any other, in seconds.
_STICKY_SCHEDULE_TO_START = 5.0
#: Leases of sessions occupy places beside the sticky activities.
_SESSIONS_MAX = 1000


def settings(task_queue: str, namespace: str, *, workflows: bool, rate: float | None = None, sessions: int = 0) -> dict[str, Any]:
    """A core worker's configuration."""
    worker = config.worker
    return {
        "namespace": namespace,
        "task_queue": task_queue,
        "identity": config.identity(),
        "build_id": f"ostro-python-{__version__}",
        "workflows": workflows,
        "max_cached_workflows": worker.max_cached_workflows,
        "max_concurrent_workflow_tasks": 100,
        "max_concurrent_activities": worker.max_concurrent_activities + sessions,
        "max_concurrent_local_activities": worker.max_concurrent_activities,
        "workflow_task_pollers": max(2, worker.max_workflow_task_pollers) if worker.max_workflow_task_pollers else 0,
        "activity_task_pollers": worker.max_activity_task_pollers,
        "max_task_queue_activities_per_second": rate,
        "sticky_schedule_to_start": _STICKY_SCHEDULE_TO_START,
        "heartbeat_throttle": 30.0,
        "graceful_shutdown": worker.graceful_shutdown_timeout,
    }


#: Whether this process has started a worker.
started = False


class Worker:
    """A worker of one task queue, with all activities that the process has imported.

    `async with Worker(...)` runs it while the scope is open.
    """

    def __init__(
        self,
        workflows: Iterable[type],
        *,
        connection: Connection | None = None,
        address: str | None = None,
        namespace: str | None = None,
        task_queue: str | None = None,
        api_key: str | None = None,
        tls: TLS | bool | None = None,
    ) -> None:
        self._definitions = _with_built_in(workflows)
        self._connection = connection
        self._given = connection is not None
        self._address, self._namespace, self._api_key, self._tls = address, namespace, api_key, tls
        self.task_queue = task_queue or config.task_queue
        self._runners: list[ActivityRunner] = []
        self._workflows_done: asyncio.Future[None] | None = None
        self._stack = contextlib.AsyncExitStack()
        self.runner: WorkflowRunner | None = None

    async def __aenter__(self) -> Worker:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        await self.stop(now=kind is not None and not issubclass(kind, Exception))

    async def start(self) -> None:
        """Connects and begins to poll. WorkflowsException for a program that cannot run, RpcError where the engine refuses."""
        global started
        started = True
        check_names()
        if self._connection is None:
            self._connection = await Connection.open(self._address, self._namespace, api_key=self._api_key, tls=self._tls)
        connection = self._connection
        try:
            if any(definition.enforce_determinism for definition in self._definitions):
                guard.install(self._definitions)
            activities = registered_activities()
            dependencies = [wish.dependency for one in activities.values() for wish in one.signature.dependencies.values()]
            await self._stack.enter_async_context(DependencyInjector.with_dependencies(dependencies))
            await self._start_cores(connection, list(activities.values()))
            await _put_schedules(connection, self._definitions, self.task_queue)
        except BaseException:
            await self.stop()
            raise
        _log.info(
            "worker started: queue %s, namespace %s, %s; workflows: %s",
            self.task_queue,
            connection.namespace,
            connection.address or "engine in this process",
            ", ".join(sorted(definition.name for definition in self._definitions)),
        )

    async def _start_cores(self, connection: Connection, activities: Sequence[ActivityDefinition]) -> None:
        main = _core.Worker(connection.core, settings(self.task_queue, connection.namespace, workflows=True))
        await connection.bridge.call(main.validate)
        self._run_workflows(main, connection)
        self._run_activities(main, connection, self.task_queue)
        if any(definition.sticky for definition in activities):
            queue = session_queue(self.task_queue, uuid.uuid4().hex)
            set_own_queue(queue)
            core = _core.Worker(connection.core, settings(queue, connection.namespace, workflows=False, sessions=_SESSIONS_MAX))
            self._run_activities(core, connection, queue)
        for queue, rate in _rates(activities, self.task_queue).items():
            core = _core.Worker(connection.core, settings(queue, connection.namespace, workflows=False, rate=rate))
            self._run_activities(core, connection, queue)

    def _run_workflows(self, core: Any, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        done = self._workflows_done = loop.create_future()

        runner = self.runner = WorkflowRunner(self._definitions, self.task_queue, connection.namespace)

        def on_done() -> None:
            runner.close()
            with contextlib.suppress(RuntimeError):  # the loop may be closed by then
                loop.call_soon_threadsafe(_settle, done)

        core.run_workflows(runner.activate, on_done)

    def _run_activities(self, core: Any, connection: Connection, queue: str) -> None:
        runner = ActivityRunner(core, queue, connection.core)
        runner.start(connection.bridge)
        self._runners.append(runner)

    async def stop(self, now: bool = False) -> None:
        """Stops polling, lets activities finish within `graceful_shutdown_timeout`, and closes what it opened.

        `now`: activities that run are ended at once, to be tried again by whoever polls next.
        """
        try:
            await asyncio.gather(*(runner.stop(now) for runner in self._runners))
            if self._workflows_done is not None and self._runners:
                await self._workflows_done
        finally:
            self._runners.clear()
            await self._stack.aclose()
            connection, self._connection = self._connection, None
            if connection is not None and not self._given:
                await connection.close()

    @property
    def connection(self) -> Connection:
        """What it polls, while it runs."""
        if self._connection is None:
            raise RuntimeError("the worker does not run")
        return self._connection


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _with_built_in(workflows: Iterable[type]) -> list[WorkflowDefinition]:
    from .._workflow.parallel import ParallelExecution

    found = [definition_of(workflow) for workflow in workflows]
    names = [definition.name for definition in found]
    for definition in found:
        if names.count(definition.name) > 1:
            classes = " and ".join(one.cls.__qualname__ for one in found if one.name == definition.name)
            raise WorkflowsException(f'two workflows are named "{definition.name}": {classes}', code=ErrorCode.WORKFLOW_DEFINITION)
    built_in = definition_of(ParallelExecution)
    return found if built_in in found else [*found, built_in]


def _rates(activities: Sequence[ActivityDefinition], task_queue: str) -> dict[str, float]:
    """Queues with limits. WorkflowsException where two activities share a key and not the rate."""
    rates: dict[str, float] = {}
    for definition in activities:
        limit = definition.rate_limit
        if limit is None or definition.sticky:
            continue
        queue = limit.queue(task_queue, definition.name)
        if rates.setdefault(queue, limit.per_second) != limit.per_second:
            raise WorkflowsException(
                f'rate limit key "{limit.key}" has two rates, one of them at activity "{definition.name}": one key, one rate',
                code=ErrorCode.CONFIGURATION,
            )
    return rates


async def _put_schedules(connection: Connection, definitions: Sequence[WorkflowDefinition], task_queue: str) -> None:
    if not any(definition.schedules for definition in definitions):
        return
    from .._client.client import Client

    client = Client(connection)
    for definition in definitions:
        for number, schedule in enumerate(definition.schedules):
            name = schedule.schedule_id or (f"{definition.name}-{number}" if number else definition.name)
            await client.put_schedule(name, definition.cls, schedule, task_queue=task_queue)


def run_worker(
    workflows: Sequence[type],
    detach: bool = False,
    api_key: str | None = None,
    namespace: str | None = None,
    enable_config_discovery: bool | None = None,
    *,
    address: str | None = None,
    task_queue: str | None = None,
    tls: TLS | bool | None = None,
) -> Any:
    """Runs a worker until SIGINT or SIGTERM, then lets what runs finish. Await it; with `detach=True` the result is its task.

    `workflows`: the classes. Activities are all that the process has imported. `enable_config_discovery` is not used.
    """
    worker = Worker(workflows, address=address, namespace=namespace, task_queue=task_queue, api_key=api_key, tls=tls)
    running = _run_until_stopped(worker)
    return _detach(running) if detach else running


async def _detach(running: Any) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(running)


async def _run_until_stopped(worker: Worker) -> None:
    stop = asyncio.Event()
    with _signals(stop):
        async with worker:
            await stop.wait()
            _log.info("worker stops: what runs may finish")


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Any:
    """SIGINT and SIGTERM set `stop` in this scope; a second one ends the process."""
    loop = asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken: list[int] = []

    def on_signal() -> None:
        stop.set()
        restore()

    def restore() -> None:
        while taken:
            loop.remove_signal_handler(taken.pop())

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
        taken.append(number)
    try:
        yield
    finally:
        restore()
