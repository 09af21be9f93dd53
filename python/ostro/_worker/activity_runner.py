"""Activity tasks of one queue, on the program's own event loop; sync activities in threads."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from .._activity.activity import START_TO_CLOSE_DEFAULT, ActivityDefinition, registered_activities
from .._activity.activity_context import ActivityContext, ActivityInfo
from .._activity.later import CompletesLater
from .._base import error_text
from .._base.config import config
from .._base.context import current_activity
from .._base.duration import seconds
from .._base.errors import RpcError, TimeoutType, WorkflowError
from .._base.kinds import FailureKind, Outcome
from .._base.log import log
from .._client.bridge import Bridge
from .._definition.definition import DYNAMIC
from .._definition.interceptor import Call, Interceptor, around
from .._values import converter, failures
from .._workflow.activities import TIMEOUT_HEADER
from .._workflow.session import COLD_START_HEADER, LEASE
from .loop_watch import LoopWatch

_log = log("ostro.activity")

_REASONS = ("not found", "cancelled", "timed out", "worker shutdown", "paused", "reset")
_TIMED_OUT, _WORKER_SHUTDOWN = 2, 3
#: Characters of a failed attempt's input that its log line shows.
_INPUT_SHOWN = 200


if sys.version_info >= (3, 12):

    def _start_task(coroutine: Any, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        """A task whose first step runs now, so a short activity costs no turn of the loop."""
        return asyncio.Task(coroutine, loop=loop, eager_start=True, context=contextvars.copy_context())

else:

    def _start_task(coroutine: Any, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        """A task."""
        return loop.create_task(coroutine)


class Context(ActivityContext):
    """Of an attempt that a worker runs; says what it is when it is asked."""

    #: The outcome has been given: what comes after is dropped.
    answered = False
    #: Ends it when its time is over; of local activities.
    timer: asyncio.TimerHandle | None = None

    def __init__(self, runner: ActivityRunner, token: bytes, start: tuple[Any, ...]) -> None:
        # One of these is made for each attempt: what is not said here is the class's.
        self._start = start
        self._runner = runner
        self.token = token
        self.last_details = start[3]
        if not start[6]:
            self.beat = self._beat

    def _beat(self, details: Any) -> None:
        self._runner.core.heartbeat(self.token, details)
        if self.cancelled and asyncio._get_running_loop() is None:
            # A thread cannot be interrupted: this is where a sync activity learns it.
            raise asyncio.CancelledError(self.cancel_reason)

    def local_timeout(self) -> float:
        """Seconds that an attempt of a local activity has: its worker keeps them, see `_workflow/activities.py`."""
        given = self._start[4].get(TIMEOUT_HEADER)
        return _start_to_close(self.name) if given is None else float(converter.decode(given, float))

    def shown_input(self) -> str:
        """The first characters of its input."""
        found = ", ".join(_shown(payload) for payload in self._start[2])
        return f"({found})" if len(found) <= _INPUT_SHOWN else f"({found[:_INPUT_SHOWN]}...)"

    @property
    def name(self) -> str:
        """The activity's."""
        return str(self._start[0][0])

    @property
    def info(self) -> ActivityInfo:
        identity, namespace, _input, _details, headers, attempt, is_local, times = self._start
        name, activity_id, workflow_type, workflow_id, run_id = identity
        scheduled, _attempt_scheduled, started, _to_close, start_to_close, heartbeat = times
        if is_local:
            start_to_close = self.local_timeout()
        return ActivityInfo(
            activity_type=name,
            activity_id=activity_id,
            attempt=attempt,
            is_local=is_local,
            workflow_id=workflow_id,
            workflow_run_id=run_id,
            workflow_type=workflow_type,
            namespace=namespace,
            task_queue=self._runner.task_queue,
            scheduled_time=_time(scheduled),
            started_time=_time(started),
            start_to_close_timeout=_span(start_to_close),
            heartbeat_timeout=_span(heartbeat),
            task_token=self.token,
            cold_start=COLD_START_HEADER in headers,
        )

    @info.setter
    def info(self, value: Any) -> None:
        """The attempt says it; see above."""


def _shown(payload: Any) -> str:
    if payload is None:
        return "null"
    if payload.__class__ is bytes:
        return str(payload[:_INPUT_SHOWN].decode("utf-8", "replace"))
    return f"<{len(payload.data)} bytes>"


def _log_failure(context: Context, error: BaseException) -> None:
    """Says which attempt failed, where, and on what input."""
    info = context.info
    _log.warning(
        "activity %s failed (workflow %s, run %s, attempt %d%s): %s: %s",
        context.name,
        info.workflow_id,
        info.workflow_run_id,
        info.attempt,
        f", input {context.shown_input()}" if config.worker.log_activity_input else "",
        error_text.type_name(error),
        error_text.message(error),
        exc_info=error,
    )


def _start_to_close(name: str) -> float:
    """Of a local activity: its worker keeps it, see `_instance`."""
    definition = registered_activities().get(name)
    return definition.start_to_close if definition is not None else seconds(START_TO_CLOSE_DEFAULT, "start_to_close_timeout")


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)


def _span(seconds: float | None) -> timedelta | None:
    return timedelta(seconds=seconds) if seconds else None


