"""Annotations as pydantic can read them from JSON.

`typing.TypedDict` before Python 3.12 does not keep what pydantic needs of it, so one of `typing_extensions` takes its place. An
`Iterable` is read as a list: an iterator could be read only once.
"""

from __future__ import annotations

import collections.abc
import functools
import operator
import sys
import types
import typing
from typing import Annotated, Any, Literal, Union

import pydantic
import typing_extensions
from pydantic_core import core_schema

_ITERABLES = (collections.abc.Iterable, collections.abc.Collection)
_LOOSE = (*_ITERABLES, collections.abc.Sequence, collections.abc.MutableSequence)
_ONCE = (
    collections.abc.Iterator,
    collections.abc.Generator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncIterator,
    collections.abc.AsyncGenerator,
)
_OLD_TYPED_DICT = sys.version_info < (3, 12)

_BYTEARRAY = Annotated[bytearray, pydantic.GetPydanticSchema(lambda _type, _handler: _bytearray_schema())]


def _bytearray_schema() -> Any:
    made = core_schema.no_info_after_validator_function(bytearray, core_schema.bytes_schema())
    return core_schema.json_or_python_schema(made, core_schema.union_schema([core_schema.is_instance_schema(bytearray), made]))


def readable(annotation: Any) -> Any:
    """`annotation`, with what pydantic cannot read replaced. TypeError for what can be read only once."""
    origin: Any = typing.get_origin(annotation) or annotation
    if origin in _ONCE:
        raise TypeError("an iterator is read only once: use a list")
    if annotation is bytearray:
        return _BYTEARRAY
    if _is_old_typed_dict(annotation):
        return _typed_dict(annotation)
    if origin in _ITERABLES:
        arguments = typing.get_args(annotation) or (Any,)
        return list[readable(arguments[0])]  # type: ignore[misc]
    return _rebuilt(annotation, origin)


def _rebuilt(annotation: Any, origin: Any) -> Any:
    before = typing.get_args(annotation)
    if not before or origin is Literal or origin is collections.abc.Callable:
        return annotation
    if origin is Annotated:
        after = (readable(before[0]), *before[1:])
    else:
        after = tuple(one if isinstance(one, list) else readable(one) for one in before)
    if all(one is other for one, other in zip(before, after)):
        return annotation
    if origin is Annotated:
        return Annotated[after]
    if origin in (Union, types.UnionType):
        return functools.reduce(operator.or_, after) if all(_joins(one) for one in after) else Union[after]
    return origin[after if len(after) > 1 else after[0]]


def _joins(one: Any) -> bool:
    return isinstance(one, type) and one is not type(None)


def _is_old_typed_dict(annotation: Any) -> bool:
    return _OLD_TYPED_DICT and typing.is_typeddict(annotation) and type(annotation).__module__ == "typing"


_made: dict[Any, Any] = {}


def _typed_dict(old: Any) -> Any:
    found = _made.get(old)
    if found is not None:
        return found
    fields: dict[str, Any] = {}
    for name, hint in typing_extensions.get_type_hints(old, include_extras=True).items():
        origin: Any = typing.get_origin(hint)
        marked = origin in (typing_extensions.Required, typing_extensions.NotRequired)
        needed = origin is typing_extensions.Required if marked else name in old.__required_keys__
        inner = readable(typing.get_args(hint)[0] if marked else hint)
        fields[name] = inner if needed else typing_extensions.NotRequired[inner]
    make: Any = typing_extensions.TypedDict
    made = make(old.__name__, fields)
    made.__module__, made.__doc__ = old.__module__, old.__doc__
    if hasattr(old, "__pydantic_config__"):
        made.__pydantic_config__ = old.__pydantic_config__
    _made[old] = made
    return made


def is_loose(annotation: Any) -> bool:
    """Whether it names, somewhere, a kind of sequence rather than one type."""
    waiting = [annotation]
    while waiting:
        one: Any = waiting.pop()
        if (typing.get_origin(one) or one) in _LOOSE:
            return True
        if typing.get_origin(one) is not Literal:
            waiting.extend(part for part in typing.get_args(one) if not isinstance(part, (list, str)))
    return False
