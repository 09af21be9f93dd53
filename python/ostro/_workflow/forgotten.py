"""Calls in workflow code that are not awaited: what they were to do does not happen, so they are named with their line."""

from __future__ import annotations

import warnings
from typing import Any

from .._base.context import workflow_instance
from .._base.log import log

_log = log("ostro.workflow")


def install() -> None:
    """Python tells of a coroutine that nobody awaited when it goes: in workflow code that is an error with the line of the call."""
    module: Any = warnings
    original = module._warn_unawaited_coroutine

    def tell(coroutine: Any) -> None:
        instance = workflow_instance()
        if instance is None or instance.evicted:
            original(coroutine)
            return
        if instance.replaying:
            return
        origin = coroutine.cr_origin or [("?", 0, "?")]
        _log.error(
            'workflow "%s" (%s, run %s): %s() at %s:%s is not awaited, so it does not run: write `await` before it',
            instance.workflow_type,
            instance.workflow_id,
            instance.run_id,
            coroutine.__qualname__,
            origin[0][0],
            origin[0][1],
        )

    module._warn_unawaited_coroutine = tell
