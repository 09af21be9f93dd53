"""Workflow code that does not yield: found, interrupted, named with its line. The worker's other executions go on.

A thread looks whether the event loop of the execution that runs has gone on. Where it has not for `deadlock_timeout` seconds, an exception
is raised in the workflow thread at whatever it does; its workflow task fails and is tried again.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING

from .._base import frames
from .._base.config import config
from .._base.errors import Failure
from .._base.log import log

if TYPE_CHECKING:
    from types import FrameType

    from .instance import WorkflowInstance

_log = log("ostro.worker")

#: How often it looks, in seconds.
_TICK = 0.5


class Interrupted(BaseException):
    """Raised in workflow code that does not yield. It is given up: what it does now goes nowhere."""


class DeadlockError(Failure):
    """The task of a workflow whose code did not yield; `stack_trace` says where it was."""

    def __init__(self, instance: WorkflowInstance) -> None:
        stack = instance.interrupted or ""
        super().__init__(
            f'[TMPRL1101] Potential deadlock detected: the code of workflow "{instance.workflow_type}" didn\'t yield within '
            f"{config.worker.deadlock_timeout:g} second(s). A loop needs an `await` that waits, and work that takes long belongs in an "
            f"activity. It was at:\n{stack}"
        )
        self.stack_trace = stack


class Watch:
    """Looks at what the workflow thread runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._current: WorkflowInstance | None = None
        self._thread: int | None = None
        self._runs = 0
        self._raised = False
        self._seen: tuple[int, int] | None = None
        self._since = 0.0

    def enter(self, instance: WorkflowInstance) -> None:
        """The calling thread runs code of an execution from here on."""
        if self._thread is None:
            self._thread = threading.get_ident()
            if config.worker.deadlock_timeout > 0 and not _debugged():
                threading.Thread(target=self._look_on, name="ostro-deadlocks", daemon=True).start()
        self._runs += 1
        self._current = instance

    def leave(self) -> None:
        """It does not any more; nothing is raised in it from here on."""
        with self._lock:
            self._current = None
            if self._raised:
                self._raised = False
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread or 0), None)

    def stop(self) -> None:
        """Nothing will run any more."""
        self._stopped.set()

    def _look_on(self) -> None:
        while not self._stopped.wait(_TICK):
            self._look()

    def _look(self) -> None:
        instance, now = self._current, monotonic()
        seen = None if instance is None else (self._runs, instance.loop.steps)
        if seen is None or seen != self._seen:
            self._seen, self._since = seen, now
        elif instance is not None and now - self._since >= config.worker.deadlock_timeout:
            self._interrupt(instance, now - self._since)

    def _interrupt(self, instance: WorkflowInstance, seconds: float) -> None:
        with self._lock:
            if self._current is not instance:
                return
            frame = sys._current_frames().get(self._thread or 0)
            first = instance.interrupted is None
            instance.interrupted = frames.stack(frame)
            self._raised = True
            raised = ctypes.py_object(Interrupted)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread or 0), raised)
        if first:
            _say(instance, seconds, frame)


def _say(instance: WorkflowInstance, seconds: float, frame: FrameType | None) -> None:
    found = frames.users_frame(frame)
    _log.error(
        'workflow "%s" (%s, run %s) has not yielded for %.1f s, at %s in %s: it is interrupted, and its task is tried again\n%s',
        instance.workflow_type,
        instance.workflow_id,
        instance.run_id,
        seconds,
        frames.place(found),
        found.f_code.co_name if found is not None else "?",
        instance.interrupted,
    )


def _debugged() -> bool:
    return "pydevd" in sys.modules or "debugpy" in sys.modules
