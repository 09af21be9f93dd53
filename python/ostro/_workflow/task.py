"""Tasks: pieces of work whose state others can watch while it changes.

In a workflow the tasks are part of its state: the query `__tasks` gives them, open ones and the last that ended. In an activity
each change is a heartbeat detail. Outside both they are log lines.
"""

from __future__ import annotations

import contextlib
import copy
import uuid
from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

import pydantic_core
from pydantic import BaseModel

from .._activity.activity_context import heartbeat
from .._base.context import current_activity, workflow_instance
from .._base.errors import ErrorCode, WorkflowsException
from .._base.log import log

S = TypeVar("S")
_log = log("ostro.task")


class Task(Generic[S]):
    """A piece of work: `status` is STARTED, IN_PROGRESS, COMPLETED or FAILED."""

    def __init__(self, type: str, state: S | None, id: str) -> None:
        self.type = type
        self.id = id
        self.status: str = "STARTED"
        self._state = state

    @property
    def state(self) -> S:
        """What it is at. WorkflowsException for a task without state."""
        if self._state is None:
            raise self._stateless()
        return self._state

    async def set_state(self, state: S) -> None:
        """Replaces the state. WorkflowsException for a task without state."""
        if self._state is None:
            raise self._stateless()
        self._state = state
        self._changed("IN_PROGRESS")

    async def update_state(self, changes: dict[str, Any]) -> None:
        """Changes some fields of the state. WorkflowsException for one that it does not have."""
        state: Any = copy.copy(self.state)
        if isinstance(state, BaseModel):
            unknown = sorted(set(changes) - set(type(state).model_fields))
            if unknown:
                raise WorkflowsException(
                    f"task {self.type}: its state has no {', '.join(unknown)}", code=ErrorCode.INVALID_ARGUMENTS
                )
            state = type(state).model_validate({**state.model_dump(), **changes})
        elif isinstance(state, dict):
            state = {**state, **changes}
        else:
            raise WorkflowsException(
                f"task {self.type}: its state has no fields, use set_state()", code=ErrorCode.INVALID_ARGUMENTS
            )
        await self.set_state(state)

    def _stateless(self) -> WorkflowsException:
        return WorkflowsException(f"task {self.type} was made without a state", code=ErrorCode.INVALID_ARGUMENTS)

    def _changed(self, status: str) -> None:
        self.status = status
        instance = workflow_instance()
        if instance is not None:
            instance.shown_tasks.changed(self.id, self.record())
            return
        context = current_activity.get()
        if context is not None and context.beat is not None:
            heartbeat({"task": self.record()})
        else:
            _log.info("task %s %s: %s", self.type, self.id, status)

    def record(self) -> dict[str, Any]:
        """It, as JSON values."""
        state = None if self._state is None else pydantic_core.from_json(pydantic_core.to_json(self._state))
        return {"id": self.id, "type": self.type, "status": self.status, "state": state}


#: Ended tasks that are remembered.
_ENDED_MAX = 100


class ShownTasks:
    """The tasks of an execution, for the query `__tasks`."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, Any]] = {}

    def changed(self, task_id: str, record: dict[str, Any]) -> None:
        """Remembers a task as it is now; of ended ones the last few."""
        self._records.pop(task_id, None)
        self._records[task_id] = record
        ended = [key for key, task in self._records.items() if task["status"] in ("COMPLETED", "FAILED")]
        for key in ended[:-_ENDED_MAX]:
            del self._records[key]

    def records(self) -> list[dict[str, Any]]:
        """All of them, as JSON values."""
        return list(self._records.values())


@contextlib.asynccontextmanager
async def task(type: str, state: S | None = None, *, id: str | None = None) -> AsyncIterator[Task[S]]:
    """A piece of work that others can watch while the scope is open; it fails with what the scope raises."""
    instance = workflow_instance()
    made: Task[S] = Task(type, state, id or str(uuid.uuid4() if instance is None else instance.uuid4()))
    made._changed("STARTED")
    try:
        yield made
    except BaseException:
        if instance is None or not instance.evicted:
            made._changed("FAILED")
        raise
    else:
        made._changed("COMPLETED")


def task_from(state: Any, type: str | None = None, *, id: str | None = None) -> Any:
    """As `task`, named after the state's model: its title, else its class."""
    if type is None:
        if not isinstance(state, BaseModel):
            raise WorkflowsException(
                f"task_from({state!r}): only a model names its task, give `type`", code=ErrorCode.INVALID_ARGUMENTS
            )
        type = state.model_config.get("title") or state.__class__.__name__
    return task(type, state, id=id)
