"""`@activity(...)`: one call, three places.

Awaited in a workflow it is a durable activity, in an activity an inline call, outside both a direct run with retries.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import warnings
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from .._base import context, error_text
from .._base.config import config
from .._base.duration import Duration, optional, seconds
from .._base.errors import ErrorCode, WorkflowsException
from .._base.log import log
from .._definition.depends import DependencyInjector
from .._definition.rate_limit import RateLimit
from .._definition.signature import Signature, check_definition
from . import activity_context, later
from .activity_context import ActivityContext, ActivityInfo

P = ParamSpec("P")
R = TypeVar("R")

_log = log("ostro.activity")

START_TO_CLOSE_DEFAULT = "5m"
#: Wait before the second attempt, in seconds; the third waits `backoff_coefficient` times that.
INITIAL_INTERVAL = 1.0
MAXIMUM_INTERVAL = 100.0
RESERVED_PREFIX = "__internal__"


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
        if self.isolated:
            from .isolated import run_isolated

            return await run_isolated(self, args, kwargs, dependencies)
        if self.is_async:
            return await self.signature.call(args, kwargs, dependencies)
        return await asyncio.to_thread(_call_in_thread, self.signature.call, args, kwargs, dependencies)

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


def _register(definition: ActivityDefinition) -> None:
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
    found: ActivityDefinition | None = getattr(function, "__ostro_activity__", None)
    if found is None:
        raise WorkflowsException(
            f"{function!r} is no activity: decorate it with @workflows.activity()", code=ErrorCode.ACTIVITY_DEFINITION
        )
    return found


class ActivityDecorator(Protocol):
    """Makes a call that is awaited of a function, async or not, with its parameters and its result."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Callable[P, Coroutine[Any, Any, R]]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, Coroutine[Any, Any, R]]: ...


class Activity:
    """The decorator, with what activities call on it: `activity.heartbeat(...)`, `activity.info()`."""

    heartbeat = staticmethod(activity_context.heartbeat)
    last_heartbeat = staticmethod(activity_context.last_heartbeat)
    info = staticmethod(activity_context.info)
    is_cancelled = staticmethod(activity_context.is_cancelled)
    complete_later = staticmethod(later.complete_later)

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Callable[P, Coroutine[Any, Any, R]]: ...

    @overload
    def __call__(
        self,
        start_to_close_timeout: Duration = ...,
        retry_policy_max_attempts: int | None = ...,
        retry_policy_backoff_coefficient: float | None = ...,
        name: str | None = ...,
        sticky_to_worker: bool = ...,
        rate_limit: RateLimit | None = ...,
        heartbeat_timeout: Duration | None = ...,
        *,
        schedule_to_close_timeout: Duration | None = ...,
        retry_policy_initial_interval: Duration | None = ...,
        retry_policy_maximum_interval: Duration | None = ...,
        retry_policy_non_retryable_error_types: Sequence[str] = ...,
        isolated: bool = ...,
        _skip_registering: bool = ...,
        _allow_reserved_name: bool = ...,
    ) -> ActivityDecorator: ...

    def __call__(
        self,
        start_to_close_timeout: Any = START_TO_CLOSE_DEFAULT,
        retry_policy_max_attempts: int | None = None,
        retry_policy_backoff_coefficient: float | None = None,
        name: str | None = None,
        sticky_to_worker: bool = False,
        rate_limit: RateLimit | None = None,
        heartbeat_timeout: Duration | None = None,
        *,
        schedule_to_close_timeout: Duration | None = None,
        retry_policy_initial_interval: Duration | None = None,
        retry_policy_maximum_interval: Duration | None = None,
        retry_policy_non_retryable_error_types: Sequence[str] = (),
        isolated: bool = False,
        _skip_registering: bool = False,
        _allow_reserved_name: bool = False,
    ) -> Any:
        """Makes an activity of a function (`async def`, or `def`, which runs in a thread).

        `start_to_close_timeout`: of one attempt (5 minutes). `retry_policy_max_attempts`: total attempts (3; 0 for no limit).
        `retry_policy_backoff_coefficient`: factor between waits (2.0), the first of which is 1 s. `name`: to register, call and
        observe it by (the function's). `sticky_to_worker`: runs on the worker of the open session. `rate_limit`: starts per
        time over all workers. `heartbeat_timeout`: longest time between two `activity.heartbeat()`. `isolated`: each attempt
        runs in a process of its own. Durations are a `timedelta`, seconds, or text such as `"10m"`.
        """
        if inspect.isroutine(start_to_close_timeout):
            return Activity()(name=None)(start_to_close_timeout)
        if retry_policy_max_attempts is not None and retry_policy_max_attempts < 0:
            raise ValueError(f"retry_policy_max_attempts={retry_policy_max_attempts}: give 1 or more, or 0 for no limit")
        if retry_policy_backoff_coefficient is not None and retry_policy_backoff_coefficient < 1:
            raise ValueError(f"retry_policy_backoff_coefficient={retry_policy_backoff_coefficient}: give 1 or more")
        start_to_close = seconds(start_to_close_timeout, "start_to_close_timeout")
        if start_to_close == 0:
            raise ValueError("start_to_close_timeout=0: give an attempt some time")
        if rate_limit is not None and sticky_to_worker:
            warnings.warn("sticky_to_worker with rate_limit: the session decides the queue, the limit does not apply", stacklevel=2)

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            _check_function(function)
            chosen = name or function.__name__
            if chosen.startswith(RESERVED_PREFIX) and not _allow_reserved_name:
                raise WorkflowsException(
                    f'activity "{chosen}": names that begin with {RESERVED_PREFIX} are the framework\'s',
                    code=ErrorCode.ACTIVITY_DEFINITION,
                )
            definition = ActivityDefinition(
                name=chosen,
                function=function,
                signature=Signature(function),
                start_to_close=start_to_close,
                schedule_to_close=optional(schedule_to_close_timeout, "schedule_to_close_timeout"),
                heartbeat=optional(heartbeat_timeout, "heartbeat_timeout"),
                max_attempts=retry_policy_max_attempts,
                backoff=retry_policy_backoff_coefficient,
                initial_interval=optional(retry_policy_initial_interval, "retry_policy_initial_interval"),
                maximum_interval=optional(retry_policy_maximum_interval, "retry_policy_maximum_interval"),
                non_retryable=retry_policy_non_retryable_error_types,
                sticky=sticky_to_worker,
                rate_limit=rate_limit,
                isolated=isolated,
            )
            if not _skip_registering:
                _register(definition)
            return _wrap(definition)

        return decorate


