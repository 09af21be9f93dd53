"""What workflow code asks of its execution: who it is, a log that is silent in replays, ways around the determinism check."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .._base.context import require_workflow, workflow_instance
from .._core import set_in_workflow
from .._values import converter


class WorkflowInfo:
    """Of the execution whose code runs."""

    def __init__(self, instance: Any) -> None:
        info = instance.info
        self.workflow_id: str = instance.workflow_id
        self.run_id: str = instance.run_id
        self.workflow_type: str = instance.workflow_type
        self.namespace: str = instance.namespace
        self.task_queue: str = instance.task_queue
        self.attempt: int = info.get("attempt", 1)
        #: (namespace, workflow id, run id), or `None`.
        self.parent: tuple[str, str, str] | None = info.get("parent")
        #: (workflow id, run id), or `None`.
        self.root: tuple[str, str] | None = info.get("root")
        self.first_execution_run_id: str = info.get("first_execution_run_id", "")
        self.continued_run_id: str = info.get("continued_run_id", "")
        self.start_time: float | None = info.get("start_time")
        self.history_length: int = instance.history_length
        self.history_size: int = instance.history_size
        self.memo: dict[str, Any] = {key: converter.decode(value) for key, value in (info.get("memo") or {}).items()}
        found = info.get("search_attributes") or {}
        self.search_attributes: dict[str, Any] = {key: converter.decode(value) for key, value in found.items()}


if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter  # Python 3.10 gives it no argument


class Logger(_Adapter):
    """A logger that is silent while code is replayed."""

    def isEnabledFor(self, level: int) -> bool:
        instance = workflow_instance()
        return (instance is None or not instance.replaying) and super().isEnabledFor(level)

    def process(self, msg: Any, kwargs: Any) -> Any:
        instance = workflow_instance()
        if instance is not None:
            extra = {"workflow_id": instance.workflow_id, "run_id": instance.run_id}
            kwargs["extra"] = {**(kwargs.get("extra") or {}), **extra}
        return msg, kwargs


class Unsafe:
    """Ways around the determinism check."""

    @staticmethod
    @contextlib.contextmanager
    def skip_determinism_enforcement() -> Iterator[None]:
        """Nothing is refused in this scope. What it answers must not change what the workflow does."""
        before = set_in_workflow(False)
        try:
            yield
        finally:
            set_in_workflow(before)

    @staticmethod
    @contextlib.contextmanager
    def imports_passed_through() -> Iterator[None]:
        """Does nothing: modules are not imported again here, so there is nothing to pass through."""
        yield

    @staticmethod
    def is_replaying() -> bool:
        """Whether the code runs again over what it did before."""
        return require_workflow("is_replaying()").replaying
