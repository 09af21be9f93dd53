"""One activity by itself in a test: its heartbeats are seen, it can be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from .._activity.activity import definition_of
from .._activity.activity_context import ActivityContext, ActivityInfo
from .._base.context import current_activity
from .._values import converter


class ActivityEnvironment:
    """`await ActivityEnvironment().run(my_activity, 1)`: what it returns, or raises.

    `attempt`, `last_heartbeat` and the ids are what the activity sees in `activity.info()` and `activity.last_heartbeat()`.
    """

    def __init__(
        self, *, attempt: int = 1, last_heartbeat: Sequence[Any] = (), workflow_id: str = "test-workflow", task_queue: str = "test"
    ) -> None:
        self._attempt, self._workflow_id, self._task_queue = attempt, workflow_id, task_queue
        self._last = [converter.encode(detail) for detail in last_heartbeat]
        self._context: ActivityContext | None = None
        self._task: asyncio.Task[Any] | None = None
        #: The details of each heartbeat.
        self.heartbeats: list[tuple[Any, ...]] = []

    async def run(self, activity: Any, *args: Any, **kwargs: Any) -> Any:
        """Runs one attempt."""
        definition = definition_of(activity)
        positional, named = definition.signature.bind(args, kwargs)
        self._context = ActivityContext(info=self._info(definition.name), beat=self._beat, last_details=self._last)
        token = current_activity.set(self._context)
        try:
            self._task = asyncio.ensure_future(definition.run(positional, named))
        finally:
            current_activity.reset(token)
        return await self._task

    def cancel(self, reason: str = "cancelled") -> None:
        """Asks the attempt that runs to stop: an async one gets `asyncio.CancelledError`, a sync one at its next heartbeat."""
        if self._context is None or self._task is None:
            raise RuntimeError("ActivityEnvironment.cancel(): no activity runs")
        self._context.cancelled, self._context.cancel_reason = True, reason
        self._task.cancel(reason)

    def _beat(self, details: Sequence[Any]) -> None:
        self.heartbeats.append(tuple(converter.decode(detail) for detail in details))
        if self._context is not None and self._context.cancelled and asyncio._get_running_loop() is None:
            raise asyncio.CancelledError(self._context.cancel_reason)

    def _info(self, name: str) -> ActivityInfo:
        now = datetime.now(timezone.utc)
        return ActivityInfo(
            activity_type=name,
            activity_id="test-activity",
            attempt=self._attempt,
            is_local=False,
            workflow_id=self._workflow_id,
            workflow_run_id="test-run",
            workflow_type="test",
            namespace="default",
            task_queue=self._task_queue,
            scheduled_time=now,
            started_time=now,
            start_to_close_timeout=timedelta(minutes=5),
        )
