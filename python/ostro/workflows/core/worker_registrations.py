"""What a program has defined. Under the original's module name."""

from .. import get_registered_workflow_names, get_workflow_registration_ref

__all__ = ["get_registered_workflow_names", "get_workflow_registration_ref"]
