"""The numbers that the Rust half and this one agree on, and calls from an asyncio loop into the core."""

from __future__ import annotations

import asyncio
import itertools
import weakref
from collections.abc import Callable
from typing import Any

from . import _core
from ._errors import AlreadyStartedError, NotFoundError, RpcError


class Job:
    """Kinds of activation jobs (`activation.rs`)."""

    INITIALIZE = 0
    FIRE_TIMER = 1
    RANDOM_SEED = 2
    QUERY = 3
    CANCEL = 4
    SIGNAL = 5
    RESOLVE_ACTIVITY = 6
    HAS_PATCH = 7
    CHILD_STARTED = 8
    CHILD_RESOLVED = 9
    SIGNAL_SENT = 10
    CANCEL_SENT = 11
    UPDATE = 12
    REMOVE = 13


class Command:
    """Kinds of commands (`command.rs`)."""

    START_TIMER = 1
    CANCEL_TIMER = 2
    SCHEDULE_ACTIVITY = 3
    SCHEDULE_LOCAL_ACTIVITY = 4
    CANCEL_ACTIVITY = 5
    CANCEL_LOCAL_ACTIVITY = 6
    COMPLETE = 7
    FAIL = 8
    CONTINUE_AS_NEW = 9
    CANCELLED = 10
    QUERY_RESULT = 11
    UPDATE_RESPONSE = 12
    PATCH = 13
    START_CHILD = 14
    CANCEL_CHILD = 15
    SIGNAL_EXTERNAL = 16
    CANCEL_EXTERNAL = 17
    CANCEL_SIGNAL = 18
    UPSERT_SEARCH_ATTRIBUTES = 19
    UPSERT_MEMO = 20


class Outcome:
    """What became of an operation."""

    COMPLETED = 0
    FAILED = 1
    CANCELLED = 2
    BACKOFF = 3
    #: Of an activity: it is completed from outside.
    LATER = 3


class FailureKind:
    """Kinds of failures (`failure.rs`)."""

    PLAIN = 0
    APPLICATION = 1
    TIMEOUT = 2
    CANCELED = 3
    TERMINATED = 4
    SERVER = 5
    ACTIVITY = 6
    CHILD = 7


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
