"""What a running activity knows of itself, and its heartbeats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .._base.context import current_activity
from .._base.errors import NotInTemporalContextError
from .._values import converter


@dataclass(frozen=True)
class ActivityInfo:
    """Of one attempt."""

    activity_type: str
    activity_id: str
    #: Counts from 1.
    attempt: int
    #: Runs in the workflow's worker.
    is_local: bool
    workflow_id: str
    workflow_run_id: str
    workflow_type: str
    namespace: str
    task_queue: str
    scheduled_time: datetime | None = None
    started_time: datetime | None = None
    start_to_close_timeout: timedelta | None = None
    heartbeat_timeout: timedelta | None = None
    #: What completes this attempt from outside: `client.activity(task_token)`.
    task_token: bytes = b""
    #: The session has moved to this worker, whose memory has nothing of what its earlier activities left.
    cold_start: bool = False


@dataclass
class ActivityContext:
    """Of one attempt, or of a direct call outside workflows (`info` is `None`)."""

    info: ActivityInfo | None
    beat: Callable[[Sequence[Any]], None] | None = None
    #: Details of the heartbeat that the previous attempt sent last.
    last_details: Sequence[Any] = ()
    cancelled: bool = False
    #: Why it was cancelled, if it was.
    cancel_reason: str = ""


def heartbeat(*details: Any) -> None:
    """Says that the activity is alive and how far it is; `details` are JSON values that a next attempt can read.

    Sent at most every 0.8 × `heartbeat_timeout`. Does nothing in a local activity and outside workflows. From sync activities,
    raises `asyncio.CancelledError` once the activity is cancelled. NotInTemporalContextError outside an activity.
    """
    context = _require("activity.heartbeat()")
    if context.beat is not None:
        context.beat([converter.encode(detail, what=f"heartbeat detail {at}") for at, detail in enumerate(details, 1)])


def last_heartbeat(annotation: Any = Any) -> Any:
    """The first detail of the last heartbeat that the previous attempt sent, as `annotation`; `None` where there is none."""
    details = _require("activity.last_heartbeat()").last_details
    return converter.decode(details[0], annotation) if details else None


def info() -> ActivityInfo:
    """Which attempt of which activity this is. NotInTemporalContextError outside an activity that a worker runs."""
    return require_info("activity.info()")


def is_cancelled() -> bool:
    """Whether the activity should stop; for sync activities, which nobody can interrupt."""
    return _require("activity.is_cancelled()").cancelled


def require_info(what: str) -> ActivityInfo:
    """The attempt that a worker runs. NotInTemporalContextError elsewhere."""
    found = _require(what).info
    if found is None:
        raise NotInTemporalContextError(f"{what}: this activity was called directly, no worker runs it")
    return found


def _require(what: str) -> ActivityContext:
    context = current_activity.get()
    if context is None:
        raise NotInTemporalContextError(f"{what} is for activities: no activity runs here")
    return context
