"""The outcome of an activity that is completed from outside: see `activity.complete_later()`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._base.config import config
from .._values import converter, failures
from .connection import Connection


class ActivityHandle:
    """An attempt, by its token, or whichever attempt of an activity runs, by ids. NotFoundError where none does."""

    def __init__(self, connection: Connection, target: dict[str, Any]) -> None:
        self._connection = connection
        self._target = target

    async def complete(self, result: Any = None) -> None:
        """Gives the activity its result."""
        payload = converter.encode_one(result, "the result of an activity")
        await self._call("RespondActivityTaskCompleted", {"result": {"payloads": [failures.payload_to_json(payload)]}})

    async def fail(self, error: BaseException) -> None:
        """Fails the attempt; the next follows where its retry policy has one."""
        await self._call("RespondActivityTaskFailed", {"failure": failures.to_json(error)})

    async def heartbeat(self, *details: Any) -> None:
        """Says that it is alive: needed where it has a `heartbeat_timeout`."""
        await self._call("RecordActivityTaskHeartbeat", {"details": {"payloads": _encode(details)}})

    async def _call(self, method: str, body: dict[str, Any]) -> None:
        by_id = "" if "taskToken" in self._target else "ById"
        request = {"namespace": self._connection.namespace, "identity": config.identity(), **self._target, **body}
        await self._connection.call(f"{method}{by_id}", request)


def _encode(details: Sequence[Any]) -> list[dict[str, Any]]:
    found = (converter.encode(detail, what=f"heartbeat detail {at}") for at, detail in enumerate(details, 1))
    return [failures.payload_to_json(payload) for payload in found]
