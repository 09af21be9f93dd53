"""Workflows that wait for a person."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from pydantic import BaseModel

from .._base.context import require_workflow
from .._base.duration import Duration
from .._base.errors import ErrorCode, WorkflowsException
from .._definition.definition import MARK, Handler
from .._values import converter
from .api import workflow
from .task import task

M = TypeVar("M", bound=BaseModel)


class _Pending:
    def __init__(self, schema: Any, label: str | None, future: asyncio.Future[Any]) -> None:
        self.schema, self.label, self.future = schema, label, future


class SubmitInput(BaseModel):
    """An answer to `wait_for_input`."""

    task_id: str
    input: Any = None


class InteractiveWorkflow:
    """Base of workflows that ask: the query `__get_pending_inputs` says for what, the update `__submit_input` answers."""

    def _inputs(self) -> dict[str, _Pending]:
        found: dict[str, _Pending] = self.__dict__.setdefault("_ostro_pending_inputs", {})
        return found

    async def wait_for_input(self, schema: type[M], label: str | None = None, timeout: Duration | None = None) -> M:
        """Waits until somebody submits an input of `schema`. `asyncio.TimeoutError` after `timeout`."""
        instance = require_workflow("wait_for_input()")
        task_id = str(instance.uuid4())
        future: asyncio.Future[M] = instance.loop.create_future()
        pending = self._inputs()
        pending[task_id] = _Pending(schema, label, future)
        state = {"input_schema": converter.adapter(schema).json_schema(), "label": label}
        try:
            async with task("wait_for_input", state, id=task_id):
                await workflow.wait_condition(future.done, timeout)
                return future.result()
        finally:
            pending.pop(task_id, None)

    def _get_pending_inputs(self) -> dict[str, Any]:
        waiting = [
            {"task_id": task_id, "input_schema": converter.adapter(one.schema).json_schema(), "label": one.label}
            for task_id, one in self._inputs().items()
        ]
        return {"pending_inputs": waiting}

    def _submit_input(self, submitted: SubmitInput) -> dict[str, Any]:
        waiting = self._inputs()[submitted.task_id]
        waiting.future.set_result(converter.convert(submitted.input, waiting.schema))
        return {"accepted": True}

    def _check_input(self, submitted: SubmitInput) -> None:
        waiting = self._inputs().get(submitted.task_id)
        if waiting is None or waiting.future.done():
            raise WorkflowsException(
                f'nothing waits for input "{submitted.task_id}": ask the query __get_pending_inputs for what does',
                code=ErrorCode.INVALID_ARGUMENTS,
            )
        try:
            converter.convert(submitted.input, waiting.schema)
        except ValueError as error:
            raise WorkflowsException(
                f"the input does not fit ({converter.describe(error)})", code=ErrorCode.INVALID_ARGUMENTS
            ) from None


_query = InteractiveWorkflow._get_pending_inputs
setattr(_query, MARK, Handler("query", _query, "__get_pending_inputs", "What the workflow waits for."))
_update = InteractiveWorkflow._submit_input
_handler = Handler("update", _update, "__submit_input", "Answers what the workflow waits for.")
_handler.validator = InteractiveWorkflow._check_input
setattr(_update, MARK, _handler)
