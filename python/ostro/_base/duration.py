"""Durations: a `timedelta`, seconds, or text such as `"10m"`."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Union

Duration = Union[timedelta, str, int, float]

#: The longest duration that the protocol carries: 10 000 years, in seconds.
SECONDS_MAX = 315_576_000_000.0

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*")


def seconds(duration: Duration, what: str = "duration") -> float:
    """The seconds of `duration`; `what` names it in the error. ValueError for what is none, is
    negative, or is longer than the protocol carries."""
    value = _seconds(duration)
    if value is None or math.isnan(value):
        raise ValueError(f'{what}={duration!r} is no duration: give a timedelta, seconds, or text such as "10m" or "1h30m"')
    if value < 0:
        raise ValueError(f"{what}={duration!r} is negative: give how long, not since when")
    if value > SECONDS_MAX:
        raise ValueError(f"{what}={duration!r} is longer than 10 000 years, which is the longest that the protocol carries")
    return value


def _seconds(duration: Duration) -> float | None:
    if isinstance(duration, timedelta):
        return duration.total_seconds()
    if isinstance(duration, (int, float)) and not isinstance(duration, bool):
        # An integer may be too large for a float.
        return (math.inf if duration > 0 else -math.inf) if abs(duration) > SECONDS_MAX else float(duration)
    if not isinstance(duration, str):
        return None
    text, at, total = duration.strip(), 0, 0.0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            return None
        total += float(part[1]) * _UNITS[part[2]]
        at = part.end()
    return total if text else None


def optional(duration: Duration | None, what: str) -> float | None:
    """As `seconds`, and `None` for `None`."""
    return None if duration is None else seconds(duration, what)
