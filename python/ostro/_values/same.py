"""Whether what arrives is what was sent."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping
from typing import Any

import pydantic
import pydantic_core

_SEQUENCES = (list, tuple, collections.deque)


def is_same(sent: Any, arrived: Any, loose: bool = False) -> bool:
    """Equal, or of one type with equal parts; with `loose`, a list also stands for a tuple."""
    try:
        if sent == arrived:
            return True
    except Exception:  # types may refuse to be compared
        pass
    try:
        return _parts_are_same(sent, arrived, loose)
    except (ValueError, RecursionError):
        return False


def _parts_are_same(sent: Any, arrived: Any, loose: bool) -> bool:
    if loose and isinstance(sent, _SEQUENCES) and isinstance(arrived, _SEQUENCES):
        return _all_same(sent, arrived, loose)
    if type(sent) is not type(arrived):
        return False
    if isinstance(sent, pydantic.BaseModel):
        return _models_are_same(sent, arrived, loose)
    if dataclasses.is_dataclass(sent):
        names = [field.name for field in dataclasses.fields(sent)]
        return all(is_same(getattr(sent, name), getattr(arrived, name), loose) for name in names)
    if isinstance(sent, Mapping):
        return sent.keys() == arrived.keys() and all(is_same(sent[key], arrived[key], loose) for key in sent)
    if isinstance(sent, _SEQUENCES):
        return _all_same(sent, arrived, loose)
    # What cannot be compared is the same if it is written alike.
    return is_opaque(sent) and pydantic_core.to_json(sent) == pydantic_core.to_json(arrived)


def _all_same(sent: Any, arrived: Any, loose: bool) -> bool:
    return len(sent) == len(arrived) and all(is_same(one, other, loose) for one, other in zip(sent, arrived))


def _models_are_same(sent: pydantic.BaseModel, arrived: pydantic.BaseModel, loose: bool) -> bool:
    for name in type(sent).model_fields:
        if not is_same(getattr(sent, name, None), getattr(arrived, name, None), loose):
            return False
    if not is_same(sent.__pydantic_extra__ or {}, arrived.__pydantic_extra__ or {}, loose):
        return False
    mine, other = sent.__pydantic_private__ or {}, arrived.__pydantic_private__ or {}
    return mine.keys() == other.keys() and all(_private_is_same(mine[key], other[key]) for key in mine)


def _private_is_same(mine: Any, other: Any) -> bool:
    """A lock, a cache, a client: each process has its own."""
    return is_same(mine, other) or (type(mine) is type(other) and not is_comparable(mine))


def is_opaque(value: Any) -> bool:
    """Whether neither its type nor its parts say what is equal."""
    return not is_comparable(value) and not dataclasses.is_dataclass(value) and not isinstance(value, pydantic.BaseModel)


def is_comparable(value: Any) -> bool:
    """Whether its type says what is equal; else only the object itself is."""
    compare: Any = type(value).__eq__
    return compare is not object.__eq__
