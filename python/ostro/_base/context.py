"""Where code runs: in a workflow, in an activity, or outside both.

The workflow is known by its event loop, the rest by context variables, so each task and each thread has its own.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .errors import NotInTemporalContextError

if TYPE_CHECKING:
    from .._activity.activity_context import ActivityContext
    from .._workflow.instance import WorkflowInstance
    from .._workflow.session import SessionState

#: The activity that runs, if one does.
current_activity: ContextVar[ActivityContext | None] = ContextVar("ostro_activity", default=None)
#: Whether activities are to run in the workflow's worker.
run_locally: ContextVar[bool] = ContextVar("ostro_run_locally", default=False)
#: The sticky session whose scope is open.
current_session: ContextVar[SessionState | None] = ContextVar("ostro_session", default=None)

_running_loop = asyncio._get_running_loop


def workflow_instance() -> WorkflowInstance | None:
    """The execution whose code runs, if that is workflow code."""
    loop: Any = _running_loop()
    return getattr(loop, "instance", None) if loop is not None else None


def require_workflow(what: str) -> WorkflowInstance:
    """The execution whose code runs. NotInTemporalContextError elsewhere."""
    instance = workflow_instance()
    if instance is None:
        raise NotInTemporalContextError(f"{what} is for workflow code: call it from an entrypoint or a handler")
    return instance
