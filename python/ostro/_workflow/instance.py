"""One execution in this process: jobs in, commands out."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._activity.activity import INITIAL_INTERVAL, MAXIMUM_INTERVAL, ActivityDefinition
from .._base import error_text
from .._base.context import run_locally
from .._base.errors import ActivityError, ErrorCode, Failure, WorkflowError, WorkflowsException
from .._base.kinds import Command, Job, Outcome
from .._base.log import log
from .._core import set_in_workflow
from .._values import converter, failures
from .child import ChildHandle
from .loop import WorkflowLoop
from .session import require_session

if TYPE_CHECKING:
    from .._definition.definition import Handler, WorkflowDefinition

_log = log("ostro.workflow")

_TRY_CANCEL = 0
#: A local activity's attempts end by their own time-out, which `ActivityRunner` keeps: the core's would wake two threads for each
#: attempt. The core wants a limit of the whole, in seconds: ten years.
_LOCAL_FOREVER = 10 * 365 * 86400.0
_ENDED_TASKS_MAX = 100
_ACCEPTED, _REJECTED, _COMPLETED = 0, 1, 2


class Evicted(BaseException):
    """The execution leaves memory: its code must do nothing more here."""


class ContinueAsNew(BaseException):
    """Ends the run, to go on with a new history."""

    def __init__(self, args: Sequence[Any], memo: Mapping[str, Any]) -> None:
        super().__init__("continue as new")
        self.input = args
        #: Payloads.
        self.memo = memo


class PendingActivity:
    """A scheduled activity: its future holds the payload of its result."""

    __slots__ = ("_cancel_command", "_instance", "definition", "future", "seq")

    def __init__(self, instance: WorkflowInstance, definition: ActivityDefinition, cancel_command: int) -> None:
        self._instance = instance
        self._cancel_command = cancel_command
        self.definition = definition
        self.seq = instance.next_seq()
        self.future: asyncio.Future[Any] = instance.loop.create_future()
        instance.activities[self.seq] = self

    async def wait(self) -> Any:
        """The payload; cancelling the wait cancels the activity."""
        try:
            return await self.future
        except asyncio.CancelledError:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Asks the activity to stop, and does not wait for it."""
        if self._instance.activities.pop(self.seq, None) is not None and not self._instance.evicted:
            self._instance.command(self._cancel_command, self.seq)

    def abandon(self, error: Failure) -> None:
        """Gives it up: whoever waits gets `error`."""
        self.cancel()
        if not self.future.done():
            self.future.set_exception(error)


