"""What a scenario sees of one server: a client, a worker on a task queue of its own, and a trace to write to."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from normalise import Normaliser
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from workflows import ACTIVITIES, WORKFLOWS

Scenario = Callable[["Trace"], Awaitable[None]]

#: Every scenario by its name.
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    SCENARIOS[function.__name__] = function
    return function


class Trace:
    """`seen` is a list of (label, normalised value), compared with the same list of another server."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.prefix = f"differential-{uuid.uuid4()}"
        self.queue = f"{self.prefix}-queue"
        self.normal = Normaliser(self.prefix)
        self.seen: list[tuple[str, Any]] = []

    def id(self, name: str = "workflow") -> str:
        return f"{self.prefix}-{name}"

    def note(self, label: str, value: Any) -> None:
        self.seen.append((label, self.normal.value(value)))

    async def start(self, workflow: Any, *arguments: Any, id: str | None = None, **options: Any) -> WorkflowHandle[Any, Any]:
        options = {"task_queue": self.queue, **options}
        return await self.client.start_workflow(workflow, args=list(arguments), id=id or self.id(), **options)

    async def outcome(self, label: str, awaited: Awaitable[Any]) -> Any:
        """Notes the result or the error of a call; an RPC's error by code and details."""
        try:
            result = await awaited
        except RPCError as error:
            self.note(label, self.normal.error(error))
        except Exception as error:
            chain = []
            cause: BaseException | None = error
            while cause is not None:
                chain.append(f"{type(cause).__name__}: {cause}")
                cause = getattr(cause, "cause", None)
            self.note(label, {"error": chain})
        else:
            self.note(label, {"result": repr(result) if result is not None else None})
            return result

    async def refusal(self, label: str, awaited: Awaitable[Any]) -> None:
        """For a call whose answer does not matter, only whether and how it is refused."""
        try:
            await awaited
        except RPCError as error:
            self.note(label, self.normal.error(error))
        except WorkflowAlreadyStartedError as error:
            self.note(label, {"already started": error.run_id is not None})
        else:
            self.note(label, "accepted")

    async def history(self, label: str, handle: WorkflowHandle[Any, Any]) -> None:
        events = [event async for event in handle.fetch_history_events()]
        self.seen.append((label, self.normal.history(events)))

    async def description(self, label: str, handle: WorkflowHandle[Any, Any]) -> None:
        described = (await handle.describe()).raw_description
        info = described.workflow_execution_info
        self.note(
            label,
            {
                "status": info.status,
                "length": info.history_length,
                "config": self.normal.message(described.execution_config),
                "activities": len(described.pending_activities),
                "children": len(described.pending_children),
                "memo": self.normal.message(info.memo),
            },
        )

    async def until_event(self, handle: WorkflowHandle[Any, Any], kind: str, number: int = 1) -> None:
        """Waits until the history has that many events of a type."""
        for _ in range(200):
            seen = 0
            async for event in handle.fetch_history_events():
                seen += any(field.name.startswith(kind) for field, _ in event.ListFields())
            if seen >= number:
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"no {number} {kind} in the history")

    async def until_pending(self, handle: WorkflowHandle[Any, Any]) -> None:
        """Waits until an activity of the workflow has been started by a worker."""
        for _ in range(200):
            described = (await handle.describe()).raw_description
            if any(activity.HasField("last_started_time") for activity in described.pending_activities):
                return
            await asyncio.sleep(0.05)
        raise TimeoutError("no activity was started")

    @asynccontextmanager
    async def worker(self, **options: Any) -> AsyncIterator[Worker]:
        async with Worker(
            self.client,
            task_queue=self.queue,
            workflows=WORKFLOWS,
            activities=ACTIVITIES,
            workflow_runner=UnsandboxedWorkflowRunner(),
            disable_eager_activity_execution=True,
            **options,
        ) as worker:
            yield worker
