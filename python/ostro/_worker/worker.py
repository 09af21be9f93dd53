"""Workers: poll the queues of a program and run what comes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .. import _core
from .._activity.activity import ActivityDefinition, check_names
from .._base.config import config
from .._base.duration import Duration, optional
from .._base.errors import ErrorCode, WorkflowsException
from .._base.log import log
from .._client.connection import TLS, Connection
from .._definition.definition import WorkflowDefinition
from .._definition.depends import DependencyInjector
from .._definition.interceptor import Interceptor
from .._workflow import guard
from .._workflow.session import session_queue, set_own_queue
from .activity_runner import ActivityRunner
from .declared import activities_of, rates_of, workflows_of
from .settings import Limits, settings
from .workflow_runner import WorkflowRunner

_log = log("ostro.worker")

#: Leases of sessions occupy places beside the sticky activities.
_SESSIONS_MAX = 1000


#: Whether this process has started a worker.
started = False


class Worker:
    """A worker of one task queue. `async with Worker(...)` runs it while the scope is open.

    `activities`: functions, methods of objects, or objects with such methods; all that the process has imported where none are named. A
    worker without workflows runs activities only, one with `activities=()` workflows only. `interceptors`: see `Interceptor`. The limits
    are of each queue that it polls; what is not given is as `config.worker` says.
    """

    def __init__(
        self,
        workflows: Iterable[type] = (),
        *,
        activities: Iterable[Any] | None = None,
        connection: Connection | None = None,
        address: str | None = None,
        namespace: str | None = None,
        task_queue: str | None = None,
        api_key: str | None = None,
        tls: TLS | bool | None = None,
        identity: str | None = None,
        interceptors: Sequence[Interceptor] = (),
        max_concurrent_activities: int | None = None,
        max_concurrent_local_activities: int | None = None,
        max_concurrent_workflow_tasks: int | None = None,
        max_cached_workflows: int | None = None,
        max_task_queue_activities_per_second: float | None = None,
        workflow_task_pollers: int | None = None,
        activity_task_pollers: int | None = None,
        graceful_shutdown_timeout: Duration | None = None,
    ) -> None:
        self._definitions = workflows_of(workflows)
        self._activities = activities_of(activities)
        if not self._definitions and not self._activities:
            raise WorkflowsException("a worker of nothing: give it workflows, or activities", code=ErrorCode.CONFIGURATION)
        self._interceptors = tuple(interceptors)
        self._identity = identity
        self._limits = Limits(
            max_concurrent_activities,
            max_concurrent_local_activities,
            max_concurrent_workflow_tasks,
            max_cached_workflows,
            max_task_queue_activities_per_second,
            workflow_task_pollers,
            activity_task_pollers,
            optional(graceful_shutdown_timeout, "graceful_shutdown_timeout"),
        )
        self._connection = connection
        self._given = connection is not None
        self._address, self._namespace, self._api_key, self._tls = address, namespace, api_key, tls
        self.task_queue: str = task_queue or config.task_queue
        self._runners: list[ActivityRunner] = []
        #: Those that poll no activities.
        self._cores: list[_core.Worker] = []
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
            activities = self._activities
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
        rate = self._limits.max_task_queue_activities_per_second
        main = self._make_core(connection, self.task_queue, workflows=bool(self._definitions), rate=rate)
        await connection.bridge.call(main.validate)
        if self._definitions:
            self._run_workflows(main, connection)
        if not activities:
            self._cores.append(main)
            return
        self._run_activities(main, connection, self.task_queue)
        if any(definition.sticky for definition in activities):
            queue = session_queue(self.task_queue, uuid.uuid4().hex)
            set_own_queue(queue)
            core = self._make_core(connection, queue, sessions=_SESSIONS_MAX)
            self._run_activities(core, connection, queue)
        for queue, rate in rates_of(activities, self.task_queue).items():
            self._run_activities(self._make_core(connection, queue, rate=rate), connection, queue)

    def _make_core(
        self, connection: Connection, queue: str, *, workflows: bool = False, rate: float | None = None, sessions: int = 0
    ) -> _core.Worker:
        found = settings(
            queue,
            connection.namespace,
            workflows=workflows,
            rate=rate,
            sessions=sessions,
            limits=self._limits,
            identity=self._identity,
        )
        return _core.Worker(connection.core, found)

    def _run_workflows(self, core: Any, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        done = self._workflows_done = loop.create_future()

        runner = self.runner = WorkflowRunner(self._definitions, self.task_queue, connection.namespace, self._interceptors)

        runner.has_activities = bool(self._activities)

        def on_done() -> None:
            runner.close()
            with contextlib.suppress(RuntimeError):  # the loop may be closed by then
                loop.call_soon_threadsafe(_settle, done)

        core.run_workflows(runner.activate, on_done)

    def _run_activities(self, core: Any, connection: Connection, queue: str) -> None:
        runner = ActivityRunner(core, queue, connection.core, self._activities, self._interceptors)
        runner.start(connection.bridge)
        self._runners.append(runner)

    async def stop(self, now: bool = False) -> None:
        """Stops polling, lets activities finish within `graceful_shutdown_timeout`, and closes what it opened.

        `now`: activities that run are ended at once, to be tried again by whoever polls next.
        """
        try:
            await asyncio.gather(*(runner.stop(now) for runner in self._runners), *(self._stop_core(core) for core in self._cores))
            if self._workflows_done is not None and (self._runners or self._cores):
                await self._workflows_done
        finally:
            self._runners.clear()
            self._cores.clear()
            await self._stack.aclose()
            connection, self._connection = self._connection, None
            if connection is not None and not self._given:
                await connection.close()

    @property
    def activities(self) -> Mapping[str, ActivityDefinition]:
        """What it runs, by name."""
        return self._activities

    def replace_activities(self, activities: Mapping[str, ActivityDefinition]) -> None:
        """Runs others, in a test."""
        self._activities = activities

    async def _stop_core(self, core: _core.Worker) -> None:
        core.initiate_shutdown()
        # The core ends when both its kinds of polls have: from here on this one finds nothing.
        drain = ActivityRunner(core, self.task_queue, self.connection.core, {})
        drain.start(self.connection.bridge)
        await drain.stop(now=True)

    @property
    def connection(self) -> Connection:
        """What it polls, while it runs."""
        if self._connection is None:
            raise RuntimeError("the worker does not run")
        return self._connection


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


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
