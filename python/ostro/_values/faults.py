"""Where, and why, a value cannot be sent."""

from __future__ import annotations

import collections
import dataclasses
import enum
import inspect
import io
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pydantic
import pydantic_core

from .._base.error_text import plain
from .same import is_same

#: Digits of the largest integer that is read.
_DIGITS_MAX = 4300
NO_TEXT = (
    "bytes that are not UTF-8 text cannot be sent within another value: make them a parameter or a result of their own, or send "
    "base64 text"
)
_SECRETS: tuple[type, ...] = (pydantic.SecretStr, pydantic.SecretBytes, pydantic.Secret)
_SEQUENCES = (list, tuple, set, frozenset, collections.deque)
#: Objects of the process that runs.
_OF_THE_PROCESS = "it belongs to this process, and cannot be sent to another"


class Fault(NamedTuple):
    """A place within the value, such as `.lines[3].price`, and what is wrong there."""

    place: str
    reason: str


def unsendable(value: Any) -> Fault | None:
    """The first part of `value` that no annotation could help."""
    return _search(value, "", set())


def _search(value: Any, place: str, around: set[int]) -> Fault | None:
    reason = _reason(value)
    if reason is not None:
        return Fault(place, reason)
    parts = _parts(value)
    if parts is None:
        return None
    if id(value) in around:
        return Fault(place, "it contains itself")
    around.add(id(value))
    try:
        for step, part in parts:
            found = _search(part, place + step, around)
            if found is not None:
                return found
    except RecursionError:
        return Fault(place, "it is nested too deep")
    finally:
        around.discard(id(value))
    return None


def _reason(value: Any) -> str | None:
    """Why `value` itself cannot be sent, whatever is in it."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, enum.Enum):
        return _reason(value.value)
    if isinstance(value, int):
        digits = int(value.bit_length() * 0.30103)
        return f"an integer of {digits} digits cannot be read again" if digits > _DIGITS_MAX else None
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{_number(value)} cannot be sent as JSON: send None, a text, or another number"
    if isinstance(value, str):
        return _reason_of_text(value)
    if isinstance(value, (bytes, bytearray)):
        return _reason_of_bytes(value)
    if isinstance(value, _SECRETS):
        return (
            f"a {type(value).__name__} is written as asterisks, so its value would be lost. Histories are not the place for "
            f"secrets: send where it is kept, or its get_secret_value() if everybody who sees the history may know it"
        )
    return _reason_of_object(value)


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _reason_of_text(value: str) -> str | None:
    try:
        str.encode(value)
    except UnicodeEncodeError as error:
        return f"half a character (a lone surrogate) at {error.start} in {plain(ascii(value), 60)} cannot be sent as UTF-8"
    return None


def _reason_of_bytes(value: bytes | bytearray) -> str | None:
    try:
        value.decode()
    except UnicodeDecodeError:
        return NO_TEXT
    return None


def not_awaited(coroutine: Any) -> str:
    """What is wrong with a call in the place of its result; the call is given up."""
    coroutine.close()
    return f"{coroutine.__qualname__}() is not awaited, so it did not run: write `await` before it"


def _reason_of_object(value: Any) -> str | None:
    if inspect.iscoroutine(value):
        return not_awaited(value)
    if inspect.isawaitable(value):
        return f"{_a(value)} has not been awaited: write `await`"
    if isinstance(value, (type, io.IOBase)) or inspect.isroutine(value) or inspect.ismodule(value):
        return f"{_a(value)} cannot be sent: {_OF_THE_PROCESS}"
    if isinstance(value, BaseException):
        return f"{_a(value)} cannot be sent as a value: raise it, or send what it says"
    if isinstance(value, (Iterator, collections.abc.AsyncIterator)):
        return f"{_a(value)} can be read only once: send a list"
    if isinstance(value, range):
        return "a range cannot be sent as JSON: send a list"
    if value is Ellipsis or value is NotImplemented:
        return f"{value!r} cannot be sent as JSON"
    if _parts(value) is not None:
        return None
    try:
        pydantic_core.to_json(value)
    except Exception:
        return f"{_a(value)} cannot be sent as JSON: use JSON types, dataclasses, pydantic models, enums or dates"
    return None


def _parts(value: Any) -> Iterator[tuple[str, Any]] | None:
    """The parts of a value, each with the step that leads to it; `None` for one without parts."""
    if isinstance(value, pydantic.RootModel):
        return iter((("", value.root),))
    if isinstance(value, pydantic.BaseModel):
        extra = value.__pydantic_extra__ or {}
        fields = [name for name in type(value).model_fields if name in vars(value)]
        return ((f".{name}", part) for name, part in [*((name, vars(value)[name]) for name in fields), *extra.items()])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return ((f".{name}", getattr(value, name)) for name in names if hasattr(value, name))
    if isinstance(value, Mapping):
        return _entries(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return ((f".{name}", part) for name, part in zip(value._fields, value))
    if isinstance(value, _SEQUENCES):
        return ((f"[{number}]", part) for number, part in enumerate(value))
    return None


def _entries(value: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for key, part in value.items():
        if isinstance(key, (str, float, bytes)):
            yield f" (the key {plain(ascii(key), 60)})", key
        yield f"[{plain(ascii(key), 60)}]", part


def difference(sent: Any, arrived: Any, *, annotated: bool) -> Fault:
    """The deepest first part that arrives as something else."""
    place = ""
    while True:
        mine, other = list(_parts(sent) or ()), list(_parts(arrived) or ())
        if type(sent) is not type(arrived) or [step for step, _ in mine] != [step for step, _ in other]:
            break
        differing = next((pair for pair in zip(mine, other) if not is_same(pair[0][1], pair[1][1])), None)
        if differing is None:
            break
        (step, sent), (_, arrived) = differing
        place += step
    return Fault(place, _change(sent, arrived, annotated))


def _change(sent: Any, arrived: Any, annotated: bool) -> str:
    if type(sent) is type(arrived):
        private = _private(sent, arrived)
        if private:
            return f"its private attribute {private} would not arrive: make it a field, or leave it as it is made"
        return f"{short(sent)} would arrive as {short(arrived)}"
    way_out = "annotate what is sent" if annotated else "annotate its type"
    return f"{_a(sent)} would arrive as {_a(arrived)} ({short(arrived)}): {way_out}"


def _private(sent: Any, arrived: Any) -> str | None:
    if not isinstance(sent, pydantic.BaseModel):
        return None
    mine, other = sent.__pydantic_private__ or {}, arrived.__pydantic_private__ or {}
    return next((name for name in mine if name not in other or not is_same(mine[name], other[name])), None)


def _a(value: Any) -> str:
    name = type(value).__qualname__
    if isinstance(value, type):
        name = f"class ({value.__qualname__})"
    elif inspect.isroutine(value):
        name = f"function ({getattr(value, '__name__', '?')})"
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def short(value: Any) -> str:
    """What it is, in at most 60 characters."""
    try:
        text = repr(value)
    except Exception as error:
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    return plain(text if len(text) <= 60 else f"{text[:57]}...")
