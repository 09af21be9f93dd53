"""One execution in this process: jobs in, commands out."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._base import error_text
from .._base.errors import ErrorCode, Failure, WorkflowsException
from .._base.kinds import Command, Job
from .._base.log import log
from .._core import set_in_workflow
from .._definition.interceptor import Call, Interceptor, around
from .._values import converter, failures
from .activities import ActivityCalls
from .child import ChildHandle
from .deadlock import DeadlockError
from .endings import ContinueAsNew, Evicted
from .loop import WorkflowLoop
from .messages import Messages
from .task import ShownTasks

if TYPE_CHECKING:
    from .._activity.activity import ActivityDefinition
    from .._definition.definition import WorkflowDefinition

_log = log("ostro.workflow")


class WorkflowInstance:
    """The state of one run."""

    def __init__(
        self, definition: WorkflowDefinition, run_id: str, task_queue: str, namespace: str, interceptors: Sequence[Interceptor] = ()
    ) -> None:
        self.definition = definition
        self.run_id = run_id
        self.task_queue = task_queue
        self.namespace = namespace
        self.interceptors = interceptors
        self.loop: WorkflowLoop = WorkflowLoop(self, run_id)  # type: ignore[abstract]
        self.workflow_id: str = ""
        self.workflow_type: str = ""
        self.info: dict[str, Any] = {}
        self.random: random.Random = random.Random(0)
        self.object: Any = None
        self.activities: ActivityCalls = ActivityCalls(self)
        self.messages: Messages = Messages(self)
        self.shown_tasks: ShownTasks = ShownTasks()
        self.children: dict[int, ChildHandle] = {}
        self.sent: dict[int, asyncio.Future[None]] = {}
        self.evicted: bool = False
        self.read_only = False
        self.replaying: bool = False
        self.history_length: int = 0
        self.history_size: int = 0
        self.continue_as_new_suggested: bool = False
        self.cancel_reason: str | None = None
        self.summary: str | None = None
        #: What the program says of the execution, shown by consoles.
        self.current_details = ""
        self.has_activities = True
        #: Where its code was when it had not yielded for too long; it is given up then.
        self.interrupted: str | None = None
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
                self.messages.query(*job[1:])
        finally:
            asyncio._set_running_loop(None)
            set_in_workflow(before)
        if self.interrupted is not None:
            raise DeadlockError(self)
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
            self.activities.resolve(*job[1:])
        elif kind == Job.FIRE_TIMER:
            handle = self._timers.pop(job[1], None)
            if handle is not None:
                self._timer_seqs.pop(id(handle), None)
                self.loop.fire(handle)
        elif kind == Job.SIGNAL:
            self.loop.create_task(self.messages.signal(job[1], job[2]), name=f"signal {job[1]}")
        elif kind == Job.UPDATE:
            self.messages.update(*job[1:])
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
            result = await self._call_entrypoint(arguments)
            self.definition.entrypoint.check_result(result)
            payload = self.definition.encode_result(result, f'the result of workflow "{self.workflow_type}"')
            self._final = (Command.COMPLETE, payload)
        except ContinueAsNew as request:
            self.continue_as_new(request)
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
            self.end(error)

    async def _call_entrypoint(self, arguments: Sequence[Any]) -> Any:
        if not self.interceptors:
            return await self.definition.call_entrypoint(self.object, arguments)

        async def inner(call: Call) -> Any:
            return await self.definition.call_entrypoint(self.object, call.args)

        headers = failures.headers_from_payloads(self.info.get("headers"))
        return await around(self.interceptors, "execute_workflow", inner)(Call(self.workflow_type, arguments, {}, headers))

    def end(self, error: BaseException) -> None:
        """Ends the run by what its code raised; in a task group, continue-as-new comes as a group's member."""
        for leaf in error_text.leaves(error):
            if isinstance(leaf, ContinueAsNew):
                self.continue_as_new(leaf)
                return
        self._fail(error)

    def continue_as_new(self, request: ContinueAsNew) -> None:
        """Ends the run, with the input of the next."""
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

    # What workflow code asks for.

    def next_seq(self) -> int:
        """Tells operations apart."""
        self._seq += 1
        return self._seq

    def command(self, *command: Any) -> None:
        """Gives a command. WorkflowsException from a query or a validator; `Evicted` when nothing may be done any more."""
        self.refuse_read_only()
        self.add(command)

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

    def answer(self, *command: Any, traced: bool = True) -> None:
        """Says what became of a message, also where commands are refused."""
        if traced:
            self.add(command)
        else:
            self._commands.append(command)

    def add(self, command: tuple[Any, ...]) -> None:
        """Gives a command, also where `command` would refuse it."""
        if self.trace is not None:
            self.trace(command)
        self._commands.append(command)

    async def execute_activity(self, definition: ActivityDefinition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Runs an activity where the scope says: locally, in the session, on its queue."""
        if not self.interceptors:
            return await self.activities.execute(definition, args, kwargs)

        async def inner(call: Call) -> Any:
            return await self.activities.execute(definition, call.args, call.kwargs, failures.headers_to_payloads(call.headers))

        return await around(self.interceptors, "start_activity", inner)(Call(definition.name, args, kwargs, {}))

    def start_timer(self, handle: asyncio.TimerHandle, delay: float) -> None:
        """A durable timer for an entry of the loop."""
        seq = self.next_seq()
        limit = self.info.get("execution_timeout")
        if limit and delay > limit and not self.replaying:
            _log.warning(
                'workflow "%s" (%s) sleeps for %g s, and its execution timeout of %g s ends it before: give '
                "@workflow.define(execution_timeout=...) a longer one",
                self.workflow_type,
                self.workflow_id,
                delay,
                limit,
            )
        self._timers[seq] = handle
        self._timer_seqs[id(handle)] = seq
        summary, self.summary = self.summary, None
        self.command(Command.START_TIMER, seq, delay, None if summary is None else converter.encode(summary))

    def cancel_timer(self, handle: asyncio.TimerHandle) -> None:
        """Ends it."""
        seq = self._timer_seqs.pop(id(handle), None)
        if seq is not None and self._timers.pop(seq, None) is not None and not self.evicted:
            self.add((Command.CANCEL_TIMER, seq))

    def patched(self, patch_id: str, deprecated: bool) -> bool:
        """Whether the code of a patch is to run."""
        if patch_id in self._patches:
            return self._patches[patch_id]
        use = not self.replaying or patch_id in self._known_patches
        self._patches[patch_id] = use
        if use:
            self.command(Command.PATCH, patch_id, deprecated)
        return use

    def uuid4(self) -> uuid.UUID:
        """A random UUID that is the same in each replay."""
        return uuid.UUID(int=self.random.getrandbits(128), version=4)
