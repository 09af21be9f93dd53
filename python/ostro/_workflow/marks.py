"""What defines workflows: marks on a class and on its methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from .._base.duration import Duration, optional
from .._base.errors import ErrorCode, WorkflowsException
from .._definition.definition import MARK, Handler, WorkflowDefinition, register
from .._definition.schedule import Schedule

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

_RESERVED_QUERIES = ("__get_pending_inputs",)
_RESERVED_UPDATES = ("__submit_input",)


class Update(Protocol[P, R_co]):
    """An update: a method that can have a validator."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    def validator(self, check: Callable[P, None]) -> Callable[P, None]:
        """Marks the method that refuses an input by raising, before it is in the history."""
        ...


class UpdateDecorator(Protocol):
    """Marks a method as an update."""

    def __call__(self, function: Callable[P, R]) -> Update[P, R]: ...


def _mark(kind: str, function: Any, name: str | None, description: str | None, dynamic: bool = False) -> Any:
    if not inspect.isfunction(function):
        raise WorkflowsException(
            f"@workflow.{kind} on {function!r}: mark a method of a workflow class", code=ErrorCode.WORKFLOW_DEFINITION
        )
    setattr(function, MARK, Handler(kind, function, name, description, dynamic))
    return function


def _decorator(
    kind: str, function: Any, name: str | None, description: str | None, dynamic: bool, check: Callable[[Any], None]
) -> Any:
    def mark(target: Any) -> Any:
        check(target)
        return _mark(kind, target, name, description, dynamic)

    if function is None:
        return mark
    if isinstance(function, str):
        name = function
        return mark
    return mark(function)


def _refuse(message: str) -> WorkflowsException:
    return WorkflowsException(message, code=ErrorCode.WORKFLOW_DEFINITION)


class Marks:
    """A part of `workflow`."""

    @staticmethod
    def define(
        name: str,
        workflow_description: str | None = None,
        schedules: Sequence[Schedule] | None = None,
        workflow_display_name: str | None = None,
        is_technical: bool = False,
        enforce_determinism: bool | None = None,
        execution_timeout: Duration | None = None,
        on_behalf_of: bool = False,
        search_keys: Sequence[str] | None = None,
        *,
        retry_until_fixed: bool | None = None,
        _allow_reserved: bool = False,
    ) -> Callable[[C], C]:
        """Makes a workflow of a class with one `@workflow.entrypoint`.

        `name`: letters, digits, "-", "_". `execution_timeout`: of the whole execution, continued runs included (none; an hour under
        `import mistralai.workflows`).
        `enforce_determinism`: refuse what differs in a replay (true). `retry_until_fixed`: a plain exception does not fail the
        execution, its task is tried again until the code is fixed (false). `schedules`: created or updated when a worker
        starts. `search_keys`: paths into the input to find executions by.
        """
        timeout = optional(execution_timeout, "execution_timeout")
        if on_behalf_of and schedules:
            raise _refuse(
                f'workflow "{name}": on_behalf_of=True cannot be combined with schedules: it needs a user, whom a schedule does not have'
            )
        for key in search_keys or ():
            if not key or len(key) > 256:
                raise _refuse(f'workflow "{name}": search key "{key}" must have 1 to 256 characters')
        if search_keys and len(search_keys) > 20:
            raise _refuse(f'workflow "{name}": {len(search_keys)} search keys; the limit is 20')

        def decorate(cls: C) -> C:
            if not isinstance(cls, type):
                raise _refuse(f"{cls!r} is no class: @workflow.define makes a workflow of a class")
            definition = WorkflowDefinition(
                cls,
                name,
                description=workflow_description,
                display_name=workflow_display_name,
                execution_timeout=timeout,
                enforce_determinism=enforce_determinism,
                retry_until_fixed=retry_until_fixed,
                schedules=schedules or (),
                options={"is_technical": is_technical, "on_behalf_of": on_behalf_of, "search_keys": list(search_keys or ())},
            )
            cls.__ostro_workflow__ = definition  # type: ignore[attr-defined]
            register(definition)
            return cls

        return decorate

    @staticmethod
    def entrypoint(function: F) -> F:
        """Marks the method that is the workflow: `async def`."""
        if not inspect.iscoroutinefunction(function):
            raise _refuse(f"entrypoint {getattr(function, '__qualname__', function)} must be async: write `async def`")
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                raise _refuse(
                    f"entrypoint {function.__qualname__} takes {parameter}: name its parameters, or take one list or model"
                )
        _mark("entrypoint", function, None, None)
        return function

    @overload
    @staticmethod
    def signal(function: F) -> F: ...

    @overload
    @staticmethod
    def signal(
        function: str | None = None, *, name: str | None = None, description: str | None = None, dynamic: bool = False
    ) -> Callable[[F], F]: ...

    @staticmethod
    def signal(function: Any = None, *, name: str | None = None, description: str | None = None, dynamic: bool = False) -> Any:
        """Marks a method that a signal reaches: sync or async, answers nothing.

        `dynamic`: `f(self, name, args)` takes every signal that no other method has a name for; so with queries and updates.
        """
        return _decorator("signal", function, name, description, dynamic, lambda _function: None)

    @overload
    @staticmethod
    def query(function: F) -> F: ...

    @overload
    @staticmethod
    def query(
        function: str | None = None, *, name: str | None = None, description: str | None = None, dynamic: bool = False
    ) -> Callable[[F], F]: ...

    @staticmethod
    def query(function: Any = None, *, name: str | None = None, description: str | None = None, dynamic: bool = False) -> Any:
        """Marks a method that answers a query: sync, changes nothing."""

        def check(target: Any) -> None:
            if inspect.iscoroutinefunction(target):
                raise _refuse(f"Query {target.__qualname__} must be a synchronous function: a query answers at once")
            if (name or target.__name__) in _RESERVED_QUERIES:
                raise _refuse(f'query name "{name or target.__name__}" is the framework\'s')

        return _decorator("query", function, name, description, dynamic, check)

    @overload
    @staticmethod
    def update(function: Callable[P, R]) -> Update[P, R]: ...

    @overload
    @staticmethod
    def update(
        function: str | None = None, *, name: str | None = None, description: str | None = None, dynamic: bool = False
    ) -> UpdateDecorator: ...

    @staticmethod
    def update(function: Any = None, *, name: str | None = None, description: str | None = None, dynamic: bool = False) -> Any:
        """Marks a method that an update reaches: sync or async, its result goes to the caller.

        `@method.validator` marks a sync method with the same parameters that refuses an update by raising.
        """

        def check(target: Any) -> None:
            if (name or target.__name__) in _RESERVED_UPDATES:
                raise _refuse(f'update name "{name or target.__name__}" is the framework\'s')

        def mark(target: Any) -> Any:
            check(target)
            marked = _mark("update", target, chosen, description, dynamic)

            def validator(check_input: F) -> F:
                getattr(marked, MARK).validator = check_input
                return check_input

            marked.validator = validator
            return marked

        chosen = function if isinstance(function, str) else name
        return mark if function is None or isinstance(function, str) else mark(function)
