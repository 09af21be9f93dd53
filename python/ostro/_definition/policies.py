"""What happens to an id that is used again, and to an execution that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .._base.duration import Duration, optional
from .schedule import span


class IdReusePolicy(str, Enum):
    """Whether an id may be used again once its execution has closed."""

    ALLOW_DUPLICATE = "ALLOW_DUPLICATE"
    #: Only where the last execution did not complete.
    ALLOW_DUPLICATE_FAILED_ONLY = "ALLOW_DUPLICATE_FAILED_ONLY"
    REJECT_DUPLICATE = "REJECT_DUPLICATE"


class IdConflictPolicy(str, Enum):
    """What a start does where an execution with its id runs."""

    FAIL = "FAIL"
    USE_EXISTING = "USE_EXISTING"
    TERMINATE_EXISTING = "TERMINATE_EXISTING"


@dataclass(frozen=True)
class RetryPolicy:
    """How an execution that failed is run again; durations are a `timedelta`, seconds, or text such as `"10m"`."""

    #: Before the second attempt.
    initial_interval: Duration = 1.0
    backoff_coefficient: float = 2.0
    maximum_interval: Duration | None = None
    #: 0 for no limit.
    maximum_attempts: int = 0
    non_retryable_error_types: Sequence[str] = field(default_factory=tuple)

    def to_json(self) -> dict[str, Any]:
        """Temporal's JSON."""
        found: dict[str, Any] = {
            "initialInterval": span(optional(self.initial_interval, "initial_interval") or 1.0),
            "backoffCoefficient": self.backoff_coefficient,
            "maximumAttempts": self.maximum_attempts,
            "nonRetryableErrorTypes": list(self.non_retryable_error_types),
        }
        if self.maximum_interval is not None:
            found["maximumInterval"] = span(optional(self.maximum_interval, "maximum_interval") or 0)
        return found

    def to_core(self) -> tuple[Any, ...]:
        """As the core takes it."""
        first = optional(self.initial_interval, "initial_interval")
        longest = optional(self.maximum_interval, "maximum_interval")
        return (self.maximum_attempts, self.backoff_coefficient, first, longest, list(self.non_retryable_error_types))
