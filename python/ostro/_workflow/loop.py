"""The event loop of one execution: asyncio whose order and clock come from the history.

It has no sockets, threads or processes; what needs them is refused with the name of what to use instead. A timer is a durable
timer. Tasks hash by their number, so sets of them iterate alike in every replay.
"""

from __future__ import annotations

import asyncio
import collections
import contextvars
import sys
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._base import frames
from .._base.errors import DeterminismError
from .._base.log import log

if TYPE_CHECKING:
    from .instance import WorkflowInstance

_log = log("ostro.workflow")

_TASKS_TAKE_CONTEXT = sys.version_info >= (3, 11)


class WorkflowTask(asyncio.Task):  # type: ignore[type-arg]
    """A task with a number instead of an address for its hash."""

    _number: int

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class WorkflowFuture(asyncio.Future):  # type: ignore[type-arg]
    """A future with a number instead of an address for its hash."""

    _number: int = 0

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class WorkflowLoop(asyncio.AbstractEventLoop):
    """Runs what is ready until nothing is."""

    def __init__(self, instance: WorkflowInstance, run_id: str) -> None:
        self.instance = instance
        self._ready: collections.deque[asyncio.Handle] = collections.deque()
        self._number = zlib.crc32(run_id.encode()) << 24
        self.tasks: dict[int, tuple[WorkflowTask, contextvars.Context | None]] = {}
        self.conditions: list[tuple[Callable[[], Any], asyncio.Future[None]]] = []
        self.now: float = 0.0
        #: Counts what has run: while it stands still, workflow code does not yield.
        self.steps: int = 0

    def run_until_idle(self) -> None:
        """Runs everything that can run without anything new from outside."""
        ready = self._ready
        while True:
            while ready:
                handle = ready.popleft()
                if not handle._cancelled:
                    self._run(handle)
            if not self._check_conditions():
                return

    def _run(self, handle: asyncio.Handle) -> None:
        self.steps += 1
        try:
            handle._run()
        except (SystemExit, KeyboardInterrupt) as error:
            # A task of the program raised it, and has it as its exception: it ends what awaits the task, not the worker.
            _log.error("a task of workflow code raised %s", type(error).__name__)

    def _check_conditions(self) -> bool:
        met = False
        for condition in list(self.conditions):
            predicate, future = condition
            if future.done():
                self.conditions.remove(condition)
                continue
            try:
                if not predicate():
                    continue
                future.set_result(None)
            except StopIteration as error:
                # No future takes it.
                wrapped = RuntimeError("a condition raised StopIteration")
                wrapped.__cause__ = error
                future.set_exception(wrapped)
            except BaseException as error:
                future.set_exception(error)
            self.conditions.remove(condition)
            met = True
        return met

    def close_all(self) -> None:
        """Ends every coroutine without letting it do anything: the execution leaves this process's memory."""
        for task, context in list(self.tasks.values()):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine: Any = task.get_coro()
            try:
                if context is not None:
                    context.run(coroutine.close)
                else:
                    coroutine.close()
            except BaseException:
                # Code that goes on while it is being closed: whatever it does goes nowhere.
                _log.debug("workflow code went on while it was evicted", exc_info=True)
        self.tasks.clear()
        self._ready.clear()
        self.conditions.clear()

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    # What asyncio calls.

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        if asyncio._get_running_loop() is not self:
            raise DeterminismError("call_soon_threadsafe() from another thread: workflow code has one thread; use a signal")
        return self.call_soon(callback, *args, context=context)

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:  # type: ignore[override]
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:  # type: ignore[override]
        if when <= self.now:
            return self.call_soon(callback, *args, context=context)
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        handle._scheduled = True  # type: ignore[attr-defined]
        self.instance.start_timer(handle, when - self.now)
        return handle

    def fire(self, handle: asyncio.TimerHandle) -> None:
        """Runs what a timer was for."""
        handle._scheduled = False  # type: ignore[attr-defined]
        self._ready.append(handle)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self.instance.cancel_timer(handle)

    def create_future(self) -> Any:
        future = WorkflowFuture(loop=self)
        future._number = self._next_number()
        return future

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None, **_more: Any) -> Any:
        if self.instance.read_only:
            coro.close()
            self.instance.refuse_read_only()
        number = self._next_number()
        if context is None:
            context = contextvars.copy_context()
        task = _make_task(coro, self, name or f"Task-{number & 0xFFFFFF}", context, number)
        self.tasks[number] = (task, context)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: Any) -> None:
        self.tasks.pop(task._number, None)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.instance.evicted:
            _log.error("%s", context.get("message", "error in workflow code"), exc_info=context.get("exception"))

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.call_exception_handler(context)

    def get_exception_handler(self) -> None:
        return None

    def get_debug(self) -> bool:
        return False

    def set_debug(self, enabled: bool) -> None:
        pass

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def get_task_factory(self) -> None:
        return None


def _make_task(coro: Any, loop: WorkflowLoop, name: str, context: contextvars.Context, number: int) -> WorkflowTask:
    # asyncio puts a task into a set before its constructor returns, so the number must be there by then.
    task = WorkflowTask.__new__(WorkflowTask)
    task._number = number
    if _TASKS_TAKE_CONTEXT:
        task.__init__(coro, loop=loop, name=name, context=context)  # type: ignore[misc]
    else:
        context.run(task.__init__, coro, loop=loop, name=name)  # type: ignore[misc]
    return task


_INSTEAD = "do it in an activity"
_NETWORK = ("a network connection", "a network server", "a name lookup", "a socket")
_REFUSED = {
    "run_in_executor": "run_in_executor() or asyncio.to_thread()",
    "run_forever": "run_forever()",
    "run_until_complete": "run_until_complete()",
    "stop": "stop()",
    "add_reader": "a file descriptor",
    "add_writer": "a file descriptor",
    "add_signal_handler": "a signal handler",
    "create_connection": "a network connection",
    "create_server": "a network server",
    "create_unix_connection": "a socket",
    "create_unix_server": "a socket",
    "create_datagram_endpoint": "a socket",
    "connect_read_pipe": "a pipe",
    "connect_write_pipe": "a pipe",
    "subprocess_exec": "a subprocess",
    "subprocess_shell": "a subprocess",
    "getaddrinfo": "a name lookup",
    "getnameinfo": "a name lookup",
    "sock_connect": "a socket",
    "sock_recv": "a socket",
    "sock_sendall": "a socket",
    "sock_accept": "a socket",
    "start_tls": "a network connection",
    "sendfile": "a file",
}


def _refusal(what: str) -> Callable[..., Any]:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        place = frames.place(frames.users_frame(sys._getframe(1)))
        if what in _NETWORK:
            raise DeterminismError(f"network in workflow code at {place}: call it in an activity ({what})")
        raise DeterminismError(f"workflow code used {what} ({place}), which would run again at each replay: {_INSTEAD}")

    return refuse


for _method, _what in _REFUSED.items():
    setattr(WorkflowLoop, _method, _refusal(_what))
WorkflowLoop.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
