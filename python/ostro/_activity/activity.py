"""`@activity(...)`: one call, three places.

Awaited in a workflow it is a durable activity, in an activity an inline call, outside both a direct run with retries.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NoReturn, ParamSpec, Protocol, TypeVar, overload

from .._base.duration import Duration, optional, seconds
from .._base.errors import ErrorCode, WorkflowsException
from .._definition.rate_limit import RateLimit
from .._definition.signature import Signature, check_definition
from . import activity_context, later
from .activity_context import ActivityInfo
from .call import INITIAL_INTERVAL, MAXIMUM_INTERVAL, START_TO_CLOSE_DEFAULT, ActivityFunction, Method, check_retries, named, wrap
from .definition import ActivityDefinition, check_names, definition_of, register, registered_activities

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

RESERVED_PREFIX = "__internal__"


class ActivityDecorator(Protocol):
    """Makes a call that is awaited of a function, async or not, with its parameters and its result."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> ActivityFunction[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> ActivityFunction[P, R]: ...


class Activity:
    """The decorator, with what activities call on it: `activity.heartbeat(...)`, `activity.info()`."""

    @staticmethod
    def heartbeat(*details: Any) -> None:
        """See `activity_heartbeat`."""
        activity_context.heartbeat(*details)

    @staticmethod
    def last_heartbeat(annotation: Any = Any) -> Any:
        """The first detail of the last heartbeat that the previous attempt sent, as `annotation`; `None` where there is none."""
        return activity_context.last_heartbeat(annotation)

    @staticmethod
    def info() -> ActivityInfo:
        """Which attempt of which activity this is. NotInTemporalContextError outside an activity that a worker runs."""
        return activity_context.info()

    @staticmethod
    def is_cancelled() -> bool:
        """Whether the activity should stop; for sync activities, which nobody can interrupt."""
        return activity_context.is_cancelled()

    @staticmethod
    def complete_later() -> NoReturn:
        """Ends the activity here without an outcome: `client.activity(...)` gives it, within its time-out. Does not return."""
        later.complete_later()

    @overload
    @staticmethod
    def named(name: str, returns: type[T], **options: Any) -> ActivityFunction[..., T]: ...

    @overload
    @staticmethod
    def named(name: str, returns: Any = ..., **options: Any) -> ActivityFunction[..., Any]: ...

    @staticmethod
    def named(name: str, returns: Any = Any, **options: Any) -> Any:
        """An activity by its name, whose code need not be here: `await activity.named("charge", int, task_queue="gpu")(order)`.

        Awaited in workflow code, with positional arguments; the options are those of `with_options`.
        """
        return named(name, returns, **options)

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> ActivityFunction[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> ActivityFunction[P, R]: ...

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
        dynamic: bool = ...,
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
        dynamic: bool = False,
        _skip_registering: bool = False,
        _allow_reserved_name: bool = False,
    ) -> Any:
        """Makes an activity of a function (`async def`, or `def`, which runs in a thread).

        `start_to_close_timeout`: of one attempt (5 minutes). `retry_policy_max_attempts`: total attempts (3; 0 for no limit).
        `retry_policy_backoff_coefficient`: factor between waits (2.0), the first of which is 1 s. `name`: to register, call and
        observe it by (the function's). `sticky_to_worker`: runs on the worker of the open session. `rate_limit`: starts per
        time over all workers. `heartbeat_timeout`: longest time between two `activity.heartbeat()`. `isolated`: each attempt
        runs in a process of its own. `dynamic`: `f(name, args)` takes what no other activity has a name for. A method is an activity of
        its object: give the worker `activities=[Payments(database).charge]`. Durations are a `timedelta`, seconds, or text such as `"10m"`.
        """
        if inspect.isroutine(start_to_close_timeout):
            return Activity()(name=None)(start_to_close_timeout)
        check_retries(retry_policy_max_attempts, retry_policy_backoff_coefficient)
        start_to_close = seconds(start_to_close_timeout, "start_to_close_timeout")
        if start_to_close == 0:
            raise ValueError("start_to_close_timeout=0: give an attempt some time")
        if rate_limit is not None and sticky_to_worker:
            warnings.warn("sticky_to_worker with rate_limit: the session decides the queue, the limit does not apply", stacklevel=2)

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            _check_function(function)
            chosen, method = name or function.__name__, _is_method(function)
            if chosen.startswith(RESERVED_PREFIX) and not _allow_reserved_name:
                raise WorkflowsException(
                    f'activity "{chosen}" uses reserved prefix {RESERVED_PREFIX!r}: such names are the framework\'s',
                    code=ErrorCode.ACTIVITY_DEFINITION,
                )
            definition = ActivityDefinition(
                name=chosen,
                function=function,
                signature=Signature(function, method=method),
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
                dynamic=dynamic,
                method=method,
            )
            if not _skip_registering:
                register(definition)
            return Method(definition) if method else wrap(definition)

        return decorate


def _is_method(function: Callable[..., Any]) -> bool:
    """Whether it stands in a class and takes its object."""
    around = function.__qualname__.rpartition(".")[0]
    first = next(iter(inspect.signature(function).parameters), "")
    return around not in ("", "<locals>") and not around.endswith(".<locals>") and first == "self"


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


activity: Activity = Activity()

__all__ = [
    "INITIAL_INTERVAL",
    "MAXIMUM_INTERVAL",
    "START_TO_CLOSE_DEFAULT",
    "Activity",
    "ActivityDefinition",
    "ActivityFunction",
    "ActivityInfo",
    "activity",
    "check_names",
    "definition_of",
    "registered_activities",
]
