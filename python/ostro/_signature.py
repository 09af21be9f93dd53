"""The parameters of an activity, an entrypoint or a handler: binding, encoding, decoding."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pydantic

from . import _convert
from ._depends import Depends
from ._errors import ErrorCode, WorkflowsException

_EMPTY = inspect.Parameter.empty


class Signature:
    """What a function takes and returns. Parameters with `Depends` as default are not part of it."""

    def __init__(self, function: Callable[..., Any], *, method: bool = False) -> None:
        self.function = function
        self.name = getattr(function, "__qualname__", repr(function))
        signature = inspect.signature(function)
        self._hints: dict[str, Any] | None = None
        parameters = list(signature.parameters.values())[1 if method else 0 :]
        self.dependencies: dict[str, Depends] = {
            parameter.name: parameter.default for parameter in parameters if isinstance(parameter.default, Depends)
        }
        kept = [parameter for parameter in parameters if parameter.name not in self.dependencies]
        self.keywords = any(parameter.kind is parameter.VAR_KEYWORD for parameter in kept)
        self.variable = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in kept)
        self.parameters = [p for p in kept if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        self._bindable = inspect.Signature(kept)
        self._plain = not self.keywords and not self.variable
        self._positional = self._plain and all(p.kind is p.POSITIONAL_OR_KEYWORD for p in self.parameters)

    @property
    def hints(self) -> Mapping[str, Any]:
        """Annotations, resolved on first use: what they name may be defined after the function."""
        if self._hints is None:
            self._hints = self._resolve()
        return self._hints

    def _resolve(self) -> dict[str, Any]:
        try:
            return typing.get_type_hints(self.function, include_extras=True)
        except NameError as error:
            raise WorkflowsException(
                f"an annotation of {self.name} names what is not there ({error}): define or import it at the module's top",
                code=ErrorCode.ACTIVITY_DEFINITION,
            ) from None

    @property
    def returns(self) -> Any:
        """The annotation of the result."""
        return self.hints.get("return", _EMPTY)

    def annotation(self, parameter: inspect.Parameter) -> Any:
        """The annotation of a parameter."""
        return self.hints.get(parameter.name, _EMPTY)

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Arguments by position, defaults filled in; with `**kwargs` a last one that holds them. WorkflowsException where
        they do not fit the parameters or their annotations."""
        if self._plain and not kwargs and len(args) == len(self.parameters):
            values = list(args)
        else:
            values = self._bind_slow(args, kwargs)
        for parameter, value in zip(self.parameters, values):
            try:
                _convert.convert(value, self.annotation(parameter))
            except pydantic.ValidationError as error:
                raise self._refuse(f"{parameter.name}: {_convert.describe(error)}") from None
        return values

    def _bind_slow(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        try:
            bound = self._bindable.bind(*args, **kwargs)
        except TypeError as error:
            raise self._refuse(str(error)) from None
        bound.apply_defaults()
        values = [bound.arguments[parameter.name] for parameter in self.parameters]
        extra = [bound.arguments[p.name] for p in self._bindable.parameters.values() if p not in self.parameters]
        for more in extra:
            if isinstance(more, tuple):
                values.extend(more)
            else:
                values.append(more)
        return values

    def _refuse(self, why: str) -> WorkflowsException:
        return WorkflowsException(f"{self.name}: wrong arguments ({why})", code=ErrorCode.INVALID_ARGUMENTS)

    def decode(self, payloads: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments from payloads. WorkflowsException where they do not fit."""
        keywords: dict[str, Any] = {}
        payloads = list(payloads)
        if self.keywords and len(payloads) > len(self.parameters):
            keywords = _convert.decode(payloads.pop(), dict)
        if len(payloads) > len(self.parameters) and not self.variable:
            # A call without arguments may send one empty value.
            if not self.parameters and payloads == [None]:
                return [], keywords
            raise self._refuse(f"takes {len(self.parameters)}, got {len(payloads)}")
        values: list[Any] = []
        for index, payload in enumerate(payloads):
            known = index < len(self.parameters)
            annotation = self.annotation(self.parameters[index]) if known else _EMPTY
            try:
                values.append(_convert.decode(payload, annotation))
            except ValueError as error:
                name = self.parameters[index].name if known else str(index)
                raise self._refuse(f"{name}: {_convert.describe(error)}") from None
        for parameter in self.parameters[len(payloads) :]:
            if parameter.default is _EMPTY:
                raise self._refuse(f"{parameter.name} is missing")
            values.append(parameter.default)
        return values, keywords

    def call(self, args: Sequence[Any], kwargs: Mapping[str, Any], dependencies: Mapping[str, Any]) -> Any:
        """Calls the function as its parameters want it: keyword-only ones by name."""
        if self._positional and not dependencies:
            return self.function(*args, **kwargs)
        positional: list[Any] = []
        named = dict(kwargs)
        for parameter, value in zip(self.parameters, args):
            if parameter.kind is parameter.KEYWORD_ONLY or (dependencies and parameter.kind is not parameter.POSITIONAL_ONLY):
                named[parameter.name] = value
            else:
                positional.append(value)
        positional.extend(args[len(self.parameters) :])
        return self.function(*positional, **named, **dependencies)

    def check_result(self, value: Any) -> None:
        """WorkflowsException where `value` is not what the annotation of the result says."""
        if not _convert.fits(value, self.returns):
            try:
                _convert.adapter(self.returns).validator.validate_python(value, strict=True)
            except pydantic.ValidationError as error:
                raise WorkflowsException(
                    f"{self.name} returned what its annotation does not allow ({_convert.describe(error)})",
                    code=ErrorCode.INVALID_RETURN,
                ) from None
