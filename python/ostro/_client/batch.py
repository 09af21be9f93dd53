"""The calls of a client that act on every execution that a filter selects."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

from .._base.config import config
from .._values import converter, failures
from .calls import Calls

_POLL_SECONDS = 0.2
_STATE = "BATCH_OPERATION_STATE_"


@dataclass
class Batch:
    """A batch as the engine has it."""

    id: str
    #: RUNNING, COMPLETED, FAILED.
    state: str
    total: int
    completed: int
    failed: int


class BatchCalls(Calls):
    """A part of `Client`: each returns the id of a batch that the engine works through."""

    async def batch_signal(self, query: str, signal: str, *args: Any, reason: str = "batch") -> str:
        """Sends a signal, by its name, to each."""
        payloads = [failures.payload_to_json(one) for one in converter.encode_all(args, f'the input of "{signal}"')]
        return await self._batch(query, reason, "signalOperation", {"signal": signal, "input": {"payloads": payloads}})

    async def batch_cancel(self, query: str, reason: str = "batch") -> str:
        """Asks each to stop."""
        return await self._batch(query, reason, "cancellationOperation", {})

    async def batch_terminate(self, query: str, reason: str = "batch") -> str:
        """Ends each at once."""
        return await self._batch(query, reason, "terminationOperation", {})

    async def batch_delete(self, query: str, reason: str = "batch") -> str:
        """Removes each with its history."""
        return await self._batch(query, reason, "deletionOperation", {})

    async def describe_batch(self, id: str) -> Batch:
        """How far a batch is. NotFoundError where there is none."""
        answer = await self._call("DescribeBatchOperation", {"jobId": id})
        return Batch(
            id=id,
            state=answer.get("state", "").removeprefix(_STATE),
            total=int(answer.get("totalOperationCount", 0)),
            completed=int(answer.get("completeOperationCount", 0)),
            failed=int(answer.get("failureOperationCount", 0)),
        )

    async def wait_for_batch(self, id: str) -> Batch:
        """Returns when a batch has ended."""
        while True:
            found = await self.describe_batch(id)
            if found.state != "RUNNING":
                return found
            await asyncio.sleep(_POLL_SECONDS)

    async def stop_batch(self, id: str, reason: str = "") -> None:
        """Ends a batch; what it has done stays."""
        await self._call("StopBatchOperation", {"jobId": id, "reason": reason})

    async def _batch(self, query: str, reason: str, kind: str, operation: dict[str, Any]) -> str:
        operation["identity"] = config.identity()
        job = str(uuid.uuid4())
        request = {"visibilityQuery": query, "jobId": job, "reason": reason, kind: operation}
        await self._call("StartBatchOperation", request)
        return job
