"""`execute_activities_in_parallel`: one activity over many items, in a child workflow that continues as new when it is long.

The list takes items as they are; the chain makes each item from the one before; the offset makes item `i` from `i`, in batches.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from .._activity.activity import ActivityDefinition, activity, definition_of, registered_activities
from .._base.context import run_locally, workflow_instance
from .._base.errors import ErrorCode, WorkflowsException
from .._values import converter
from .api import execute_workflow, workflow
from .local import run_activities_locally

#: Items that one run handles before it continues as new.
ITEMS_PER_RUN = 2000


class ExtraItemParams(BaseModel):
    """Base of items that get `extra_params` with them."""

    extra_params: Any = None


class GetItemFromIndexParams(ExtraItemParams):
    """What `get_item_from_index_activity` gets."""

    idx: int


class _Request(BaseModel):
    activity: str
    maker: str | None = None
    mode: str
    items: list[Any] = Field(default_factory=list)
    count: int = 0
    next_index: int = 0
    last_item: Any = None
    results: list[Any] = Field(default_factory=list)
    at_a_time: int = 100
    batch: int = 100
    extra: Any = None
    local: bool = False


@activity(name="__internal_execute_activity_in_batch", start_to_close_timeout="1h", _allow_reserved_name=True)
async def _batch(name: str, maker: str, first: int, count: int, extra: Any) -> list[Any]:
    """Runs `count` items from `first` on in one activity, side by side."""
    run, make = _known(name), _known(maker)

    async def one(index: int) -> Any:
        made = await _call(make, {"idx": index, "extra_params": extra})
        return _plain_result(run, await _call(run, _plain_result(make, made), extra))

    return list(await asyncio.gather(*(one(index) for index in range(first, first + count))))


def _known(name: str) -> ActivityDefinition:
    found = registered_activities().get(name)
    if found is None:
        raise WorkflowsException(f'no activity "{name}" in this worker', code=ErrorCode.CONFIGURATION)
    return found


async def _call(definition: ActivityDefinition, item: Any, extra: Any = None) -> Any:
    return await definition.run(*_arguments(definition, item, extra))


def _takes_one(definition: ActivityDefinition) -> bool:
    """Whether an item is its one argument; else an item's fields are its arguments."""
    return len(definition.signature.parameters) == 1 and not definition.signature.keywords


def _arguments(definition: ActivityDefinition, item: Any, extra: Any) -> tuple[list[Any], dict[str, Any]]:
    """An item as arguments: itself for one parameter, its fields for several. WorkflowsException where it does not fit."""
    signature = definition.signature
    if not signature.parameters and not signature.keywords:
        return [], {}
    if _takes_one(definition):
        annotation = signature.annotation(signature.parameters[0])
        takes_extra = inspect.isclass(annotation) and issubclass(annotation, ExtraItemParams)
        if takes_extra and extra is not None and isinstance(item, dict):
            item = {**item, "extra_params": extra}
        return signature.decode([converter.encode(item)])
    return signature.decode_arguments([converter.encode(item)])


