"""Schedules: when executions start by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field


class ScheduleOverlapPolicy(IntEnum):
    """What happens when the execution before still runs."""

    SKIP = 1
    BUFFER_ONE = 2
    BUFFER_ALL = 3
    CANCEL_OTHER = 4
    TERMINATE_OTHER = 5
    ALLOW_ALL = 6


class _Model(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class ScheduleRange(_Model):
    """From `start` to `end` (itself where 0), every `step`."""

    start: int
    end: int = 0
    step: int = 0


_ZERO = [ScheduleRange(start=0)]


class ScheduleCalendar(_Model):
    """Times by the calendar; Sunday is 0."""

    second: list[ScheduleRange] = Field(default_factory=lambda: list(_ZERO))
    minute: list[ScheduleRange] = Field(default_factory=lambda: list(_ZERO))
    hour: list[ScheduleRange] = Field(default_factory=lambda: list(_ZERO))
    day_of_month: list[ScheduleRange] = Field(default_factory=lambda: [ScheduleRange(start=1, end=31)])
    month: list[ScheduleRange] = Field(default_factory=lambda: [ScheduleRange(start=1, end=12)])
    year: list[ScheduleRange] = Field(default_factory=list)
    day_of_week: list[ScheduleRange] = Field(default_factory=lambda: [ScheduleRange(start=0, end=6)])
    comment: str | None = None


class ScheduleInterval(_Model):
    """Every so often since the epoch, shifted by `offset`."""

    every: timedelta
    offset: timedelta | None = None


class SchedulePolicy(_Model):
    """How late, and beside what, an execution may start."""

    catchup_window_seconds: int = 31536000
    overlap: ScheduleOverlapPolicy = ScheduleOverlapPolicy.SKIP
    pause_on_failure: bool = False


class Schedule(_Model):
    """When an execution starts by itself, and with what input."""

    input: Any = None
    calendars: list[ScheduleCalendar] = Field(default_factory=list)
    intervals: list[ScheduleInterval] = Field(default_factory=list)
    cron_expressions: list[str] = Field(default_factory=list)
    skip: list[ScheduleCalendar] = Field(default_factory=list)
    start_at: datetime | None = None
    end_at: datetime | None = None
    jitter: timedelta | None = None
    time_zone_name: str | None = None
    policy: SchedulePolicy = Field(default_factory=SchedulePolicy)
    max_executions: int | None = None
    schedule_id: str | None = None

    def to_json(self, workflow: str, task_queue: str, payloads: list[Any], execution_timeout: float | None) -> dict[str, Any]:
        """Temporal's `Schedule` as JSON."""
        spec: dict[str, Any] = {
            "structuredCalendar": [_calendar(calendar) for calendar in self.calendars],
            "interval": [_interval(interval) for interval in self.intervals],
            "cronString": self.cron_expressions,
            "excludeStructuredCalendar": [_calendar(calendar) for calendar in self.skip],
        }
        if self.start_at is not None:
            spec["startTime"] = _time(self.start_at)
        if self.end_at is not None:
            spec["endTime"] = _time(self.end_at)
        if self.jitter is not None:
            spec["jitter"] = span(self.jitter.total_seconds())
        if self.time_zone_name is not None:
            spec["timezoneName"] = self.time_zone_name
        start: dict[str, Any] = {
            "workflowId": self.schedule_id or workflow,
            "workflowType": {"name": workflow},
            "taskQueue": {"name": task_queue},
            "input": {"payloads": payloads},
        }
        if execution_timeout is not None:
            start["workflowExecutionTimeout"] = span(execution_timeout)
        state: dict[str, Any] = {}
        if self.max_executions is not None:
            state = {"limitedActions": True, "remainingActions": str(self.max_executions)}
        return {
            "spec": spec,
            "action": {"startWorkflow": start},
            "policies": {
                "overlapPolicy": int(self.policy.overlap),
                "catchupWindow": span(self.policy.catchup_window_seconds),
                "pauseOnFailure": self.policy.pause_on_failure,
            },
            "state": state,
        }


def span(seconds: float) -> str:
    """Seconds as Temporal's JSON writes them."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def _time(time: datetime) -> str:
    if time.tzinfo is None:
        time = time.astimezone()
    return time.isoformat().replace("+00:00", "Z")


def _interval(interval: ScheduleInterval) -> dict[str, str]:
    phase = interval.offset.total_seconds() if interval.offset is not None else 0.0
    return {"interval": span(interval.every.total_seconds()), "phase": span(phase)}


def _calendar(calendar: ScheduleCalendar) -> dict[str, Any]:
    def ranges(found: list[ScheduleRange]) -> list[dict[str, int]]:
        return [{"start": one.start, "end": one.end, "step": one.step} for one in found]

    written: dict[str, Any] = {
        "second": ranges(calendar.second),
        "minute": ranges(calendar.minute),
        "hour": ranges(calendar.hour),
        "dayOfMonth": ranges(calendar.day_of_month),
        "month": ranges(calendar.month),
        "year": ranges(calendar.year),
        "dayOfWeek": ranges(calendar.day_of_week),
    }
    if calendar.comment:
        written["comment"] = calendar.comment
    return written
