"""The package's log lines. Handlers and filters are the program's own, and may raise: a line is never worth an answer."""

from __future__ import annotations

import contextlib
import logging
from typing import Any


class Log(logging.LoggerAdapter):  # type: ignore[type-arg]
    """A logger whose calls never raise."""

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        # `stacklevel`: the line is its caller's.
        kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
        with contextlib.suppress(Exception):
            super().log(level, msg, *args, **kwargs)


def log(name: str) -> Log:
    """The logger of that name."""
    return Log(logging.getLogger(name), {})