class WorkflowInstance:
    """The state of one run."""

    def __init__(self, definition: WorkflowDefinition, run_id: str, task_queue: str, namespace: str) -> None:
        self.definition = definition
        self.run_id = run_id
        self.task_queue = task_queue
        self.namespace = namespace
        self.loop = WorkflowLoop(self, run_id)  # type: ignore[abstract]
        self.workflow_id = ""
        self.workflow_type = ""
        self.info: dict[str, Any] = {}
        self.random = random.Random(0)
        self.object: Any = None
        self.activities: dict[int, PendingActivity] = {}
        self.children: dict[int, ChildHandle] = {}
        self.sent: dict[int, asyncio.Future[None]] = {}
        self.evicted = False
        self.read_only = False
        self.replaying = False
        self.history_length = 0
        self.history_size = 0
        self.continue_as_new_suggested = False
        self.cancel_reason: str | None = None
        self.summary: str | None = None
        #: Called with each command while replaying, to say where it was given.
        self.trace: Callable[[tuple[Any, ...]], None] | None = None
        self._commands: list[tuple[Any, ...]] = []
        self._final: tuple[Any, ...] | None = None
        self._task_error: BaseException | None = None
        self._seq = 0
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._timer_seqs: dict[int, int] = {}
        self._known_patches: set[str] = set()
        self._patches: dict[str, bool] = {}
        self._main: asyncio.Task[None] | None = None
        self._tasks: dict[str, dict[str, Any]] = {}

    # Activations.

    def activate(self, activation: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Applies an activation; answers the commands. What it raises fails the task, not the execution."""
        _run_id, now, self.replaying, self.history_length, self.history_size, suggested, jobs = activation
        self.continue_as_new_suggested = suggested
        if now is not None:
            self.loop.now = now
        self._commands = []
        before = set_in_workflow(self.definition.enforce_determinism)
        asyncio._set_running_loop(self.loop)
        try:
            queries = [job for job in jobs if job[0] == Job.QUERY]
            start: tuple[Any, ...] | None = None
            for job in jobs:
                if job[0] == Job.INITIALIZE:
                    start = job
                    self._initialize(job)
                elif job[0] != Job.QUERY:
                    self._apply(job)
            if start is not None:
                self._main = self.loop.create_task(self._run(start[3]), name="entrypoint")
                if self.cancel_reason is not None:
                    self._main.cancel(self.cancel_reason)
            self.loop.run_until_idle()
            for job in queries:
                self._query(job)
        finally:
            asyncio._set_running_loop(None)
            set_in_workflow(before)
        if self._task_error is not None:
            error, self._task_error = self._task_error, None
            raise error
        if self._final is not None:
            self._commands.append(self._final)
            self._final = None
        return self._commands

    def evict(self) -> None:
        """Forgets the execution without letting its code do anything."""
        self.evicted = True
        before = set_in_workflow(False)
        asyncio._set_running_loop(self.loop)
        try:
            self.loop.close_all()
        finally:
            asyncio._set_running_loop(None)
            set_in_workflow(before)

    def _initialize(self, job: tuple[Any, ...]) -> None:
        _kind, self.workflow_type, self.workflow_id, _payloads, seed, self.info = job
        self.random.seed(seed)
        try:
            self.object = self.definition.make()
        except BaseException as error:
            self._fail(error)

    def _apply(self, job: tuple[Any, ...]) -> None:
        kind = job[0]
        if kind == Job.RESOLVE_ACTIVITY:
            self._resolve_activity(*job[1:])
        elif kind == Job.FIRE_TIMER:
            handle = self._timers.pop(job[1], None)
            if handle is not None:
                self._timer_seqs.pop(id(handle), None)
                self.loop.fire(handle)
        elif kind == Job.SIGNAL:
            self.loop.create_task(self._signal(job[1], job[2]), name=f"signal {job[1]}")
        elif kind == Job.UPDATE:
            self._update(*job[1:])
        elif kind == Job.CANCEL:
            self.cancel_reason = job[1]
            if self._main is not None:
                self._main.cancel(job[1])
        elif kind == Job.HAS_PATCH:
            self._known_patches.add(job[1])
        elif kind == Job.RANDOM_SEED:
            self.random.seed(job[1])
        elif kind == Job.CHILD_STARTED:
            self.children[job[1]].started(job[2], job[3])
        elif kind == Job.CHILD_RESOLVED:
            self.children.pop(job[1]).resolved(job[2], job[3])
        elif kind in (Job.SIGNAL_SENT, Job.CANCEL_SENT):
            future = self.sent.pop(job[1], None)
            if future is not None and not future.done():
                if job[2] is None:
                    future.set_result(None)
                else:
                    future.set_exception(failures.to_exception(job[2]))

    # The entrypoint and the handlers.

    async def _run(self, payloads: Sequence[Any]) -> None:
        if self._final is not None:
            return
        try:
            arguments = self.definition.decode_input(payloads)
            result = await self.definition.call_entrypoint(self.object, arguments)
            self.definition.entrypoint.check_result(result)
            payload = self.definition.encode_result(result, f'the result of workflow "{self.workflow_type}"')
            self._final = (Command.COMPLETE, payload)
        except ContinueAsNew as request:
            self._continue(request)
        except asyncio.CancelledError as error:
            if self.cancel_reason is not None:
                self._final = (Command.CANCELLED,)
            else:
                self._fail(error)
        except Evicted:
            raise
        except BaseException as error:
            if self.evicted:
                raise
            self._end(error)

    def _end(self, error: BaseException) -> None:
        """Ends the run by what its code raised; in a task group, continue-as-new comes as a group's member."""
        for leaf in error_text.leaves(error):
            if isinstance(leaf, ContinueAsNew):
                self._continue(leaf)
                return
        self._fail(error)

    def _continue(self, request: ContinueAsNew) -> None:
        try:
            payloads = self.definition.encode_input(request.input)
        except BaseException as error:
            self._fail(error)
            return
        # Checked where it was asked for.
        memo = request.memo
        self._final = (Command.CONTINUE_AS_NEW, self.workflow_type, self.task_queue, payloads, memo, None)

    def _fail(self, error: BaseException) -> None:
        """Fails the execution; or its task, where it should run again with other code."""
        if self.evicted:
            return
        planned = all(isinstance(leaf, (Failure, asyncio.CancelledError)) for leaf in error_text.leaves(error))
        if not planned and not self.definition.fails_on_error:
            self._task_error = error
            return
        self._final = (Command.FAIL, failures.from_exception(error))
        if not planned and not self.replaying:
            _log.error('workflow "%s" (%s) failed', self.workflow_type, self.workflow_id, exc_info=error)

    async def _signal(self, name: str, payloads: Sequence[Any]) -> None:
        handler = self.definition.signals.get(name)
        if handler is None:
            _log.warning('signal "%s" to workflow "%s" is dropped: it has no such handler', name, self.workflow_type)
            return
        try:
            arguments, keywords = handler.decode(payloads)
        except BaseException as error:
            _log.warning('signal "%s" to workflow "%s" is dropped: %s', name, self.workflow_id, error_text.message(error))
            return
        try:
            await handler.call(self.object, arguments, keywords)
        except (asyncio.CancelledError, Evicted):
            raise
        except BaseException as error:
            if self.evicted:
                raise
            self._end(error)

    def _update(self, _id: str, protocol_id: str, name: str, payloads: Sequence[Any], run_validator: bool) -> None:
        handler = self.definition.updates.get(name)
        try:
            if handler is None:
                known = ", ".join(sorted(self.definition.updates)) or "none"
                raise WorkflowsException(
                    f'workflow "{self.workflow_type}" has no update "{name}" (it has: {known})',
                    code=ErrorCode.INVALID_ARGUMENTS,
                )
            arguments, keywords = handler.decode(payloads)
            if run_validator:
                self._validate(handler, arguments, keywords)
        except BaseException as error:
            self._command((Command.UPDATE_RESPONSE, protocol_id, _REJECTED, failures.from_exception(error)))
            return
        self._command((Command.UPDATE_RESPONSE, protocol_id, _ACCEPTED, None))
        self.loop.create_task(self._run_update(handler, protocol_id, arguments, keywords), name=f"update {name}")

    def _validate(self, handler: Handler, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> None:
        self.read_only = True
        try:
            handler.validate(self.object, arguments, keywords)
        finally:
            self.read_only = False

    async def _run_update(self, handler: Any, protocol_id: str, arguments: Any, keywords: Any) -> None:
        try:
            result = await handler.call(self.object, arguments, keywords)
            payload = handler.encode_result(result, f'the result of update "{handler.name}"')
        except ContinueAsNew as request:
            self._continue(request)
        except Evicted:
            raise
        except BaseException as error:
            if self.evicted:
                raise
            self._command((Command.UPDATE_RESPONSE, protocol_id, _REJECTED, failures.from_exception(error)))
        else:
            self._command((Command.UPDATE_RESPONSE, protocol_id, _COMPLETED, payload))

    def _query(self, job: tuple[Any, ...]) -> None:
        _kind, query_id, name, payloads = job
        self.read_only = True
        try:
            payload = self._answer(name, payloads)
            self._commands.append((Command.QUERY_RESULT, query_id, True, payload))
        except BaseException as error:
            self._commands.append((Command.QUERY_RESULT, query_id, False, failures.from_exception(error)))
        finally:
            self.read_only = False

    def _answer(self, name: str, payloads: Sequence[Any]) -> Any:
        what = f'the answer of query "{name}"'
        if name in _BUILT_IN_QUERIES:
            return converter.encode_one(_BUILT_IN_QUERIES[name](self), what)
        handler = self.definition.queries.get(name)
        if handler is None:
            known = ", ".join(sorted(self.definition.queries)) or "none"
            raise WorkflowsException(
                f'workflow "{self.workflow_type}" has no query "{name}" (it has: {known})', code=ErrorCode.INVALID_ARGUMENTS
            )
        if self.object is None:
            raise WorkflowsException("the workflow has not begun", code=ErrorCode.INVALID_ARGUMENTS)
        arguments, keywords = handler.decode(payloads)
        return handler.encode_result(handler.call_sync(self.object, arguments, keywords), what)

    def built_in_tasks(self) -> list[dict[str, Any]]:
        """What `task_changed` remembers."""
        return list(self._tasks.values())

    def stack(self) -> str:
        """Where each of its tasks waits."""
        import traceback

        parts = []
        for task, _context in self.loop.tasks.values():
            frames = [traceback.FrameSummary(f.f_code.co_filename, f.f_lineno, f.f_code.co_name) for f in task.get_stack()]
            parts.append(f"{task.get_name()}:\n" + "".join(traceback.format_list(frames)))
        return "\n".join(parts)

    # What workflow code asks for.

    def next_seq(self) -> int:
        """Tells operations apart."""
        self._seq += 1
        return self._seq

    def command(self, *command: Any) -> None:
        """Gives a command. WorkflowsException from a query or a validator; `Evicted` when nothing may be done any more."""
        self.refuse_read_only()
        self._command(command)

    def refuse_read_only(self) -> None:
        """See `command`."""
        if self.evicted:
            raise Evicted()
        if self.read_only:
            raise WorkflowsException(
                "queries and validators look, they do nothing: call activities, timers and children from an entrypoint, a "
                "signal or an update",
                code=ErrorCode.NON_DETERMINISTIC,
            )

    def _command(self, command: tuple[Any, ...]) -> None:
        if self.trace is not None:
            self.trace(command)
        self._commands.append(command)

    def start_timer(self, handle: asyncio.TimerHandle, delay: float) -> None:
        """A durable timer for an entry of the loop."""
        seq = self.next_seq()
        self._timers[seq] = handle
        self._timer_seqs[id(handle)] = seq
        summary, self.summary = self.summary, None
        self.command(Command.START_TIMER, seq, delay, None if summary is None else converter.encode(summary))

    def cancel_timer(self, handle: asyncio.TimerHandle) -> None:
        """Ends it."""
        seq = self._timer_seqs.pop(id(handle), None)
        if seq is not None and self._timers.pop(seq, None) is not None and not self.evicted:
            self._command((Command.CANCEL_TIMER, seq))

    async def execute_activity(self, definition: ActivityDefinition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Runs an activity where the scope says: locally, in the session, on its queue."""
        payloads = definition.signature.encode(args, kwargs, f'the input of activity "{definition.name}"')
        if run_locally.get():
            definition.warn_local()
            payload = await self._run_local(definition, payloads)
        elif definition.sticky:
            payload = await require_session(definition).call(definition, payloads)
        elif definition.rate_limit is not None:
            queue = definition.rate_limit.queue(self.task_queue, definition.name)
            payload = await self.schedule(definition, payloads, queue, eager=False).wait()
        else:
            payload = await self.schedule(definition, payloads, self.task_queue).wait()
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
        self.refuse_read_only()
        pending = PendingActivity(self, definition, Command.CANCEL_ACTIVITY)
        self._command(
            (
                Command.SCHEDULE_ACTIVITY,
                pending.seq,
                str(pending.seq),
                definition.name,
                queue,
                payloads,
                definition.schedule_to_close,
                schedule_to_start,
                definition.start_to_close,
                definition.heartbeat,
                definition.retry_policy(),
                _TRY_CANCEL,
                not eager,
                headers,
                None,
            )
        )
        return pending

    async def _run_local(self, definition: ActivityDefinition, payloads: Sequence[Any]) -> Any:
        attempt, scheduled = 0, None
        while True:
            outcome = await self._schedule_local(definition, payloads, attempt, scheduled).wait()
            if outcome.__class__ is not Backoff:
                return outcome
            # A wait too long for one task of the workflow: a durable timer, then the next attempt.
            attempt, scheduled = outcome.attempt, outcome.scheduled
            await asyncio.sleep(outcome.seconds)

    def _schedule_local(
        self, definition: ActivityDefinition, payloads: Sequence[Any], attempt: int, scheduled: float | None
    ) -> PendingActivity:
        self.refuse_read_only()
        pending = PendingActivity(self, definition, Command.CANCEL_LOCAL_ACTIVITY)
        retry = (
            definition.attempts,
            definition.coefficient,
            definition.initial_interval or INITIAL_INTERVAL,
            definition.maximum_interval or MAXIMUM_INTERVAL,
            list(definition.non_retryable),
        )
        self._command(
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
                None,
                None,
            )
        )
        return pending

    def _resolve_activity(self, seq: int, outcome: int, value: Any) -> None:
        pending = self.activities.pop(seq, None)
        if pending is None or pending.future.done():
            return
        if outcome == Outcome.COMPLETED:
            pending.future.set_result(value)
        elif outcome == Outcome.BACKOFF:
            pending.future.set_result(Backoff(*value))
        else:
            pending.future.set_exception(_activity_error(pending.definition, value))

    def patched(self, patch_id: str, deprecated: bool) -> bool:
        """Whether the code of a patch is to run."""
        if patch_id in self._patches:
            return self._patches[patch_id]
        use = not self.replaying or patch_id in self._known_patches
        self._patches[patch_id] = use
        if use:
            self.command(Command.PATCH, patch_id, deprecated)
        return use

    def task_changed(self, task_id: str, record: dict[str, Any]) -> None:
        """Remembers a task as it is now; of ended ones the last few."""
        self._tasks.pop(task_id, None)
        self._tasks[task_id] = record
        ended = [key for key, task in self._tasks.items() if task["status"] in ("COMPLETED", "FAILED")]
        for key in ended[:-_ENDED_TASKS_MAX]:
            del self._tasks[key]

    def uuid4(self) -> uuid.UUID:
        """A random UUID that is the same in each replay."""
        return uuid.UUID(int=self.random.getrandbits(128), version=4)


_BUILT_IN_QUERIES: dict[str, Callable[[WorkflowInstance], Any]] = {
    "__stack_trace": WorkflowInstance.stack,
    "__temporal_workflow_metadata": lambda instance: instance.definition.metadata(),
    "__tasks": WorkflowInstance.built_in_tasks,
}


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


__all__ = ["ContinueAsNew", "Evicted", "PendingActivity", "WorkflowInstance"]
