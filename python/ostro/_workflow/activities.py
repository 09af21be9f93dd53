"""The activities of one execution: scheduled, resolved, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._activity.activity import INITIAL_INTERVAL, MAXIMUM_INTERVAL, ActivityDefinition, registered_activities
from .._base.context import run_locally
from .._base.errors import ActivityError, ErrorCode, Failure, WorkflowError, WorkflowsException
from .._base.kinds import Command, Outcome
from .._values import converter, failures
from .session import require_session

if TYPE_CHECKING:
    from .instance import WorkflowInstance

_TRY_CANCEL = 0
#: A local activity's attempts end by their own time-out, which `ActivityRunner` keeps: the core's would wake two threads for each
#: attempt. The core wants a limit of the whole, in seconds: ten years.
#: Tells `ActivityRunner` the time-out of an attempt that is not its activity's own.
TIMEOUT_HEADER = "ostro-start-to-close"
_LOCAL_FOREVER = 10 * 365 * 86400.0


class PendingActivity:
    """A scheduled activity: its future holds the payload of its result."""

    __slots__ = ("_cancel_command", "_instance", "definition", "future", "seq")

    def __init__(self, instance: WorkflowInstance, definition: ActivityDefinition, cancel_command: int) -> None:
        self._instance = instance
        self._cancel_command = cancel_command
        self.definition: ActivityDefinition = definition
        self.seq: int = instance.next_seq()
        self.future: asyncio.Future[Any] = instance.loop.create_future()
        instance.activities.pending[self.seq] = self

    async def wait(self) -> Any:
        """The payload; cancelling the wait cancels the activity."""
        try:
            return await self.future
        except asyncio.CancelledError:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Asks the activity to stop, and does not wait for it."""
        if self._instance.activities.pending.pop(self.seq, None) is not None and not self._instance.evicted:
            self._instance.command(self._cancel_command, self.seq)

    def abandon(self, error: Failure) -> None:
        """Gives it up: whoever waits gets `error`."""
        self.cancel()
        if not self.future.done():
            self.future.set_exception(error)


