"""What a killed program left under way in its own engine.

An engine in the process has no workers but this process's. Whatever an earlier process had begun when it ended is lost for certain, so
its attempts are failed at once and retried, instead of after their time-outs.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from ._config import config
from ._connection import Connection
from ._errors import RpcError

#: Above so many open executions their activities wait for their time-outs: looking at each would hold up the start.
EXECUTIONS_MAX = 2000
_AT_A_TIME = 50


async def fail_lost_attempts(connection: Connection) -> None:
    """Fails every activity attempt that a worker before this process had begun. Call it before anything polls."""
    namespace = {"namespace": connection.namespace}
    request: dict[str, Any] = {**namespace, "query": "ExecutionStatus = 'Running'", "pageSize": EXECUTIONS_MAX}
    open_ones = (await connection.call("ListWorkflowExecutions", request)).get("executions", [])
    if len(open_ones) >= EXECUTIONS_MAX:
        return
    places = asyncio.Semaphore(_AT_A_TIME)

    async def look(execution: dict[str, Any]) -> None:
        async with places:
            with contextlib.suppress(RpcError):  # it has ended meanwhile
                await _fail_lost_of(connection, execution, namespace)

    await asyncio.gather(*(look(one["execution"]) for one in open_ones))


async def _fail_lost_of(connection: Connection, execution: dict[str, Any], namespace: dict[str, str]) -> None:
    found = await connection.call("DescribeWorkflowExecution", {**namespace, "execution": execution})
    for activity in found.get("pendingActivities", []):
        if activity.get("state") != "PENDING_ACTIVITY_STATE_STARTED":
            continue
        failure = {
            "message": "the process that ran it ended",
            "source": "ostro-python",
            "applicationFailureInfo": {"type": "ProcessLost"},
        }
        lost = {
            **namespace,
            "workflowId": execution["workflowId"],
            "runId": execution["runId"],
            "activityId": activity["activityId"],
            "failure": failure,
            "identity": config.identity(),
        }
        await connection.call("RespondActivityTaskFailedById", lost)
