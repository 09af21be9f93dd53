"""Values to payloads and back, by annotation: each arrives equal, or is refused at the call with the place of the fault.

JSON through pydantic's compiled core: JSON values, dataclasses, pydantic models, enums, dates, optionals and unions. `bytes` go as
they are. A payload is `bytes` (JSON), `None`, or a `Payload` with an encoding of its own.

What is sent is read again here, as the receiver will, and compared. `docs/reference/values.md` says what travels.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import pydantic
import pydantic_core
from pydantic import TypeAdapter

from .._base.config import config
from .._base.errors import ErrorCode, WorkflowsException
from .._core import Payload
from . import faults
from .annotation import is_loose, readable
from .same import is_opaque, is_same

#: Largest sum of the values of one call or one result, in bytes: what an engine takes.
PAYLOAD_BYTES_MAX = 2 * 1024 * 1024

#: Nothing is annotated: the value arrives as the JSON that it is.
_ANY = inspect.Parameter.empty
#: The receiver is known by name only, and so is what it expects.
UNKNOWN: Any = object()
#: In place of a payload: the value would not arrive equal.
LOST: Any = object()
_BINARY = {"encoding": b"binary/plain"}
_BYTES = (bytes, bytearray, memoryview)


class _Adapter:
    """The validator and the serializer of an annotation."""

    __slots__ = ("json_schema", "loose", "serializer", "validator")

    def __init__(self, annotation: Any) -> None:
        made = TypeAdapter(readable(annotation))
        self.validator = made.validator
        self.serializer = made.serializer
        self.json_schema = made.json_schema
        #: It names a kind of sequence, not one type: a list stands for a tuple.
        self.loose = is_loose(annotation)


@lru_cache(maxsize=4096)
def _adapter_cached(annotation: Any) -> _Adapter:
    return _Adapter(annotation)


def adapter(annotation: Any) -> _Adapter:
    """The validator of an annotation. WorkflowsException for a type that JSON cannot carry."""
    try:
        try:
            hash(annotation)
        except TypeError:
            return _Adapter(annotation)
        return _adapter_cached(annotation)
    except Exception as error:
        raise WorkflowsException(
            f"{type_text(annotation)} cannot be an input or a result: use JSON types, dataclasses, pydantic models, enums or "
            f"dates ({_first_line(error)})",
            code=ErrorCode.INVALID_ARGUMENTS,
        ) from None


def _is_any(annotation: Any) -> bool:
    return annotation is _ANY or annotation is Any or annotation is object


def encode(value: Any, annotation: Any = UNKNOWN, what: str = "the value", code: ErrorCode = ErrorCode.INVALID_ARGUMENTS) -> Any:
    """The payload of `value` for a receiver that reads it as `annotation`.

    WorkflowsException, with `what` and the place within it, for a value that would not arrive equal.
    """
    payload = arriving(value, annotation)
    if payload is not LOST:
        return payload
    try:
        found = _explain(value, annotation)
    except WorkflowsException:
        raise
    except Exception as error:
        found = faults.Fault("", f"{type_text(type(value))} cannot be sent as JSON ({_first_line(error)})")
    raise WorkflowsException(f"{what}{found.place}: {found.reason}", code=code)


def arriving(value: Any, annotation: Any = UNKNOWN) -> Any:
    """The payload with which `value` arrives equal; `LOST` where there is none."""
    if isinstance(value, Payload):
        return value
    if _is_any(annotation) and not config.worker.exact_values:
        annotation = UNKNOWN
    free = annotation is UNKNOWN or _is_any(annotation)
    if value is None:
        return None if free or annotation is None or _arrives(None, None, annotation) else LOST
    if isinstance(value, _BYTES):
        payload = Payload(_BINARY, bytes(value))
        if free or _arrives(payload, value, annotation):
            return payload
    return _encode_unknown(value) if annotation is UNKNOWN else _encode_known(value, annotation)


def _encode_unknown(value: Any) -> Any:
    try:
        payload = pydantic_core.to_json(value, inf_nan_mode="null")
        if pydantic_core.from_json(payload) == value:
            return payload
    except ValueError:
        return LOST
    return payload if faults.unsendable(value) is None else LOST


def _encode_known(value: Any, annotation: Any) -> Any:
    cls = value.__class__
    if cls is annotation and (cls is bool or (cls is int and -(2**63) <= value < 2**63)):
        return pydantic_core.to_json(value)
    for write in _writers(annotation):
        payload = _written(write, value)
        if payload is not None and _is_json(payload) and _arrives(payload, value, annotation, write):
            return payload
    return LOST


def _written(write: Callable[[Any], bytes], value: Any) -> bytes | None:
    """`None` where it cannot be: another way may do, and `_explain` says why not."""
    try:
        return write(value)
    except Exception:
        return None


def _writers(annotation: Any) -> Iterator[Callable[[Any], bytes]]:
    """Ways to write a value, the usual one first: some models are read by other names than they are written by."""
    yield lambda value: pydantic_core.to_json(value, inf_nan_mode="null")
    if _is_any(annotation):
        return
    write = adapter(annotation).serializer.to_json
    yield lambda value: write(value, by_alias=True, warnings="none")
    yield lambda value: pydantic_core.to_json(value, inf_nan_mode="null", by_alias=False)
    yield lambda value: write(value, by_alias=False, warnings="none")
    yield lambda value: write(value, by_alias=True, round_trip=True, warnings="none")
    yield lambda value: write(value, by_alias=False, round_trip=True, warnings="none")


def _is_json(payload: bytes) -> bool:
    """Whether other readers of JSON take it: a model may be told to write NaN, which they do not."""
    if b"NaN" not in payload and b"Infinity" not in payload:
        return True
    try:
        pydantic_core.from_json(payload, allow_inf_nan=False)
    except ValueError:
        return False
    return True


def _arrives(payload: Any, value: Any, annotation: Any, write: Callable[[Any], bytes] | None = None) -> bool:
    try:
        back = decode(payload, annotation)
    except ValueError:
        return False
    if is_same(value, back, not _is_any(annotation) and adapter(annotation).loose):
        return True
    # What cannot be compared is the same if it is written alike.
    return write is not None and type(back) is type(value) and is_opaque(value) and _written(write, back) == payload


def _explain(value: Any, annotation: Any) -> faults.Fault:
    """Why a value does not arrive equal, and where."""
    found = faults.unsendable(value)
    if found is not None:
        return found
    if annotation is UNKNOWN:
        return faults.Fault("", f"{type_text(type(value))} contains what JSON has no form for")
    try:
        back = decode(pydantic_core.to_json(value, inf_nan_mode="null"), annotation)
    except ValueError as error:
        return faults.Fault("", f"it would not be read as {type_text(annotation)} again ({describe(error)})")
    return faults.difference(value, back, annotated=not _is_any(annotation))


def text(value: Any, what: str) -> str:
    """`value`, a name that the protocol carries. WorkflowsException for what is no text, or is no UTF-8."""
    found = faults.unsendable(value)
    if not isinstance(value, str) or found is not None:
        why = found.reason if found is not None else f"{faults.short(value)} is no text"
        raise WorkflowsException(f"{what}: {why}", code=ErrorCode.INVALID_ARGUMENTS)
    return value


def encode_all(values: Sequence[Any], what: str) -> list[Any]:
    """The payloads of `values` for a receiver that is known by name; `what` names them where they cannot be sent."""
    payloads = [encode(value, UNKNOWN, f"{what}, argument {number}") for number, value in enumerate(values, 1)]
    check_size(payloads, what)
    return payloads


def encode_one(value: Any, what: str, annotation: Any = UNKNOWN, code: ErrorCode = ErrorCode.INVALID_RETURN) -> Any:
    """As `encode`; WorkflowsException also for what is too large."""
    payload = encode(value, annotation, what, code)
    if payload_bytes(payload) > PAYLOAD_BYTES_MAX:
        check_size((payload,), what)
    return payload


def check_size(payloads: Sequence[Any], what: str) -> None:
    """WorkflowsException for more bytes than an engine takes."""
    size = sum(payload_bytes(payload) for payload in payloads)
    if size > PAYLOAD_BYTES_MAX:
        raise WorkflowsException(
            f"{what} is {_megabytes(size)} as JSON ({size} bytes); the limit is {_megabytes(PAYLOAD_BYTES_MAX)} "
            f"({PAYLOAD_BYTES_MAX} bytes). Store the data outside, and pass where it is",
            code=ErrorCode.PAYLOAD_TOO_LARGE,
        )


def decode(payload: Any, annotation: Any = _ANY) -> Any:
    """The value of a payload, validated by its annotation. ValueError where it does not fit."""
    if payload.__class__ is bytes:
        if _is_any(annotation) or annotation is UNKNOWN:
            return pydantic_core.from_json(payload)
        return adapter(annotation).validator.validate_json(payload, by_alias=True, by_name=True)
    if payload is None:
        if _is_any(annotation) or annotation is UNKNOWN or annotation is None:
            return None
        return convert(None, annotation)
    return _decode_encoded(payload, annotation)


def _decode_encoded(payload: Payload, annotation: Any) -> Any:
    encoding = payload.metadata.get("encoding", b"")
    if encoding == b"binary/plain":
        return payload.data if annotation is UNKNOWN else convert(payload.data, annotation)
    if encoding.startswith(b"json/"):
        return decode(payload.data or None, annotation)
    if encoding == b"binary/null":
        return decode(None, annotation)
    raise ValueError(f"a value in the encoding {encoding!r} cannot be read here: send JSON")


def fits(value: Any, annotation: Any) -> bool:
    """Whether `value` is of the annotated type as it stands, without conversion."""
    if _is_any(annotation):
        return True
    if annotation is None:
        return value is None
    return adapter(annotation).validator.isinstance_python(value, strict=True)


def convert(value: Any, annotation: Any) -> Any:
    """`value` as its annotation wants it; ValueError where that cannot be."""
    if _is_any(annotation):
        return value
    return adapter(annotation).validator.validate_python(value, by_alias=True, by_name=True)


def plain(value: Any, annotation: Any = UNKNOWN, what: str = "the value") -> Any:
    """`value` as plain JSON values, which `revive` makes it of again. WorkflowsException for what would not arrive equal."""
    payload = encode(value, annotation, what)
    if payload.__class__ is bytes or payload is None:
        return decode(payload)
    try:
        return payload.data.decode()
    except UnicodeDecodeError:
        raise WorkflowsException(f"{what}: {faults.NO_TEXT}", code=ErrorCode.INVALID_ARGUMENTS) from None


def revive(value: Any, annotation: Any) -> Any:
    """What `plain` was made of. ValueError where it does not fit."""
    return decode(None if value is None else pydantic_core.to_json(value), annotation)


def describe(error: Exception) -> str:
    """What is wrong, in a line, from a validation error."""
    if isinstance(error, pydantic.ValidationError):
        return "; ".join(_describe_one(found) for found in error.errors(include_url=False)[:3])
    return _first_line(error)


def _describe_one(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    text = f"{error['msg']}, got {faults.short(error['input'])}"
    return f"{place}: {text}" if place else text


def payload_bytes(payload: Any) -> int:
    """The bytes of a payload's data."""
    if payload is None:
        return 0
    return len(payload) if payload.__class__ is bytes else len(payload.data)


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB"


def type_text(annotation: Any) -> str:
    """An annotation, as a program writes it."""
    if annotation is _ANY:
        return "Any"
    if inspect.isclass(annotation) and not getattr(annotation, "__args__", None):
        return annotation.__qualname__
    return repr(annotation)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
