"""How a run ends other than by its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Evicted(BaseException):
    """The execution leaves memory: its code must do nothing more here."""


class ContinueAsNew(BaseException):
    """Ends the run, to go on with a new history."""

    def __init__(self, args: Sequence[Any], memo: Mapping[str, Any]) -> None:
        super().__init__("continue as new")
        self.input = args
        #: Payloads.
        self.memo = memo
