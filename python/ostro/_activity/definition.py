"""Activities that a program has: their options, their names, how one attempt runs."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._base.config import config
from .._base.errors import ErrorCode, WorkflowsException
from .._base.log import log
from .._definition.depends import DependencyInjector
from .._definition.rate_limit import RateLimit
from .._definition.signature import Signature
from .._values import converter

#: Where a decorated function keeps its definition.
MARK = "__ostro_activity__"

_log = log("ostro.activity")


@dataclass
class ActivityDefinition:
    """An activity with its options; durations are seconds."""

    name: str
    function: Callable[..., Any]
    signature: Signature
    start_to_close: float
    schedule_to_close: float | None
    heartbeat: float | None
    max_attempts: int | None
    backoff: float | None
    initial_interval: float | None
    maximum_interval: float | None
    non_retryable: Sequence[str]
    sticky: bool
    rate_limit: RateLimit | None
    isolated: bool
    #: Where it is sent, where that is not the workflow's queue.
    task_queue: str | None = None
    #: How long it may wait for a worker, in seconds.
    schedule_to_start: float | None = None
    #: Shown with it by consoles.
    summary: str | None = None
    #: Whether calls run in the workflow's worker; `None`: where the scope says so.
    local: bool | None = None
    #: Takes what no other activity has a name for: `(name, list of arguments)`.
    dynamic: bool = False
    #: Takes an object first, of its class.
    method: bool = False
    #: That object, where the call was on one.
    object: Any = None
    warned: bool = False

    @property
    def attempts(self) -> int:
        """Total attempts; 0 for no limit."""
        return config.worker.retry_policy_max_attempts if self.max_attempts is None else self.max_attempts

    @property
    def coefficient(self) -> float:
        """Factor between two waits."""
        return config.worker.retry_policy_backoff_coefficient if self.backoff is None else self.backoff

    def retry_policy(self) -> tuple[Any, ...]:
        """As the core takes it."""
        return (self.attempts, self.coefficient, self.initial_interval, self.maximum_interval, list(self.non_retryable))

    def where(self) -> str:
        """Where it is defined."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(self.function)

    @functools.cached_property
    def is_async(self) -> bool:
        """Whether it runs on the event loop; else in a thread."""
        return inspect.iscoroutinefunction(self.function)

    def decode(self, payloads: Sequence[Any], name: str) -> tuple[list[Any], dict[str, Any]]:
        """Arguments from payloads. A dynamic activity gets the `name` it was called by, and the arguments as they came."""
        if self.dynamic:
            return [name, [converter.decode(payload) for payload in payloads]], {}
        return self.signature.decode(payloads)

    async def run(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Calls the function once, in this context, with its dependencies; checks what it returns."""
        if not self.signature.dependencies:
            result = await self._invoke(args, kwargs, {})
        else:
            async with DependencyInjector.resolve(self.signature.dependencies) as values:
                result = await self._invoke(args, kwargs, values)
        self.signature.check_result(result)
        return result

    async def _invoke(self, args: Sequence[Any], kwargs: Mapping[str, Any], dependencies: Mapping[str, Any]) -> Any:
        before = self._before()
        if self.isolated:
            from .isolated import run_isolated

            return await run_isolated(self, args, kwargs, dependencies)
        if self.is_async:
            return await self.signature.call(args, kwargs, dependencies, *before)
        return await asyncio.to_thread(_call_in_thread, self.signature.call, args, kwargs, dependencies, *before)

    def _before(self) -> tuple[Any, ...]:
        if not self.method:
            return ()
        if self.object is None:
            owner = self.function.__qualname__.rpartition(".")[0].rpartition(".")[2]
            raise WorkflowsException(
                f'activity "{self.name}" is a method of {owner}, and there is no object here: give the worker one, '
                f"Worker(..., activities=[{owner}(...).{self.function.__name__}])",
                code=ErrorCode.ACTIVITY_DEFINITION,
            )
        return (self.object,)

    def warn_local(self) -> None:
        """Says once what does not apply to it as a local activity."""
        ignored = [name for name, value in (("rate_limit", self.rate_limit), ("heartbeat_timeout", self.heartbeat)) if value]
        if ignored and not self.warned:
            self.warned = True
            _log.warning("activity %s runs locally: %s does not apply there", self.name, " and ".join(ignored))


def _call_in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """A future does not take a StopIteration, and whoever waits for it would wait forever."""
    try:
        return function(*args)
    except StopIteration as error:
        raise RuntimeError("the activity raised StopIteration") from error


_registry: dict[str, ActivityDefinition] = {}
#: Names that two different functions took, with the first one.
_conflicts: dict[str, ActivityDefinition] = {}


def registered_activities() -> dict[str, ActivityDefinition]:
    """Every activity that this process has defined, by name."""
    return _registry


def check_names() -> None:
    """WorkflowsException where two activities have one name."""
    for name, first in _conflicts.items():
        raise WorkflowsException(
            f'two activities are named "{name}": {first.where()} and {_registry[name].where()}. Give one another `name=`',
            code=ErrorCode.ACTIVITY_DEFINITION,
        )


def register(definition: ActivityDefinition) -> None:
    """Makes an activity known by its name, or as the one that takes what no other has a name for."""
    if definition.dynamic:
        _registry[""] = definition
        return
    before = _registry.get(definition.name)
    if before is not None and _place(before) != _place(definition):
        _conflicts[definition.name] = before
    elif before is None:
        _conflicts.pop(definition.name, None)
    _registry[definition.name] = definition


def _place(definition: ActivityDefinition) -> tuple[str, str]:
    """Tells a definition that is loaded again from another one."""
    return inspect.unwrap(definition.function).__qualname__, definition.where().rsplit(":", 1)[0]


def definition_of(function: Callable[..., Any]) -> ActivityDefinition:
    """The definition behind a decorated function. WorkflowsException for one that is not."""
    found: ActivityDefinition | None = getattr(function, MARK, None)
    if found is None:
        raise WorkflowsException(
            f"{function!r} is no activity: decorate it with @workflows.activity()", code=ErrorCode.ACTIVITY_DEFINITION
        )
    return found
