"""Activities that are completed from outside: by a person, a webhook, another program.

The activity hands out `activity.info().task_token` and ends with `activity.complete_later()`; whoever has the token, or the ids, completes
it with `client.activity(...)`. Its time-outs go on; so do its retries where it fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from . import _convert, _failure
from ._activity_context import require_info
from ._config import config
from ._errors import ErrorCode, WorkflowsException

if TYPE_CHECKING:
    from ._connection import Connection


class CompletesLater(BaseException):
    """Ends an attempt here; its outcome comes from outside."""


def complete_later() -> NoReturn:
    """Ends the activity here without an outcome: `client.activity(...)` gives it, within `start_to_close_timeout`. Does not return.

    NotInTemporalContextError where no worker runs it, WorkflowsException in a local activity.
    """
    found = require_info("activity.complete_later()")
    if found.is_local:
        raise WorkflowsException(
            f'activity "{found.activity_type}" runs locally: only a regular one can be completed later',
            code=ErrorCode.CONFIGURATION,
        )
    raise CompletesLater(found.activity_type)


class ActivityHandle:
    """An attempt, by its token, or whichever attempt of an activity runs, by ids. NotFoundError where none does."""

    def __init__(self, connection: Connection, target: dict[str, Any]) -> None:
        self._connection = connection
        self._target = target

    async def complete(self, result: Any = None) -> None:
        """Gives the activity its result."""
        payload = _convert.encode_one(result, "the result of an activity")
        await self._call("RespondActivityTaskCompleted", {"result": {"payloads": [_failure.payload_to_json(payload)]}})

    async def fail(self, error: BaseException) -> None:
        """Fails the attempt; the next follows where its retry policy has one."""
        await self._call("RespondActivityTaskFailed", {"failure": _failure.to_json(error)})

    async def heartbeat(self, *details: Any) -> None:
        """Says that it is alive: needed where it has a `heartbeat_timeout`."""
        await self._call("RecordActivityTaskHeartbeat", {"details": {"payloads": _encode(details)}})

    async def _call(self, method: str, body: dict[str, Any]) -> None:
        by_id = "" if "taskToken" in self._target else "ById"
        request = {"namespace": self._connection.namespace, "identity": config.identity(), **self._target, **body}
        await self._connection.call(f"{method}{by_id}", request)


def _encode(details: Sequence[Any]) -> list[dict[str, Any]]:
    found = (_convert.encode(detail, what=f"heartbeat detail {at}") for at, detail in enumerate(details, 1))
    return [_failure.payload_to_json(payload) for payload in found]


__all__ = ["ActivityHandle", "complete_later"]
