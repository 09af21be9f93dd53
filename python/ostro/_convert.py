"""Values to payloads and back, by annotation.

JSON through pydantic's compiled core: JSON values, dataclasses, pydantic models, enums, dates, optionals and unions. `bytes` go as
they are. A payload is `bytes` (JSON), `None`, or a `Payload` with an encoding of its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import pydantic
import pydantic_core
from pydantic import TypeAdapter

from ._core import Payload
from ._errors import ErrorCode, WorkflowsException

#: Largest sum of the values of one call or one result, in bytes: what an engine takes.
PAYLOAD_BYTES_MAX = 2 * 1024 * 1024

_ANY = inspect.Parameter.empty
_BINARY = {"encoding": b"binary/plain"}


@lru_cache(maxsize=4096)
def _adapter_cached(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def adapter(annotation: Any) -> TypeAdapter[Any]:
    """The validator of an annotation. WorkflowsException for a type that JSON cannot carry."""
    try:
        try:
            return _adapter_cached(annotation)
        except TypeError:
            return TypeAdapter(annotation)
    except pydantic.errors.PydanticSchemaGenerationError as error:
        raise WorkflowsException(
            f"{_name(annotation)} cannot be an input or a result: use JSON types, dataclasses, pydantic models, enums or "
            f"dates ({_first_line(error)})",
            code=ErrorCode.INVALID_ARGUMENTS,
        ) from None


def encode(value: Any) -> Any:
    """The payload of `value`. TypeError, saying what to do, for what JSON cannot carry."""
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray)):
        return Payload(_BINARY, bytes(value))
    if isinstance(value, Payload):
        return value
    try:
        return pydantic_core.to_json(value)
    except pydantic_core.PydanticSerializationError as error:
        raise TypeError(
            f"a {_name(type(value))} cannot be stored as JSON ({_first_line(error)}): use JSON types, dataclasses or pydantic models"
        ) from None


def encode_all(values: Sequence[Any], what: str) -> list[Any]:
    """The payloads of `values`; `what` names them where they are too large."""
    payloads = [encode(value) for value in values]
    check_size(payloads, what)
    return payloads


def encode_one(value: Any, what: str) -> Any:
    """As `encode_all` for one."""
    payload = encode(value)
    if payload.__class__ is bytes and len(payload) > PAYLOAD_BYTES_MAX:
        check_size((payload,), what)
    return payload


def check_size(payloads: Sequence[Any], what: str) -> None:
    """WorkflowsException for more bytes than an engine takes."""
    size = sum(_size(payload) for payload in payloads)
    if size > PAYLOAD_BYTES_MAX:
        raise WorkflowsException(
            f"{what} is {_megabytes(size)} as JSON ({size} bytes); the limit is {_megabytes(PAYLOAD_BYTES_MAX)} "
            f"({PAYLOAD_BYTES_MAX} bytes). Store the data outside, and pass where it is",
            code=ErrorCode.PAYLOAD_TOO_LARGE,
        )


def decode(payload: Any, annotation: Any = _ANY) -> Any:
    """The value of a payload, validated by its annotation. ValueError where it does not fit."""
    if payload.__class__ is bytes:
        if annotation is _ANY or annotation is Any:
            return pydantic_core.from_json(payload)
        return adapter(annotation).validator.validate_json(payload)
    if payload is None:
        if annotation is _ANY or annotation is Any or annotation is None:
            return None
        return adapter(annotation).validator.validate_python(None)
    return _decode_encoded(payload, annotation)


def _decode_encoded(payload: Payload, annotation: Any) -> Any:
    encoding = payload.metadata.get("encoding", b"")
    if encoding == b"binary/plain":
        return payload.data
    if encoding.startswith(b"json/"):
        return decode(payload.data or None, annotation)
    if encoding == b"binary/null":
        return decode(None, annotation)
    raise ValueError(f"a value in the encoding {encoding.decode()!r} cannot be read here: send JSON")


def fits(value: Any, annotation: Any) -> bool:
    """Whether `value` is of the annotated type as it stands, without conversion."""
    if annotation is _ANY or annotation is Any:
        return True
    if annotation is None:
        return value is None
    return adapter(annotation).validator.isinstance_python(value, strict=True)


def convert(value: Any, annotation: Any) -> Any:
    """`value` as its annotation wants it; ValueError where that cannot be."""
    if annotation is _ANY or annotation is Any:
        return value
    return adapter(annotation).validator.validate_python(value)


def describe(error: Exception) -> str:
    """What is wrong, in a line, from a validation error."""
    if isinstance(error, pydantic.ValidationError):
        return "; ".join(_describe_one(found) for found in error.errors(include_url=False)[:3])
    return _first_line(error)


def _describe_one(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    text = f"{error['msg']}, got {_short(error['input'])}"
    return f"{place}: {text}" if place else text


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _size(payload: Any) -> int:
    if payload is None:
        return 0
    return len(payload) if payload.__class__ is bytes else len(payload.data)


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB"


def _name(annotation: Any) -> str:
    return getattr(annotation, "__qualname__", None) or repr(annotation)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]


Encoder = Callable[[Any], Any]
