"""Child workflows, and messages to other executions."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from .._base.context import require_workflow
from .._base.duration import Duration, optional
from .._base.errors import ChildWorkflowError, ErrorCode, WorkflowError, WorkflowsException
from .._base.kinds import Command, Outcome
from .._definition.definition import MARK
from .._definition.policies import IdReusePolicy, RetryPolicy
from .._values import converter, failures

if TYPE_CHECKING:
    from .._definition.definition import NamedWorkflow, WorkflowDefinition
    from .instance import WorkflowInstance

_CHILD_TRY_CANCEL = 1
_REUSE = {
    IdReusePolicy.ALLOW_DUPLICATE: 1,
    IdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY: 2,
    IdReusePolicy.REJECT_DUPLICATE: 3,
}


class ParentClosePolicy(IntEnum):
    """What becomes of a child when its parent closes."""

    UNSPECIFIED = 0
    TERMINATE = 1
    ABANDON = 2
    REQUEST_CANCEL = 3


class ChildHandle:
    """A child workflow that runs: await it for its result."""

    def __init__(self, instance: WorkflowInstance, definition: WorkflowDefinition | NamedWorkflow, workflow_id: str) -> None:
        self._instance = instance
        self._definition = definition
        #: The child's id.
        self.id = workflow_id
        #: Of its first run, once it has started.
        self.run_id = ""
        self.seq = instance.next_seq()
        self._start: asyncio.Future[None] = instance.loop.create_future()
        self._result: asyncio.Future[Any] = instance.loop.create_future()
        # Nobody has to ask for the result of a child.
        self._result.add_done_callback(lambda future: None if future.cancelled() else future.exception())

    def __await__(self) -> Generator[Any, None, Any]:
        return self.result().__await__()

    async def result(self) -> Any:
        """The child's result. ChildWorkflowError where it fails. Cancelling the wait cancels the child."""
        try:
            payload = await asyncio.shield(self._result)
        except asyncio.CancelledError:
            self.cancel()
            raise
        return self._definition.decode_result(payload)

    def cancel(self, reason: str = "") -> None:
        """Asks the child to stop."""
        if not self._result.done() and not self._instance.evicted:
            self._instance.command(Command.CANCEL_CHILD, self.seq, converter.text(reason, "reason"))

    async def signal(self, signal: Any, *args: Any) -> None:
        """Sends it a signal, by its handler or its name."""
        await _signal(self._instance, (self._instance.namespace, "", "", self.id), signal, args)

    async def wait_started(self) -> None:
        """Returns when the engine has started it; ChildWorkflowError where it refuses."""
        try:
            await asyncio.shield(self._start)
        except asyncio.CancelledError:
            self.cancel()
            raise

    def started(self, outcome: int, value: Any) -> None:
        """What the engine says of the start."""
        if outcome == Outcome.COMPLETED:
            self.run_id = value
            self._start.set_result(None)
            return
        error = ChildWorkflowError(
            f'child workflow "{self._definition.name}" ({self.id}) did not start',
            workflow_type=self._definition.name,
            workflow_id=self.id,
        )
        if outcome == Outcome.FAILED:
            error.__cause__ = WorkflowError(
                f'an execution with the id "{self.id}" exists already: give the child another id', type="WorkflowAlreadyStarted"
            )
        else:
            error.__cause__ = failures.to_exception(value)
        self._instance.children.pop(self.seq, None)
        self._start.set_exception(error)
        self._start.exception()
        self._result.set_exception(error)

    def resolved(self, outcome: int, value: Any) -> None:
        """What became of it."""
        if self._result.done():
            return
        if outcome == Outcome.COMPLETED:
            self._result.set_result(value)
            return
        error = failures.to_exception(value)
        if isinstance(error, ChildWorkflowError):
            error.message = f'child workflow "{self._definition.name}" ({self.id}) failed: {error.__cause__}'
            error.args = (error.message,)
        self._result.set_exception(error)


def start_child(
    instance: WorkflowInstance,
    definition: WorkflowDefinition | NamedWorkflow,
    args: Any,
    *,
    execution_timeout: Duration | None,
    execution_id: str | None,
    parent_close_policy: ParentClosePolicy,
    task_queue: str | None = None,
    run_timeout: Duration | None = None,
    retry_policy: RetryPolicy | None = None,
    id_reuse_policy: IdReusePolicy | None = None,
    memo: Mapping[str, Any] | None = None,
    headers: Mapping[str, Any] | None = None,
) -> ChildHandle:
    """Starts a child."""
    instance.refuse_read_only()
    payloads = definition.encode_input(args)
    workflow_id = converter.text(execution_id, "execution_id") if execution_id else str(instance.uuid4())
    handle = ChildHandle(instance, definition, workflow_id)
    timeout = optional(execution_timeout, "execution_timeout")
    instance.children[handle.seq] = handle
    instance.command(
        Command.START_CHILD,
        handle.seq,
        instance.namespace,
        handle.id,
        definition.name,
        task_queue or instance.task_queue,
        payloads,
        definition.execution_timeout if timeout is None else timeout,
        optional(run_timeout, "run_timeout"),
        int(parent_close_policy),
        _CHILD_TRY_CANCEL,
        _REUSE[id_reuse_policy or IdReusePolicy.ALLOW_DUPLICATE],
        None if retry_policy is None else retry_policy.to_core(),
        headers,
        None if not memo else {key: converter.encode(value, what=f'memo "{key}"') for key, value in memo.items()},
    )
    return handle


class ExternalHandle:
    """Another execution, for messages to it from workflow code."""

    def __init__(self, workflow_id: str, run_id: str = "") -> None:
        self.id: str = converter.text(workflow_id, "workflow id")
        self.run_id: str = converter.text(run_id, "run id")

    async def signal(self, signal: Any, *args: Any) -> None:
        """Sends it a signal, by its handler or its name. WorkflowError where there is no such execution."""
        instance = require_workflow("signal()")
        await _signal(instance, (instance.namespace, self.id, self.run_id, None), signal, args)

    async def cancel(self, reason: str = "") -> None:
        """Asks it to stop. WorkflowError where there is no such execution."""
        instance = require_workflow("cancel()")
        reason = converter.text(reason, "reason")
        seq = instance.next_seq()
        future = instance.sent[seq] = instance.loop.create_future()
        instance.command(Command.CANCEL_EXTERNAL, seq, instance.namespace, self.id, self.run_id, reason)
        await future


async def _signal(instance: WorkflowInstance, target: tuple[str, str, str, str | None], signal: Any, args: Any) -> None:
    handler = None if isinstance(signal, str) else getattr(signal, MARK, None)
    name = converter.text(signal if handler is None else handler.name, "signal name")
    what = f'the input of signal "{name}"'
    payloads = converter.encode_all(args, what) if handler is None else handler.signature.encode_message(args, what)
    seq = instance.next_seq()
    future = instance.sent[seq] = instance.loop.create_future()
    instance.command(Command.SIGNAL_EXTERNAL, seq, *target, name, payloads)
    try:
        await future
    except asyncio.CancelledError:
        if instance.sent.pop(seq, None) is not None and not instance.evicted:
            instance.command(Command.CANCEL_SIGNAL, seq)
        raise


def refuse(message: str) -> WorkflowsException:
    """A child that cannot be."""
    return WorkflowsException(message, code=ErrorCode.WORKFLOW_DEFINITION)
