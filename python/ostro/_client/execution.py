"""What an engine says of executions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._values import converter, failures

_STATUS = "WORKFLOW_EXECUTION_STATUS_"


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
    #: What has not ended: JSON of Temporal's `PendingActivityInfo`.
    pending_activities: Sequence[dict[str, Any]] = ()
    memo: dict[str, Any] | None = None


def _time(text: str | None) -> datetime | None:
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
        start_time=_time(info.get("startTime")),
        close_time=_time(info.get("closeTime")),
        task_queue=info.get("taskQueue", ""),
        history_length=int(info.get("historyLength", 0)),
        memo=memo,
    )


def _decoded(payload: Any) -> Any:
    try:
        return converter.decode(payload)
    except ValueError:
        return None