class ActivityRunner:
    """Runs what one core worker polls."""

    def __init__(
        self,
        core: Any,
        task_queue: str,
        connection: Any,
        activities: Mapping[str, ActivityDefinition],
        interceptors: Sequence[Interceptor] = (),
    ) -> None:
        self.core = core
        self._activities = activities
        self._interceptors = interceptors
        self._watch = LoopWatch(asyncio.get_running_loop(), activities)
        self._connection = connection
        self.task_queue = task_queue
        self._loop = asyncio.get_running_loop()
        self._running: dict[bytes, tuple[asyncio.Task[None], Context]] = {}
        #: Done when no more tasks will come.
        self.finished: asyncio.Future[None] = self._loop.create_future()

    async def stop(self, now: bool) -> None:
        """Stops polling; returns when everything that runs has been answered. `now`: it is not let go on."""
        self.core.initiate_shutdown()
        for token, (_task, context) in list(self._running.items()):
            # Sessions learn at once that this worker leaves.
            if now or context.name == LEASE.name:
                self._cancel(token, _WORKER_SHUTDOWN)
        await self.finished
        self._watch.stop()
        await self._bridge.call(self.core.shutdown)

    def start(self, bridge: Bridge) -> None:
        """Begins to poll."""
        self._bridge = bridge
        self._subscription = bridge.subscribe(self.core.poll_activities, self._on_task)
        self.finished.add_done_callback(lambda _future: bridge.unsubscribe(self._subscription))

    def _on_task(self, value: tuple[Any, ...]) -> None:
        token, start, reason = value
        if token is None:
            if not self.finished.done():
                self.finished.set_result(None)
        elif start is not None:
            context = Context(self, token, start)
            self._watch.enter()
            task = _start_task(self._run(token, start, context), self._loop)
            if task.done():
                self._watch.leave()
            else:
                self._running[token] = (task, context)
                if start[6]:
                    context.timer = self._loop.call_later(context.local_timeout(), self._time_out, token)
        else:
            self._cancel(token, reason)

    def _cancel(self, token: bytes, reason: int) -> None:
        found = self._running.get(token)
        if found is None:
            return
        task, context = found
        context.cancel_reason = _REASONS[reason] if reason < len(_REASONS) else "cancelled"
        context.cancelled = True
        task.cancel(context.cancel_reason)

    def _time_out(self, token: bytes) -> None:
        found = self._running.get(token)
        if found is None:
            return
        _, context = found
        which = int(TimeoutType.START_TO_CLOSE)
        self._answer(
            context, Outcome.FAILED, (FailureKind.TIMEOUT, "activity StartToClose timeout", "", "ostro-python", None, (which, []))
        )
        context.answered = True
        self._cancel(token, _TIMED_OUT)

    def _answer(self, context: Context, outcome: int, value: Any) -> None:
        if context.answered:
            return
        try:
            self.core.complete_activity(context.token, outcome, value)
        except Exception as error:
            # An attempt without an answer would be waited for until its time-out.
            lost = WorkflowError(f"the outcome of the attempt could not be sent: {error_text.message(error)}", type="NotSent")
            self.core.complete_activity(context.token, Outcome.FAILED, failures.from_exception(lost))

    async def _run(self, token: bytes, start: tuple[Any, ...], context: Context) -> None:
        current_activity.set(context)
        name = start[0][0]
        try:
            definition = self._activities.get(name) or self._activities.get(DYNAMIC)
            if definition is None:
                raise WorkflowError(
                    f'no activity "{name}" in this worker: import the module that defines it', type="ActivityNotRegistered"
                )
            args, kwargs = definition.decode(start[2], name)
            result = await self._call(definition, name, args, kwargs, start[4])
            payload = definition.signature.encode_result(result, f'the result of activity "{name}"')
            self._answer(context, Outcome.COMPLETED, payload)
        except CompletesLater:
            # An engine in this process must know before the core forgets the attempt that it is not lost with this process.
            with contextlib.suppress(RpcError):  # it has ended meanwhile
                await self._bridge.call(self._connection.detach, token)
            self._answer(context, Outcome.LATER, None)
        except asyncio.CancelledError as error:
            self._complete_cancelled(token, name, context, error)
        except BaseException as error:
            # SystemExit and its like end the attempt, never the worker.
            self._answer(context, Outcome.FAILED, failures.from_exception(error))
            _log_failure(context, error)
        finally:
            if context.timer is not None:
                context.timer.cancel()
            if self._running.pop(token, None) is not None:
                self._watch.leave()

    async def _call(
        self, definition: ActivityDefinition, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], headers: Mapping[str, Any]
    ) -> Any:
        if not self._interceptors:
            return await definition.run(args, kwargs)

        async def inner(call: Call) -> Any:
            return await definition.run(call.args, call.kwargs)

        found = Call(name, args, kwargs, failures.headers_from_payloads(headers))
        return await around(self._interceptors, "execute_activity", inner)(found)

    def _complete_cancelled(self, token: bytes, name: str, context: Context, error: BaseException) -> None:
        if context.cancelled and context.cancel_reason != _REASONS[_WORKER_SHUTDOWN]:
            failure: tuple[Any, ...] = (FailureKind.CANCELED, f'activity "{name}" was cancelled', "", "ostro-python", None, ([],))
            self._answer(context, Outcome.CANCELLED, failure)
            return
        # Not asked for: the worker stops, or the code cancelled itself. Another attempt may follow.
        why = "the worker stopped" if context.cancelled else "it cancelled itself"
        lost = WorkflowError(f'activity "{name}" ended early: {why}', type="Cancelled")
        self._answer(context, Outcome.FAILED, failures.from_exception(lost))
