"""What a program has defined."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from datetime import timedelta
from types import ModuleType
from typing import Any

from pydantic import BaseModel, SkipValidation

from .._values import converter
from .definition import Handler, definition_of, registered_workflows
from .schedule import Schedule
from .signature import Signature


class HandlerSpec(BaseModel):
    """A signal, query or update as others see it; schemas are JSON Schema."""

    name: str
    description: str | None
    input_schema: dict[str, Any]
    #: Of what it answers. Signals have none.
    output_schema: dict[str, Any] | None = None


class WorkflowSpec(BaseModel):
    """A workflow as others see it; schemas are JSON Schema."""

    name: str
    description: str
    display_name: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    signals: list[HandlerSpec]
    queries: list[HandlerSpec]
    updates: list[HandlerSpec]
    #: `None` for none.
    execution_timeout: timedelta | None
    enforce_determinism: bool
    on_behalf_of: bool
    is_technical: bool
    schedules: list[SkipValidation[Schedule]]


def get_workflow_definition(workflow: type) -> WorkflowSpec:
    """What a workflow class is. WorkflowsException for what is none."""
    definition = definition_of(workflow)
    timeout = definition.execution_timeout
    return WorkflowSpec(
        name=definition.name,
        description=definition.description,
        display_name=definition.display_name,
        input_schema=_input_schema(definition.entrypoint),
        output_schema=_schema(definition.entrypoint.returns),
        signals=[_handler(handler, answers=False) for _, handler in sorted(definition.signals.items())],
        queries=[_handler(handler) for _, handler in sorted(definition.queries.items())],
        updates=[_handler(handler) for _, handler in sorted(definition.updates.items())],
        execution_timeout=None if timeout is None else timedelta(seconds=timeout),
        enforce_determinism=definition.enforce_determinism,
        on_behalf_of=bool(definition.options["on_behalf_of"]),
        is_technical=bool(definition.options["is_technical"]),
        schedules=definition.schedules,
    )


def _handler(handler: Handler, *, answers: bool = True) -> HandlerSpec:
    return HandlerSpec(
        name=handler.name,
        description=handler.description or None,
        input_schema=_input_schema(handler.signature),
        output_schema=_schema(handler.signature.returns) if answers else None,
    )


def _input_schema(signature: Signature) -> dict[str, Any]:
    properties = {p.name: _schema(signature.annotation(p)) for p in signature.parameters}
    required = [p.name for p in signature.parameters if p.default is inspect.Parameter.empty]
    return {"type": "object", "properties": properties, "required": required}


def _schema(annotation: Any) -> dict[str, Any]:
    if annotation is inspect.Parameter.empty:
        return {}
    return converter.adapter(annotation).json_schema()


def get_registered_workflow_names() -> list[str]:
    """The names of all workflows that this process has defined."""
    return sorted(name for name, found in registered_workflows().items() if not found.options["is_technical"])


def get_workflow_registration_ref(name: str) -> type | None:
    """The class of a workflow, by its name; `None` where there is none."""
    found = registered_workflows().get(name)
    return found.cls if found is not None else None


def discover_all_workflows_in_package(package: ModuleType | str, skip_modules: Iterable[str] | None = None) -> list[type]:
    """Imports every module of a package and gives the workflow classes that they define, without `skip_modules`."""
    module = importlib.import_module(package) if isinstance(package, str) else package
    skipped = set(skip_modules or ())
    names = [module.__name__]
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), f"{module.__name__}."):
        names.append(found.name)
    classes: dict[str, type] = {}
    for name in names:
        if name in skipped:
            continue
        for member in vars(importlib.import_module(name)).values():
            if inspect.isclass(member) and "__ostro_workflow__" in vars(member):
                classes.setdefault(definition_of(member).name, member)
    return list(classes.values())
