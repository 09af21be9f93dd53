"""What goes wrong, by name.

Every error that a workflow can catch is a `Failure`; `__cause__` holds what was behind it, as far down as it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from .duration import Duration, optional


class ErrorCode(str, Enum):
    """Why the framework refuses something."""

    INVALID_ARGUMENTS = "invalid_arguments_error"
    INVALID_RETURN = "invalid_return_error"
    ACTIVITY_DEFINITION = "activity_definition_error"
    ACTIVITY_NOT_MODULE_LEVEL = "activity_not_module_level"
    WORKFLOW_DEFINITION = "workflow_definition_error"
    STICKY_WORKER_SESSION_MISSING = "sticky_worker_session_missing"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    NON_DETERMINISTIC = "non_deterministic"
    CONFIGURATION = "configuration_error"


class Failure(Exception):
    """Base of everything that an execution, an activity or a child workflow can fail with."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        #: Stack of the program that failed, where that is not this one.
        self.stack_trace = ""

    @property
    def cause(self) -> BaseException | None:
        """What was behind it: `__cause__`."""
        return self.__cause__


class WorkflowError(Failure):
    """A failure of the program itself: raise it from workflows and activities, with a `type` to tell it by.

    `non_retryable`: no attempt follows. `next_retry_delay`: before the next attempt, in place of the back-off.
    `details`: JSON values that go with it.
    """

    def __init__(
        self,
        message: str,
        *details: Any,
        type: str | None = None,
        non_retryable: bool = False,
        next_retry_delay: Duration | None = None,
    ) -> None:
        super().__init__(message)
        self.type = type
        self.details: Sequence[Any] = details
        self.non_retryable = non_retryable
        self.next_retry_delay: float | None = optional(next_retry_delay, "next_retry_delay")


class WorkflowsException(WorkflowError):
    """The framework refuses a call; `code` says why. Not retried: the program must change."""

    def __init__(self, message: str, *, code: ErrorCode) -> None:
        super().__init__(message, type=code.value, non_retryable=True)
        self.code = code


class DeterminismError(WorkflowsException):
    """Workflow code called what gives another answer when it is replayed."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=ErrorCode.NON_DETERMINISTIC)


class NotInTemporalContextError(WorkflowsException):
    """A call that needs a workflow or an activity around it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=ErrorCode.CONFIGURATION)


class ActivityError(Failure):
    """An activity failed for good, regular or local: `cause` is what its last attempt failed with."""

    def __init__(
        self,
        message: str,
        *,
        activity_type: str = "",
        activity_id: str = "",
        identity: str = "",
        scheduled_event_id: int = 0,
        started_event_id: int = 0,
        retry_state: int = 0,
    ) -> None:
        super().__init__(message)
        self.activity_type = activity_type
        self.activity_id = activity_id
        self.identity = identity
        self.scheduled_event_id = scheduled_event_id
        self.started_event_id = started_event_id
        self.retry_state = retry_state


class ChildWorkflowError(Failure):
    """A child workflow did not complete; `cause` says why."""

    def __init__(
        self,
        message: str,
        *,
        workflow_type: str = "",
        workflow_id: str = "",
        run_id: str = "",
        namespace: str = "",
        initiated_event_id: int = 0,
        started_event_id: int = 0,
        retry_state: int = 0,
    ) -> None:
        super().__init__(message)
        self.workflow_type = workflow_type
        self.workflow_id = workflow_id
        self.run_id = run_id
        self.namespace = namespace
        self.initiated_event_id = initiated_event_id
        self.started_event_id = started_event_id
        self.retry_state = retry_state


class TimeoutType(int, Enum):
    """Which time-out passed."""

    START_TO_CLOSE = 1
    SCHEDULE_TO_START = 2
    SCHEDULE_TO_CLOSE = 3
    HEARTBEAT = 4


class TimeoutFailure(Failure):
    """A time-out passed: `type` says which, `last_heartbeat` the details that came last."""

    def __init__(self, message: str, *, type: TimeoutType | None, last_heartbeat: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.type = type
        self.last_heartbeat = last_heartbeat


class CanceledFailure(Failure):
    """It was cancelled."""


class TerminatedFailure(Failure):
    """It was terminated."""


class ServerFailure(Failure):
    """The engine failed it."""

    def __init__(self, message: str, *, non_retryable: bool = False) -> None:
        super().__init__(message)
        self.non_retryable = non_retryable


class WorkflowFailedError(Exception):
    """An execution did not complete; `cause` says why. What a client's `result()` raises."""

    def __init__(self, message: str) -> None:
        super().__init__(message)

    @property
    def cause(self) -> BaseException | None:
        """What was behind it: `__cause__`."""
        return self.__cause__


class RpcError(Exception):
    """The engine refuses a request: `status` is the gRPC status code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class AlreadyStartedError(RpcError):
    """An execution with this id runs already: take its handle, or another id."""


class NotFoundError(RpcError):
    """There is no such execution, schedule or namespace."""
