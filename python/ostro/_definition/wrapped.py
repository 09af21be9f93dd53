"""Results of workflows as the original SDK sends them: what is no model stands in an object, as `{"result": 3}`."""

from __future__ import annotations

import inspect
from typing import Any

import pydantic
import pydantic_core

_BEFORE = b'{"result":'


def wrap(payload: Any, result: Any, annotation: Any) -> Any:
    """The payload to send in place of `payload`, which is of `result`. Nothing, models, and what nothing annotates go as they are."""
    if payload.__class__ is not bytes or isinstance(result, pydantic.BaseModel) or annotation is inspect.Parameter.empty:
        return payload
    return _BEFORE + payload + b"}"


def unwrap(payload: Any, annotation: Any) -> Any:
    """The payload within what `wrap` or the original made; `payload` itself where it is none."""
    if payload.__class__ is not bytes or _is_model(annotation) or not payload.lstrip(b"{ \n").startswith(b'"result"'):
        return payload
    found = pydantic_core.from_json(payload)
    return pydantic_core.to_json(found["result"]) if found.keys() == {"result"} else payload


def _is_model(annotation: Any) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, pydantic.BaseModel)