def _check_function(function: Any) -> None:
    if not inspect.isfunction(function):
        raise WorkflowsException(
            f"{function!r} cannot be an activity: decorate a function at the top of a module",
            code=ErrorCode.ACTIVITY_NOT_MODULE_LEVEL,
        )
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise WorkflowsException(
            f"{function.__qualname__} is a generator: an activity returns one value", code=ErrorCode.ACTIVITY_DEFINITION
        )
    why = check_definition(function)
    if why is not None:
        raise WorkflowsException(f"activity {function.__qualname__}: {why}", code=ErrorCode.ACTIVITY_DEFINITION)


def _wrap(definition: ActivityDefinition) -> Callable[..., Any]:
    @functools.wraps(definition.function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        instance = context.workflow_instance()
        if instance is not None:
            return await instance.execute_activity(definition, args, kwargs)
        if context.current_activity.get() is not None:
            return await _run_nested(definition, args, kwargs)
        return await _run_directly(definition, args, kwargs)

    call.__ostro_activity__ = definition  # type: ignore[attr-defined]
    return call


async def _run_nested(definition: ActivityDefinition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    positional, named = definition.signature.bind(args, kwargs)
    return await definition.run(positional, named)


async def _run_directly(definition: ActivityDefinition, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    positional, named = definition.signature.bind(args, kwargs)
    attempt, wait = 1, definition.initial_interval or INITIAL_INTERVAL
    while True:
        token = context.current_activity.set(ActivityContext(info=None))
        try:
            return await asyncio.wait_for(definition.run(positional, named), definition.start_to_close)
        except Exception as error:
            final = attempt == definition.attempts or error_text.is_final(error)
            if final or error_text.type_name(error) in definition.non_retryable:
                raise
            text = error_text.message(error)
            _log.warning("activity %s failed (attempt %d), next in %.1f s: %s", definition.name, attempt, wait, text)
        finally:
            context.current_activity.reset(token)
        await asyncio.sleep(wait)
        attempt += 1
        wait = min(wait * definition.coefficient, definition.maximum_interval or MAXIMUM_INTERVAL)


activity = Activity()

__all__ = ["Activity", "ActivityDefinition", "ActivityInfo", "activity", "definition_of", "registered_activities"]
