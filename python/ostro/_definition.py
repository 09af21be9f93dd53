"""A workflow class with what is marked on it: entrypoint, signals, queries, updates."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pydantic
import pydantic_core

from . import _convert
from ._config import config
from ._errors import ErrorCode, WorkflowsException
from ._schedule import Schedule
from ._signature import Signature

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
MARK = "__ostro_handler__"
_EMPTY = inspect.Parameter.empty


class Handler:
    """A method of a workflow that messages reach."""

    def __init__(self, kind: str, function: Callable[..., Any], name: str | None, description: str | None) -> None:
        self.kind = kind
        self.function = function
        self.name = name or function.__name__
        self.description = description or inspect.getdoc(function) or ""
        self.validator: Callable[..., Any] | None = None
        self.signature = Signature(function, method=True)

    def decode(self, payloads: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments from payloads: by position, or one object with the parameters' names. WorkflowsException where they do
        not fit."""
        return decode_arguments(self.signature, payloads)

    def call_sync(self, target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Calls it on a workflow."""
        return self.function(target, *args, **kwargs)

    async def call(self, target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Calls it on a workflow, sync or async."""
        result = self.function(target, *args, **kwargs)
        return await result if inspect.isawaitable(result) else result


def decode_arguments(signature: Signature, payloads: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Arguments from one object with the parameters' names, else by position."""
    payloads = list(payloads)
    if len(payloads) == 1 and payloads[0].__class__ is bytes and not _is_model(signature):
        named = _named(signature, payloads[0])
        if named is not None:
            return named
    if len(payloads) == 1 and payloads[0] in (None, b"null", b"{}") and _all_optional(signature):
        payloads = []
    return signature.decode(payloads)


def _is_model(signature: Signature) -> bool:
    """Whether one parameter takes the whole object."""
    if len(signature.parameters) != 1:
        return False
    annotation = signature.annotation(signature.parameters[0])
    return inspect.isclass(annotation) and issubclass(annotation, pydantic.BaseModel)


def _all_optional(signature: Signature) -> bool:
    return all(parameter.default is not _EMPTY for parameter in signature.parameters)


def _named(signature: Signature, payload: bytes) -> tuple[list[Any], dict[str, Any]] | None:
    """The arguments in an object; `None` for what is meant by position."""
    if not payload.lstrip().startswith(b"{"):
        return None
    found = pydantic_core.from_json(payload)
    names = [parameter.name for parameter in signature.parameters]
    required = {p.name for p in signature.parameters if p.default is _EMPTY}
    if not found or not (set(found) <= set(names) or signature.keywords) or not required <= set(found):
        return None
    values = []
    for parameter in signature.parameters:
        if parameter.name not in found:
            values.append(parameter.default)
            continue
        try:
            part = pydantic_core.to_json(found.pop(parameter.name))
            values.append(_convert.decode(part, signature.annotation(parameter)))
        except ValueError as error:
            if len(names) == 1:
                return None
            raise WorkflowsException(
                f"{signature.name}: wrong arguments ({parameter.name}: {_convert.describe(error)})",
                code=ErrorCode.INVALID_ARGUMENTS,
            ) from None
    return values, found if signature.keywords else {}


class WorkflowDefinition:
    """A workflow class with its options."""

    def __init__(
        self,
        cls: type,
        name: str,
        *,
        description: str | None,
        display_name: str | None,
        execution_timeout: float,
        enforce_determinism: bool | None,
        retry_until_fixed: bool | None,
        schedules: Sequence[Schedule],
        options: Mapping[str, Any],
    ) -> None:
        full = f"{config.worker.workflow_name_prefix}{name}"
        if not isinstance(name, str) or not _NAME.fullmatch(full):
            raise _refuse(f'workflow name "{full}": use 1 to 128 letters, digits, "-" and "_"')
        self.cls = cls
        self.name = full
        self.description = description or inspect.getdoc(cls) or ""
        self.display_name = display_name or full
        self.execution_timeout = execution_timeout
        self.schedules = list(schedules)
        self.options = dict(options)
        self._enforce = enforce_determinism
        self._retry_until_fixed = retry_until_fixed
        handlers = _handlers(cls)
        entrypoints = [handler for handler in handlers if handler.kind == "entrypoint"]
        if len(entrypoints) != 1:
            raise _refuse(
                f"workflow {cls.__qualname__} has {len(entrypoints)} entrypoints: mark one async method with @workflow.entrypoint"
            )
        self.entry = entrypoints[0]
        self.entrypoint = self.entry.signature
        self.signals = {handler.name: handler for handler in handlers if handler.kind == "signal"}
        self.queries = {handler.name: handler for handler in handlers if handler.kind == "query"}
        self.updates = {handler.name: handler for handler in handlers if handler.kind == "update"}

    @property
    def enforce_determinism(self) -> bool:
        """Whether what breaks determinism is refused."""
        return config.worker.enforce_determinism if self._enforce is None else self._enforce

    @property
    def fails_on_error(self) -> bool:
        """Whether a plain exception fails the execution; else its task is tried again until the code is fixed."""
        return config.worker.fail_workflow_on_error if self._retry_until_fixed is None else not self._retry_until_fixed

    def make(self) -> Any:
        """A new object of the class."""
        return self.cls()

    def encode_input(self, args: Sequence[Any]) -> list[Any]:
        """The payloads of an input. WorkflowsException where it does not fit the entrypoint.

        One model goes as it is; other parameters as one object with their names.
        """
        what = f'the input of workflow "{self.name}"'
        parameters = self.entrypoint.parameters
        if len(args) == 1 and not _is_model(self.entrypoint) and isinstance(args[0], dict) and self._is_named(args[0]):
            payloads = _convert.encode_all(args, what)
            decode_arguments(self.entrypoint, payloads)
            return payloads
        if not parameters and not args:
            return []
        values = self.entrypoint.bind(args, {})
        if _is_model(self.entrypoint):
            return _convert.encode_all(values, what)
        return _convert.encode_all([{p.name: value for p, value in zip(parameters, values)}], what)

    def _is_named(self, found: dict[str, Any]) -> bool:
        names = {parameter.name for parameter in self.entrypoint.parameters}
        required = {p.name for p in self.entrypoint.parameters if p.default is _EMPTY}
        one = len(names) == 1 and _convert.fits(found, self.entrypoint.annotation(self.entrypoint.parameters[0]))
        return required <= set(found) <= names and not (one and not set(found) & names)

    def decode_input(self, payloads: Sequence[Any]) -> list[Any]:
        """The entrypoint's arguments."""
        return decode_arguments(self.entrypoint, payloads)[0]

    async def call_entrypoint(self, target: Any, args: Sequence[Any]) -> Any:
        """Runs it."""
        return await self.entry.function(target, *args)

    def decode_result(self, payload: Any) -> Any:
        """The result by the entrypoint's annotation. WorkflowsException where it does not fit."""
        try:
            return _convert.decode(payload, self.entrypoint.returns)
        except ValueError as error:
            raise WorkflowsException(
                f'workflow "{self.name}" returned what its annotation does not allow ({_convert.describe(error)})',
                code=ErrorCode.INVALID_RETURN,
            ) from None

    def metadata(self) -> dict[str, Any]:
        """What it is and offers, as Temporal's tools ask for it."""

        def list_of(handlers: Mapping[str, Handler]) -> list[dict[str, str]]:
            return [{"name": handler.name, "description": handler.description} for handler in handlers.values()]

        return {
            "definition": {
                "type": self.name,
                "description": self.description,
                "signalDefinitions": list_of(self.signals),
                "queryDefinitions": list_of(self.queries),
                "updateDefinitions": list_of(self.updates),
            }
        }


def _handlers(cls: type) -> list[Handler]:
    found: dict[str, Handler] = {}
    for base in reversed(cls.__mro__):
        for name, member in vars(base).items():
            handler = getattr(member, MARK, None)
            if handler is not None:
                found[name] = handler
            else:
                found.pop(name, None)
    return list(found.values())


def _refuse(message: str) -> WorkflowsException:
    return WorkflowsException(message, code=ErrorCode.WORKFLOW_DEFINITION)


_registry: dict[str, WorkflowDefinition] = {}


def register(definition: WorkflowDefinition) -> None:
    """Makes a workflow known by its name."""
    _registry[definition.name] = definition


def registered_workflows() -> dict[str, WorkflowDefinition]:
    """Every workflow that this process has defined, by name."""
    return _registry


def definition_of(workflow: Any) -> WorkflowDefinition:
    """The definition of a workflow class. WorkflowsException for what is none."""
    found: WorkflowDefinition | None = vars(workflow).get("__ostro_workflow__") if inspect.isclass(workflow) else None
    if found is None:
        raise _refuse(f"{workflow!r} is no workflow: decorate its class with @workflow.define(name=...)")
    return found
