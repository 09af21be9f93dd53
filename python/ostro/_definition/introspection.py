"""What a program has defined."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from .._values import converter
from .definition import definition_of, registered_workflows


@dataclass
class WorkflowSpec:
    """A workflow as others see it; schemas are JSON Schema."""

    name: str
    description: str
    display_name: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    signals: list[str]
    queries: list[str]
    updates: list[str]
    #: Seconds; `None` for none.
    execution_timeout: float | None
    is_technical: bool


def get_workflow_definition(workflow: type) -> WorkflowSpec:
    """What a workflow class is. WorkflowsException for what is none."""
    definition = definition_of(workflow)
    signature = definition.entrypoint
    properties = {p.name: _schema(signature.annotation(p)) for p in signature.parameters}
    required = [p.name for p in signature.parameters if p.default is inspect.Parameter.empty]
    return WorkflowSpec(
        name=definition.name,
        description=definition.description,
        display_name=definition.display_name,
        input_schema={"type": "object", "properties": properties, "required": required},
        output_schema=_schema(signature.returns),
        signals=sorted(definition.signals),
        queries=sorted(definition.queries),
        updates=sorted(definition.updates),
        execution_timeout=definition.execution_timeout,
        is_technical=bool(definition.options["is_technical"]),
    )


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
