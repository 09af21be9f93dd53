"""A workflow class with what is marked on it: entrypoint, signals, queries, updates."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pydantic

from .._base.config import config
from .._base.errors import ErrorCode, WorkflowsException
from .._values import converter
from .schedule import Schedule
from .signature import Named, Signature
from .wrapped import unwrap, wrap

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
MARK = "__ostro_handler__"
#: Under this name a worker keeps the workflow that takes what no other has a name for.
DYNAMIC = ""


class Handler:
    """A method of a workflow that messages reach."""

    def __init__(
        self, kind: str, function: Callable[..., Any], name: str | None, description: str | None, dynamic: bool = False
    ) -> None:
        self.kind = kind
        self.function = function
        self.name: str = name or function.__name__
        #: Takes what no other handler has a name for: `(name, list of arguments)`.
        self.dynamic = dynamic
        self.description: str = description or inspect.getdoc(function) or ""
        self.validator: Callable[..., Any] | None = None
        self.signature: Signature = Signature(function, method=True)

    def decode(self, payloads: Sequence[Any], name: str = "") -> tuple[list[Any], dict[str, Any]]:
        """Arguments from payloads: by position, or one object with the parameters' names. WorkflowsException where they do
        not fit. A dynamic handler gets the `name` it was called by, and the arguments as they came."""
        if self.dynamic:
            return [name, [converter.decode(payload) for payload in payloads]], {}
        return self.signature.decode_arguments(payloads)

    def call_sync(self, target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Calls it on a workflow."""
        return self.signature.call(args, kwargs, {}, target)

    async def call(self, target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Calls it on a workflow, sync or async."""
        result = self.signature.call(args, kwargs, {}, target)
        return await result if inspect.isawaitable(result) else result

    def validate(self, target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Calls its validator, which has the same parameters."""
        if self.validator is not None:
            self.signature.call_other(self.validator, args, kwargs, {}, target)

    def encode_result(self, value: Any, what: str) -> Any:
        """The payload of what it answers, as its annotation wants it. WorkflowsException for what does not fit, or would not
        arrive equal."""
        if isinstance(value, Iterator) or converter.arriving(value, self.signature.returns) is converter.LOST:
            try:
                value = converter.convert(value, self.signature.returns)
            except ValueError as error:
                raise self.signature.wrong_result(error) from None
        return self.signature.encode_result(value, what)


class WorkflowDefinition:
    """A workflow class with its options."""

    def __init__(
        self,
        cls: type,
        name: str,
        *,
        description: str | None,
        display_name: str | None,
        execution_timeout: float | None,
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
        self.description: str = description or inspect.getdoc(cls) or ""
        self.display_name: str = display_name or full
        self._execution_timeout = execution_timeout
        self.schedules: list[Schedule] = list(schedules)
        self.options: dict[str, Any] = dict(options)
        self._enforce = enforce_determinism
        self._retry_until_fixed = retry_until_fixed
        handlers = _handlers(cls)
        entrypoints = [handler for handler in handlers if handler.kind == "entrypoint"]
        if len(entrypoints) != 1:
            raise _refuse(
                f"workflow {cls.__qualname__} must have an entrypoint method, and has {len(entrypoints)}: "
                "mark one async method with @workflow.entrypoint"
            )
        self.entry: Handler = entrypoints[0]
        self.entrypoint: Signature = self.entry.signature
        self._handlers = {(one.kind, "" if one.dynamic else one.name): one for one in handlers}
        self.signals: dict[str, Handler] = self._named("signal")
        self.queries: dict[str, Handler] = self._named("query")
        self.updates: dict[str, Handler] = self._named("update")

    def _named(self, kind: str) -> dict[str, Handler]:
        return {one.name: one for (of, _name), one in self._handlers.items() if of == kind and not one.dynamic}

    def handler(self, kind: str, name: str) -> Handler | None:
        """The handler of a message: its own, else the dynamic one of its kind."""
        return self._handlers.get((kind, name)) or self._handlers.get((kind, ""))

    def known(self, kind: str) -> str:
        """The names of its handlers of a kind, for an error."""
        return ", ".join(sorted(self._named(kind))) or "none"

    @property
    def execution_timeout(self) -> float | None:
        """Of the whole execution, in seconds; `None` for none."""
        return config.worker.execution_timeout or None if self._execution_timeout is None else self._execution_timeout

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
        """The payloads of an input. WorkflowsException where it does not fit the entrypoint, or would not arrive equal.

        One model goes as it is; other parameters as one object with their names.
        """
        what = f'the input of workflow "{self.name}"'
        named = self._by_name(args[0]) if len(args) == 1 else None
        if named is not None:
            return self.entrypoint.encode_named(named, what)
        if not args and not self.entrypoint.parameters:
            return []
        if self.entrypoint.is_model:
            return self.entrypoint.encode(args, {}, what)
        names = [parameter.name for parameter in self.entrypoint.parameters]
        if len(args) > len(names):
            return self.entrypoint.encode(args, {}, what)
        return self.entrypoint.encode_named(dict(zip(names, args)), what)

    def _by_name(self, value: Any) -> Mapping[str, Any] | None:
        """The arguments that one value carries by name: a dictionary of them, or a model or dataclass with their fields."""
        if isinstance(value, dict):
            found: Mapping[str, Any] = value
        elif isinstance(value, pydantic.BaseModel):
            found = {name: getattr(value, name) for name in [*type(value).model_fields, *(value.model_extra or {})]}
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            found = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        else:
            return None
        names, required = self.entrypoint.names()
        if not required <= set(found) or self._is_one_argument(value):
            return None
        if set(found) <= names:
            return found
        if isinstance(value, dict) or not required:
            return None
        more = ", ".join(sorted(set(found) - names))
        raise WorkflowsException(
            f"{self.entrypoint.name}: wrong arguments ({type(value).__name__} carries {more}, which it has no parameter for)",
            code=ErrorCode.INVALID_ARGUMENTS,
        )

    def _is_one_argument(self, value: Any) -> bool:
        """Whether the one parameter takes it as it stands."""
        parameters = self.entrypoint.parameters
        return len(parameters) == 1 and (
            self.entrypoint.is_model or converter.fits(value, self.entrypoint.annotation(parameters[0]))
        )

    def decode_input(self, payloads: Sequence[Any]) -> list[Any]:
        """The entrypoint's arguments."""
        return self.entrypoint.decode_arguments(payloads)[0]

    async def call_entrypoint(self, target: Any, args: Sequence[Any]) -> Any:
        """Runs it."""
        return await self.entrypoint.call(args, {}, {}, target)

    def encode_result(self, result: Any, what: str) -> Any:
        """The payload of its result. WorkflowsException where it does not fit, or would not arrive equal."""
        payload = self.entrypoint.encode_result(result, what)
        return wrap(payload, result, self.entrypoint.returns) if config.worker.wrap_results else payload

    def decode_result(self, payload: Any) -> Any:
        """The result by the entrypoint's annotation. WorkflowsException where it does not fit."""
        if config.worker.wrap_results:
            payload = unwrap(payload, self.entrypoint.returns)
        try:
            return converter.decode(payload, self.entrypoint.returns)
        except ValueError as error:
            raise WorkflowsException(
                f'workflow "{self.name}" returned what its annotation does not allow ({converter.describe(error)})',
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


class NamedWorkflow:
    """A workflow by its name, whose code need not be here."""

    #: Its own worker says it.
    execution_timeout: float | None = None

    def __init__(self, name: str, returns: Any = Any) -> None:
        self.name = name
        self.entrypoint = Named(name, returns)

    def encode_input(self, args: Sequence[Any]) -> list[Any]:
        """The payloads of an input. WorkflowsException where it would not arrive equal."""
        return converter.encode_all(args, f'the input of workflow "{self.name}"')

    def decode_result(self, payload: Any) -> Any:
        """The result as its type says. WorkflowsException where it does not fit."""
        try:
            return converter.decode(payload, self.entrypoint.returns)
        except ValueError as error:
            raise self.entrypoint.wrong_result(error) from None


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
