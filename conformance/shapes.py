"""The shape of JSON: names of keys and kinds of values, wherever they stand."""

from __future__ import annotations

import json
from typing import Any

#: Keys under which users' own names stand: what is below has no shape of its own.
BY_NAME = {
    "indexedFields", "fields", "metadata", "data", "requestIdInfos", "customAttributes", "systemAttributes", "keys",
    "versionsInfo", "typesInfo",
}  # fmt: skip
#: What one server says and the other need not.
NOT_COMPARED = {"header", "autoResetPoints", "stateSizeBytes", "workerVersion", "sdkMetadata", "historySizeBytes"}


def parsed(text: str) -> Any:
    """The JSON that is printed: one value, or one after the other."""
    decoder, values, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except ValueError:
            return None
        values.append(value)
        rest = rest[end:].lstrip()
    return values[0] if len(values) == 1 else values


def shape(value: Any, path: str = "") -> set[str]:
    """Every path of keys, with the kind of what stands there. What is empty is as if it were not there."""
    match value:
        case dict():
            found: set[str] = set()
            for key, item in value.items():
                if key not in NOT_COMPARED:
                    found |= {f"{path}.{key}"} if key in BY_NAME and item else shape(item, f"{path}.{key}")
            return found
        case list():
            return set().union(*(shape(item, f"{path}[]") for item in value))
        case None | "":
            return set()
        case _:
            return {f"{path}: {type(value).__name__}"}


def between(reference: Any, other: Any) -> list[str]:
    """What one has and the other has not."""
    ours, theirs = shape(reference), shape(other)
    return [f"missing {path}" for path in sorted(ours - theirs)] + [f"only there {path}" for path in sorted(theirs - ours)]
