"""What an engine says of schedules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .execution import time_from_json


@dataclass
class ScheduleAction:
    """An execution that a schedule has started."""

    workflow_id: str
    run_id: str
    scheduled_time: datetime | None
    started_time: datetime | None


@dataclass
class ScheduleDescription:
    """A schedule as the engine has it."""

    id: str
    workflow: str
    #: It starts nothing until it is unpaused.
    paused: bool
    note: str
    #: `None` for no limit.
    remaining_actions: int | None = None
    next_times: list[datetime] = field(default_factory=list)
    recent_actions: list[ScheduleAction] = field(default_factory=list)
    #: Executions that it has started, and that run.
    running: list[str] = field(default_factory=list)
    #: How many it has started, and how many it left out because the one before ran.
    action_count: int = 0
    skipped_count: int = 0
    task_queue: str = ""


def description_from_json(schedule_id: str, answer: dict[str, Any]) -> ScheduleDescription:
    """From Temporal's answer to a description."""
    schedule, info = answer.get("schedule", {}), answer.get("info", {})
    state, start = schedule.get("state", {}), schedule.get("action", {}).get("startWorkflow", {})
    limited = state.get("limitedActions", False)
    return ScheduleDescription(
        id=schedule_id,
        workflow=start.get("workflowType", {}).get("name", ""),
        paused=state.get("paused", False),
        note=state.get("notes", ""),
        remaining_actions=int(state.get("remainingActions", 0)) if limited else None,
        next_times=_times(info.get("futureActionTimes")),
        recent_actions=_actions(info.get("recentActions")),
        running=[one.get("workflowId", "") for one in info.get("runningWorkflows", [])],
        action_count=int(info.get("actionCount", 0)),
        skipped_count=int(info.get("overlapSkipped", 0)),
        task_queue=start.get("taskQueue", {}).get("name", ""),
    )


def description_from_list(entry: dict[str, Any]) -> ScheduleDescription:
    """From one entry of Temporal's list: what it leaves out is empty."""
    info = entry.get("info", {})
    return ScheduleDescription(
        id=entry.get("scheduleId", ""),
        workflow=info.get("workflowType", {}).get("name", ""),
        paused=info.get("paused", False),
        note=info.get("notes", ""),
        next_times=_times(info.get("futureActionTimes")),
        recent_actions=_actions(info.get("recentActions")),
    )


def _times(found: list[str] | None) -> list[datetime]:
    return [time for text in found or () if (time := time_from_json(text)) is not None]


def _actions(found: list[dict[str, Any]] | None) -> list[ScheduleAction]:
    return [
        ScheduleAction(
            workflow_id=one.get("startWorkflowResult", {}).get("workflowId", ""),
            run_id=one.get("startWorkflowResult", {}).get("runId", ""),
            scheduled_time=time_from_json(one.get("scheduleTime")),
            started_time=time_from_json(one.get("actualTime")),
        )
        for one in found or ()
    ]
