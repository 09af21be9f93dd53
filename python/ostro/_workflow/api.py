"""`workflow`: what defines workflows, and what their code calls."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import random as _random
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NoReturn, ParamSpec, Protocol, TypeVar, overload

from .._base.context import require_workflow, workflow_instance
from .._base.duration import Duration, optional, seconds
from .._base.errors import ErrorCode, WorkflowsException
from .._base.kinds import Command
from .._core import set_in_workflow
from .._definition.definition import MARK, Handler, WorkflowDefinition, definition_of, register
from .._definition.schedule import Schedule
from .._values import converter
from .child import ChildHandle, ExternalHandle, ParentClosePolicy, start_child
from .instance import ContinueAsNew

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
        self.memo = {key: converter.decode(value) for key, value in (info.get("memo") or {}).items()}
        found = info.get("search_attributes") or {}
        self.search_attributes = {key: converter.decode(value) for key, value in found.items()}


class _Logger(logging.LoggerAdapter):  # type: ignore[type-arg]
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


class _Unsafe:
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


def _mark(kind: str, function: Any, name: str | None, description: str | None) -> Any:
    if not inspect.isfunction(function):
        raise WorkflowsException(
            f"@workflow.{kind} on {function!r}: mark a method of a workflow class", code=ErrorCode.WORKFLOW_DEFINITION
        )
    setattr(function, MARK, Handler(kind, function, name, description))
    return function


def _decorator(kind: str, function: Any, name: str | None, description: str | None, check: Callable[[Any], None]) -> Any:
    def mark(target: Any) -> Any:
        check(target)
        return _mark(kind, target, name, description)

    if function is None:
        return mark
    if isinstance(function, str):
        name = function
        return mark
    return mark(function)


def _refuse(message: str) -> WorkflowsException:
    return WorkflowsException(message, code=ErrorCode.WORKFLOW_DEFINITION)


class workflow:
    """Defines workflows, and is what their code calls."""

    unsafe = _Unsafe
    logger = _Logger(logging.getLogger("ostro.workflow"), {})

    @staticmethod
    def define(
        name: str,
        workflow_description: str | None = None,
        schedules: Sequence[Schedule] | None = None,
        workflow_display_name: str | None = None,
        is_technical: bool = False,
        enforce_determinism: bool | None = None,
        execution_timeout: Duration = "1h",
        on_behalf_of: bool = False,
        search_keys: Sequence[str] | None = None,
        *,
        retry_until_fixed: bool | None = None,
        _allow_reserved: bool = False,
    ) -> Callable[[C], C]:
        """Makes a workflow of a class with one `@workflow.entrypoint`.

        `name`: letters, digits, "-", "_". `execution_timeout`: of the whole execution, continued runs included (1 hour).
        `enforce_determinism`: refuse what differs in a replay (true). `retry_until_fixed`: a plain exception does not fail the
        execution, its task is tried again until the code is fixed (false). `schedules`: created or updated when a worker
        starts. `search_keys`: paths into the input to find executions by.
        """
        timeout = seconds(execution_timeout, "execution_timeout")
        if on_behalf_of and schedules:
            raise _refuse(f'workflow "{name}": on_behalf_of needs a user, whom a schedule does not have')
        for key in search_keys or ():
            if not key or len(key) > 256:
                raise _refuse(f'workflow "{name}": search key "{key}" must have 1 to 256 characters')
        if search_keys and len(search_keys) > 20:
            raise _refuse(f'workflow "{name}": {len(search_keys)} search keys; the limit is 20')

        def decorate(cls: C) -> C:
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
            raise _refuse(f"entrypoint {getattr(function, '__qualname__', function)} must be `async def`")
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
    def signal(function: str | None = None, *, name: str | None = None, description: str | None = None) -> Callable[[F], F]: ...

    @staticmethod
    def signal(function: Any = None, *, name: str | None = None, description: str | None = None) -> Any:
        """Marks a method that a signal reaches: sync or async, answers nothing."""
        return _decorator("signal", function, name, description, lambda _function: None)

    @overload
    @staticmethod
    def query(function: F) -> F: ...

    @overload
    @staticmethod
    def query(function: str | None = None, *, name: str | None = None, description: str | None = None) -> Callable[[F], F]: ...

    @staticmethod
    def query(function: Any = None, *, name: str | None = None, description: str | None = None) -> Any:
        """Marks a method that answers a query: sync, changes nothing."""

        def check(target: Any) -> None:
            if inspect.iscoroutinefunction(target):
                raise _refuse(f"query {target.__qualname__} is async: a query answers at once")
            if (name or target.__name__) in _RESERVED_QUERIES:
                raise _refuse(f'query name "{name or target.__name__}" is the framework\'s')

        return _decorator("query", function, name, description, check)

    @overload
    @staticmethod
    def update(function: Callable[P, R]) -> Update[P, R]: ...

    @overload
    @staticmethod
    def update(function: str | None = None, *, name: str | None = None, description: str | None = None) -> UpdateDecorator: ...

    @staticmethod
    def update(function: Any = None, *, name: str | None = None, description: str | None = None) -> Any:
        """Marks a method that an update reaches: sync or async, its result goes to the caller.

        `@method.validator` marks a sync method with the same parameters that refuses an update by raising.
        """

        def check(target: Any) -> None:
            if (name or target.__name__) in _RESERVED_UPDATES:
                raise _refuse(f'update name "{name or target.__name__}" is the framework\'s')

        def mark(target: Any) -> Any:
            check(target)
            marked = _mark("update", target, chosen, description)

            def validator(check_input: F) -> F:
                getattr(marked, MARK).validator = check_input
                return check_input

            marked.validator = validator
            return marked

        chosen = function if isinstance(function, str) else name
        return mark if function is None or isinstance(function, str) else mark(function)

    # What workflow code calls.

    @staticmethod
    def info() -> WorkflowInfo:
        """The execution whose code runs."""
        return WorkflowInfo(require_workflow("workflow.info()"))

    @staticmethod
    def now() -> datetime:
        """The time, UTC: that of the task that the code runs in, so the same in each replay."""
        return datetime.fromtimestamp(require_workflow("workflow.now()").loop.now, timezone.utc)

    @staticmethod
    def time() -> float:
        """As `now`, in seconds since the epoch."""
        return require_workflow("workflow.time()").loop.now

    @staticmethod
    def uuid4() -> uuid.UUID:
        """A random UUID that is the same in each replay."""
        return require_workflow("workflow.uuid4()").uuid4()

    @staticmethod
    def random() -> _random.Random:
        """A generator whose numbers are the same in each replay."""
        return require_workflow("workflow.random()").random

    @staticmethod
    async def sleep(duration: Duration, summary: str | None = None) -> None:
        """Waits, durably; `asyncio.sleep` does too. `summary` is shown with the timer."""
        instance = require_workflow("workflow.sleep()")
        wait = seconds(duration, "duration")
        if wait > 0:
            instance.summary = summary
        await asyncio.sleep(wait)

    @staticmethod
    async def wait_condition(
        predicate: Callable[[], bool], timeout: Duration | None = None, timeout_summary: str | None = None
    ) -> None:
        """Waits until `predicate()`, which is asked after each step of the workflow. `asyncio.TimeoutError` after `timeout`."""
        instance = require_workflow("workflow.wait_condition()")
        instance.refuse_read_only()
        if predicate():
            return
        future = instance.loop.create_future()
        instance.loop.conditions.append((predicate, future))
        limit = optional(timeout, "timeout")
        if limit is None:
            await future
        else:
            instance.summary = timeout_summary
            await asyncio.wait_for(future, limit)

    @staticmethod
    def continue_as_new(*input: Any, memo: Mapping[str, Any] | None = None) -> NoReturn:
        """Ends this run and begins the next with a new history and this input. Does not return."""
        require_workflow("workflow.continue_as_new()").refuse_read_only()
        raise ContinueAsNew(input, {key: _entry(key, value, "memo") for key, value in (memo or {}).items()})

    @staticmethod
    def should_continue_as_new() -> bool:
        """Whether the history is so long that the run should continue as new."""
        return require_workflow("workflow.should_continue_as_new()").continue_as_new_suggested

    @staticmethod
    def patched(patch_id: str) -> bool:
        """True where new code is to run: in executions that began after the change, or were not past it."""
        return require_workflow("workflow.patched()").patched(converter.text(patch_id, "patch"), False)

    @staticmethod
    def deprecate_patch(patch_id: str) -> None:
        """Says that no execution runs the code before the patch any more."""
        require_workflow("workflow.deprecate_patch()").patched(converter.text(patch_id, "patch"), True)

    @staticmethod
    def cancellation_reason() -> str | None:
        """Why cancellation was asked for; `None` where it was not."""
        return require_workflow("workflow.cancellation_reason()").cancel_reason

    @staticmethod
    def get_external_workflow(workflow_id: str, run_id: str = "") -> ExternalHandle:
        """Another execution, to signal or cancel."""
        return ExternalHandle(workflow_id, run_id)

    @staticmethod
    def upsert_search_attributes(attributes: Mapping[str, Any]) -> None:
        """Sets search attributes, which the namespace must have."""
        instance = require_workflow("workflow.upsert_search_attributes()")
        what = "search attribute"
        instance.command(Command.UPSERT_SEARCH_ATTRIBUTES, {key: _entry(key, value, what) for key, value in attributes.items()})

    @staticmethod
    def upsert_memo(memo: Mapping[str, Any]) -> None:
        """Sets entries of the memo; `None` removes one."""
        instance = require_workflow("workflow.upsert_memo()")
        instance.command(Command.UPSERT_MEMO, {key: _entry(key, value, "memo") for key, value in memo.items()})

    @staticmethod
    async def execute_workflow(workflow: Any, params: Any = converter._ANY, **options: Any) -> Any:
        """See `execute_workflow`."""
        return await execute_workflow(workflow, params, **options)

    @staticmethod
    async def add_search_keys(search_keys: Mapping[str, Any]) -> None:
        """Adds keys to find the execution by; kept in its memo. At most 20 a call."""
        _check_keys(search_keys)
        workflow.upsert_memo({f"search_key.{key}": value for key, value in search_keys.items()})

    @staticmethod
    async def delete_search_keys(search_keys: Sequence[str]) -> None:
        """Removes such keys."""
        _check_keys(search_keys)
        workflow.upsert_memo({f"search_key.{key}": None for key in search_keys})


def _entry(key: str, value: Any, what: str) -> Any:
    """The payload of a named value. WorkflowsException for a name or a value that cannot be sent."""
    return converter.encode(value, what=f'{what} "{converter.text(key, what)}"')


def _check_keys(keys: Any) -> None:
    if len(keys) > 20:
        raise WorkflowsException(f"{len(keys)} search keys; the limit is 20 a call", code=ErrorCode.INVALID_ARGUMENTS)
    for key in keys:
        if not key or ":" in key or key.endswith("=") or key.startswith("internal.") or len(key) > 256:
            raise WorkflowsException(
                f'search key "{key}": use up to 256 characters, without ":", a trailing "=" or the prefix "internal."',
                code=ErrorCode.INVALID_ARGUMENTS,
            )


def _input(definition: WorkflowDefinition, params: Any) -> Sequence[Any]:
    return () if params is converter._ANY or (params is None and not definition.entrypoint.parameters) else (params,)


async def execute_workflow(
    workflow: Any,
    params: Any = converter._ANY,
    execution_timeout: Duration | None = None,
    execution_id: str | None = None,
    wait: bool = True,
    parent_close_policy: ParentClosePolicy | None = None,
) -> Any:
    """Runs a workflow as a child and gives its result, or with `wait=False` its handle once it has started.

    `params`: the entrypoint's argument, or a dictionary of its arguments. When the parent closes, the child is terminated; with
    `wait=False` it goes on (`parent_close_policy` says otherwise). Outside a workflow the entrypoint runs here, without an engine.
    """
    definition = definition_of(workflow)
    args = _input(definition, params)
    instance = workflow_instance()
    if instance is None:
        return await _run_directly(definition, args)
    default = ParentClosePolicy.TERMINATE if wait else ParentClosePolicy.ABANDON
    handle = start_child(
        instance,
        definition,
        args,
        execution_timeout=execution_timeout,
        execution_id=execution_id,
        parent_close_policy=default if parent_close_policy is None else parent_close_policy,
    )
    if wait:
        return await handle.result()
    await handle.wait_started()
    return handle


async def _run_directly(definition: WorkflowDefinition, args: Sequence[Any]) -> Any:
    arguments = definition.decode_input(definition.encode_input(args))
    return await definition.call_entrypoint(definition.make(), arguments)


def get_execution_id() -> str | None:
    """The id of the execution whose workflow or activity code runs; `None` outside."""
    instance = workflow_instance()
    if instance is not None:
        return instance.workflow_id
    from .._base.context import current_activity

    context = current_activity.get()
    return context.info.workflow_id if context is not None and context.info is not None else None


__all__ = ["ChildHandle", "ExternalHandle", "WorkflowInfo", "execute_workflow", "get_execution_id", "workflow"]
