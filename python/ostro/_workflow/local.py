"""`run_activities_locally`: activities in the workflow's own worker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from .._base.context import run_locally


@contextlib.contextmanager
def run_activities_locally() -> Iterator[None]:
    """Activities awaited in this scope run in the worker that runs the workflow: no queue, one marker in the history.

    Time-outs, retries and dependencies work as ever; `rate_limit`, `heartbeat_timeout` and `sticky_to_worker` do not apply.
    """
    token = run_locally.set(True)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # closed from another context when the execution is evicted
            run_locally.reset(token)
