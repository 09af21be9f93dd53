"""Interceptors: a program's own code around what workers and clients do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass
class Call:
    """What an interceptor sees, and may change before it hands it on."""

    #: Of the activity, workflow, signal, query or update.
    name: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    #: JSON values that go with it, from where it is asked for to where it runs; those of signals, queries and updates stay here.
    headers: dict[str, Any]


Next = Callable[[Call], Awaitable[Any]]


class Interceptor:
    """Override what you want to be around, and `return await next(call)`; the first of a list is the outermost.

    Those of a worker are given to `Worker(interceptors=...)`, those of a client to `Client.connect(interceptors=...)`. What runs in
    workflow code must be deterministic like it.
    """

    async def execute_activity(self, call: Call, next: Next) -> Any:
        """An attempt of an activity, in its worker."""
        return await next(call)

    async def execute_workflow(self, call: Call, next: Next) -> Any:
        """The entrypoint of an execution, in workflow code."""
        return await next(call)

    async def handle_signal(self, call: Call, next: Next) -> Any:
        """A signal's handler, in workflow code."""
        return await next(call)

    async def handle_update(self, call: Call, next: Next) -> Any:
        """An update's handler, in workflow code, once it is accepted."""
        return await next(call)

    def handle_query(self, call: Call, next: Callable[[Call], Any]) -> Any:
        """A query's handler, in workflow code: not async, changes nothing."""
        return next(call)

    async def start_activity(self, call: Call, next: Next) -> Any:
        """An activity that workflow code awaits, from its call to its result."""
        return await next(call)

    async def start_child(self, call: Call, next: Next) -> Any:
        """A child workflow that workflow code starts; gives its handle."""
        return await next(call)

    async def start_workflow(self, call: Call, next: Next) -> Any:
        """An execution that a client starts; gives its handle."""
        return await next(call)


def around(interceptors: Sequence[Interceptor], method: str, inner: Callable[[Call], Any]) -> Callable[[Call], Any]:
    """`inner` with that method of all interceptors around it."""
    for one in reversed(interceptors):
        inner = partial(getattr(one, method), next=inner)
    return inner
