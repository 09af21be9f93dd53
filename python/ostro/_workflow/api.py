"""`workflow`: what defines workflows, and what their code calls."""

from __future__ import annotations

import asyncio
import logging
import random as _random
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NoReturn

from .._activity.call import changed, named, wrap
from .._activity.definition import definition_of as activity_definition_of
from .._base.context import require_workflow
from .._base.duration import Duration, optional, seconds
from .._base.errors import ErrorCode, WorkflowsException
from .._base.kinds import Command
from .._values import converter
from .child import ChildHandle, ExternalHandle
from .children import execute_workflow, get_execution_id, start_child_workflow
from .endings import ContinueAsNew
from .info import Logger, Unsafe, WorkflowInfo
from .marks import Marks


class workflow(Marks):
    """Defines workflows, and is what their code calls."""

    unsafe = Unsafe
    logger: Logger = Logger(logging.getLogger("ostro.workflow"), {})

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
    async def start_child(workflow: Any, params: Any = converter._ANY, **options: Any) -> ChildHandle:
        """Starts a child, a class or a name, and gives its handle once it runs: await that for its result, or signal and cancel it.

        `params`: the entrypoint's argument, or a dictionary of its arguments. Options: `id`, `task_queue`, `execution_timeout`,
        `run_timeout`, `parent_close_policy` (terminate), `retry_policy`, `id_reuse_policy`, `memo`; `returns` with a name.
        """
        return await start_child_workflow(workflow, params, **options)

    @staticmethod
    async def execute_activity(activity: Any, *args: Any, returns: Any = Any, **options: Any) -> Any:
        """Runs an activity, a function or a name, with options of this call: those of `with_options`. `returns` goes with a name."""
        call = named(activity, returns) if isinstance(activity, str) else activity
        definition = changed(activity_definition_of(call), options)
        return await wrap(definition)(*args)

    @staticmethod
    def all_handlers_finished() -> bool:
        """Whether no signal or update handler runs: wait for it before the end, lest their work be cut off."""
        return require_workflow("workflow.all_handlers_finished()").messages.running == 0

    @staticmethod
    def set_current_details(details: str) -> None:
        """What consoles show of the execution, in Markdown."""
        require_workflow("workflow.set_current_details()").current_details = details

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


__all__ = ["ChildHandle", "ExternalHandle", "WorkflowInfo", "execute_workflow", "get_execution_id", "workflow"]
