"""Exceptions, under the original's module name."""

from .._base.errors import ActivityError, ErrorCode, NotInTemporalContextError, WorkflowError, WorkflowsException

__all__ = ["ActivityError", "ErrorCode", "NotInTemporalContextError", "WorkflowError", "WorkflowsException"]
