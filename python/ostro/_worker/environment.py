"""An engine for tests, with a clock that skips, and what stands in for activities in it."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
from collections import ChainMap
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .._activity.activity import ActivityDefinition, activity, definition_of, registered_activities
from .._base.duration import Duration, seconds
from .._base.errors import ErrorCode, WorkflowsException
from .._client.client import Client
from .._client.connection import Connection
from .._client.execution import time_from_json
from .._definition.interceptor import Interceptor
from .._definition.schedule import span
from .worker import Worker

TEST_TASK_QUEUE = "test-task-queue"


class Mock(ActivityDefinition):
    """Stands in for an activity: `calls` has the arguments of each call."""

    calls: list[tuple[Any, ...]]
    answer: Any

    async def run(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """What the test says."""
        positional, named = self.signature.written(list(args), kwargs)
        self.calls.append((*positional, *named.values()))
        if isinstance(self.answer, BaseException):
            raise self.answer
        result = self.answer(*positional, **named) if callable(self.answer) else self.answer
        result = await result if inspect.isawaitable(result) else result
        self.signature.check_result(result)
        return result


def _mock(replaced: Any, answer: Any) -> Mock:
    if isinstance(replaced, str):
        known = registered_activities().get(replaced) or definition_of(activity.named(replaced))
    else:
        known = definition_of(replaced)
    fields = {one.name: getattr(known, one.name) for one in dataclasses.fields(ActivityDefinition)}
    made = Mock(**{**fields, "isolated": False, "sticky": False})
    made.calls, made.answer = [], answer
    return made


class Environment(Client):
    """A client of an engine in this process that keeps nothing; it opens when it is first used."""

    def __init__(self, *, time_skipping: bool = True, task_queue: str = TEST_TASK_QUEUE) -> None:
        self._time_skipping = time_skipping
        self._connection: Connection | None = None
        self._mocks: dict[str, ActivityDefinition] = {}
        self.task_queue = task_queue
        self.interceptors: tuple[Interceptor, ...] = ()

    @property
    def connection(self) -> Connection:  # type: ignore[override]
        """The engine's, once it is open."""
        if self._connection is None:
            raise WorkflowsException(
                "the test environment is not open yet: `async with env.worker([MyWorkflow]):`", code=ErrorCode.CONFIGURATION
            )
        return self._connection

    async def open(self) -> Environment:
        """Opens the engine, where it is not."""
        if self._connection is None:
            self._connection = await Connection.open(":memory:", "default", time_skipping=self._time_skipping, private=True)
        return self

    async def close(self) -> None:
        """Ends the engine."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _call(self, method: str, request: dict[str, Any], timeout: float | None = None) -> Any:
        await self.open()
        return await super()._call(method, request, timeout)

    def mock(self, activity: Any, answer: Any) -> Mock:
        """Puts `answer` in the place of an activity, a function or a name: a function of its arguments, async or not, a value, or an
        exception to raise. Its `calls` are the arguments that came."""
        made = _mock(activity, answer)
        self._mocks[made.name] = made
        return made

    @contextlib.asynccontextmanager
    async def worker(
        self,
        workflows: Iterable[type] = (),
        *,
        activities: Iterable[Any] | None = None,
        interceptors: Sequence[Interceptor] = (),
        **limits: Any,
    ) -> AsyncIterator[Worker]:
        """A worker while the scope is open, with the mocks in the place of their activities; as `Worker`."""
        await self.open()
        async with self.make_worker(workflows, activities=activities, interceptors=interceptors, **limits) as found:
            yield found

    def make_worker(self, workflows: Iterable[type], *, activities: Iterable[Any] | None = None, **options: Any) -> Worker:
        """A worker to be used as `async with`, with the mocks in the place of their activities."""
        options.setdefault("task_queue", self.task_queue)
        made = Worker(workflows, activities=activities, connection=self.connection, **options)
        made.replace_activities(ChainMap(self._mocks, dict(made.activities) if activities is not None else registered_activities()))
        return made

    async def now(self) -> datetime:
        """The engine's time, UTC."""
        await self.open()
        answer = await self.connection.call("GetCurrentTime", {}, service="test")
        found = time_from_json(answer["time"])
        assert found is not None
        return found

    async def sleep(self, duration: Duration) -> None:
        """Lets so much time of the engine pass, at once where nothing is worked on: what is due meanwhile happens."""
        await self.open()
        request = {"duration": span(seconds(duration, "duration"))}
        await self.connection.call("UnlockTimeSkippingWithSleep", request, service="test")

    async def skip_to(self, time: datetime) -> None:
        """As `sleep`, until a time. ValueError for one without a time zone, or that is over."""
        if time.tzinfo is None:
            raise ValueError(f"skip_to({time!r}): give it a time zone, such as timezone.utc")
        wait = time - await self.now()
        if wait < timedelta(0):
            raise ValueError(f"skip_to({time}): that is {-wait} ago")
        await self.sleep(wait)