@workflow.define(name="__parallel_execution__", is_technical=True, execution_timeout="365d")
class ParallelExecution:
    """One activity over many items."""

    @workflow.entrypoint
    async def execute(self, request: _Request) -> list[Any]:
        with _scope(request.local):
            results: list[Any] = await (self._chain(request) if request.mode == "chain" else self._pooled(request))
        return results

    async def _pooled(self, request: _Request) -> Any:
        """The list and the offset: units of work, so many at a time, in order."""
        end = min(request.count, request.next_index + ITEMS_PER_RUN)
        step = 1 if request.mode == "list" else request.batch
        results: list[Any] = [None] * (end - request.next_index)
        places = asyncio.Semaphore(max(1, request.at_a_time if step == 1 else -(-request.at_a_time // step)))

        async def one(first: int, count: int) -> None:
            async with places:
                at = first - request.next_index
                if request.mode == "list":
                    results[at] = await self._item(request, request.items[at])
                else:
                    results[at : at + count] = await _batch(request.activity, request.maker or "", first, count, request.extra)

        async with _all_or_cancel() as start:
            for first in range(request.next_index, end, step):
                start(one(first, min(step, end - first)))
        done = [*request.results, *results]
        if end == request.count:
            return done
        left = request.items[end - request.next_index :]
        return workflow.continue_as_new(request.model_copy(update={"items": left, "next_index": end, "results": done}))

    async def _chain(self, request: _Request) -> Any:
        """Each item is worked on while the next ones are made."""
        make, item = _known(request.maker or ""), request.last_item
        tasks: list[asyncio.Task[Any]] = []
        over = False
        async with _all_or_cancel() as start:
            while not over and len(tasks) < ITEMS_PER_RUN:
                item = await self._execute(make, item, None)
                over = item is None
                if not over:
                    tasks.append(start(self._item(request, item)))
        results = [*request.results, *(task.result() for task in tasks)]
        if over:
            return results
        return workflow.continue_as_new(request.model_copy(update={"last_item": item, "results": results}))

    async def _item(self, request: _Request, item: Any) -> Any:
        return await self._execute(_known(request.activity), item, request.extra)

    async def _execute(self, definition: ActivityDefinition, item: Any, extra: Any) -> Any:
        instance = workflow_instance()
        assert instance is not None
        values, keywords = definition.signature.written(*_arguments(definition, item, extra))
        return _plain_result(definition, await instance.execute_activity(definition, values, keywords))


def _scope(local: bool) -> Any:
    return run_activities_locally() if local else contextlib.nullcontext()


@dataclass
class _all_or_cancel:
    """Runs coroutines; when one fails the others are cancelled and its error is raised."""

    def __post_init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []

    async def __aenter__(self) -> Callable[[Any], asyncio.Task[Any]]:
        return self._start

    def _start(self, coroutine: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(coroutine)
        self._tasks.append(task)
        return task

    async def __aexit__(self, kind: object, *_error: object) -> None:
        try:
            if kind is not None:
                raise asyncio.CancelledError
            await asyncio.gather(*self._tasks)
        except BaseException:
            for task in self._tasks:
                task.cancel()
            if kind is None:
                raise


async def execute_activities_in_parallel(
    activity: Callable[..., Any],
    *,
    items: Sequence[Any] | None = None,
    get_item_from_prev_item_activity: Callable[..., Any] | None = None,
    get_item_from_index_activity: Callable[..., Any] | None = None,
    n_items: int | None = None,
    max_concurrent_scheduled_tasks: int = 100,
    max_concurrent_executions_per_worker: int = 100,
    extra_params: Any = None,
) -> Any:
    """Runs an activity over items and gives the results in order, or `None` for an activity that returns nothing.

    Give one of: `items`; `get_item_from_prev_item_activity`, which makes each item from the one before (`None` at first) until
    it gives `None`; `get_item_from_index_activity` with `n_items`, run in batches of `max_concurrent_executions_per_worker` items
    within one activity. `max_concurrent_scheduled_tasks`: at a time. `extra_params`: goes with items
    that are `ExtraItemParams`. An activity with several parameters gets an item's fields. WorkflowsException for
    another combination.
    """
    definition = definition_of(activity)
    given = [items is not None, get_item_from_prev_item_activity is not None, get_item_from_index_activity is not None]
    if sum(given) != 1 or (given[2] != (n_items is not None)):
        raise WorkflowsException(
            "execute_activities_in_parallel: give `items`, or `get_item_from_prev_item_activity`, or "
            "`get_item_from_index_activity` with `n_items`",
            code=ErrorCode.INVALID_ARGUMENTS,
        )
    if max_concurrent_scheduled_tasks < 1 or max_concurrent_executions_per_worker < 1 or (n_items or 0) < 0:
        raise WorkflowsException(
            "execute_activities_in_parallel: give limits of 1 or more, and no negative n_items", code=ErrorCode.INVALID_ARGUMENTS
        )
    maker = get_item_from_prev_item_activity or get_item_from_index_activity
    request = _Request(
        activity=definition.name,
        maker=definition_of(maker).name if maker is not None else None,
        mode="list" if given[0] else "chain" if given[1] else "offset",
        items=[_plain_item(definition, item, at) for at, item in enumerate(items or ())],
        count=len(items) if items is not None else n_items or 0,
        at_a_time=max_concurrent_scheduled_tasks,
        batch=max_concurrent_executions_per_worker,
        extra=converter.plain(extra_params, what="extra_params"),
        local=run_locally.get(),
    )
    if workflow_instance() is None:
        results = await _directly(request, definition)
    else:
        results = await execute_workflow(ParallelExecution, request, execution_timeout="365d")
    returns = definition.signature.returns
    if returns is None or returns is type(None):
        return None
    return [converter.revive(result, returns) for result in results]


def _plain_item(definition: ActivityDefinition, item: Any, at: int) -> Any:
    """An item as plain JSON values. WorkflowsException for one that would not arrive equal."""
    what = f'the input of activity "{definition.name}", items[{at}]'
    if not _takes_one(definition):
        return converter.plain(item, what=what)
    annotation = definition.signature.annotation(definition.signature.parameters[0])
    try:
        return converter.plain(converter.convert(item, annotation), annotation, what)
    except ValueError:
        # It says itself what it wants, where the item is.
        return converter.plain(item, what=what)


def _plain_result(definition: ActivityDefinition, result: Any) -> Any:
    return converter.plain(result, definition.signature.returns, f'the result of activity "{definition.name}"')


async def _directly(request: _Request, definition: ActivityDefinition) -> list[Any]:
    """Outside workflows: the same, without an engine."""

    if request.mode == "list":
        places = asyncio.Semaphore(request.at_a_time)

        async def one(item: Any) -> Any:
            async with places:
                return _plain_result(definition, await _call(definition, item, request.extra))

        return list(await asyncio.gather(*(one(item) for item in request.items)))
    if request.mode == "offset":
        results: list[Any] = []
        for first in range(0, request.count, request.batch):
            count = min(request.batch, request.count - first)
            inner = _batch.__wrapped__  # type: ignore[attr-defined]
            results.extend(await inner(request.activity, request.maker or "", first, count, request.extra))
        return results
    make, item, results = _known(request.maker or ""), None, []
    while True:
        item = _plain_result(make, await _call(make, item))
        if item is None:
            return results
        results.append(_plain_result(definition, await _call(definition, item, request.extra)))
