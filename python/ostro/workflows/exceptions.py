"""Exceptions, under the original's module name."""

from .._errors import ActivityError, ErrorCode, NotInTemporalContextError, WorkflowError, WorkflowsException

__all__ = ["ActivityError", "ErrorCode", "NotInTemporalContextError", "WorkflowError", "WorkflowsException"]
