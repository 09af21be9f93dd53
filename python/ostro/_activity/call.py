"""What calling an activity does: durable in a workflow, inline in an activity, a direct run with retries elsewhere."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from .._base import context, error_text
from .._base.duration import Duration, optional, seconds
from .._base.errors import ErrorCode, WorkflowsException
from .._base.log import log
from .._definition.signature import Named
from .activity_context import ActivityContext
from .definition import MARK, ActivityDefinition

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

_log = log("ostro.activity")

START_TO_CLOSE_DEFAULT = "5m"
#: Wait before the second attempt, in seconds; the third waits `backoff_coefficient` times that.
INITIAL_INTERVAL = 1.0
MAXIMUM_INTERVAL = 100.0


class ActivityFunction(Protocol[P, R_co]):
    """A decorated function: its call is awaited, with its parameters and its result."""

    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R_co]:
        """Runs it: see the module."""
        ...

    def with_options(
        self,
        *,
        task_queue: str | None = None,
        start_to_close_timeout: Duration | None = None,
        schedule_to_close_timeout: Duration | None = None,
        schedule_to_start_timeout: Duration | None = None,
        heartbeat_timeout: Duration | None = None,
        retry_policy_max_attempts: int | None = None,
        retry_policy_backoff_coefficient: float | None = None,
        retry_policy_initial_interval: Duration | None = None,
        retry_policy_maximum_interval: Duration | None = None,
        retry_policy_non_retryable_error_types: Sequence[str] | None = None,
        summary: str | None = None,
        local: bool | None = None,
    ) -> ActivityFunction[P, R_co]:
        """The same activity with other options in this call; what is not given stays. `local`: in the workflow's own worker."""
        ...

    @overload
    def __get__(self: ActivityFunction[Concatenate[Any, Q], R], instance: None, owner: type) -> ActivityFunction[Q, R]: ...

    @overload
    def __get__(self: ActivityFunction[Concatenate[Any, Q], R], instance: object, owner: type) -> ActivityFunction[Q, R]: ...

    def __get__(self, instance: Any, owner: Any) -> Any:
        """A method that is an activity, of an object or, for workflow code, of its class."""
        ...


_DURATIONS = {
    "start_to_close_timeout": "start_to_close",
    "schedule_to_close_timeout": "schedule_to_close",
    "schedule_to_start_timeout": "schedule_to_start",
    "heartbeat_timeout": "heartbeat",
    "retry_policy_initial_interval": "initial_interval",
    "retry_policy_maximum_interval": "maximum_interval",
}
_OTHERS = {
    "task_queue": "task_queue",
    "retry_policy_max_attempts": "max_attempts",
    "retry_policy_backoff_coefficient": "backoff",
    "retry_policy_non_retryable_error_types": "non_retryable",
    "summary": "summary",
    "local": "local",
}


def changed(definition: ActivityDefinition, options: Mapping[str, Any]) -> ActivityDefinition:
    """The definition with other options. TypeError for an option that there is not, ValueError for one that cannot be."""
    fields: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _DURATIONS and name not in _OTHERS:
            raise TypeError(f"activity {definition.name} has no option {name!r}; it has {', '.join([*_DURATIONS, *_OTHERS])}")
        if value is not None:
            fields[_DURATIONS.get(name) or _OTHERS[name]] = optional(value, name) if name in _DURATIONS else value
    if fields.get("start_to_close") == 0:
        raise ValueError("start_to_close_timeout=0: give an attempt some time")
    check_retries(fields.get("max_attempts"), fields.get("backoff"))
    return dataclasses.replace(definition, **fields)


def check_retries(max_attempts: int | None, backoff: float | None) -> None:
    """ValueError for a retry policy that cannot be."""
    if max_attempts is not None and max_attempts < 0:
        raise ValueError(f"retry_policy_max_attempts={max_attempts}: give 1 or more, or 0 for no limit")
    if backoff is not None and backoff < 1:
        raise ValueError(f"retry_policy_backoff_coefficient={backoff}: give 1 or more")


def named(name: str, returns: Any = Any, **options: Any) -> Any:
    """An activity by its name, whose code need not be here: to be awaited in workflow code, with positional arguments."""
    definition = ActivityDefinition(
        name=name,
        function=_elsewhere,
        signature=Named(name, returns),
        start_to_close=seconds(START_TO_CLOSE_DEFAULT, "start_to_close_timeout"),
        schedule_to_close=None,
        heartbeat=None,
        max_attempts=None,
        backoff=None,
        initial_interval=None,
        maximum_interval=None,
        non_retryable=(),
        sticky=False,
        rate_limit=None,
        isolated=False,
    )
    return wrap(changed(definition, options))


async def _elsewhere(*_args: Any) -> Any:
    raise WorkflowsException(
        "an activity by its name is for workflow code: elsewhere call its function", code=ErrorCode.CONFIGURATION
    )


def wrap(definition: ActivityDefinition) -> Callable[..., Any]:
    """The function that a program calls."""

    @functools.wraps(definition.function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        instance = context.workflow_instance()
        if instance is not None:
            return await instance.execute_activity(definition, args, kwargs)
        if context.current_activity.get() is not None:
            return await _run_nested(definition, args, kwargs)
        return await _run_directly(definition, args, kwargs)

    setattr(call, MARK, definition)
    call.with_options = lambda **options: wrap(changed(definition, options))  # type: ignore[attr-defined]
    return call


class Method:
    """A method that is an activity: on an object, or for workflow code on its class."""

    def __init__(self, definition: ActivityDefinition) -> None:
        functools.update_wrapper(self, definition.function)
        self._definition = definition
        setattr(self, MARK, definition)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        definition = self._definition
        return wrap(definition if instance is None else dataclasses.replace(definition, object=instance))

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        raise WorkflowsException(
            f"activity {self._definition.name} is a method: call it on an object", code=ErrorCode.ACTIVITY_DEFINITION
        )


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
