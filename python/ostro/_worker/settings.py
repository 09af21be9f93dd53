"""How much a worker does at a time: what it is given, else what the settings of the process say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import __version__
from .._base.config import config

#: A worker that does not take the next task of a workflow in its memory for this long loses it to any other, in seconds.
_STICKY_SCHEDULE_TO_START = 5.0


@dataclass(frozen=True)
class Limits:
    """Of one worker, on each queue that it polls; `None` is as `config.worker` says."""

    max_concurrent_activities: int | None = None
    max_concurrent_local_activities: int | None = None
    max_concurrent_workflow_tasks: int | None = None
    max_cached_workflows: int | None = None
    max_task_queue_activities_per_second: float | None = None
    workflow_task_pollers: int | None = None
    activity_task_pollers: int | None = None
    graceful_shutdown_timeout: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and (value < 0 or (value == 0 and name.startswith("max_") and name != "max_cached_workflows")):
                raise ValueError(f"{name}={value}: give a positive number")


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def settings(
    task_queue: str,
    namespace: str,
    *,
    workflows: bool,
    rate: float | None = None,
    sessions: int = 0,
    limits: Limits | None = None,
    identity: str | None = None,
) -> dict[str, Any]:
    """A core worker's configuration. `sessions`: places for their leases beside the activities."""
    worker, limits = config.worker, limits or Limits()
    pollers = _or(limits.workflow_task_pollers, worker.max_workflow_task_pollers)
    return {
        "namespace": namespace,
        "task_queue": task_queue,
        "identity": identity or config.identity(),
        "build_id": f"ostro-python-{__version__}",
        "workflows": workflows,
        "max_cached_workflows": _or(limits.max_cached_workflows, worker.max_cached_workflows),
        "max_concurrent_workflow_tasks": _or(limits.max_concurrent_workflow_tasks, 100),
        "max_concurrent_activities": _or(limits.max_concurrent_activities, worker.max_concurrent_activities) + sessions,
        "max_concurrent_local_activities": _or(limits.max_concurrent_local_activities, worker.max_concurrent_activities),
        "workflow_task_pollers": max(2, pollers) if pollers else 0,
        "activity_task_pollers": _or(limits.activity_task_pollers, worker.max_activity_task_pollers),
        "max_task_queue_activities_per_second": rate,
        "sticky_schedule_to_start": _STICKY_SCHEDULE_TO_START,
        "heartbeat_throttle": 30.0,
        "graceful_shutdown": _or(limits.graceful_shutdown_timeout, worker.graceful_shutdown_timeout),
    }
