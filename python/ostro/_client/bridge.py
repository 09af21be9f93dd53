"""Calls from an asyncio loop into the core, and their answers."""

from __future__ import annotations

import asyncio
import itertools
import weakref
from collections.abc import Callable
from typing import Any

from .. import _core
from .._base.errors import AlreadyStartedError, NotFoundError, RpcError

_ANSWERED, _TASK = 0, 1
_NOT_FOUND, _ALREADY_EXISTS = 5, 6

TaskHandler = Callable[[Any], None]


class Bridge:
    """The mailbox of one asyncio loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._mailbox = _core.Mailbox()
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._handlers: dict[int, TaskHandler] = {}
        self._loop = loop
        loop.add_reader(self._mailbox.fileno(), self._drain)

    async def call(self, function: Callable[..., None], *args: Any) -> Any:
        """Calls `function(mailbox, id, *args)` of the core and waits for its answer. RpcError where it refuses."""
        number = next(self._ids)
        future = self._waiting[number] = self._loop.create_future()
        try:
            function(self._mailbox, number, *args)
            return await future
        finally:
            self._waiting.pop(number, None)

    def subscribe(self, function: Callable[..., None], handler: TaskHandler) -> int:
        """Calls `function(mailbox, id)`; what then comes under the id goes to `handler`."""
        number = next(self._ids)
        self._handlers[number] = handler
        function(self._mailbox, number)
        return number

    def unsubscribe(self, number: int) -> None:
        """Ends what `subscribe` began."""
        self._handlers.pop(number, None)

    def close(self) -> None:
        """No answer is listened for any more."""
        if not self._loop.is_closed():
            self._loop.remove_reader(self._mailbox.fileno())

    def _drain(self) -> None:
        for number, status, value in self._mailbox.drain():
            if status == _TASK:
                handler = self._handlers.get(number)
                if handler is not None:
                    handler(value)
                continue
            future = self._waiting.get(number)
            if future is None or future.done():
                continue
            if status == _ANSWERED:
                future.set_result(value)
            else:
                future.set_exception(_refusal(*value))


def _refusal(status: int, message: str) -> RpcError:
    if status == _NOT_FOUND:
        return NotFoundError(status, message)
    if status == _ALREADY_EXISTS:
        return AlreadyStartedError(status, message)
    return RpcError(status, message)


_bridges: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Bridge] = weakref.WeakKeyDictionary()


def bridge() -> Bridge:
    """The bridge of the running loop."""
    loop = asyncio.get_running_loop()
    found = _bridges.get(loop)
    if found is None:
        found = _bridges[loop] = Bridge(loop)
    return found
