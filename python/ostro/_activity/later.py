"""Activities that are completed from outside: by a person, a webhook, another program.

The activity hands out `activity.info().task_token` and ends with `activity.complete_later()`; whoever has the token, or the ids, completes
it with `client.activity(...)`. Its time-outs go on; so do its retries where it fails.
"""

from __future__ import annotations

from typing import NoReturn

from .._base.errors import ErrorCode, WorkflowsException
from .activity_context import require_info


class CompletesLater(BaseException):
    """Ends an attempt here; its outcome comes from outside."""


def complete_later() -> NoReturn:
    """Ends the activity here without an outcome: `client.activity(...)` gives it, within `start_to_close_timeout`. Does not return.

    NotInTemporalContextError where no worker runs it, WorkflowsException in a local activity.
    """
    found = require_info("activity.complete_later()")
    if found.is_local:
        raise WorkflowsException(
            f'activity "{found.activity_type}" runs locally: only a regular one can be completed later',
            code=ErrorCode.CONFIGURATION,
        )
    raise CompletesLater(found.activity_type)
