"""What an engine says of executions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._values import converter, failures

_STATUS = "WORKFLOW_EXECUTION_STATUS_"


@dataclass
class PendingActivity:
    """An activity that has not ended."""

    id: str
    activity: str
    #: SCHEDULED, STARTED, CANCEL_REQUESTED, PAUSED.
    state: str
    #: Counts from 1; that which runs, or comes next.
    attempt: int
    #: What the last attempt failed with; "" where none has.
    last_failure: str
    scheduled_time: datetime | None
    last_started_time: datetime | None
    last_heartbeat_time: datetime | None
    #: Who had it last.
    last_worker: str


def pending_from_json(info: dict[str, Any]) -> PendingActivity:
    """A pending activity from Temporal's `PendingActivityInfo`."""
    return PendingActivity(
        id=info.get("activityId", ""),
        activity=info.get("activityType", {}).get("name", ""),
        state=info.get("state", "").removeprefix("PENDING_ACTIVITY_STATE_"),
        attempt=int(info.get("attempt", 1)),
        last_failure=info.get("lastFailure", {}).get("message", ""),
        scheduled_time=time_from_json(info.get("scheduledTime")),
        last_started_time=time_from_json(info.get("lastStartedTime")),
        last_heartbeat_time=time_from_json(info.get("lastHeartbeatTime")),
        last_worker=info.get("lastWorkerIdentity", ""),
    )


@dataclass
class Execution:
    """What the engine says of an execution."""

    id: str
    run_id: str
    workflow: str
    #: RUNNING, COMPLETED, FAILED, CANCELED, TERMINATED, CONTINUED_AS_NEW, TIMED_OUT.
    status: str
    start_time: datetime | None
    close_time: datetime | None
    task_queue: str
    history_length: int
    #: Activities that have not ended; of a description only.
    pending_activities: Sequence[PendingActivity] = ()
    memo: dict[str, Any] | None = None


def time_from_json(text: str | None) -> datetime | None:
    """A time from Temporal's JSON; `None` for none."""
    if not text:
        return None
    head, _dot, rest = text.rstrip("Z").partition(".")
    micro = (rest + "000000")[:6] if rest else "000000"
    return datetime.fromisoformat(f"{head}.{micro}+00:00")


def execution_from_json(info: dict[str, Any]) -> Execution:
    """An execution from Temporal's `WorkflowExecutionInfo`."""
    memo = {key: _decoded(failures.payload_from_json(value)) for key, value in info.get("memo", {}).get("fields", {}).items()}
    return Execution(
        id=info["execution"]["workflowId"],
        run_id=info["execution"].get("runId", ""),
        workflow=info.get("type", {}).get("name", ""),
        status=info.get("status", "").removeprefix(_STATUS),
        start_time=time_from_json(info.get("startTime")),
        close_time=time_from_json(info.get("closeTime")),
        task_queue=info.get("taskQueue", ""),
        history_length=int(info.get("historyLength", 0)),
        memo=memo,
    )


def _decoded(payload: Any) -> Any:
    try:
        return converter.decode(payload)
    except ValueError:
        return None
