"""A whole program in one call: engine, worker, one execution, its result."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterable
from typing import Any, overload

from .._activity.activity import check_names
from .._base import printable
from .._base.errors import WorkflowFailedError
from .._client.client import Client, R
from .._client.connection import Connection
from .._client.execution import PendingActivity
from .._client.handle import WorkflowHandle
from .._client.start import Executes
from .._definition.definition import registered_workflows
from .worker import Worker

#: Progress is shown after this many seconds, and that often.
PROGRESS_AFTER = 2.0


@overload
def run(
    workflow: type[Executes[R]],
    *args: Any,
    id: str | None = ...,
    address: str | None = ...,
    namespace: str | None = ...,
    task_queue: str | None = ...,
    workflows: Iterable[type] = ...,
    progress: bool | None = ...,
) -> R: ...


@overload
def run(
    workflow: Any,
    *args: Any,
    id: str | None = ...,
    address: str | None = ...,
    namespace: str | None = ...,
    task_queue: str | None = ...,
    workflows: Iterable[type] = ...,
    progress: bool | None = ...,
) -> Any: ...


def run(
    workflow: Any,
    *args: Any,
    id: str | None = None,
    address: str | None = None,
    namespace: str | None = None,
    task_queue: str | None = None,
    workflows: Iterable[type] = (),
    progress: bool | None = None,
) -> Any:
    """Runs a workflow to its end, with worker and, where no server is named, engine in this process; gives its result.

    `args`: the entrypoint's arguments, or one dictionary of them. `id`: of the execution (random); with one, a program that was
    killed goes on where it was when it is run again. `address`: as `OSTRO_ADDRESS`. `workflows`: more classes for the worker; it
    has all that the process has defined. `progress`: says on the terminal how a long run goes. WorkflowFailedError where it fails.
    """
    options: dict[str, Any] = {
        "id": id,
        "address": address,
        "namespace": namespace,
        "task_queue": task_queue,
        "workflows": workflows,
    }
    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop()
        raise TypeError("workflows.run() starts an event loop of its own: here one runs, so `await workflows.run_async(...)`")
    try:
        return asyncio.run(run_async(workflow, *args, progress=progress, **options))
    except WorkflowFailedError as error:
        # Of the way to here only the program's own line says something.
        raise error.with_traceback(None)


@overload
async def run_async(
    workflow: type[Executes[R]],
    *args: Any,
    id: str | None = ...,
    address: str | None = ...,
    namespace: str | None = ...,
    task_queue: str | None = ...,
    workflows: Iterable[type] = ...,
    progress: bool | None = ...,
) -> R: ...


@overload
async def run_async(
    workflow: Any,
    *args: Any,
    id: str | None = ...,
    address: str | None = ...,
    namespace: str | None = ...,
    task_queue: str | None = ...,
    workflows: Iterable[type] = ...,
    progress: bool | None = ...,
) -> Any: ...


async def run_async(
    workflow: Any,
    *args: Any,
    id: str | None = None,
    address: str | None = None,
    namespace: str | None = None,
    task_queue: str | None = None,
    workflows: Iterable[type] = (),
    progress: bool | None = None,
) -> Any:
    """As `run`, within an event loop."""
    connection = await Connection.open(address, namespace)
    try:
        classes = list(dict.fromkeys([workflow, *workflows, *(one.cls for one in registered_workflows().values())]))
        client = Client(connection, task_queue)
        check_names()
        worker = Worker(_latest(classes), connection=connection, task_queue=task_queue)
        # Before the worker: one that was killed near its end is through as soon as it polls, and would be started anew.
        handle = await client.start(workflow, *args, id=id, use_existing=id is not None)
        async with worker:
            shown = sys.stderr.isatty() if progress is None else progress
            watch = asyncio.ensure_future(_show_progress(handle)) if shown else None
            try:
                return await handle.result()
            finally:
                if watch is not None:
                    watch.cancel()
    finally:
        await connection.close()


def _latest(classes: list[Any]) -> list[Any]:
    """Of classes with one name the one that is registered: a module may have been loaded twice."""
    known = registered_workflows()
    return [cls for cls in classes if known[vars(cls)["__ostro_workflow__"].name].cls is cls or cls is classes[0]]


async def _show_progress(handle: WorkflowHandle[Any]) -> None:
    started = time.monotonic()
    while True:
        await asyncio.sleep(PROGRESS_AFTER)
        with contextlib.suppress(Exception):
            found = await handle.describe()
            waiting = ", ".join(_pending(one) for one in found.pending_activities[:3]) or "a timer, a signal or its own code"
            more = f" and {len(found.pending_activities) - 3} more" if len(found.pending_activities) > 3 else ""
            seconds = int(time.monotonic() - started)
            print(printable.line(f"{found.workflow} {handle.id}: {seconds} s, waits for {waiting}{more}"), file=sys.stderr)


def _pending(activity: PendingActivity) -> str:
    if activity.attempt <= 1:
        return activity.activity
    return f"{activity.activity} (attempt {activity.attempt}: {activity.last_failure})"
