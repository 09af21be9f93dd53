"""What a worker runs: the workflows and activities that it is given, checked."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._activity.activity import ActivityDefinition, definition_of, registered_activities
from .._activity.call import Method
from .._activity.definition import MARK
from .._base.errors import ErrorCode, WorkflowsException
from .._definition.definition import WorkflowDefinition
from .._definition.definition import definition_of as workflow_definition_of


def workflows_of(workflows: Iterable[type]) -> list[WorkflowDefinition]:
    """The definitions, with that of parallel executions. WorkflowsException where two have one name."""
    from .._workflow.parallel import ParallelExecution

    found = [workflow_definition_of(workflow) for workflow in workflows]
    names = [definition.name for definition in found]
    for definition in found:
        if names.count(definition.name) > 1:
            classes = " and ".join(one.cls.__qualname__ for one in found if one.name == definition.name)
            raise WorkflowsException(f'two workflows are named "{definition.name}": {classes}', code=ErrorCode.WORKFLOW_DEFINITION)
    built_in = workflow_definition_of(ParallelExecution)
    return found if built_in in found or not found else [*found, built_in]


def activities_of(activities: Iterable[Any] | None) -> Mapping[str, ActivityDefinition]:
    """The activities by name: those given, else all that the process has imported. WorkflowsException for what is none, and where
    two have one name.

    An object stands for its methods that are activities.
    """
    if activities is None:
        return registered_activities()
    given = [one for activity in activities for one in _definitions(activity)]
    found: dict[str, ActivityDefinition] = {}
    for definition in given:
        name = "" if definition.dynamic else definition.name
        if name in found:
            raise WorkflowsException(
                f'two activities are named "{definition.name}" in this worker', code=ErrorCode.ACTIVITY_DEFINITION
            )
        found[name] = definition
    if not found:
        return {}
    built_in = {name: one for name, one in registered_activities().items() if one.function.__module__.startswith("ostro.")}
    return {**built_in, **found}


def _definitions(activity: Any) -> Sequence[ActivityDefinition]:
    if hasattr(activity, MARK):
        return [definition_of(activity)]
    if inspect.isroutine(activity) or inspect.isclass(activity):
        return [definition_of(activity)]
    methods = [
        dataclasses.replace(definition_of(method), object=activity)
        for method in _members(type(activity))
        if isinstance(method, Method)
    ]
    if not methods:
        raise WorkflowsException(
            f"{activity!r} is no activity, and has no method that is one: decorate it with @activity()",
            code=ErrorCode.ACTIVITY_DEFINITION,
        )
    return methods


def _members(cls: type) -> list[Any]:
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        found.update(vars(base))
    return list(found.values())


def rates_of(activities: Sequence[ActivityDefinition], task_queue: str) -> dict[str, float]:
    """Queues with limits. WorkflowsException where two activities share a key and not the rate."""
    rates: dict[str, float] = {}
    for definition in activities:
        limit = definition.rate_limit
        if limit is None or definition.sticky:
            continue
        queue = limit.queue(task_queue, definition.name)
        if rates.setdefault(queue, limit.per_second) != limit.per_second:
            raise WorkflowsException(
                f'rate limit key "{limit.key}" has two rates, one of them at activity "{definition.name}": one key, one rate',
                code=ErrorCode.CONFIGURATION,
            )
    return rates
