"""Tells where two traces differ: which answer, which event, which field."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

Seen = list[tuple[str, Any]]


def between(reference: Seen, other: Seen, texts: bool) -> list[str]:
    """One line for each difference; empty when there is none."""
    lines = []
    for index in range(max(len(reference), len(other))):
        if index >= len(reference) or index >= len(other):
            missing = "reference" if index >= len(reference) else "other"
            label = (other if index >= len(reference) else reference)[index][0]
            lines.append(f"{label}: not seen on the {missing}")
            continue
        (label, left), (other_label, right) = reference[index], other[index]
        if label != other_label:
            lines.append(f"{label} on the reference, {other_label}: {text(right)} on the other")
            break
        lines += [f"{label}: {line}" for line in of_values(left, right, texts)]
    return lines


def of_values(left: Any, right: Any, texts: bool) -> Iterator[str]:
    if is_history(left) and is_history(right):
        yield from of_histories(left, right)
        return
    if not texts and is_error(left) and is_error(right):
        left, right = without_text(left), without_text(right)
    yield from of_fields("", left, right)


def of_histories(left: list[Any], right: list[Any]) -> Iterator[str]:
    """Events are matched by their types; matched ones are compared field by field."""
    left_types, right_types = [kind_of(event) for event in left], [kind_of(event) for event in right]
    matcher = difflib.SequenceMatcher(None, left_types, right_types, autojunk=False)
    for operation, left_from, left_to, right_from, right_to in matcher.get_opcodes():
        if operation != "equal":
            yield f"events {left_from + 1}...: {left_types[left_from:left_to]} -> {right_types[right_from:right_to]}"
            continue
        for one, two in zip(left[left_from:left_to], right[right_from:right_to], strict=True):
            yield from of_fields("", one, two)


def of_fields(path: str, left: Any, right: Any) -> Iterator[str]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            yield from of_fields(f"{path}.{key}" if path else key, left.get(key), right.get(key))
    elif left != right:
        yield f"{path}{': ' if path else ''}{text(left)} -> {text(right)}"


def is_history(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) and len(item) == 1 for item in value)


def kind_of(event: dict[str, Any]) -> str:
    return next(iter(event))


def is_error(value: Any) -> bool:
    return isinstance(value, dict) and {"code", "details"} <= value.keys()


def without_text(error: dict[str, Any]) -> dict[str, Any]:
    return {"code": error["code"], "details": error["details"]}


def text(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, sort_keys=True)