class ActivityCalls:
    """What workflow code asks for, and what becomes of it."""

    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance
        self.pending: dict[int, PendingActivity] = {}

    async def execute(
        self,
        definition: ActivityDefinition,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        headers: Mapping[str, Any] | None = None,
    ) -> Any:
        """Runs an activity where the scope says: locally, in the session, on its queue. `headers` are payloads."""
        own_queue = self._instance.task_queue
        queue = definition.task_queue or own_queue
        payloads = definition.signature.encode(args, kwargs, f'the input of activity "{definition.name}"')
        if run_locally.get() if definition.local is None else definition.local:
            definition.warn_local()
            payload = await self._run_local(definition, payloads, headers)
        elif definition.sticky:
            payload = await require_session(definition).call(definition, payloads, headers)
        elif definition.rate_limit is not None:
            limited = definition.rate_limit.queue(queue, definition.name)
            payload = await self.schedule(definition, payloads, limited, headers=headers, eager=False).wait()
        else:
            payload = await self.schedule(definition, payloads, queue, headers=headers, eager=queue == own_queue).wait()
        return self._decode_result(definition, payload)

    def _decode_result(self, definition: ActivityDefinition, payload: Any) -> Any:
        try:
            return converter.decode(payload, definition.signature.returns)
        except ValueError as error:
            raise WorkflowsException(
                f'activity "{definition.name}" returned what its annotation does not allow ({converter.describe(error)})',
                code=ErrorCode.INVALID_RETURN,
            ) from None

    def schedule(
        self,
        definition: ActivityDefinition,
        payloads: Sequence[Any],
        queue: str,
        *,
        schedule_to_start: float | None = None,
        headers: Mapping[str, Any] | None = None,
        eager: bool = True,
    ) -> PendingActivity:
        """Schedules a regular activity."""
        self._instance.refuse_read_only()
        pending = PendingActivity(self._instance, definition, Command.CANCEL_ACTIVITY)
        self._instance.add(
            (
                Command.SCHEDULE_ACTIVITY,
                pending.seq,
                str(pending.seq),
                definition.name,
                queue,
                payloads,
                definition.schedule_to_close,
                schedule_to_start or definition.schedule_to_start,
                definition.start_to_close,
                definition.heartbeat,
                definition.retry_policy(),
                _TRY_CANCEL,
                not eager,
                headers,
                _summary(definition),
            )
        )
        return pending

    async def _run_local(self, definition: ActivityDefinition, payloads: Sequence[Any], headers: Mapping[str, Any] | None) -> Any:
        if not self._instance.has_activities:
            raise WorkflowsException(
                f'activity "{definition.name}" cannot run locally: its worker was made with activities=(), so it has none',
                code=ErrorCode.CONFIGURATION,
            )
        attempt, scheduled = 0, None
        while True:
            outcome = await self._schedule_local(definition, payloads, attempt, scheduled, headers).wait()
            if outcome.__class__ is not Backoff:
                return outcome
            # A wait too long for one task of the workflow: a durable timer, then the next attempt.
            attempt, scheduled = outcome.attempt, outcome.scheduled
            await asyncio.sleep(outcome.seconds)

    def _schedule_local(
        self,
        definition: ActivityDefinition,
        payloads: Sequence[Any],
        attempt: int,
        scheduled: float | None,
        headers: Mapping[str, Any] | None,
    ) -> PendingActivity:
        self._instance.refuse_read_only()
        known = registered_activities().get(definition.name)
        if known is None or known.start_to_close != definition.start_to_close:
            headers = {**(headers or {}), TIMEOUT_HEADER: converter.encode(definition.start_to_close)}
        pending = PendingActivity(self._instance, definition, Command.CANCEL_LOCAL_ACTIVITY)
        retry = (
            definition.attempts,
            definition.coefficient,
            definition.initial_interval or INITIAL_INTERVAL,
            definition.maximum_interval or MAXIMUM_INTERVAL,
            list(definition.non_retryable),
        )
        self._instance.add(
            (
                Command.SCHEDULE_LOCAL_ACTIVITY,
                pending.seq,
                str(pending.seq),
                definition.name,
                payloads,
                definition.schedule_to_close or _LOCAL_FOREVER,
                None,
                retry,
                None,
                _TRY_CANCEL,
                attempt,
                scheduled,
                headers,
                _summary(definition),
            )
        )
        return pending

    def resolve(self, seq: int, outcome: int, value: Any) -> None:
        pending = self.pending.pop(seq, None)
        if pending is None or pending.future.done():
            return
        if outcome == Outcome.COMPLETED:
            pending.future.set_result(value)
        elif outcome == Outcome.BACKOFF:
            pending.future.set_result(Backoff(*value))
        else:
            pending.future.set_exception(_activity_error(pending.definition, value))


def _summary(definition: ActivityDefinition) -> Any:
    return None if definition.summary is None else converter.encode(definition.summary)


class Backoff:
    """A local activity's next attempt is this far away."""

    __slots__ = ("attempt", "scheduled", "seconds")

    def __init__(self, attempt: int, seconds: float, scheduled: float | None) -> None:
        self.attempt, self.seconds, self.scheduled = attempt, seconds, scheduled


def _activity_error(definition: ActivityDefinition, failure: tuple[Any, ...] | None) -> Failure:
    """What became of an activity, regular or local, as one kind of error that names it."""
    error = failures.to_exception(failure)
    if isinstance(error, ActivityError):
        cause = error.__cause__
    else:
        cause, error = error, ActivityError("", activity_type=definition.name)
        error.__cause__ = cause
    kind = getattr(cause, "type", None) if isinstance(cause, WorkflowError) else None
    reason = f"{kind}: {cause}" if kind else str(cause)
    error.message = f'activity "{definition.name}" failed: {reason}'
    error.args = (error.message,)
    return error
