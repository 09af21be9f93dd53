"""Signals, updates and queries of one execution: found, decoded, handled, answered."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._base import error_text
from .._base.errors import ErrorCode, WorkflowsException
from .._base.kinds import Command
from .._base.log import log
from .._definition.interceptor import Call, around
from .._values import converter, failures
from .endings import ContinueAsNew, Evicted

if TYPE_CHECKING:
    from .._definition.definition import Handler
    from .instance import WorkflowInstance

_log = log("ostro.workflow")

_ACCEPTED, _REJECTED, _COMPLETED = 0, 1, 2


class Messages:
    """What others say to an execution, and what it answers."""

    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance
        #: Signal and update handlers that run.
        self.running: int = 0

    def _find(self, kind: str, name: str) -> Handler:
        handler = self._instance.definition.handler(kind, name)
        if handler is None:
            raise WorkflowsException(
                f'workflow "{self._instance.workflow_type}" has no {kind} "{name}" (it has: '
                f"{self._instance.definition.known(kind)})",
                code=ErrorCode.INVALID_ARGUMENTS,
            )
        return handler

    async def signal(self, name: str, payloads: Sequence[Any]) -> None:
        """Runs a signal's handler; one that does not fit is dropped."""
        instance = self._instance
        try:
            handler = self._find("signal", name)
            arguments, keywords = handler.decode(payloads, name)
        except BaseException as error:
            _log.warning('signal "%s" to workflow "%s" is dropped: %s', name, instance.workflow_id, error_text.message(error))
            return
        self.running += 1
        try:
            await self._handle("handle_signal", handler, name, arguments, keywords)
        except (asyncio.CancelledError, Evicted):
            raise
        except BaseException as error:
            if instance.evicted:
                raise
            instance.end(error)
        finally:
            self.running -= 1

    async def _handle(self, method: str, handler: Handler, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        instance = self._instance
        if not instance.interceptors:
            return await handler.call(instance.object, args, kwargs)

        async def inner(call: Call) -> Any:
            return await handler.call(instance.object, call.args, call.kwargs)

        return await around(instance.interceptors, method, inner)(Call(name, args, kwargs, {}))

    def update(self, _id: str, protocol_id: str, name: str, payloads: Sequence[Any], run_validator: bool) -> None:
        """Accepts an update and begins its handler, or refuses it."""
        instance = self._instance
        try:
            handler = self._find("update", name)
            arguments, keywords = handler.decode(payloads, name)
            if run_validator:
                self._validate(handler, arguments, keywords)
        except BaseException as error:
            instance.answer(Command.UPDATE_RESPONSE, protocol_id, _REJECTED, failures.from_exception(error))
            return
        instance.answer(Command.UPDATE_RESPONSE, protocol_id, _ACCEPTED, None)
        instance.loop.create_task(self._run_update(handler, name, protocol_id, arguments, keywords), name=f"update {name}")

    def _validate(self, handler: Handler, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> None:
        self._instance.read_only = True
        try:
            handler.validate(self._instance.object, arguments, keywords)
        finally:
            self._instance.read_only = False

    async def _run_update(self, handler: Handler, name: str, protocol_id: str, arguments: Any, keywords: Any) -> None:
        instance = self._instance
        self.running += 1
        try:
            result = await self._handle("handle_update", handler, name, arguments, keywords)
            payload = handler.encode_result(result, f'the result of update "{name}"')
        except ContinueAsNew as request:
            instance.continue_as_new(request)
        except Evicted:
            raise
        except BaseException as error:
            if instance.evicted:
                raise
            instance.answer(Command.UPDATE_RESPONSE, protocol_id, _REJECTED, failures.from_exception(error))
        else:
            instance.answer(Command.UPDATE_RESPONSE, protocol_id, _COMPLETED, payload)
        finally:
            self.running -= 1

    def query(self, query_id: str, name: str, payloads: Sequence[Any]) -> None:
        """Answers a query."""
        instance = self._instance
        instance.read_only = True
        try:
            answered, value = True, self._answer(name, payloads)
        except BaseException as error:
            answered, value = False, failures.from_exception(error)
        finally:
            instance.read_only = False
        instance.answer(Command.QUERY_RESULT, query_id, answered, value, traced=False)

    def _answer(self, name: str, payloads: Sequence[Any]) -> Any:
        instance = self._instance
        what = f'the answer of query "{name}"'
        if name in _BUILT_IN_QUERIES:
            return converter.encode_one(_BUILT_IN_QUERIES[name](instance), what)
        handler = self._find("query", name)
        if instance.object is None:
            raise WorkflowsException("the workflow has not begun", code=ErrorCode.INVALID_ARGUMENTS)
        arguments, keywords = handler.decode(payloads, name)
        return handler.encode_result(self._ask(handler, name, arguments, keywords), what)

    def _ask(self, handler: Handler, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        instance = self._instance
        if not instance.interceptors:
            return handler.call_sync(instance.object, args, kwargs)
        inner = lambda call: handler.call_sync(instance.object, call.args, call.kwargs)
        return around(instance.interceptors, "handle_query", inner)(Call(name, args, kwargs, {}))


def stack(instance: WorkflowInstance) -> str:
    """Where each task of an execution waits."""
    parts = []
    for task, _context in instance.loop.tasks.values():
        frames = [traceback.FrameSummary(f.f_code.co_filename, f.f_lineno, f.f_code.co_name) for f in task.get_stack()]
        parts.append(f"{task.get_name()}:\n" + "".join(traceback.format_list(frames)))
    return "\n".join(parts)


def _metadata(instance: WorkflowInstance) -> dict[str, Any]:
    details = {"currentDetails": instance.current_details} if instance.current_details else {}
    return {**instance.definition.metadata(), **details}


def _shown_tasks(instance: WorkflowInstance) -> list[dict[str, Any]]:
    return instance.shown_tasks.records()


_BUILT_IN_QUERIES: dict[str, Callable[[WorkflowInstance], Any]] = {
    "__stack_trace": stack,
    "__temporal_workflow_metadata": _metadata,
    "__tasks": _shown_tasks,
}
