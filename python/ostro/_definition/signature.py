"""The parameters of an activity, an entrypoint or a handler: binding, encoding, decoding."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Optional

import pydantic
import pydantic_core

from .._base.errors import ErrorCode, WorkflowsException
from .._values import converter
from .._values.faults import not_awaited
from .._values.same import is_same
from .depends import Depends

_EMPTY = inspect.Parameter.empty
_PLAIN = (_EMPTY, Any, None, object)


class Signature:
    """What a function takes and returns. Parameters with `Depends` as default are not part of it.

    A payload for each parameter, in their order; then one for each further argument of `*args`; then one object for `**kwargs`.
    `method`: the first parameter is the workflow, and every other one can be given by position.
    """

    def __init__(self, function: Callable[..., Any], *, method: bool = False) -> None:
        self.function = function
        self.name: str = getattr(function, "__qualname__", repr(function))
        self._method = method
        signature = inspect.signature(function)
        self._hints: dict[str, Any] | None = None
        self._annotations: dict[str, Any] = {}
        parameters = list(signature.parameters.values())[1 if method else 0 :]
        self.dependencies: dict[str, Depends] = {p.name: p.default for p in parameters if isinstance(p.default, Depends)}
        kept = [parameter for parameter in parameters if parameter.name not in self.dependencies]
        self.rest: inspect.Parameter | None = next(
            (parameter for parameter in kept if parameter.kind is parameter.VAR_POSITIONAL), None
        )
        self.extra: inspect.Parameter | None = next(
            (parameter for parameter in kept if parameter.kind is parameter.VAR_KEYWORD), None
        )
        self.parameters: list[inspect.Parameter] = [p for p in kept if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        self._by_position = [p for p in self.parameters if method or p.kind is not p.KEYWORD_ONLY]
        self._plain = self.extra is None and self.rest is None
        self._positional = self._plain and all(p.kind is not p.KEYWORD_ONLY for p in self.parameters)

    @property
    def keywords(self) -> bool:
        """Whether it takes `**kwargs`."""
        return self.extra is not None

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
        """The annotation of a parameter; optional where its default is `None`."""
        found = self._annotations.get(parameter.name, self)
        if found is self:
            found = self.hints.get(parameter.name, _EMPTY)
            if parameter.default is None and found not in _PLAIN:
                found = Optional[found]
            self._annotations[parameter.name] = found
        return found

    # From a call to payloads.

    def _arrange(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[Any], dict[str, Any]]:
        """What is given: of the parameters by name, then of `*args` and `**kwargs`. WorkflowsException where it does not fit."""
        if len(args) > len(self._by_position) and self.rest is None:
            raise self._refuse(f"too many positional arguments: it takes {len(self._by_position)}, {len(args)} were given")
        given = {parameter.name: value for parameter, value in zip(self._by_position, args)}
        extra: dict[str, Any] = {}
        by_name = {p.name: p for p in self.parameters if self._method or p.kind is not p.POSITIONAL_ONLY}
        for name, value in kwargs.items():
            if name not in by_name:
                if self.extra is None:
                    raise self._refuse(f"got an unexpected keyword argument {name!r}")
                extra[name] = value
            elif name in given:
                raise self._refuse(f"multiple values for argument {name!r}")
            else:
                given[name] = value
        for parameter in self.parameters:
            if parameter.default is _EMPTY and parameter.name not in given:
                raise self._refuse(f"missing a required argument: {parameter.name!r}")
        return given, args[len(self._by_position) :], extra

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments as `call` takes them, as their annotations want them, defaults filled in. WorkflowsException where they do
        not fit the parameters or their annotations."""
        given, rest, extra = self._arrange(args, kwargs)
        values = [self._value(given, parameter) for parameter in self.parameters]
        if self.rest is not None:
            values += [self._convert(self.rest, value, f"{self.rest.name}[{at}]") for at, value in enumerate(rest)]
        if self.extra is not None:
            extra = {name: self._convert(self.extra, value, name) for name, value in extra.items()}
        return values, extra

    def _value(self, given: Mapping[str, Any], parameter: inspect.Parameter) -> Any:
        if parameter.name not in given:
            return parameter.default
        return self._convert(parameter, given[parameter.name], parameter.name)

    def _convert(self, parameter: inspect.Parameter, value: Any, place: str) -> Any:
        try:
            return converter.convert(value, self.annotation(parameter))
        except ValueError as error:
            raise self._refuse(f"{place}: {converter.describe(error)}") from None

    def encode(self, args: Sequence[Any], kwargs: Mapping[str, Any], what: str) -> list[Any]:
        """The payloads of a call. WorkflowsException where it does not fit, would not arrive equal, or is too large.

        Defaults at the end are not sent: the receiver has them.
        """
        given, rest, extra = self._arrange(args, kwargs)
        count = len(self.parameters)
        if self._plain:
            while count and self.parameters[count - 1].name not in given:
                count -= 1
        payloads = [
            self._encode(parameter, given.get(parameter.name, parameter.default), number, parameter.name)
            for number, parameter in enumerate(self.parameters[:count], 1)
        ]
        if self.rest is not None:
            for at, value in enumerate(rest):
                payloads.append(self._encode(self.rest, value, count + at + 1, f"{self.rest.name}[{at}]"))
        if self.extra is not None:
            number = len(payloads) + 1
            written = {name: self._encode(self.extra, value, number, name) for name, value in extra.items()}
            payloads.append(self._object(written))
        converter.check_size(payloads, what)
        return payloads

    def _encode(self, parameter: inspect.Parameter, value: Any, number: int, place: str) -> Any:
        annotation = self.annotation(parameter)
        if not isinstance(value, Iterator):
            payload = converter.arriving(value, annotation)
            if payload is not converter.LOST:
                return payload
        # As the annotation makes it of what was given: a model of a dictionary, a list of a generator.
        value = self._convert(parameter, value, place)
        return converter.encode(value, annotation, f"{self.name}: argument {number}, {place}")

    def _object(self, payloads: Mapping[str, Any]) -> bytes:
        """One object of payloads."""
        entries = []
        for name, payload in payloads.items():
            if payload is None:
                payload = b"null"
            elif payload.__class__ is not bytes:
                # bytes have a payload of their own; within an object they are text.
                payload = pydantic_core.to_json(converter.plain(payload.data, bytes, f"{self.name}: {name}"))
            entries.append(pydantic_core.to_json(name) + b":" + payload)
        return b"{" + b",".join(entries) + b"}"

    def encode_named(self, values: Mapping[str, Any], what: str) -> list[Any]:
        """The payloads of arguments by name: one object of them, or where bytes are among them, by position.
        WorkflowsException as `encode`."""
        given, _rest, _extra = self._arrange((), values)
        written = {
            p.name: self._encode(p, given[p.name], number, p.name) for number, p in enumerate(self.parameters, 1) if p.name in given
        }
        if any(payload is not None and payload.__class__ is not bytes for payload in written.values()):
            return self.encode([], values, what)
        payloads = [self._object(written)]
        converter.check_size(payloads, what)
        return payloads

    def encode_message(self, args: Sequence[Any], what: str) -> list[Any]:
        """The payloads of a message, which its receiver may also read as one object of arguments: by name where it would."""
        payloads = self.encode(args, {}, what)
        if len(payloads) != 1 or not self._plain or len(self.parameters) == 0:
            return payloads
        expected = self.bind(args, {})[0]
        try:
            found = self.decode_arguments(payloads)[0]
        except WorkflowsException:
            found = []
        if len(found) == len(expected) and all(is_same(one, other, True) for one, other in zip(expected, found)):
            return payloads
        return self.encode_named({p.name: value for p, value in zip(self._by_position, args)}, what)

    def _refuse(self, why: str) -> WorkflowsException:
        return WorkflowsException(f"{self.name}: wrong arguments ({why})", code=ErrorCode.INVALID_ARGUMENTS)

    # From payloads to a call.

    def decode(self, payloads: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments from payloads. WorkflowsException where they do not fit."""
        keywords: dict[str, Any] = {}
        payloads = list(payloads)
        if self.extra is not None and len(payloads) > len(self.parameters):
            found = self._decode(payloads.pop(), self.extra, self.extra.name, dict)
            keywords = {name: self._revive(self.extra, name, value) for name, value in found.items()}
        if len(payloads) > len(self.parameters) and self.rest is None:
            # A call without arguments may send one empty value.
            if not self.parameters and payloads == [None]:
                return [], keywords
            raise self._refuse(f"takes {len(self.parameters)}, got {len(payloads)}")
        values = [self._decode(payload, p, p.name) for payload, p in zip(payloads, self.parameters)]
        for parameter in self.parameters[len(payloads) :]:
            if parameter.default is _EMPTY:
                raise self._refuse(f"{parameter.name} is missing")
            values.append(parameter.default)
        if self.rest is not None:
            more = payloads[len(self.parameters) :]
            values += [self._decode(payload, self.rest, f"{self.rest.name}[{at}]") for at, payload in enumerate(more)]
        return values, keywords

    def _decode(self, payload: Any, parameter: inspect.Parameter, place: str, annotation: Any = None) -> Any:
        try:
            return converter.decode(payload, self.annotation(parameter) if annotation is None else annotation)
        except ValueError as error:
            raise self._refuse(f"{place}: {converter.describe(error)}") from None

    def _revive(self, parameter: inspect.Parameter, place: str, value: Any) -> Any:
        return self._decode(pydantic_core.to_json(value), parameter, place)

    def decode_arguments(self, payloads: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments from one object with the parameters' names, else by position. WorkflowsException where they do not fit."""
        payloads = list(payloads)
        if len(payloads) == 1 and payloads[0].__class__ is bytes and not self.is_model:
            named = self._named(payloads[0])
            if named is not None:
                return named
        if len(payloads) == 1 and payloads[0] in (None, b"null", b"{}") and self._all_optional:
            payloads = []
        return self.decode(payloads)

    @property
    def is_model(self) -> bool:
        """Whether one parameter takes the whole object."""
        if len(self.parameters) != 1 or not self._plain:
            return False
        annotation = self.annotation(self.parameters[0])
        return inspect.isclass(annotation) and issubclass(annotation, pydantic.BaseModel)

    @property
    def _all_optional(self) -> bool:
        return all(parameter.default is not _EMPTY for parameter in self.parameters)

    def names(self) -> tuple[set[str], set[str]]:
        """Those of its parameters, and of those among them that must be given."""
        return {p.name for p in self.parameters}, {p.name for p in self.parameters if p.default is _EMPTY}

    def _named(self, payload: bytes) -> tuple[list[Any], dict[str, Any]] | None:
        """The arguments in an object; `None` for what is meant by position."""
        if not payload.lstrip().startswith(b"{"):
            return None
        try:
            found = pydantic_core.from_json(payload)
        except ValueError as error:
            raise self._refuse(f"the input is no JSON: {error}") from None
        names, required = self.names()
        if not found or not (set(found) <= names or self.extra is not None) or not required <= set(found):
            return None
        values = []
        for parameter in self.parameters:
            if parameter.name not in found:
                values.append(parameter.default)
                continue
            try:
                values.append(self._revive(parameter, parameter.name, found.pop(parameter.name)))
            except WorkflowsException:
                if len(names) == 1:
                    return None
                raise
        if self.extra is None:
            return values, {}
        return values, {name: self._revive(self.extra, name, value) for name, value in found.items()}

    # The call.

    def call(self, args: Sequence[Any], kwargs: Mapping[str, Any], dependencies: Mapping[str, Any], *before: Any) -> Any:
        """Calls the function as its parameters want it: keyword-only ones by name; `before` them, its object."""
        if self._positional and not dependencies:
            return self.function(*before, *args, **kwargs)
        return self.call_other(self.function, args, kwargs, dependencies, *before)

    def call_other(
        self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], dependencies: Mapping[str, Any], *before: Any
    ) -> Any:
        """As `call`, of a function with the same parameters."""
        positional, named = self.written(args, kwargs, by_name=bool(dependencies) and self.rest is None)
        return function(*before, *positional, **named, **dependencies)

    def written(self, args: Sequence[Any], kwargs: Mapping[str, Any], *, by_name: bool = False) -> tuple[list[Any], dict[str, Any]]:
        """Arguments as a call is written: by position, and by name what is keyword-only; with `by_name`, all that can be."""
        positional: list[Any] = []
        named = dict(kwargs)
        for parameter, value in zip(self.parameters, args):
            if parameter.kind is parameter.KEYWORD_ONLY or (by_name and parameter.kind is not parameter.POSITIONAL_ONLY):
                named[parameter.name] = value
            else:
                positional.append(value)
        positional.extend(args[len(self.parameters) :])
        return positional, named

    def encode_result(self, value: Any, what: str) -> Any:
        """The payload of a result. WorkflowsException where it would not arrive as its annotation says, or is too large."""
        return converter.encode_one(value, what, self.returns)

    def check_result(self, value: Any) -> None:
        """WorkflowsException where `value` is not what the annotation of the result says."""
        if inspect.iscoroutine(value):
            raise WorkflowsException(f"{self.name} returned a call: {not_awaited(value)}", code=ErrorCode.INVALID_RETURN)
        if not converter.fits(value, self.returns):
            try:
                converter.adapter(self.returns).validator.validate_python(value, strict=True)
            except ValueError as error:
                raise self.wrong_result(error) from None

    def wrong_result(self, error: Exception) -> WorkflowsException:
        """A result is not what its annotation says."""
        return WorkflowsException(
            f"{self.name} returned what its annotation does not allow ({converter.describe(error)})", code=ErrorCode.INVALID_RETURN
        )


class Named(Signature):
    """Of what is known by its name only: takes what it is given, by position."""

    def __init__(self, name: str, returns: Any = Any) -> None:
        super().__init__(_anything)
        self.name = name
        self._hints = {"return": returns}

    def encode(self, args: Sequence[Any], kwargs: Mapping[str, Any], what: str) -> list[Any]:
        """The payloads of positional arguments. WorkflowsException for what would not arrive equal, or is too large."""
        if kwargs:
            raise self._refuse(f"it is known by its name only, so give {', '.join(kwargs)} by position")
        return converter.encode_all(args, what)


def _anything(*args: Any) -> Any: ...


def check_definition(function: Callable[..., Any]) -> str | None:
    """Why its parameters cannot be those of an activity; `None` where they can."""
    parameters = inspect.signature(function).parameters.values()
    rest = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)
    for parameter in parameters:
        if not isinstance(parameter.default, Depends):
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            return f"{parameter.name}=Depends(...) is positional-only: dependencies are given by name"
        if rest and parameter.kind is not parameter.KEYWORD_ONLY:
            return f"{parameter.name}=Depends(...) comes before *args, which would take its place: put it after them"
    return None
