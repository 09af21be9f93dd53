"""Child workflows. Under the original's module name."""

from ... import execute_workflow, get_execution_id

__all__ = ["execute_workflow", "get_execution_id"]
