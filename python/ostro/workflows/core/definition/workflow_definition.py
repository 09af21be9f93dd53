"""What a workflow class is. Under the original's module name."""

from ... import get_workflow_definition

__all__ = ["get_workflow_definition"]
