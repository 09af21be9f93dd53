"""The calls of a client that are about schedules."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .._base.errors import RpcError
from .._definition.definition import definition_of
from .._definition.schedule import Schedule, ScheduleOverlapPolicy
from .._values import failures
from .calls import Calls
from .schedules import ScheduleDescription, description_from_json, description_from_list

_ALREADY_EXISTS = 6


class ScheduleCalls(Calls):
    """A part of `Client`."""

    task_queue: str

    async def put_schedule(self, schedule_id: str, workflow: Any, schedule: Schedule, *, task_queue: str | None = None) -> None:
        """Creates a schedule, or makes the one with this id like it."""
        definition = definition_of(workflow)
        args = () if schedule.input is None else (schedule.input,)
        payloads = [failures.payload_to_json(payload) for payload in definition.encode_input(args)]
        written = schedule.to_json(definition.name, task_queue or self.task_queue, payloads, definition.execution_timeout)
        request = {"scheduleId": schedule_id, "schedule": written, "requestId": str(uuid.uuid4())}
        try:
            await self._call("CreateSchedule", request)
        except RpcError as error:
            if error.status != _ALREADY_EXISTS:
                raise
            await self._call("UpdateSchedule", request)

    async def describe_schedule(self, schedule_id: str) -> ScheduleDescription:
        """What the engine knows of a schedule. NotFoundError where there is none."""
        return description_from_json(schedule_id, await self._call("DescribeSchedule", {"scheduleId": schedule_id}))

    async def list_schedules(self) -> Sequence[ScheduleDescription]:
        """All schedules. What only a description has is empty."""
        found: list[ScheduleDescription] = []
        request: dict[str, Any] = {"maximumPageSize": 1000}
        while True:
            answer = await self._call("ListSchedules", request)
            found.extend(description_from_list(entry) for entry in answer.get("schedules", []))
            request["nextPageToken"] = answer.get("nextPageToken")
            if not request["nextPageToken"]:
                return found

    async def trigger_schedule(self, schedule_id: str) -> None:
        """Starts an execution of it now."""
        await self._patch_schedule(schedule_id, {"triggerImmediately": {}})

    async def pause_schedule(self, schedule_id: str, note: str = "paused") -> None:
        """Starts none until it is unpaused."""
        await self._patch_schedule(schedule_id, {"pause": note})

    async def unpause_schedule(self, schedule_id: str, note: str = "unpaused") -> None:
        """Starts them again."""
        await self._patch_schedule(schedule_id, {"unpause": note})

    async def delete_schedule(self, schedule_id: str) -> None:
        """Removes it; executions go on."""
        await self._call("DeleteSchedule", {"scheduleId": schedule_id})

    async def _patch_schedule(self, schedule_id: str, patch: dict[str, Any]) -> None:
        await self._call("PatchSchedule", {"scheduleId": schedule_id, "patch": patch, "requestId": str(uuid.uuid4())})

    async def backfill_schedule(
        self, schedule_id: str, start: datetime, end: datetime, overlap: ScheduleOverlapPolicy = ScheduleOverlapPolicy.ALLOW_ALL
    ) -> None:
        """Starts what it would have started between two times."""
        backfill = {"startTime": _time(start), "endTime": _time(end), "overlapPolicy": int(overlap)}
        await self._patch_schedule(schedule_id, {"backfillRequest": [backfill]})


def _time(time: datetime) -> str:
    return (time.astimezone() if time.tzinfo is None else time).isoformat().replace("+00:00", "Z")
